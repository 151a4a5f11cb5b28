"""`make screenshots`: the pictures of docs/screenshots, taken of a fresh EuGPT and its real model.

Each scene is played in six windows: phone, tablet and desktop, light and dark. A new scene is a
function in SCENES that leaves the page as it should be seen.
"""

import argparse
import sys
import uuid
from collections.abc import Callable
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect

from deploy.chromium import chromium
from deploy.local import frontend
from deploy.local.errors import SetupError
from deploy.local.fresh import fresh_installation
from deploy.local.launcher import Stopped
from deploy.local.paths import ROOT

FOLDER = ROOT / "docs" / "screenshots"
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 360, "height": 740},
    "tablet": {"width": 768, "height": 1024},
    "desktop": {"width": 1440, "height": 900},
}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MAX_BYTES = 300_000
TIMEOUT_MS = 60_000
QUESTIONS = ("hi! how are you today?", "what do you like to talk about?")


def welcome(page: Page, url: str) -> None:
    page.goto(url, wait_until="networkidle")


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login/", wait_until="networkidle")


def chat(page: Page, url: str) -> None:
    page.goto(f"{url}/register/")
    page.get_by_test_id("auth-username").fill(f"ana_{uuid.uuid4().hex[:6]}")
    page.get_by_test_id("auth-password").fill("correct horse battery")
    page.get_by_test_id("auth-submit").click()
    for number, question in enumerate(QUESTIONS):
        page.get_by_test_id("composer").fill(question)
        page.get_by_test_id("send").click()
        reply = page.get_by_test_id("message-assistant").nth(number)
        expect(reply).to_have_attribute("aria-busy", "false", timeout=TIMEOUT_MS)
    page.mouse.move(0, 0)


SCENES: dict[str, Callable[[Page, str], None]] = {
    "welcome": welcome,
    "sign-in": sign_in,
    "chat": chat,
}


def main() -> int:
    """Play the scenes that are named, or all, and write their pictures."""
    parser = argparse.ArgumentParser(prog="python -m deploy.screenshots", description=__doc__)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(SCENES))
    names = parser.parse_args().scenes or list(SCENES)
    if unknown := set(names) - set(SCENES):
        parser.error(f"unknown scene: {', '.join(sorted(unknown))}")
    try:
        frontend.build()
        with fresh_installation({}) as installation, chromium() as browser:
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
            page.wait_for_selector(f"html[data-theme={theme}]", state="attached")
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
