"""Draws the page's pictures from our SVGs with Chromium: icons, social card.

Run it after a change in frontend/drawings or src/app/icon.svg
(`python -m deploy.pictures.draw_pictures`); the pictures
are committed, so that a build needs no browser.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from deploy.chromium import chromium
from deploy.local.paths import FRONTEND, ROOT

ICON = FRONTEND / "src" / "app" / "icon.svg"
# Without round corners: phones cut their own shape out of it, so nothing matters near the edge.
FULL_ICON = FRONTEND / "drawings" / "icon-full.svg"
CARD = FRONTEND / "drawings" / "social-card.svg"
FAVICON_SIZES = (16, 32, 48)
MAX_BYTES = 150_000


@dataclass(frozen=True)
class Picture:
    """A PNG below frontend/: what it shows, and its size in pixels."""

    path: str
    drawing: Path
    width: int
    height: int


PICTURES = (
    Picture("src/app/apple-icon.png", FULL_ICON, 180, 180),
    Picture("public/icon-192.png", ICON, 192, 192),
    Picture("public/icon-512.png", ICON, 512, 512),
    Picture("public/icon-maskable-512.png", FULL_ICON, 512, 512),
    Picture("public/social-card.png", CARD, 1200, 630),
)


def main() -> None:
    """Draw all of them anew."""
    with chromium() as browser:
        page = browser.new_page()
        for picture in PICTURES:
            png = _draw(page, picture.drawing, picture.width, picture.height)
            _write(FRONTEND / picture.path, png)
        pngs = [_draw(page, ICON, size, size) for size in FAVICON_SIZES]
    _write(FRONTEND / "src" / "app" / "favicon.ico", _ico(pngs))


def _draw(page: Page, drawing: Path, width: int, height: int) -> bytes:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(drawing.as_uri())
    size = {"width": str(width), "height": str(height)}
    page.evaluate(
        "async (size) => { for (const name in size) document.documentElement.setAttribute(name,"
        " size[name]); await document.fonts?.ready; }",
        size,
    )
    return page.screenshot(omit_background=True)


def _ico(pngs: list[bytes]) -> bytes:
    """An icon file that holds these PNGs, as every browser since 2007 reads them."""
    start = 6 + 16 * len(pngs)
    entries = b""
    for size, png in zip(FAVICON_SIZES, pngs, strict=True):
        entries += struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(png), start)
        start += len(png)
    return struct.pack("<HHH", 0, 1, len(pngs)) + entries + b"".join(pngs)


def _write(path: Path, content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise SystemExit(f"{path} would have {len(content):,} bytes: {MAX_BYTES:,} at most")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    print(f"{path.relative_to(ROOT)}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
