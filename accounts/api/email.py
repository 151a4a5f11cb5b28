"""What this server offers, and the routes around an account's e-mail address."""

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.email_shapes import (
    PENDING_EXAMPLE,
    EmailInput,
    EmailOutput,
    EmailPendingOutput,
    EmailVerifyInput,
    OptionsOutput,
    PasswordForgotInput,
    PasswordResetInput,
)
from accounts.api.serializers import PasswordInput
from accounts.api.views import CookieView, OwnSiteView
from accounts.devices_cookie import device_know
from accounts.email import (
    email_remove,
    email_set,
    email_verify,
    password_forgot,
    password_reset,
)
from accounts.errors import (
    EmailOff,
    ForeignOrigin,
    InvalidLink,
    RateLimited,
    WrongPassword,
)
from accounts.limits import address_key, limit_hit
from accounts.rest import error_responses, request_user

TAGS = ["auth"]


class OptionsView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses=OptionsOutput, operation_id="options", tags=TAGS)
    def get(self, request: Request) -> Response:
        """What can be done here without an account."""
        return Response(
            {"registration": settings.REGISTRATION_OPEN, "email": settings.EMAIL_ENABLED}
        )


class EmailView(OwnSiteView):
    @extend_schema(
        request=EmailInput,
        responses={
            202: OpenApiResponse(EmailPendingOutput, examples=[PENDING_EXAMPLE]),
            **error_responses(WrongPassword, ForeignOrigin, EmailOff, RateLimited),
        },
        operation_id="email_set",
        tags=TAGS,
    )
    def put(self, request: Request) -> Response:
        """Send a link to this address; it is the account's once the link is used.

        The answer is the same whether or not another account has the address. Sent again, it sends
        another mail; the link of the one before ends.
        """
        limit_hit(name="email_address", key=_address(request))
        data = EmailInput(data=request.data)
        data.is_valid(raise_exception=True)
        user = email_set(user=request_user(request), **data.validated_data)
        return Response({"pending_email": user.pending_email}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        request=PasswordInput,
        responses={
            204: OpenApiResponse(description="Removed."),
            **error_responses(WrongPassword, ForeignOrigin, RateLimited),
        },
        operation_id="email_remove",
        tags=TAGS,
    )
    def delete(self, request: Request) -> Response:
        """Remove the account's address, confirmed or not."""
        data = PasswordInput(data=request.data)
        data.is_valid(raise_exception=True)
        email_remove(user=request_user(request), **data.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class EmailVerifyView(CookieView):
    @extend_schema(
        request=EmailVerifyInput,
        responses={
            200: EmailOutput,
            **error_responses(InvalidLink, ForeignOrigin, RateLimited),
        },
        operation_id="email_verify",
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Confirm an address with the token of the link that was sent to it."""
        limit_hit(name="link", key=_address(request))
        data = EmailVerifyInput(data=request.data)
        data.is_valid(raise_exception=True)
        return Response({"email": email_verify(**data.validated_data).email})


class PasswordForgotView(CookieView):
    @extend_schema(
        request=PasswordForgotInput,
        responses={
            202: OpenApiResponse(description="If an account has this address, a mail is sent."),
            **error_responses(ForeignOrigin, EmailOff, RateLimited),
        },
        operation_id="password_forgot",
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Send a link to set a new password, if an account has confirmed this address.

        Whether one has, neither the answer tells nor its time.
        """
        limit_hit(name="forgot", key=_address(request))
        data = PasswordForgotInput(data=request.data)
        data.is_valid(raise_exception=True)
        password_forgot(**data.validated_data)
        return Response(status=status.HTTP_202_ACCEPTED)


class PasswordResetView(CookieView):
    @extend_schema(
        request=PasswordResetInput,
        responses={
            204: OpenApiResponse(description="Set; sign in with it."),
            **error_responses(InvalidLink, ForeignOrigin, RateLimited),
        },
        operation_id="password_reset",
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Set a new password with the token of a link. All sessions end and API keys are
        revoked; no session begins.
        """
        limit_hit(name="link", key=_address(request))
        data = PasswordResetInput(data=request.data)
        data.is_valid(raise_exception=True)
        user = password_reset(**data.validated_data)
        response = Response(status=status.HTTP_204_NO_CONTENT)
        device_know(request, response, user=user)  # no session, but not locked out either
        return response


def _address(request: Request) -> str:
    return address_key(request.META.get("REMOTE_ADDR"))
