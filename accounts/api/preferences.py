"""The shape of `User.settings`: what the page keeps on the server. The server itself reads none of
it: the page sends the sampling params along with each prompt.
"""

from typing import Any

from rest_framework import serializers

from accounts.rest import StrictIntegerField, StrictNumberField, StrictSerializer
from inference.public import params_schema

SAMPLING_NAMES = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "max_tokens")
SETTINGS_EXAMPLE = {"sampling": {"temperature": 0.8, "top_k": 40}}


def _sampling_fields(*, is_nullable: bool) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """An optional field for each param, with the ranges that prompts have."""
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = {}
    for name in SAMPLING_NAMES:
        schema = params_schema()["properties"][name]
        kind = StrictIntegerField if "integer" in schema["type"] else StrictNumberField
        fields[name] = kind(
            min_value=schema["minimum"],
            max_value=schema["maximum"],
            required=False,
            allow_null=is_nullable,
        )
    return fields


class SamplingInput(StrictSerializer):
    """The params that are wished; one that is null or missing has the model's default."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return _sampling_fields(is_nullable=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in attrs.items() if value is not None}


class SamplingOutput(serializers.Serializer[Any]):
    """Only what is set."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return _sampling_fields(is_nullable=False)


class SettingsInput(StrictSerializer):
    sampling = SamplingInput(
        required=False, allow_null=True, help_text="Replaces what was set; null or {} clears."
    )


class SettingsOutput(serializers.Serializer[Any]):
    sampling = SamplingOutput(required=False)
