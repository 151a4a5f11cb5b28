"""Parts that every REST view shares: strict input, error shapes for the schema, negotiation."""

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

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
    """Input that refuses fields it does not know, so that a typo never passes silently."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {name: ["This field is not known."] for name in unknown}
                )
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false, not "yes" or 1."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class EmptySerializer(StrictSerializer):
    """The body of a request that needs none: nothing, or `{}`."""


class ErrorBody(serializers.Serializer[Any]):
    """Every error of the API."""

    detail = serializers.CharField(help_text="A sentence for people.")
    code = serializers.CharField(help_text="A stable word for programs.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Messages by field, when the code is `invalid`.",
    )
    retry_after = serializers.IntegerField(required=False, help_text="Seconds to wait.")


def error_responses(*statuses: int) -> dict[int, type[ErrorBody]]:
    """The error answers of a view, for its schema."""
    return dict.fromkeys(statuses, ErrorBody)
