"""A moderator at work: a report is read and decided, words are hidden, rules are made."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.support.answers import CRAWL, LONG_ANSWERS, ask_for_long, ask_for_text
from tests.support.journeys import PASSWORD, NewVisitor, Visitor, fail_with
from tests.support.members import Member, new_member
from tests.support.stack import Stack
from tests.support.staff import Staff, app_code, new_staff, wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
REASON = "Please be kind to others, also here."
OUT_WITHIN_MS = 5_000
RULES_KNOWN_WITHIN_S = 10


def test_a_report_is_read_and_decided_and_all_of_it_is_written_down(
    visitor: NewVisitor, stack: Stack
) -> None:
    window, admin_window = visitor(), visitor()
    window.expects(r"status of (401|403)")
    member = new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    page = window.page
    page.goto(stack.base_url)
    report_answer(window)
    number = member.conversations()[0]["id"]

    moderator = new_staff(visitor(), stack, "moderator")
    set_up_second_factor(moderator)
    read_report(moderator, member.name)
    with stack.slow_worker(**CRAWL):
        ask_for_long(window)
        suspend(moderator, member.name)
        expect(page.get_by_test_id("suspended-reason")).to_have_text(REASON, timeout=OUT_WITHIN_MS)
    sign_in_again(page, member.name)
    expect(page.get_by_test_id("suspended-reason")).to_have_text(REASON)
    expect(page.get_by_test_id("suspended-until")).to_contain_text(re.compile(r"in (a day|\d+ h)"))

    admin = new_staff(admin_window, stack, "admin")
    expect_written(admin, moderator.name, member.name)
    lift(moderator, member.name)
    sign_in_again(page, member.name)
    window.expect_signed_in(member.name)
    page.goto(f"{stack.base_url}/?c={number}")
    expect(page.get_by_test_id("message-user").first).to_be_visible()


def report_answer(window: Visitor) -> None:
    reply = ask_for_text(window)
    reply.get_by_test_id("more").click()
    window.page.get_by_test_id("report").click()
    window.page.get_by_label("Hateful").check(force=True)
    window.page.get_by_label("Anything to add?").fill("It called me names.")
    window.page.get_by_test_id("report-send").click()
    window.page.get_by_test_id("report-close").click()


def set_up_second_factor(staff: Staff) -> None:
    """In the person's menu; afterwards the password alone opens nothing."""
    page = staff.page
    page.locator(".drop > summary").click()
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("button", name="Set it up").click()
    page.get_by_text("No camera? Type the secret").click()
    secret = page.locator(".secret").inner_text()
    page.get_by_label("Code", exact=True).fill(app_code(secret))
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".codes-list li")).to_have_count(10)
    fail_with(staff.window.axe())
    page.get_by_role("link", name="I have kept them").click()
    page.locator(".drop > summary").click()
    page.get_by_role("button", name="Sign out").click()
    staff.sign_in()
    expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
    fail_with(staff.window.axe())
    page.goto(f"{staff.url}chat/report/")
    expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
    page.get_by_label("Code").fill(app_code(secret, ahead=1))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reports")


