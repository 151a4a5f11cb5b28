"""The form that asks why and for how long, before users are suspended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts.errors import ApiError
from accounts.models import SUSPENSION_REASON_MAX_CHARS, User
from accounts.services import user_suspend
from chat.models import Report, ReportState
from chat.services.reports import AlreadyDecided, reports_decide, reports_of_same
from moderation.admin.filters import number_of
from moderation.audit import record
from moderation.powers import may_touch

USERS_MAX = 100
_DAYS = {"day": 1, "week": 7, "month": 30}


class SuspendForm(forms.Form):
    """Why and until when; the user reads the reason."""

    reason = forms.CharField(
        max_length=SUSPENSION_REASON_MAX_CHARS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The user reads this, as it stands here.",
    )
    length = forms.ChoiceField(
        label="For how long",
        choices=[
            ("day", "One day"),
            ("week", "One week"),
            ("month", "30 days"),
            ("moment", "Until the moment below"),
            ("ever", "Until somebody lifts it"),
        ],
        initial="week",
        widget=forms.RadioSelect,
    )
    until = forms.DateTimeField(
        label="Until (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("length") == "moment":
            until = data.get("until")
            if until is None:
                self.add_error("until", "Choose a moment.")
            elif until <= timezone.now():
                self.add_error("until", "This moment has passed.")
        return data

    def ends_at(self) -> datetime | None:
        length = self.cleaned_data["length"]
        if length == "moment":
            until: datetime = self.cleaned_data["until"]
            return until.astimezone(UTC)
        return timezone.now() + timedelta(days=_DAYS[length]) if length in _DAYS else None


def suspend_view(request: HttpRequest, admin_site: Any) -> HttpResponse:
    """Ask, then suspend the users named by `ids`; with `report`, that is decided by it."""
    if not request.user.has_perm("accounts.suspend_user"):
        raise PermissionDenied
    users = _users(request)
    report = _report(request)
    form = SuspendForm(request.POST or None, initial={"reason": _reason(report)})
    if request.method == "POST" and users and form.is_valid():
        if _suspend(request, users, report, form):
            return HttpResponseRedirect(_back(users, report))
        if report is not None:
            return HttpResponseRedirect(_back(users, report))
    context = {
        **admin_site.each_context(request),
        "title": "Suspend",
        "form": form,
        "chosen": users,
        "report": report,
        "ids": ",".join(str(user.pk) for user in users),
    }
    return TemplateResponse(request, "moderation/suspend.html", context)


def _users(request: HttpRequest) -> list[User]:
    """Those who are named and may be touched."""
    named = (request.POST.get("ids") or request.GET.get("ids", "")).split(",")[:USERS_MAX]
    ids = [pk for text in named if (pk := number_of(text)) is not None]
    rows = User.objects.filter(pk__in=ids).order_by("username")
    return [user for user in rows if may_touch(request.user, user)]


def _report(request: HttpRequest) -> Report | None:
    pk = number_of(request.POST.get("report") or request.GET.get("report"))
    if pk is None or not request.user.has_perm("chat.change_report"):
        return None
    return Report.objects.filter(pk=pk).first()


def _reason(report: Report | None) -> str:
    return "" if report is None else f"Content that is {report.get_reason_display().lower()}."


def _suspend(
    request: HttpRequest, users: list[User], report: Report | None, form: SuspendForm
) -> bool:
    reason, until = form.cleaned_data["reason"], form.ends_at()
    assert isinstance(request.user, User)
    try:
        with transaction.atomic():
            if report is not None:
                ids = reports_decide(
                    reports=reports_of_same(report=report),
                    state=ReportState.ACTED,
                    by=request.user,
                    note=request.POST.get("note", "")[:2000],
                )
                record(request, "report.acted", report, {"reports": ids, "by": "suspend"})
            for user in users:
                user_suspend(user=user, reason=reason, until=until)
                record(request, "user.suspend", user, {"reason": reason, "until": until})
    except AlreadyDecided:
        messages.error(request, "Somebody has decided this report already. Nobody was suspended.")
        return False
    except ApiError as error:
        form.add_error(None, str(error.detail))
        return False
    messages.success(request, f"Suspended: {', '.join(user.username for user in users)}.")
    return True


def _back(users: list[User], report: Report | None) -> str:
    if report is not None:
        return reverse("admin:chat_report_change", args=[report.pk])
    if len(users) == 1:
        return reverse("admin:accounts_user_change", args=[users[0].pk])
    return reverse("admin:accounts_user_changelist")
