"""Safety rules in the admin: checked when written, tried out without a trace, written down."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from chat.models import Report, SafetyRule
from chat.safety.rules import RULES_MAX
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.safety.rules import no_rules, rule_make

pytestmark = pytest.mark.django_db
LIST = "/admin/chat/safetyrule/"
RULE: dict[str, Any] = {
    "name": "Bad words",
    "category": "other",
    "kind": "phrase",
    "text": "bad words",
    "applies_to": "prompts",
    "action": "refuse",
    "reply_text": "",
    "notice": "Not here.",
    "is_enabled": "on",
}


@pytest.fixture
def admin() -> Client:
    no_rules()
    client = Client()
    client.force_login(user_make("root", is_staff=True, is_superuser=True))
    return client


def errors(client: Client, **fields: Any) -> dict[str, list[str]]:
    answer = client.post(f"{LIST}add/", RULE | fields)
    if answer.status_code == 302:
        return {}
    found: dict[str, list[str]] = answer.context["adminform"].form.errors
    return found


def test_rule_is_saved_and_written_down(admin: Client) -> None:
    assert errors(admin) == {}
    rule = SafetyRule.objects.get()
    entry = AuditEntry.objects.get(action="rule.add")
    assert (entry.target_name, entry.detail) == (rule.name, {})
    assert admin.get(LIST).status_code == 200
    assert admin.get(f"{LIST}{rule.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"kind": "pattern", "text": "("}, "text"),
        ({"kind": "pattern", "text": "a*"}, "text"),
        ({"text": "!!!"}, "text"),
        ({"action": "replace"}, "reply_text"),
        ({"applies_to": "both"}, "reply_text"),
    ],
)
def test_what_is_no_rule_is_an_error_at_its_field(
    admin: Client, fields: dict[str, str], where: str
) -> None:
    assert list(errors(admin, **fields)) == [where]
    assert not SafetyRule.objects.exists()


def test_number_of_rules_is_limited(admin: Client) -> None:
    SafetyRule.objects.bulk_create(
        SafetyRule(name=f"r{n}", text="x", category="other") for n in range(RULES_MAX)
    )
    assert "__all__" in errors(admin)


def test_rules_are_switched_from_the_list(admin: Client) -> None:
    rule = rule_make("bad")
    before = rule.updated_at
    data = {"action": "disable", "_selected_action": [rule.pk]}
    assert admin.post(LIST, data).status_code == 302
    rule.refresh_from_db()
    assert not rule.is_enabled
    assert rule.updated_at > before  # so that processes ask for it
    assert AuditEntry.objects.filter(action="rule.disable").exists()


def test_text_is_tried_without_a_trace(admin: Client) -> None:
    rule = rule_make("bad words", action="replace", reply_text="<b>No</b>.", applies_to="prompts")
    rule_make("odd", action="flag", is_enabled=False)
    data = {"text": "So BAD\u200b  words, <i>odd</i>", "where": "prompts"}
    page = admin.post(f"{LIST}try/", data)
    result = page.context["result"]
    assert (result["action"], result["deciding"].name) == ("replace", rule.name)
    assert result["segments"] == [("so ", False), ("bad words", True), (", <i>odd</i>", False)]
    html = page.content.decode()
    assert "<mark>bad words</mark>" in html
    assert "<b>No</b>" not in html
    both = admin.post(f"{LIST}try/", {**data, "with_disabled": "on"}).context["result"]
    assert [row["places"] for row in both["found"]] == [["bad words"], ["odd"]]
    assert admin.post(f"{LIST}try/", {**data, "where": "replies"}).context["result"]["action"] == ""
    rule.refresh_from_db()
    assert rule.hits == 0
    assert not Report.objects.exists()
    assert not AuditEntry.objects.exclude(action__startswith="staff.").exists()


def test_trying_needs_the_right_to_see_rules() -> None:
    staff = user_make("staff", is_staff=True)
    client = Client()
    client.force_login(staff)
    assert client.get(f"{LIST}try/").status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_safetyrule"))
    assert client.get(f"{LIST}try/").status_code == 200
    assert client.get(f"{LIST}add/").status_code == 403
