"""The admin site under EuGPT's name; its sign-in is limited like the API's."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from accounts.errors import LockedOut, RateLimited

if TYPE_CHECKING:
    from accounts.models import User


class EuGPTAdminSite(AdminSite):
    site_header = "EuGPT"
    site_title = "EuGPT staff"
    index_title = "Dashboard"
    enable_nav_sidebar = False  # ours stands in `moderation.navigation`

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from moderation.navigation import navigation

        context = super().each_context(request)
        if context["has_permission"]:
            names = request.user.groups.order_by("name").values_list("name", flat=True)
            context["navigation"] = navigation(self, request)
            context["role_names"] = ", ".join(names)
        return context

    def get_urls(self) -> list[URLResolver | URLPattern]:
        own = [path("workers/", self.admin_view(self.workers), name="workers")]
        return [*own, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """The dashboard, in place of Django's list of models."""
        from moderation.dashboard import dashboard

        context = {**self.each_context(request), "title": self.index_title, **dashboard(request)}
        return TemplateResponse(request, "admin/index.html", context | (extra_context or {}))

    def workers(self, request: HttpRequest) -> TemplateResponse:
        from moderation.worker_page import worker_page

        if not request.user.has_perm("moderation.view_workers"):
            raise PermissionDenied
        context = {**self.each_context(request), "title": "Workers", **worker_page()}
        return TemplateResponse(request, "moderation/workers.html", context)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        from accounts.lockout import guard  # models are not there yet when this file is read

        if request.method != "POST":
            return super().login(request, extra_context)
        try:
            attempt = guard(request, username=request.POST.get("username", ""))
        except (RateLimited, LockedOut) as error:
            headers = {"Retry-After": str(error.data["retry_after"])}
            return HttpResponse(
                str(error.detail), status=429, content_type="text/plain", headers=headers
            )
        response = super().login(request, extra_context)
        if response.status_code == HTTPStatus.FOUND:  # else it is the form once more
            attempt.passed(request, response, user=cast("User", request.user))
        return response


class EuGPTAdminConfig(AdminConfig):
    default_site = "moderation.site.EuGPTAdminSite"
