"""The admin site under EuGPT's name: its gate (password, lockout, second factor) and own pages."""

from collections.abc import Callable
from functools import partial, update_wrapper
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.errors import LockedOut, RateLimited

if TYPE_CHECKING:
    from accounts.models import User

# Django's pages answer to any other verb as to GET.
METHODS = ("GET", "HEAD", "POST")

# Apps, and so their models, are not there yet when this file is read: hence the imports below.


class EuGPTAdminSite(AdminSite):
    site_header = "EuGPT"
    site_title = "EuGPT staff"
    index_title = "Dashboard"
    enable_nav_sidebar = False  # ours stands in `moderation.navigation`

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, and signed in as a whole: also with the second factor where there is one."""
        from moderation import second_factor

        return super().has_permission(request) and (
            second_factor.state_of(request) == second_factor.OPEN
        )

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Who is signed in by half is led to the other half, whatever was asked for."""
        guarded = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method not in METHODS:
                return HttpResponseNotAllowed(METHODS)
            if not AdminSite.has_permission(self, request):
                return guarded(request, *args, **kwargs)
            page = self._other_half(request)
            if page is None:
                return guarded(request, *args, **kwargs)
            if request.path == reverse("admin:logout"):
                return csrf_protect(self.logout)(request)
            there = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
            return HttpResponseRedirect(f"{page}?{there}")

        return update_wrapper(inner, view)

    def _other_half(self, request: HttpRequest) -> str | None:
        """The page that asks for what is missing; None where nothing is."""
        from moderation import second_factor

        names = {second_factor.CODE: "admin:code", second_factor.SET_UP: "admin:second_factor"}
        name = names.get(second_factor.state_of(request))
        return reverse(name) if name else None

    def _half_view(self, page: Callable[..., HttpResponse], state: str) -> Any:
        """A page for staff whose sign-in is whole, or lacks just what this page gives."""
        from moderation import second_factor

        def inner(request: HttpRequest) -> HttpResponse:
            is_staff = AdminSite.has_permission(self, request)
            if is_staff and second_factor.state_of(request) in (second_factor.OPEN, state):
                return csrf_protect(partial(page, self))(request)
            return cast("HttpResponse", self.admin_view(partial(page, self))(request))

        return never_cache(inner)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        from moderation import second_factor, second_factor_pages

        reset = partial(second_factor_pages.reset_page, self)
        own = [
            path("workers/", self.admin_view(self.workers), name="workers"),
            path(
                "code/",
                self._half_view(second_factor_pages.code_page, second_factor.CODE),
                name="code",
            ),
            path(
                "second-factor/",
                self._half_view(second_factor_pages.own_page, second_factor.SET_UP),
                name="second_factor",
            ),
            path(
                "staff/",
                self.admin_view(partial(second_factor_pages.staff_page, self)),
                name="staff",
            ),
            path("staff/<int:user_id>/reset/", self.admin_view(reset), name="second_factor_reset"),
        ]
        return [*own, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from moderation.navigation import navigation

        context = super().each_context(request)
        if context["has_permission"]:
            names = request.user.groups.order_by("name").values_list("name", flat=True)
            context["navigation"] = navigation(self, request)
            context["role_names"] = ", ".join(names)
        return context

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """The dashboard, in place of Django's list of models."""
        from moderation.dashboard import dashboard

        context = {**self.each_context(request), "title": self.index_title, **dashboard(request)}
        return TemplateResponse(request, "admin/index.html", context | (extra_context or {}))

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """There are no pages of apps: to people at work they mean nothing."""
        return HttpResponseRedirect(reverse("admin:index"))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        from moderation.audit import record

        response = super().password_change(request, extra_context)
        if response.status_code == HTTPStatus.FOUND:
            record(request, "staff.password_change", cast("User", request.user))
        return response

    def workers(self, request: HttpRequest) -> TemplateResponse:
        from moderation.worker_page import worker_page

        if not request.user.has_perm("moderation.view_workers"):
            raise PermissionDenied
        context = {**self.each_context(request), "title": "Workers", **worker_page()}
        return TemplateResponse(request, "moderation/workers.html", context)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        from accounts.lockout import guard
        from moderation.sign_ins import sign_in_failed, signed_in

        if request.method != "POST":
            return super().login(request, extra_context)
        username = request.POST.get("username", "")
        try:
            attempt = guard(request, username=username)
        except (RateLimited, LockedOut) as error:
            return self._login_later(request, error)
        response = super().login(request, extra_context)
        if response.status_code == HTTPStatus.FOUND:  # else it is the form once more
            attempt.passed(request, response, user=cast("User", request.user))
            signed_in(request)
        else:
            sign_in_failed(request, username)
        return response

    def _login_later(self, request: HttpRequest, error: RateLimited | LockedOut) -> HttpResponse:
        """The form once more, with the name that was typed and when to come back."""
        from django.contrib.admin.forms import AdminAuthenticationForm

        retry_after = int(error.data["retry_after"])
        minutes = -(-retry_after // 60)
        told = "a minute" if minutes == 1 else f"{minutes} minutes"
        context = {
            **self.each_context(request),
            "title": "Sign in",
            "app_path": request.get_full_path(),
            "next": request.POST.get("next", ""),
            "form": AdminAuthenticationForm(
                request, initial={"username": request.POST.get("username", "")[:150]}
            ),
            "gate_error": f"Too many attempts. Please try again in {told}.",
        }
        response = TemplateResponse(request, "admin/login.html", context)
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response["Retry-After"] = str(retry_after)
        add_never_cache_headers(response)
        return response

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        from moderation.audit import record

        if request.method == "POST" and request.user.is_authenticated:
            record(request, "staff.logout", request.user)
        return super().logout(request, extra_context)


class EuGPTAdminConfig(AdminConfig):
    default_site = "moderation.site.EuGPTAdminSite"
