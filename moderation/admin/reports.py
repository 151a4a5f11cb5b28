"""The queue of reports, and a report's page: what was said, its context, and what to do.

A report is decided once: of two moderators the second is told that it is done already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.errors import ApiError
from accounts.models import User
from chat.models import Report, ReportState
from chat.services.hiding import conversation_hide, message_hide
from chat.services.reports import (
    AlreadyDecided,
    report_author,
    reports_decide,
    reports_of_same,
)
from moderation.admin.base import ReadOnlyAdmin
from moderation.admin.belongings import may_touch_of
from moderation.admin.filters import number_of
from moderation.audit import record
from moderation.people import earlier_reports
from moderation.powers import may_touch
from moderation.queue import queue_page
from moderation.reading import MAY_READ, messages_around, reading_record

NOTE_MAX_CHARS = 2000
_BULK_MAX = 200
_TABS = [("open", "Open"), ("acted", "Acted"), ("dismissed", "Dismissed"), ("all", "All")]
# What an act writes into the log; None where it was done already, or the message is gone.
Hidden = tuple[str, Model, dict[str, Any]] | None
_DONE = "Somebody has decided this already."


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    search_fields = ["text", "comment", "note", "reporter__username"]
    actions = None

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("dismiss/", wrap(self.bulk_view), name="chat_report_dismiss"),
            path("<int:pk>/decide/", wrap(self.decide_view), name="chat_report_decide"),
            *super().get_urls(),
        ]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.change_report")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        state = request.GET.get("state", ReportState.OPEN)
        state = state if state in ReportState.values else ""
        words = request.GET.get("q", "").replace("\x00", "").strip()[:100]
        number = number_of(request.GET.get("page")) or 1
        matters, page = queue_page(state=state, words=words, number=number)
        context = {
            **self.admin_site.each_context(request),
            "title": "Reports",
            "opts": self.opts,
            "matters": matters,
            "page": page,
            "state": state,
            "words": words,
            "tabs": _TABS,
            "may_decide": self.has_decide_permission(request),
        }
        return TemplateResponse(request, "moderation/reports.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        report = self.get_object(request, object_id)
        is_read = request.method != "POST" and report is not None
        if not is_read or not self.has_view_permission(request):
            return super().change_view(request, object_id, form_url, extra_context)
        assert report is not None
        author = report_author(report=report)
        may_hide = _may_hide(request, report)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Report {report.pk}",
            "opts": self.opts,
            "report": report,
            "author": author,
            "same": list(
                reports_of_same(report=report).select_related("reporter", "rule").order_by("pk")
            ),
            "earlier": earlier_reports(report),
            "bubbles": self._context(request, report),
            "at": report.message_id,
            "may_decide": self.has_decide_permission(request),
            "may_hide": may_hide and request.user.has_perm("chat.hide_message"),
            "may_hide_conversation": may_hide and request.user.has_perm("chat.hide_conversation"),
            "may_suspend": author is not None
            and request.user.has_perm("accounts.suspend_user")
            and may_touch(request.user, author),
        }
        return TemplateResponse(request, "moderation/report.html", context)

    def _context(self, request: HttpRequest, report: Report) -> Any:
        """A few messages around, which counts as reading the conversation."""
        if report.message is None or not request.user.has_perm(MAY_READ):
            return None
        reading_record(request, report.message.conversation)
        return messages_around(message=report.message)

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """Dismiss what is ticked, with the other reports of the same messages."""
        if request.method != "POST" or not self.has_decide_permission(request):
            raise PermissionDenied
        ids = [pk for text in request.POST.getlist("ids")[:_BULK_MAX] if (pk := number_of(text))]
        dismissed = 0
        for report in Report.objects.filter(pk__in=ids):
            dismissed += self._decide(request, report, ReportState.DISMISSED, "")
        late = len(ids) - dismissed
        if dismissed:
            messages.success(request, f"{dismissed} dismissed.")
        if late:
            messages.warning(request, f"{late} had been decided already.")
        return HttpResponseRedirect(reverse("admin:chat_report_changelist"))

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One button of the report's page."""
        report = Report.objects.filter(pk=pk).first()
        what = request.POST.get("do", "")
        if request.method != "POST" or not self.has_decide_permission(request):
            raise PermissionDenied
        if report is None or what not in _ACTS:
            raise Http404
        right, act = _ACTS[what]
        if right and not (request.user.has_perm(right) and _may_hide(request, report)):
            raise PermissionDenied
        state = ReportState.DISMISSED if what == "dismiss" else ReportState.ACTED
        try:
            is_done = self._decide(request, report, state, what, act)
        except ApiError as error:
            messages.error(request, str(error.detail))
            return HttpResponseRedirect(reverse("admin:chat_report_change", args=[pk]))
        if not is_done:
            messages.warning(request, _DONE)
            return HttpResponseRedirect(reverse("admin:chat_report_change", args=[pk]))
        messages.success(request, "Dismissed." if what == "dismiss" else "Done.")
        return HttpResponseRedirect(reverse("admin:chat_report_changelist"))

    def _decide(
        self,
        request: HttpRequest,
        report: Report,
        state: ReportState,
        what: str,
        act: Callable[[Report], Hidden] | None = None,
    ) -> bool:
        """Decision and act in one transaction; False where somebody was quicker."""
        assert isinstance(request.user, User)
        note = request.POST.get("note", "").replace("\x00", "").strip()[:NOTE_MAX_CHARS]
        try:
            with transaction.atomic():
                same = reports_of_same(report=report)
                ids = reports_decide(reports=same, state=state, by=request.user, note=note)
                hidden = act(report) if act is not None else None
                verb = "dismiss" if state == ReportState.DISMISSED else "acted"
                self.audit(request, verb, report, {"reports": ids, "by": what})
                if hidden is not None:
                    record(request, *hidden)
        except AlreadyDecided:
            return False
        return True


def _may_hide(request: HttpRequest, report: Report) -> bool:
    message = report.message
    return message is None or may_touch_of(request.user, message.conversation.user)


def _hide_message(report: Report) -> Hidden:
    if report.message is None or not (ids := message_hide(message=report.message)):
        return None
    return "message.hide", report.message, {"hidden": ids}


def _hide_conversation(report: Report) -> Hidden:
    if report.message is None or not conversation_hide(conversation=report.message.conversation):
        return None
    return "conversation.hide", report.message.conversation, {}


# What the buttons of a report's page need and do, beside deciding it.
_ACTS: dict[str, tuple[str, Callable[[Report], Hidden] | None]] = {
    "dismiss": ("", None),
    "acted": ("", None),
    "hide_message": ("chat.hide_message", _hide_message),
    "hide_conversation": ("chat.hide_conversation", _hide_conversation),
}
