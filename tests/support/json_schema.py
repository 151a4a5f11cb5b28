"""Holds messages and events against the JSON Schema that clients are given."""

from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]


class EventsSchema:
    """The document of /api/schema/events; groups are ClientMessage, ServerMessage, SseEvent."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def check(self) -> None:
        """Raises where the document itself is no JSON Schema."""
        Draft202012Validator.check_schema(self._document)

    def errors(self, group: str, value: dict[str, Any]) -> list[str]:
        """What is wrong with a message or event: of its own kind, not of all kinds."""
        kinds = self._kinds(group)
        tag = "event" if group == "SseEvent" else "type"
        schema = kinds.get(value.get(tag, ""))
        if schema is None:
            return [f"unknown {tag}: {value.get(tag)!r}"]
        validator = Draft202012Validator(
            {**schema, "$defs": self._document["$defs"]},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def examples(self, group: str) -> list[dict[str, Any]]:
        return [e for schema in self._kinds(group).values() for e in schema["examples"]]

    def _kinds(self, group: str) -> dict[str, dict[str, Any]]:
        definitions = self._document["$defs"]
        tag = "event" if group == "SseEvent" else "type"
        members = [definitions[m["$ref"].rpartition("/")[2]] for m in definitions[group]["oneOf"]]
        return {member["properties"][tag]["const"]: member for member in members}
