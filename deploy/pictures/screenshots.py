"""`make screenshots`: the pictures of docs/screenshots, taken of a fresh EuGPT and its real model.

Each scene is played in six windows: phone, tablet and desktop, light and dark. Those of the
workplace (`deploy.pictures.workplace_scenes`) need people and chats first, which are made for them.
"""

import argparse
import sys
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize

from deploy.chromium import chromium
from deploy.local import frontend
from deploy.local.errors import SetupError
from deploy.local.fresh import fresh_installation
from deploy.local.launcher import Stopped
from deploy.local.paths import ROOT
from deploy.pictures.scenes import SCENES as PAGE_SCENES
from deploy.pictures.scenes import TIMEOUT_MS
from deploy.pictures.workplace_people import people_come
from deploy.pictures.workplace_scenes import WORKPLACE_SCENES

SCENES = {**PAGE_SCENES, **WORKPLACE_SCENES}

FOLDER = ROOT / "docs" / "screenshots"
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 360, "height": 740},
    "tablet": {"width": 768, "height": 1024},
    "desktop": {"width": 1440, "height": 900},
}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MAX_BYTES = 300_000


def main() -> int:
    """Play the scenes that are named, or all, and write their pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.pictures.screenshots", description=__doc__
    )
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(SCENES))
    names = parser.parse_args().scenes or list(SCENES)
    if unknown := set(names) - set(SCENES):
        parser.error(f"unknown scene: {', '.join(sorted(unknown))}")
    try:
        frontend.build()
        with fresh_installation({}) as installation, chromium() as browser:
            if not WORKPLACE_SCENES.keys().isdisjoint(names):
                people_come(installation)
            for name in names:
                _play(browser, name, installation.url)
    except Stopped:
        return 1
    except SetupError as error:
        print(f"EuGPT: {error}", file=sys.stderr)
        return 1
    return 0


def _play(browser: Browser, name: str, url: str) -> None:
    for device, size in SIZES.items():
        context = browser.new_context(
            viewport=size, reduced_motion="reduce", has_touch=device != "desktop"
        )
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            if theme == THEMES[0]:
                SCENES[name](page, url)
            # The admin leaves it to the style sheet ("auto").
            shown = f"html[data-theme={theme}], html[data-theme=auto]"
            page.wait_for_selector(shown, state="attached")
            _take(page, f"{name}-{device}-{theme}")
        context.close()


def _take(page: Page, name: str) -> None:
    page.evaluate("() => document.fonts.ready")
    png = page.screenshot(caret="hide")
    if len(png) > MAX_BYTES:
        raise SetupError(f"{name}.png would have {len(png):,} bytes: {MAX_BYTES:,} at most.")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.png").write_bytes(png)
    print(f"docs/screenshots/{name}.png: {len(png):,} bytes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