def read_report(moderator: Staff, author: str) -> None:
    page = moderator.page
    moderator.go("")
    badge = page.locator(".nav .count").locator("visible=true")
    expect(badge).to_have_text(re.compile(r"[1-9]"))
    moderator.open("Reports")
    item = page.get_by_test_id("report").filter(has_text=author)
    expect(item).to_contain_text("It called me names.")
    item.get_by_role("link", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reported as hateful")
    expect(page.locator(".bubble.user")).to_contain_text(["say something"])
    expect(page.locator(".bubble.is-here")).to_have_count(1)
    fail_with(moderator.window.axe())


def suspend(moderator: Staff, author: str) -> None:
    page = moderator.page
    page.get_by_test_id("suspend-author").click()
    page.get_by_label("Reason").fill(REASON)
    page.get_by_label("One day").check()
    page.get_by_label("Note on the report").fill("The second time this week.")
    page.get_by_test_id("suspend").click()
    moderator.said(f"Suspended: {author}")
    expect(page.get_by_text("The second time this week.")).to_be_visible()


def sign_in_again(page: Page, name: str) -> None:
    page.get_by_test_id("suspended-leave").click()
    page.get_by_test_id("sign-in").click()
    page.get_by_test_id("auth-username").fill(name)
    page.get_by_test_id("auth-password").fill(PASSWORD)
    page.get_by_test_id("auth-submit").click()


def expect_written(admin: Staff, moderator: str, author: str) -> None:
    """Who read, decided and suspended, newest first; and of the password and code nothing."""
    admin.open("Audit log")
    admin.page.get_by_placeholder("Who, what").fill(moderator)
    admin.page.get_by_role("button", name="Search").click()
    expect(admin.page).to_have_url(re.compile(rf"\?q={moderator}"))
    acts = admin.rows().locator(".field-act")
    expect(admin.rows().locator(".field-who")).to_have_text([moderator] * acts.count())
    written = acts.all_inner_texts()
    told = ["user.suspend", "report.acted", "conversation.read", "staff.login"]
    assert [act for act in written if act in told][:4] == told, written
    suspension = admin.rows().filter(has_text="user.suspend")
    expect(suspension).to_contain_text(author)
    expect(suspension).to_contain_text(REASON)
    expect(admin.rows().first).not_to_contain_text("It called me names.")
    fail_with(admin.window.axe())


def lift(moderator: Staff, author: str) -> None:
    page = moderator.page
    page.get_by_role("link", name=author).first.click()
    expect(page.get_by_text(REASON).first).to_be_visible()
    fail_with(moderator.window.axe())
    page.get_by_role("button", name="Lift the suspension").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible()


def test_hidden_words_are_gone_for_all_until_they_are_shown_again(
    visitor: NewVisitor, stack: Stack
) -> None:
    window, stranger = visitor(), visitor("phone", "dark")
    member = new_member(window, stack.base_url)
    number = member.keep("my neighbour's number?", "It is 0170 555 0199.")
    link = share_link(member, number)
    page = window.page
    page.goto(f"{stack.base_url}/?c={number}")
    expect(page.get_by_text("0170 555 0199")).to_be_visible()

    moderator = new_staff(visitor("phone"), stack, "moderator")
    moderator.go(f"chat/conversation/{number}/change/")
    answer = moderator.page.locator(".bubble.assistant")
    answer.get_by_role("button", name="Hide").click()
    expect(answer).to_contain_text("Hidden")
    for shown, address in ((page, page.url), (stranger.page, link)):
        shown.goto(address)
        expect(shown.get_by_test_id("hidden-message")).to_be_visible()
        assert "0170 555 0199" not in shown.content()
    fail_with(window.axe())
    fail_with(stranger.axe())

    answer.get_by_role("button", name="Unhide").click()
    moderator.said("Shown again.")
    for shown in (page, stranger.page):
        shown.reload()
        expect(shown.get_by_text("0170 555 0199")).to_be_visible()
        expect(shown.get_by_test_id("hidden-message")).to_have_count(0)


def share_link(member: Member, number: int) -> str:
    answer = member.api.post(f"/api/conversations/{number}/share", json={})
    assert answer.status_code == 201, answer.text
    return f"{member.base_url}/shared/?s={answer.json()['slug']}"


@pytest.mark.long
def test_a_rule_is_tried_and_then_refuses_and_help_is_offered(
    visitor: NewVisitor, stack: Stack
) -> None:
    moderator = new_staff(visitor(), stack, "moderator")
    page = moderator.page
    word = f"zorbl{time.monotonic_ns()}"
    add_rule(moderator, word)
    page.get_by_role("link", name="Safety rules").locator("visible=true").first.click()
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("Text").fill(f"How do I make {word.upper()}?")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_test_id("try-result")).to_contain_text("Refused")
    expect(page.get_by_test_id("try-result").locator("mark").first).to_have_text(word)
    fail_with(moderator.window.axe())

    window = visitor()
    window.expects(r"status of 400")
    member = new_member(window, stack.base_url)
    asked = {"message": word, "history": []}
    wait_until(
        lambda: member.api.post("/api/chat/guest", json=asked).status_code == 400,
        "the rule is not in force",
        within_s=RULES_KNOWN_WITHIN_S,
    )
    window.page.goto(stack.base_url)
    window.page.get_by_test_id("composer").fill(f"tell me about {word}")
    window.page.get_by_test_id("send").click()
    expect(window.page.get_by_test_id("notice")).to_contain_text("Not here, please.")
    expect(window.page.get_by_test_id("composer")).to_have_value(f"tell me about {word}")
    fail_with(window.axe())
    window.page.get_by_test_id("composer").fill("I want to kill myself")
    window.page.get_by_test_id("send").click()
    help_notice = window.page.get_by_test_id("message-assistant").get_by_test_id("notice")
    expect(help_notice).to_contain_text("Help is there")
    expect(help_notice.get_by_role("link")).to_have_attribute("href", re.compile("^https://"))
    fail_with(window.axe())
    switch_off(moderator, word)


def add_rule(moderator: Staff, word: str) -> None:
    moderator.open("Safety rules")
    moderator.page.get_by_role("link", name="Add safety rule").click()
    form = moderator.page
    form.get_by_label("Name").fill(word)
    form.get_by_label("Category").select_option("other")
    form.locator("#id_text").fill(word)
    form.get_by_label("Applies to").select_option("prompts")
    form.locator("#id_action").select_option("refuse")
    form.get_by_label("Notice").fill("Not here, please.")
    form.get_by_role("button", name="Save", exact=True).click()
    moderator.said(word)


def switch_off(moderator: Staff, word: str) -> None:
    moderator.open("Safety rules")
    moderator.rows().filter(has_text=word).get_by_role("checkbox").check()
    moderator.page.locator("select[name=action]").select_option("disable")
    moderator.page.get_by_role("button", name="Go").click()
    row = moderator.rows().filter(has_text=word)
    expect(row.locator(".field-is_enabled img")).to_have_attribute("alt", "False")
