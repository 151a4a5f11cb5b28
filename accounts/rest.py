"""Parts that every REST view shares: strict input, error shapes for the schema, negotiation."""

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.errors import ApiError
from accounts.models import User


class FirstRendererNegotiation(DefaultContentNegotiation):
    """Answer in the view's own format whatever `Accept` says: an event stream client that makes a
    mistake still gets its error as JSON instead of a 406.
    """

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, str(first.media_type)


class UnicodeJSONParser(JSONParser):
    """JSON that can be stored and sent again: lone surrogates and bottomless nesting end here."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            data = super().parse(stream, media_type, parser_context)
            json.dumps(data, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
        except UnicodeEncodeError:
            raise ParseError("JSON parse error - a text is not valid Unicode") from None
        return data


def request_user(request: Request) -> User:
    """The signed-in user of a view that only answers those."""
    user = request.user
    assert isinstance(user, User), "the view must require authentication"
    return user


class StrictSerializer(serializers.Serializer[Any]):
    """Input that refuses fields it does not know, so that a typo never passes silently, and numbers
    where a text belongs.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {name: ["This field is not known."] for name in unknown}
                )
            if numbers := [name for name in data if self._is_number_for_text(name, data[name])]:
                raise serializers.ValidationError(
                    {name: ["Not a valid string."] for name in numbers}
                )
        return super().to_internal_value(data)

    def _is_number_for_text(self, name: str, value: Any) -> bool:
        is_text = isinstance(self.fields[name], serializers.CharField)
        return is_text and isinstance(value, int | float)


class StrictIntegerField(serializers.IntegerField):
    """A JSON number, not "1" or 1.0."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictNumberField(serializers.FloatField):
    """A JSON number, not "1" or true."""

    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, int | float) or isinstance(data, bool):
            self.fail("invalid")
        try:
            return super().to_internal_value(data)
        except OverflowError:  # an integer of hundreds of digits
            self.fail("invalid")


class StrictBooleanField(serializers.BooleanField):
    """true or false, not "yes" or 1."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


def shape_example(value: Any) -> Any:
    """Decorates a serializer with what it looks like, in requests and in answers."""
    return extend_schema_serializer(examples=[OpenApiExample("Example", value)])


@shape_example({})
class EmptySerializer(StrictSerializer):
    """The body of a request that needs none: nothing, or `{}`."""


class ErrorBody(serializers.Serializer[Any]):
    """Every error of the API. `code` decides which of the other fields are there."""

    detail = serializers.CharField(help_text="A sentence for people.")
    code = serializers.CharField(help_text="A stable word for programs.")
    fields = serializers.DictField(  # type: ignore[assignment]
        required=False,
        help_text="With `invalid`: messages by field.",
    )
    param = serializers.CharField(required=False, help_text="With `bad_params`: which one.")
    allowed = serializers.CharField(required=False, help_text="With `bad_params`: what it may be.")
    tokens = serializers.IntegerField(required=False, help_text="With `prompt_too_long`.")
    limit = serializers.IntegerField(required=False, help_text="How many there can be.")
    limit_bytes = serializers.IntegerField(required=False, help_text="With `too_large`.")
    generation = serializers.CharField(
        required=False, help_text="With `generation_running`: the one that runs."
    )
    retry_after = serializers.IntegerField(required=False, help_text="Seconds to wait.")
    reason = serializers.CharField(required=False, help_text="With `suspended`; may be empty.")
    until = serializers.DateTimeField(
        required=False, allow_null=True, help_text="With `suspended`; null where there is no end."
    )


def error_responses(*errors: int | type[ApiError]) -> dict[int, OpenApiResponse]:
    """The error answers of a view, for its schema: classes that it raises, or statuses.

    What every route answers need not be named (`eugpt.openapi`).
    """
    by_status: dict[int, list[type[ApiError]]] = {}
    for error in errors:
        if isinstance(error, int):
            by_status.setdefault(error, [])
        else:
            by_status.setdefault(error.status_code, []).append(error)
    return {
        status: OpenApiResponse(ErrorBody, examples=[error_example(error) for error in classes])
        for status, classes in by_status.items()
    }


def error_example(error: type[ApiError]) -> OpenApiExample:
    """What a client sees of it."""
    body = {"detail": str(error.default_detail), "code": error.default_code, **error.example}
    return OpenApiExample(error.default_code, body, response_only=True)
