"""What the pictures of the workplace show; `workplace_people` has been there before."""

from functools import cache

from playwright.sync_api import Page, expect

from deploy.pictures.workplace_people import sign_in

TRANSCRIPT_OF = "mara"


def admin_login(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/login/", wait_until="networkidle")


def admin_second_factor(page: Page, url: str) -> None:
    _enter(page, url, "second-factor/")
    begin = page.get_by_role("button", name="Set it up")
    if begin.is_visible():
        begin.click()
    expect(page.locator(".qr")).to_be_visible()


def admin_dashboard(page: Page, url: str) -> None:
    _enter(page, url, "?span=fortnight")


def admin_transcript(page: Page, url: str) -> None:
    _enter(page, url, f"chat/conversation/?q={TRANSCRIPT_OF}")
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_test_id("bubble").first).to_be_visible()


def admin_reports(page: Page, url: str) -> None:
    _enter(page, url, "chat/report/")
    expect(page.get_by_test_id("report").first).to_be_visible()


def admin_report(page: Page, url: str) -> None:
    admin_reports(page, url)
    page.get_by_test_id("report").get_by_role("link", name="Open").last.click()
    expect(page.locator(".bubble.is-here")).to_be_attached()


def admin_users(page: Page, url: str) -> None:
    _enter(page, url, "accounts/user/")


def admin_workers(page: Page, url: str) -> None:
    _enter(page, url, "workers/")


def admin_checkpoint(page: Page, url: str) -> None:
    _enter(page, url, "inference/checkpoint/")
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_test_id("progress")).to_be_visible()


def admin_safety_rules(page: Page, url: str) -> None:
    _enter(page, url, "chat/safetyrule/")


def admin_try_rules(page: Page, url: str) -> None:
    _enter(page, url, "chat/safetyrule/try/")
    page.get_by_label("Text").fill("The best watches, and cheap watches, too!")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_test_id("try-result")).to_be_visible()


def admin_audit_log(page: Page, url: str) -> None:
    _enter(page, url, "moderation/auditentry/")


WORKPLACE_SCENES = {
    "admin-login": admin_login,
    "admin-second-factor": admin_second_factor,
    "admin-dashboard": admin_dashboard,
    "admin-transcript": admin_transcript,
    "admin-reports": admin_reports,
    "admin-report": admin_report,
    "admin-users": admin_users,
    "admin-workers": admin_workers,
    "admin-checkpoint": admin_checkpoint,
    "admin-safety-rules": admin_safety_rules,
    "admin-try-rules": admin_try_rules,
    "admin-audit-log": admin_audit_log,
}


@cache
def _cookies(url: str) -> list[tuple[str, str]]:
    with sign_in(url) as admin:
        return [(name, value) for name, value in admin.cookies.items()]


def _enter(page: Page, url: str, path: str) -> None:
    """Go to a page of the admin; one sign-in serves all pictures, or they would fill its log."""
    page.context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in _cookies(url)]
    )
    page.goto(f"{url}/admin/{path}", wait_until="networkidle")
