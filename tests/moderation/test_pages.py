"""Every page of the admin works under a strict policy: no style or script stands in the page."""

import re
from typing import Any

import pytest
from django.contrib import admin as site
from django.test import Client
from django.urls import reverse

from chat.models import Rating, ReportReason
from chat.services.opinions import feedback_set, report_make
from chat.services.shares import share_create
from moderation.audit import record
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db

INLINE = re.compile(
    r"""<style|\sstyle\s*=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=\s*["']|javascript:""",
    re.IGNORECASE,
)
OUTSIDE = re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", re.IGNORECASE)
OWN = ["", "workers/", "staff/", "second-factor/", "password_change/", "login/", "code/"]


@pytest.fixture
def admin() -> Client:
    root = user_make("root", is_staff=True, is_superuser=True)
    chat = conversation_make(user_make("ana"), "About dogs")
    reply = exchange_make(chat, "tell me of dogs", "Dogs bark.")
    share_create(conversation=chat, expires_in_days=None)
    feedback_set(user=chat.user, message_id=reply.pk, rating=Rating.DOWN, comment="no")
    report_make(user=chat.user, message_id=reply.pk, reason=ReportReason.WRONG, comment="no")
    record(root, "user.suspend", chat.user, {"reason": "spam"})
    client = Client()
    client.force_login(root)
    return client


def read(client: Client, address: str) -> str:
    response = client.get(address, follow=True)
    assert response.status_code in (200, 403), address
    page = response.content.decode()
    found = INLINE.search(page) or OUTSIDE.search(page)
    assert not found, (address, page[max(found.start() - 80, 0) : found.end() + 80])
    return page


@pytest.mark.parametrize("path", OWN)
def test_own_pages_need_no_inline_style_or_script(admin: Client, path: str) -> None:
    read(admin, f"/admin/{path}")
    read(Client(), f"/admin/{path}")


def test_pages_of_every_model_need_no_inline_style_or_script(admin: Client) -> None:
    seen = 0
    for model in site.site._registry:
        meta: Any = model._meta
        name = f"admin:{meta.app_label}_{meta.model_name}"
        read(admin, reverse(f"{name}_changelist"))
        read(admin, reverse(f"{name}_add"))
        row = model._default_manager.order_by("-pk").first()
        if row is None:
            continue
        for page in ("change", "delete", "history"):
            read(admin, reverse(f"{name}_{page}", args=[row.pk]))
        seen += 1
    assert seen >= 6


def test_confirming_a_deletion_of_several_needs_none_either(admin: Client) -> None:
    model: Any = site.site._registry
    chat = next(one for one in model if one._meta.model_name == "conversation")
    chosen = {"action": "delete_selected", "_selected_action": [chat.objects.get().pk]}
    page = admin.post("/admin/chat/conversation/", chosen).content.decode()
    assert "Are you sure" in page
    assert not INLINE.search(page)


def test_secrets_of_sign_in_have_no_page(admin: Client) -> None:
    names = {model._meta.label_lower for model in site.site._registry}
    assert not {name for name in names if "token" in name or name.startswith("otp_")}


def test_apps_have_no_pages(admin: Client) -> None:
    assert admin.get("/admin/chat/").headers["Location"] == "/admin/"


def test_the_log_cannot_be_written_or_deleted(admin: Client) -> None:
    from moderation.models import AuditEntry

    pk = AuditEntry.objects.get().pk
    for page in ("change", "delete"):
        assert (
            admin.post(f"/admin/moderation/auditentry/{pk}/{page}/", {"post": "yes"}).status_code
            == 403
        )
    chosen = {"action": "delete_selected", "_selected_action": [pk]}
    admin.post("/admin/moderation/auditentry/", chosen)
    assert AuditEntry.objects.filter(pk=pk).exists()


def test_the_log_is_searched_and_leads_to_what_it_is_about(admin: Client) -> None:
    page = read(admin, "/admin/moderation/auditentry/?q=ana&action=user.suspend")
    assert "user.suspend" in page
    assert "/admin/accounts/user/" in page
    assert "spam" in page
    assert "user.suspend</span>" not in read(admin, "/admin/moderation/auditentry/?q=nobody")


def test_a_cell_carries_the_name_of_its_column(admin: Client) -> None:
    page = read(admin, "/admin/accounts/user/")
    assert 'data-label="Username"' in page
