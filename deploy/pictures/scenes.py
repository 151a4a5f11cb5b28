"""What the pictures of docs/screenshots show: each scene leaves a page as it should be seen."""

import uuid
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

TIMEOUT_MS = 60_000
PASSWORD = "correct horse battery"
CHATS = (
    "hi, how are you?",
    "I love to cook",
    "what is the capital of Italy?",
    "I have a cat named Milo. What is my cat's name?",
)

Scene = Callable[[Page, str], None]


def welcome(page: Page, url: str) -> None:
    page.goto(url, wait_until="networkidle")


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login/", wait_until="networkidle")


def sign_up(page: Page, url: str) -> None:
    page.goto(f"{url}/register/", wait_until="networkidle")
    page.get_by_test_id("auth-username").fill("ana")
    page.get_by_test_id("auth-password").fill("seven green umbrellas")


def not_found(page: Page, url: str) -> None:
    page.goto(f"{url}/nothing/", wait_until="networkidle")


def chat(page: Page, url: str) -> None:
    _enter(page, url)
    for question in CHATS[:3]:
        _ask(page, question)


def sidebar(page: Page, url: str) -> None:
    _several_chats(page, url)
    _open_list(page)


def search(page: Page, url: str) -> None:
    _several_chats(page, url)
    _open_list(page)
    page.get_by_test_id("search").fill("co")
    expect(page.get_by_test_id("search-results")).to_be_visible()
    expect(page.get_by_role("option").first).to_be_visible()


def glass(page: Page, url: str) -> None:
    _enter(page, url)
    page.get_by_test_id("glass-toggle").click()
    reply = _ask(page, "what do you like to talk about?")
    reply.get_by_test_id("glass-text").get_by_role("option").nth(2).click()
    expect(page.get_by_test_id("glass-alternatives")).to_be_visible()


def memory(page: Page, url: str) -> None:
    """More said than the context holds, and the meter opened."""
    _enter(page, url)
    story = "I want to tell you about my day. " + "We walked along the river and talked. " * 8
    for number in range(4):
        _ask(page, f"{story}That was part {number + 1}.")
    expect(page.get_by_test_id("outside-note")).to_be_attached()
    page.get_by_test_id("context-open").click()
    expect(page.get_by_test_id("context-parts")).to_be_visible()


def share(page: Page, url: str) -> None:
    chat(page, url)
    _make_link(page)


def shared(page: Page, url: str) -> None:
    chat(page, url)
    page.goto(_make_link(page), wait_until="networkidle")
    expect(page.get_by_test_id("shared")).to_be_visible()


def settings(page: Page, url: str) -> None:
    _enter(page, url)
    page.goto(f"{url}/settings/?tab=answers", wait_until="networkidle")
    expect(page.get_by_role("slider").first).to_be_visible()


SCENES: dict[str, Scene] = {
    "welcome": welcome,
    "sign-up": sign_up,
    "sign-in": sign_in,
    "chat": chat,
    "sidebar": sidebar,
    "search": search,
    "glass": glass,
    "memory": memory,
    "share": share,
    "shared": shared,
    "settings": settings,
    "not-found": not_found,
}


def _enter(page: Page, url: str) -> None:
    page.goto(f"{url}/register/")
    page.get_by_test_id("auth-username").fill(f"ana_{uuid.uuid4().hex[:6]}")
    page.get_by_test_id("auth-password").fill(PASSWORD)
    page.get_by_test_id("auth-submit").click()
    page.get_by_test_id("glass-toggle").or_(page.get_by_test_id("starter").first).first.wait_for()
    page.get_by_test_id("sidebar").or_(page.get_by_test_id("open-menu")).first.wait_for()


def _ask(page: Page, text: str) -> Locator:
    replies = page.get_by_test_id("message-assistant")
    before = replies.count()
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("send").click()
    reply = replies.nth(before)
    expect(reply).to_have_attribute("aria-busy", "false", timeout=TIMEOUT_MS)
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")  # the list and the meter ask once more after the end
    page.wait_for_timeout(1_000)
    return reply


def _several_chats(page: Page, url: str) -> None:
    _enter(page, url)
    for number, question in enumerate(CHATS):
        if number:
            _new_chat(page)
        _ask(page, question)


def _new_chat(page: Page) -> None:
    header = page.get_by_test_id("new-chat-header")
    (header if header.is_visible() else page.get_by_test_id("new-chat")).click()
    page.get_by_test_id("starter").first.wait_for()


def _open_list(page: Page) -> None:
    """The list of conversations; it is a drawer where there is no room beside the chat."""
    menu = page.get_by_test_id("open-menu")
    if menu.is_visible():
        menu.click()
    expect(page.get_by_test_id("conversation-item")).to_have_count(len(CHATS))


def _make_link(page: Page) -> str:
    page.get_by_test_id("share").click()
    page.get_by_test_id("share-create").click()
    return page.get_by_test_id("share-made").locator("p").last.inner_text()
