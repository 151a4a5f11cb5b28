"""Bearer tokens for REST and SSE views, with EuGPT's errors."""

from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from accounts.errors import NotAuthenticated
from accounts.models import User
from accounts.tokens import user_check


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
        user_id = str(validated_token.get(api_settings.USER_ID_CLAIM, ""))
        user = User.objects.filter(pk=user_id).first() if user_id.isdecimal() else None
        if user is None:
            raise NotAuthenticated
        user_check(user=user, token=validated_token)
        return user
