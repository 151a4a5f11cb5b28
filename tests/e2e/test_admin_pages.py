"""Every page of the admin in a browser: access, its policy, nothing wider than the window."""

import re

import pytest
from playwright.sync_api import Page

from tests.support.journeys import NewVisitor, Visitor, fail_with
from tests.support.members import Member, new_member
from tests.support.stack import Stack
from tests.support.staff import Staff, new_staff

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(300),
]

LISTS = (
    "chat/report/?state=all",
    "accounts/user/",
    "chat/conversation/",
    "chat/safetyrule/",
    "chat/feedback/",
    "chat/generation/",
    "inference/checkpoint/",
    "moderation/auditentry/",
    "chat/share/",
    "accounts/apikey/",
    "chat/message/",
)
PAGES = (
    "",
    "?span=fortnight",
    "workers/",
    "staff/",
    "second-factor/",
    "password_change/",
    "chat/safetyrule/add/",
    "chat/safetyrule/try/",
    "accounts/user/add/",
    "chat/report/?q=nothing+of+the+kind",
    "accounts/user/?q=nobody-of-this-name",
)
# Of each list the first row, its history, and its deletion where there is one.
FIRST_ROW = """() => {
  const inner = document.querySelector("#content");
  const paths = [...(inner ? inner.querySelectorAll("a[href]") : [])].map(
    ({href}) => new URL(href).pathname);
  return paths.find((path) => path.startsWith(location.pathname) && path.endsWith("/change/"));
}"""
# What is cut off or hangs over: the page itself, and boxes that hide what does not fit.
TOO_WIDE = """() => {
  const root = document.documentElement;
  const found = root.scrollWidth > innerWidth ? [`the page: ${root.scrollWidth} px`] : [];
  for (const box of document.querySelectorAll("#content fieldset, #content .card, #content form")) {
    const clips = getComputedStyle(box).overflowX === "hidden";
    if (clips && box.scrollWidth > box.clientWidth + 1) {
      found.push(`${box.tagName}.${box.className}: ${box.scrollWidth} in ${box.clientWidth} px`);
    }
  }
  return found;
}"""
NATIVE_LOOK = """() => [...document.querySelectorAll("button, input[type=submit]")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const {backgroundImage, boxShadow, fontFamily, borderTopStyle} = getComputedStyle(one);
    return backgroundImage !== "none" || boxShadow.includes("inset") ||
      borderTopStyle === "outset" || !fontFamily.includes("Figtree");
  }).map((one) => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(
    ("device", "theme"),
    [
        ("phone", "dark"),
        *(
            pytest.param(device, theme, marks=pytest.mark.long)
            for device, theme in (
                ("phone", "light"),
                ("tablet", "light"),
                ("tablet", "dark"),
                ("desktop", "light"),
                ("desktop", "dark"),
            )
        ),
    ],
)
def test_admin_pages_have_no_finding(
    visitor: NewVisitor, stack: Stack, device: str, theme: str
) -> None:
    leave_traces(new_member(visitor(), stack.base_url))
    window = visitor(device, theme)
    window.expects(r"status of 404 .*/nowhere/")
    admin = new_staff(window, stack, "admin")
    findings = findings_of(admin.window, "dashboard")
    for path in [*PAGES, "nowhere/"]:
        admin.page.goto(admin.url + path)
        findings += findings_of(window, path)
    for path in LISTS:
        admin.go(path)
        findings += findings_of(window, path)
        for one in pages_of_a_row(admin):
            admin.page.goto(one)
            findings += findings_of(window, one)
    fail_with(findings)


def pages_of_a_row(admin: Staff) -> list[str]:
    """Absolute addresses; the list must not be empty."""
    first: str | None = admin.page.evaluate(FIRST_ROW)
    assert first, f"no row at {admin.page.url}"
    base = admin.url.removesuffix("/admin/")
    pages = [base + first, base + first.replace("/change/", "/history/")]
    if re.search("share|apikey|conversation", first):
        pages.append(base + first.replace("/change/", "/delete/"))
    if "/user/" in first:
        number = first.split("/")[-3]
        pages.append(f"{admin.url}accounts/user/suspend/?ids={number}")
    return pages


def findings_of(window: Visitor, name: str) -> list[str]:
    page: Page = window.page
    found = window.axe() + page.evaluate(TOO_WIDE)
    found += [f"looks native: {one}" for one in page.evaluate(NATIVE_LOOK)]
    return [f"{name}: {one}" for one in found]


def leave_traces(member: Member) -> None:
    """A row for every list, with words that are long, and none that may break a line."""
    question = f"{'unbreakable' * 12} and more"
    number = member.keep(question, "Words of an answer. " * 20, "and?", "no")
    message = member.conversation(number)["messages"][1]["id"]
    done = [
        member.api.put(f"/api/messages/{message}/feedback", json={"rating": "up", "comment": ""}),
        member.api.post(
            f"/api/messages/{message}/report", json={"reason": "hateful", "comment": question}
        ),
        member.api.post(f"/api/conversations/{number}/share", json={}),
        member.api.post("/api/keys", json={"name": "My notebook"}),
        member.api.post("/api/chat/guest", json={"message": "hello", "history": []}),
    ]
    assert all(answer.status_code < 300 for answer in done), [it.text for it in done]
