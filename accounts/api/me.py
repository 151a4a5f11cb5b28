"""The signed-in user's own account: seen, changed, taken along, deleted."""

from collections.abc import AsyncIterator
from typing import IO

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.cookies import cookie_clear
from accounts.api.serializers import PasswordInput, UserOutput, UserUpdateInput
from accounts.api.views import OwnSiteView
from accounts.errors import ForeignOrigin, RateLimited, UsernameTaken, WrongPassword
from accounts.export import EXAMPLE, account_export
from accounts.limits import limit_hit
from accounts.removal import account_delete
from accounts.rest import error_responses, request_user
from accounts.services import user_update

TAGS = ["auth"]
_CHUNK_BYTES = 64 * 1024


class MeView(OwnSiteView):
    @extend_schema(responses=UserOutput, operation_id="me", tags=TAGS)
    def get(self, request: Request) -> Response:
        """The signed-in user."""
        return Response(UserOutput(request_user(request)).data)

    @extend_schema(
        request=UserUpdateInput,
        responses={200: UserOutput, **error_responses(UsernameTaken, RateLimited)},
        operation_id="me_update",
        tags=TAGS,
    )
    def patch(self, request: Request) -> Response:
        """Change the name, the settings or the consent; what is not named stays."""
        user = request_user(request)
        data = UserUpdateInput(data=request.data)
        data.is_valid(raise_exception=True)
        if "username" in data.validated_data:  # it tells which names are taken
            limit_hit(name="rename", key=f"u:{user.pk}")
        return Response(UserOutput(user_update(user=user, **data.validated_data)).data)

    @extend_schema(
        request=PasswordInput,
        responses={
            204: OpenApiResponse(description="Deleted."),
            **error_responses(WrongPassword, ForeignOrigin, RateLimited),
        },
        operation_id="me_delete",
        tags=TAGS,
    )
    def delete(self, request: Request) -> Response:
        """Delete the account and everything that belongs to it, for good.

        Replies being written stop, sessions, sockets and API keys end, shares lead nowhere.
        """
        data = PasswordInput(data=request.data)
        data.is_valid(raise_exception=True)
        account_delete(user=request_user(request), password=data.validated_data["password"])
        response = Response(status=status.HTTP_204_NO_CONTENT)
        cookie_clear(response)
        return response


class AccountExportView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Content-Disposition", location=OpenApiParameter.HEADER, response=[200],
                description="The file's name.",
            )
        ],
        responses={
            200: OpenApiResponse(
                OpenApiTypes.OBJECT,
                description="All that is stored about the user. Each of `conversations` is what "
                "its own export gives, and can be imported.",
                examples=[OpenApiExample("A new account", EXAMPLE)],
            ),
            **error_responses(RateLimited),
        },
        operation_id="me_export",
        tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request) -> StreamingHttpResponse:
        """A file with everything that is stored about the user."""
        user = request_user(request)
        limit_hit(name="account_export", key=f"u:{user.pk}")
        file, size = account_export(user=user)
        close_old_connections()  # Django would keep it until the last byte is sent
        response = _Download(file)
        name = f"eugpt-{user.username}.json"
        response["Content-Disposition"] = content_disposition_header(True, name) or ""
        response["Content-Length"] = str(size)
        response["Cache-Control"] = "no-store"
        return response


class _Download(StreamingHttpResponse):
    """Sends a file from its beginning, without holding it in memory, and closes it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(_chunks(file), content_type="application/json; charset=utf-8")
        self._file = file

    def close(self) -> None:
        super().close()
        self._file.close()


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await sync_to_async(file.read, thread_sensitive=False)(_CHUNK_BYTES):
        yield chunk
