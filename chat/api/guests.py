"""Guests of the REST routes."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.guests import guest_remember
from accounts.models import User
from chat.generation.owner import Owner


def guest_owner(request: Request) -> Owner:
    """The guest who asks, by address and cookie."""
    return Owner.guest(request.META.get("REMOTE_ADDR"), request.COOKIES)


class GuestView(APIView):
    """A route that gives guests their cookie, with refusals too: who has none shares the limits of
    all others that have none.
    """

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if not isinstance(getattr(request, "_user", None), User):
            guest_remember(answer, request.COOKIES)
        return answer
