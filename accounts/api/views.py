"""Account routes. Each view parses, calls one service and shapes the answer."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import Token

from accounts.api.cookies import cookie_clear, cookie_read, cookie_set
from accounts.api.serializers import (
    LoginInput,
    RegisterInput,
    SessionOutput,
    TicketOutput,
    TokenOutput,
)
from accounts.devices_cookie import device_know
from accounts.errors import (
    ForeignOrigin,
    InvalidCredentials,
    LockedOut,
    NotAuthenticated,
    RateLimited,
    RegistrationClosed,
    Suspended,
    UsernameTaken,
)
from accounts.limits import address_key, limit_hit
from accounts.lockout import guard
from accounts.origin import origin_check
from accounts.rest import EmptySerializer, error_responses, request_user
from accounts.services import user_authenticate, user_register
from accounts.tickets import Ticket, ticket_issue
from accounts.tokens import Superseded, TokenPair, tokens_end, tokens_issue, tokens_rotate

# In the schema; the scheme is described in `eugpt.openapi`.
WITH_COOKIE: Any = [{"refreshCookie": []}]
WITH_OR_WITHOUT: Any = [*WITH_COOKIE, {}]


class OwnSiteView(APIView):
    """A view that touches the refresh cookie: closed to other sites."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        origin_check(request)
        super().initial(request, *args, **kwargs)


class CookieView(OwnSiteView):
    """One that is open to all: who comes is known by the cookie, or not yet."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


def user_agent_of(request: Request) -> str:
    """What the browser says it is, or ""."""
    return request.headers.get("User-Agent", "")


def session_response(pair: TokenPair, code: int) -> Response:
    """The access token and the user in the body, the refresh token in the cookie."""
    response = Response(SessionOutput(pair).data, status=code)
    cookie_set(response, refresh=pair.refresh)
    return response


class RegisterView(CookieView):
    @extend_schema(
        request=RegisterInput,
        responses={
            201: SessionOutput,
            **error_responses(ForeignOrigin, RegistrationClosed, UsernameTaken, RateLimited),
        },
        operation_id="register",
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Create an account and sign in."""
        if not settings.REGISTRATION_OPEN:
            raise RegistrationClosed
        limit_hit(name="register", key=address_key(request.META.get("REMOTE_ADDR")))
        data = RegisterInput(data=request.data)
        data.is_valid(raise_exception=True)
        limit_hit(name="register_day", key=address_key(request.META.get("REMOTE_ADDR")))
        user = user_register(**data.validated_data)
        pair = tokens_issue(user=user, user_agent=user_agent_of(request))
        response = session_response(pair, status.HTTP_201_CREATED)
        device_know(request, response, user=user)
        return response


class LoginView(CookieView):
    @extend_schema(
        request=LoginInput,
        responses={
            200: SessionOutput,
            **error_responses(InvalidCredentials, ForeignOrigin, Suspended, RateLimited, LockedOut),
        },
        operation_id="login",
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Sign in with username and password."""
        data = LoginInput(data=request.data)
        data.is_valid(raise_exception=True)
        attempt = guard(request, username=data.validated_data["username"])
        user = user_authenticate(**data.validated_data)
        pair = tokens_issue(user=user, user_agent=user_agent_of(request))
        response = session_response(pair, status.HTTP_200_OK)
        attempt.passed(request, response, user=user)
        return response


class RefreshView(CookieView):
    @extend_schema(
        request=EmptySerializer,
        responses={
            200: TokenOutput,
            **error_responses(NotAuthenticated, ForeignOrigin, Suspended),
        },
        auth=WITH_COOKIE,
        operation_id="refresh",
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Trade the refresh cookie for a new access token and a new cookie."""
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        pair = tokens_rotate(raw_refresh=cookie_read(request), user_agent=user_agent_of(request))
        response = Response(TokenOutput(pair).data)
        cookie_set(response, refresh=pair.refresh)
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """A refused cookie is removed, so that the browser stops sending it.

        Not one that was replaced by a change of the password: this answer may come after the
        change's own, and would remove its cookie.
        """
        response = super().handle_exception(exc)
        is_refused = isinstance(exc, NotAuthenticated | Suspended)
        if is_refused and not isinstance(exc, Superseded):
            cookie_clear(response)
        return response


class LogoutView(CookieView):
    @extend_schema(
        request=EmptySerializer,
        responses={
            204: OpenApiResponse(description="Signed out."),
            **error_responses(ForeignOrigin),
        },
        auth=WITH_OR_WITHOUT,
        operation_id="logout",
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """End this session and remove its cookie."""
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        tokens_end(raw_refresh=cookie_read(request))
        response = Response(status=status.HTTP_204_NO_CONTENT)
        cookie_clear(response)
        return response


class TicketView(APIView):
    @extend_schema(
        request=EmptySerializer,
        responses=TicketOutput,
        operation_id="ws_ticket",
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """A single-use ticket for `/ws/chat/?ticket=`."""
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        user, token = request_user(request), request.auth
        assert isinstance(token, Token), "only an access token buys a ticket"
        assert user.session_id is not None, "and it names its session"
        ticket = Ticket(user.pk, user.token_version, user.session_id.hex, token["exp"])
        secret = ticket_issue(ticket)
        return Response({"ticket": secret, "expires_in": settings.TICKET_LIFETIME_S})
