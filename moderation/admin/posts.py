"""Buttons of the admin's pages: a form that posts to an address of its own, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis.exceptions
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from kombu.exceptions import OperationalError as BrokerError

from accounts.errors import ApiError

UNREACHABLE = (redis.exceptions.RedisError, BrokerError)
NO_ANSWER = "Redis does not answer: please try again in a moment, and look what was done."


class Posts:
    """Part of a ModelAdmin with buttons: `posts` names them, `post_<name>` does them.

    A method gets request and row and returns what is told afterwards.
    """

    opts: Any
    admin_site: Any
    # name: the permission that it needs
    posts: dict[str, str] = {}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/do/{name}/",
                self.admin_site.admin_view(self._view(name, permission)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name, permission in self.posts.items()
        ]
        rest: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        return own + rest

    def _view(self, name: str, permission: str) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            me: Any = self
            if not request.user.has_perm(permission) or not me.has_view_permission(request):
                raise PermissionDenied
            row = me.get_object(request, object_id)
            if row is None:
                raise Http404
            try:
                told = getattr(self, f"post_{name}")(request, row)
                messages.success(request, told)
            except ApiError as error:
                messages.error(request, str(error.detail))
            except UNREACHABLE:
                messages.error(request, NO_ANSWER)
            return back(request, self)

        return view


def back(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """To where the form says it stood, if that is a page of ours; else to the list."""
    address = request.POST.get("next", "")
    if address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None):
        return HttpResponseRedirect(address)
    opts = model_admin.opts
    name = f"{model_admin.admin_site.name}:{opts.app_label}_{opts.model_name}_changelist"
    return HttpResponseRedirect(reverse(name))
