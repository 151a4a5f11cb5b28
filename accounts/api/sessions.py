"""Where a user is signed in, and how that ends: one by one, everywhere, or by another password."""

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.cookies import cookie_clear
from accounts.api.serializers import OwnSessionOutput, PasswordChangeInput, SessionOutput
from accounts.api.views import OwnSiteView, session_response, user_agent_of
from accounts.errors import ForeignOrigin, NotFound, RateLimited, WrongPassword
from accounts.rest import EmptySerializer, error_responses, request_user
from accounts.services import password_change, sessions_end_all
from accounts.sessions import session_end, session_list

TAGS = ["auth"]


class PasswordView(OwnSiteView):
    @extend_schema(
        request=PasswordChangeInput,
        responses={
            200: SessionOutput,
            **error_responses(WrongPassword, ForeignOrigin, RateLimited),
        },
        operation_id="password_change",
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Change the password.

        All other sessions end. This one goes on with the token of this answer and a new cookie;
        open sockets are closed with 4401 and come back with a new ticket.
        """
        user = request_user(request)
        data = PasswordChangeInput(data=request.data, context={"user": user})
        data.is_valid(raise_exception=True)
        agent = user_agent_of(request)
        pair = password_change(user=user, user_agent=agent, **data.validated_data)
        return session_response(pair, status.HTTP_200_OK)


class SessionsView(APIView):
    @extend_schema(responses=OwnSessionOutput(many=True), operation_id="sessions_list", tags=TAGS)
    def get(self, request: Request) -> Response:
        """Where the user is signed in, seen last first; at most 100."""
        user = request_user(request)
        context = {"session_id": user.session_id}
        return Response(OwnSessionOutput(session_list(user=user), many=True, context=context).data)


class SessionView(OwnSiteView):
    @extend_schema(
        responses={
            204: OpenApiResponse(description="Ended."),
            **error_responses(ForeignOrigin, NotFound),
        },
        operation_id="sessions_end",
        tags=TAGS,
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End a session: its tokens are refused at once, its sockets close within two seconds."""
        user = request_user(request)
        session_end(user=user, session_id=session_id)
        response = Response(status=status.HTTP_204_NO_CONTENT)
        if session_id == user.session_id:
            cookie_clear(response)
        return response


class LogoutAllView(OwnSiteView):
    @extend_schema(
        request=EmptySerializer,
        responses={
            204: OpenApiResponse(description="Signed out everywhere."),
            **error_responses(ForeignOrigin),
        },
        operation_id="logout_all",
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """End all sessions of the user, this one too, and remove its cookie."""
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        sessions_end_all(user=request_user(request))
        response = Response(status=status.HTTP_204_NO_CONTENT)
        cookie_clear(response)
        return response
