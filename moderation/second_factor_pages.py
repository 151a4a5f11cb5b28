"""The pages of the second factor: give a code, set it up, look after it, free others of theirs."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from moderation import second_factor
from moderation.audit import record
from moderation.navigation import RESET_RIGHT
from moderation.second_factor import Wrong

if TYPE_CHECKING:
    from moderation.site import EuGPTAdminSite

STAFF_SHOWN_MAX = 500
_WAIT_SAID_S = 5


def next_of(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of ours."""
    said = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    is_ours = url_has_allowed_host_and_scheme(
        said, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return said if is_ours else reverse("admin:index")


def _refused(wrong: Wrong) -> str:
    """A wait of a few seconds is over before the next code is typed: nothing is said of it."""
    until = wrong.locked_until
    wait_s = 0 if until is None else ceil((until - timezone.now()).total_seconds())
    if wait_s < _WAIT_SAID_S:
        return "This code is not right. Codes change every 30 seconds, and each works once."
    return f"Too many wrong codes. Try again in {wait_s:,} seconds."


def code_page(site: EuGPTAdminSite, request: HttpRequest) -> HttpResponse:
    """The second half of signing in."""
    user, error = cast("User", request.user), ""
    if second_factor.state_of(request) != second_factor.CODE:
        return HttpResponseRedirect(next_of(request))
    if request.method == "POST":
        answer = second_factor.code_check(user=user, code=request.POST.get("code", ""))
        if not isinstance(answer, Wrong):
            second_factor.let_in(request, answer)
            is_backup = not isinstance(answer, TOTPDevice)
            record(request, "staff.login", user, {"with": "backup code" if is_backup else "app"})
            if is_backup:
                left = second_factor.codes_left(user)
                messages.warning(request, f"That backup code is used up; {left} are left.")
            return HttpResponseRedirect(next_of(request))
        record(request, "staff.login_failed", user, {"at": "code"})
        error = _refused(answer)
    context = {**site.each_context(request), "title": "Your code", "error": error}
    context |= {"next": next_of(request), "has_permission": False}
    return TemplateResponse(request, "moderation/second_factor_code.html", context)


def own_page(site: EuGPTAdminSite, request: HttpRequest) -> HttpResponse:
    """Set up, confirm, renew the backup codes, remove. What is there changes only with a code."""
    user = cast("User", request.user)
    shown: dict[str, Any] = {}
    if request.method == "POST":
        act = {"begin": _begin, "confirm": _confirm, "codes": _codes, "remove": _remove}.get(
            request.POST.get("act", "")
        )
        shown = act(request, user) if act else {}
        if shown.pop("is_done", False):
            return HttpResponseRedirect(reverse("admin:second_factor"))
    begun = second_factor.app_begun(user)
    context = {
        **site.each_context(request),
        "title": "Second factor",
        "app": second_factor.app_of(user),
        "codes_left": second_factor.codes_left(user),
        "is_required": settings.STAFF_SECOND_FACTOR == "required",
        "begun": begun,
        "picture": second_factor.picture_of(begun) if begun else "",
        "secret": second_factor.secret_of(begun) if begun else "",
        **shown,
    }
    return TemplateResponse(request, "moderation/second_factor.html", context)


def _begin(request: HttpRequest, user: User) -> dict[str, Any]:
    """A first app freely, another one only with a code of the first or a backup code."""
    if second_factor.app_of(user) and (error := _error_of_code(request, user)):
        return {"error": error}
    second_factor.app_begin(user=user)
    return {"is_done": True}


def _confirm(request: HttpRequest, user: User) -> dict[str, Any]:
    made = second_factor.app_confirm(user=user, code=request.POST.get("code", ""))
    if made is None:
        return {"confirm_error": _refused(Wrong())}
    device, codes = made
    second_factor.let_in(request, device)
    record(request, "staff.second_factor_set", user)
    return {"new_codes": codes}


def _codes(request: HttpRequest, user: User) -> dict[str, Any]:
    if error := _error_of_code(request, user):
        return {"error": error}
    codes = second_factor.codes_renew(user=user)
    if app := second_factor.app_of(user):
        second_factor.let_in(request, app)  # it may have been one of the codes that are gone
    record(request, "staff.backup_codes_renewed", user)
    return {"new_codes": codes}


def _remove(request: HttpRequest, user: User) -> dict[str, Any]:
    if settings.STAFF_SECOND_FACTOR == "required":
        return {"error": "Staff needs a second factor here; set up another one instead."}
    if error := _error_of_code(request, user):
        return {"error": error}
    second_factor.second_factor_remove(user=user)
    record(request, "staff.second_factor_removed", user)
    messages.success(request, "Your second factor is removed.")
    return {"is_done": True}


def _error_of_code(request: HttpRequest, user: User) -> str:
    """ "" where the code that came with the form is right."""
    answer = second_factor.code_check(user=user, code=request.POST.get("code", ""))
    return _refused(answer) if isinstance(answer, Wrong) else ""


def staff_page(site: EuGPTAdminSite, request: HttpRequest) -> HttpResponse:
    """Everybody of the staff with role and second factor; who may can take the latter away."""
    if not request.user.has_perm(RESET_RIGHT):
        raise PermissionDenied
    has_app = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    staff = (
        User.objects.filter(is_staff=True)
        .annotate(has_app=Exists(has_app))
        .prefetch_related("groups")
        .order_by("username")[:STAFF_SHOWN_MAX]
    )
    context = {**site.each_context(request), "title": "Staff", "staff": staff}
    return TemplateResponse(request, "moderation/staff.html", context)


def reset_page(site: EuGPTAdminSite, request: HttpRequest, user_id: int) -> HttpResponse:
    """Asks once, then takes somebody's second factor away: they have lost the phone."""
    if not request.user.has_perm(RESET_RIGHT):
        raise PermissionDenied
    person = get_object_or_404(User, pk=user_id, is_staff=True)
    if person.is_superuser and not cast("User", request.user).is_superuser:
        raise PermissionDenied
    if person == request.user:  # one's own goes with a code only
        return HttpResponseRedirect(reverse("admin:second_factor"))
    if request.method == "POST":
        if second_factor.second_factor_remove(user=person):
            record(request, "staff.second_factor_reset", person)
        messages.success(request, f"The second factor of {person.username} is removed.")
        return HttpResponseRedirect(reverse("admin:staff"))
    context = {**site.each_context(request), "title": "Reset the second factor", "person": person}
    return TemplateResponse(request, "moderation/second_factor_reset.html", context)
