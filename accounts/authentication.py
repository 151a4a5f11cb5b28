"""Bearer tokens for REST and SSE views, API keys for /v1, with EuGPT's errors."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.tokens import Token

from accounts.errors import InvalidApiKey, NotAuthenticated
from accounts.keys import key_user
from accounts.models import User
from accounts.sessions import user_in_session
from accounts.tokens import VERSION_CLAIM, session_of, user_of


class TokenAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access token>`; raises NotAuthenticated or Suspended."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        try:
            return super().get_raw_token(header)
        except AuthenticationFailed:
            raise NotAuthenticated("The Authorization header is malformed.") from None

    def get_validated_token(self, raw_token: bytes) -> Token:
        try:
            return super().get_validated_token(raw_token)
        except InvalidToken:
            raise NotAuthenticated("Your session has expired. Sign in again.") from None

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]
        return user_in_session(
            user_id=user_of(validated_token),
            token_version=validated_token.get(VERSION_CLAIM),
            session_id=session_of(validated_token),
        )


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer eugpt-…`; raises NotAuthenticated, InvalidApiKey or Suspended."""

    def authenticate(self, request: Request) -> tuple[User, None]:
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            raise NotAuthenticated("Send an API key: Authorization: Bearer eugpt-…")
        try:
            return key_user(secret=secret.strip().decode("ascii")), None
        except UnicodeDecodeError:
            raise InvalidApiKey from None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="v1"'
