"""Shapes of the routes around an account's e-mail address."""

from typing import Any

from django.core.validators import EmailValidator
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from accounts.api.serializers import password_field
from accounts.email_links import TOKEN_MAX_CHARS
from accounts.rest import StrictSerializer, shape_example

EMAIL_MAX_CHARS = 254
_EMAIL = "ana@example.org"
_LINK_TOKEN = "WzcsIjNmMmM5YjFhIl0:1vMxQk:6mS2c0hXo1Yd"


def _email_check(email: str) -> None:
    """Refuse what the field lets pass: other letters than ASCII (many look alike, few mail servers
    take them), addresses of machines, and this one.
    """
    domain = email.rpartition("@")[2].lower()
    is_here = domain.rpartition(".")[2] == "localhost"
    if not email.isascii() or domain.startswith("[") or is_here:
        raise serializers.ValidationError(EmailValidator.message)


def _email_field() -> serializers.EmailField:
    return serializers.EmailField(max_length=EMAIL_MAX_CHARS, validators=[_email_check])


def _token_field() -> serializers.CharField:
    return serializers.CharField(
        max_length=TOKEN_MAX_CHARS, help_text="What stands behind #token= in the link."
    )


@shape_example({"registration": True, "email": True})
class OptionsOutput(serializers.Serializer[Any]):
    registration = serializers.BooleanField(help_text="Whether new accounts can be made.")
    email = serializers.BooleanField(help_text="Whether this server sends mails.")


@shape_example({"email": _EMAIL, "password": "what ana signs in with"})
class EmailInput(StrictSerializer):
    email = _email_field()
    password = password_field()


class EmailPendingOutput(serializers.Serializer[Any]):
    pending_email = serializers.CharField()


PENDING_EXAMPLE = OpenApiExample("Example", {"pending_email": _EMAIL}, status_codes=["202"])


@shape_example({"token": _LINK_TOKEN})
class EmailVerifyInput(StrictSerializer):
    token = _token_field()


@shape_example({"email": _EMAIL})
class EmailOutput(serializers.Serializer[Any]):
    email = serializers.CharField()


@shape_example({"email": _EMAIL})
class PasswordForgotInput(StrictSerializer):
    email = _email_field()


@shape_example({"token": _LINK_TOKEN, "new_password": "staple wrong donkey"})
class PasswordResetInput(StrictSerializer):
    token = _token_field()
    new_password = password_field()
