"""Shapes of the account routes."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.preferences import SETTINGS_EXAMPLE, SettingsInput, SettingsOutput
from accounts.devices import device_name
from accounts.models import Session, User
from accounts.rest import StrictBooleanField, StrictSerializer, shape_example

PASSWORD_MAX_CHARS = 128
_CREDENTIALS = {"username": "ana", "password": "correct horse battery"}
_USER = {
    "id": 7,
    "username": "ana",
    "created_at": "2026-11-22T12:00:00Z",
    "settings": SETTINGS_EXAMPLE,
    "email": "ana@example.org",
    "pending_email": None,
    "role": "member",
    "may_train": False,
}
_PASSWORDS = {"old_password": "what ana signs in with", "new_password": "staple wrong donkey"}
_SESSION = {
    "id": "0d9c6f0e-3f3b-4c7e-9a55-8d0c3a1f7b21",
    "created_at": "2026-11-22T12:00:00Z",
    "last_seen_at": "2026-11-22T15:10:00Z",
    "device": "Firefox on Linux",
    "is_current": True,
}
_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoiNyJ9.c2lnbmF0dXJl"


def password_field() -> serializers.CharField:
    return serializers.CharField(
        trim_whitespace=False, max_length=PASSWORD_MAX_CHARS, style={"input_type": "password"}
    )


def _check_password(field: str, password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise serializers.ValidationError({field: error.messages}) from None


@shape_example(_CREDENTIALS)
class RegisterInput(StrictSerializer):
    username = serializers.CharField(validators=User._meta.get_field("username").validators)
    password = password_field()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _check_password("password", attrs["password"], User(username=attrs["username"]))
        return attrs


@shape_example(_CREDENTIALS)
class LoginInput(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = password_field()


@shape_example(_USER)
class UserOutput(serializers.ModelSerializer[User]):
    created_at = serializers.DateTimeField(source="date_joined")
    settings = SettingsOutput()
    email = serializers.SerializerMethodField(help_text="Confirmed by a mail; null without one.")
    pending_email = serializers.SerializerMethodField(
        help_text="Waits until the link in the mail to it is used."
    )
    role = serializers.SerializerMethodField()
    may_train = serializers.BooleanField(
        help_text="Consent: what the user says of replies may be used for training."
    )

    class Meta:
        model = User
        fields = [
            "id", "username", "created_at", "settings", "email", "pending_email", "role",
            "may_train",
        ]  # fmt: skip
        read_only_fields = fields

    def get_email(self, user: User) -> str | None:
        return user.email or None

    def get_pending_email(self, user: User) -> str | None:
        return user.pending_email or None

    @extend_schema_field(serializers.ChoiceField(["member", "staff"]))
    def get_role(self, user: User) -> str:
        return "staff" if user.is_staff else "member"


@shape_example({"username": "ana", "settings": SETTINGS_EXAMPLE, "may_train": True})
class UserUpdateInput(StrictSerializer):
    username = serializers.CharField(
        required=False, validators=User._meta.get_field("username").validators
    )
    settings = SettingsInput(required=False)
    may_train = StrictBooleanField(required=False)


@shape_example({"token": _TOKEN, "user": _USER})
class SessionOutput(serializers.Serializer[Any]):
    """The answer to register and login; the refresh token is in the cookie."""

    token = serializers.CharField(source="access", help_text="Access token, good for 10 minutes.")
    user = UserOutput()


@shape_example(_PASSWORDS)
class PasswordChangeInput(StrictSerializer):
    """Made with the user who asks: the new password must not be like the name."""

    old_password = password_field()
    new_password = password_field()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _check_password("new_password", attrs["new_password"], self.context["user"])
        return attrs


@shape_example({"password": "what ana signs in with"})
class PasswordInput(StrictSerializer):
    password = password_field()


@shape_example(_SESSION)
class OwnSessionOutput(serializers.ModelSerializer[Session]):
    """One for each sign-in. Its serializer needs the `session_id` of the request."""

    device = serializers.SerializerMethodField(help_text="A name made of what the browser says.")
    last_seen_at = serializers.DateTimeField(help_text="Accurate to about 10 minutes.")
    is_current = serializers.SerializerMethodField(help_text="Whether this request belongs to it.")

    class Meta:
        model = Session
        fields = ["id", "created_at", "last_seen_at", "device", "is_current"]
        read_only_fields = fields

    def get_device(self, session: Session) -> str:
        return device_name(session.user_agent)

    def get_is_current(self, session: Session) -> bool:
        return bool(session.pk == self.context["session_id"])


@shape_example({"token": _TOKEN})
class TokenOutput(serializers.Serializer[Any]):
    token = serializers.CharField(source="access")


@shape_example({"ticket": "b1XlTJ0pQK0w3yYJv2Zc5Q", "expires_in": 30})
class TicketOutput(serializers.Serializer[Any]):
    ticket = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
