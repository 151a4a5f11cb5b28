"""The admin site under EuGPT's name, its sign-in limited like the API's."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse

from accounts.errors import RateLimited
from accounts.limits import address_key, limit_hit


class EuGPTAdminSite(AdminSite):
    site_header = "EuGPT"
    site_title = "EuGPT admin"
    index_title = "Administration"

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "POST":
            try:
                limit_hit(name="login", key=address_key(request.META.get("REMOTE_ADDR")))
            except RateLimited as error:
                return HttpResponse(str(error.detail), status=429, content_type="text/plain")
        return super().login(request, extra_context)


class EuGPTAdminConfig(AdminConfig):
    default_site = "moderation.site.EuGPTAdminSite"
