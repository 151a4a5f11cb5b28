"""A real Chromium for the browser tests, or a loud skip where there is none."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from deploy.chromium import chromium, find_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; deploy/setup-chromium.sh installs it where it can.

    Not for the session: until it ends, Playwright keeps an event loop running in this thread,
    and no asynchronous test of another module could run.
    """
    if find_chromium() is None:
        pytest.skip("NO CHROMIUM: the browser tests did not run; install the chromium package")
    with chromium() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile: no cookies, no storage."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return context.new_page()
