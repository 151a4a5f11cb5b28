"""pydantic's JSON Schema in the words of OpenAPI 3.0, which knows no `const` and no null type."""

from __future__ import annotations

from typing import Any


def plain_inputs(schema: dict[str, Any]) -> None:
    """For what clients send: null means absent there and is not worth a word."""
    for field in schema.get("properties", {}).values():
        if field.get("default", ...) is None:
            del field["default"]
        _rewrite(field)


def plain_outputs(schema: dict[str, Any]) -> None:
    """For what clients receive: null is said."""
    for field in schema.get("properties", {}).values():
        if field.get("default", ...) is None:
            del field["default"]
        if _rewrite(field):
            field["nullable"] = True


def _rewrite(field: dict[str, Any]) -> bool:
    """Returns whether null was among the kinds."""
    if "const" in field:
        field["enum"] = [field.pop("const")]
    if field.get("type") == "null":
        field["type"] = "string"
        return True
    kinds = field.pop("anyOf", [])
    rest = [kind for kind in kinds if kind != {"type": "null"}]
    if len(rest) > 1:
        field["anyOf"] = rest
    elif rest:
        field.update({"allOf": rest} if "$ref" in rest[0] else rest[0])
    return len(rest) < len(kinds)
