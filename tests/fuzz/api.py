"""Runs Schemathesis over the API's own description against a running stack.

Every operation is called with valid and invalid input; an answer must be documented: its status,
type, headers and body, of which every field must be described, and every event of a stream.
"""

import json
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.stack import Stack

PASSWORD = "correct horse battery"
HOOKS = Path(__file__).with_name("hooks.py")
# What no schema can say: a field that depends on others, on stored rows, or on what passwords are
# common. There 400 may also answer what looks valid.
MAY_REFUSE = {
    "register": "the password is weak",
    "password_change": "the new password is weak",
    "password_reset": "no mail has this token, or the new password is weak",
    "email_set": "the address has no domain of the internet",
    "email_verify": "no mail has this token",
    "chat": "min_tokens above max_tokens, ids of tokens, blanks only, a history but not temporary",
    "chat_context": "the history's roles do not take turns",
    "chat_guest": "the history's roles do not take turns",
    "messages_regenerate": "min_tokens above max_tokens",
    "messages_edit": "min_tokens above max_tokens, blanks only",
    "messages_continue": "min_tokens above max_tokens",
    "messages_branch": "min_tokens above max_tokens",
    "messages_feedback": "the message is the user's",
    "messages_report": "the message is the user's",
    "conversations_list": "the cursor is not ours",
    "conversations_retrieve": "the message is of another conversation",
    "conversations_update": "the message is of another conversation",
    "conversations_bulk": "either ids or all",
    "conversations_import": "the messages are no tree",
    "shares_create": "there is nothing to share yet",
    "conversations_keep": "the turns' roles do not take turns, blanks only",
    "keys_create": "the date has passed",
    "openai_chat_completions": "the messages' roles do not take turns",
}


@dataclass(frozen=True)
class Run:
    """One run: how many examples of each operation, in which phases, the same ones each time or
    new ones, whose seed is in the report.
    """

    examples: int
    phases: str
    is_repeatable: bool = True

    def start(self, stack: Stack, folder: Path, *, is_signed_in: bool) -> subprocess.Popen[str]:
        """Schemathesis as a process of its own; its output is its report."""
        folder.mkdir()
        schema, config = folder / "openapi.json", folder / "schemathesis.toml"
        schema.write_text(json.dumps(_strict(stack)))
        config.write_text(_config(_credentials(stack) if is_signed_in else None))
        command = [
            str(Path(sys.executable).with_name("st")), "--config-file", str(config),
            "run", str(schema), "--url", stack.base_url, "--phases", self.phases,
            "--max-examples", str(self.examples), "--continue-on-failure", "--no-color",
            *(["--generation-deterministic"] if self.is_repeatable else []),
        ]  # fmt: skip
        return subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def _config(auth: str | None) -> str:
    refusing = [
        f'[[operations]]\ninclude-operation-id = "{name}"\n{_REFUSAL}' for name in MAY_REFUSE
    ]
    lines = [
        f'hooks = "{HOOKS}"',
        "request-timeout = 120",
        "max-stream-events = 10000",
        "warnings = false",
        "[auth]",
        "auto-signup = false",
        auth or "",
        *refusing,
    ]
    return "\n".join(lines)


_REFUSAL = (
    "checks.positive_data_acceptance.expected-statuses = "
    '["2xx", "400", "401", "403", "404", "409", "5xx"]'
)


def _credentials(stack: Stack) -> str:
    """A member who signs in again when the token ends, and another one's API key."""
    with httpx.Client(base_url=stack.base_url, timeout=60) as client:
        name, _ = _register(client)
        _, token = _register(client)
        headers = {"Authorization": f"Bearer {token}"}
        key = client.post("/api/keys", json={"name": "fuzz"}, headers=headers).json()["key"]
    return f"""
[auth.openapi.apiKey]
bearer = "{key}"
[auth.dynamic.openapi.bearer]
path = "/api/auth/login"
payload = {{ username = "{name}", password = "{PASSWORD}" }}
extract_selector = "/token"
retry_on = [401]
"""


def _register(client: httpx.Client) -> tuple[str, str]:
    name = f"fuzz_{uuid.uuid4().hex[:10]}"
    body = {"username": name, "password": PASSWORD}
    return name, client.post("/api/auth/register", json=body).raise_for_status().json()["token"]


def _strict(stack: Stack) -> dict[str, Any]:
    """The schema as it is served, without room for fields or events that it does not name."""
    schema: dict[str, Any] = httpx.get(f"{stack.base_url}/api/schema", timeout=60).json()
    events = httpx.get(f"{stack.base_url}/api/schema/events", timeout=60).json()["$defs"]
    for component in schema["components"]["schemas"].values():
        if "properties" in component:
            component.setdefault("additionalProperties", False)
    for path, item in schema["paths"].items():
        for operation in item.values():
            for response in operation["responses"].values():
                if stream := response.get("content", {}).get("text/event-stream"):
                    stream["schema"] = _event(events) if path.startswith("/api") else _CHUNK
    return schema


_CHUNK = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}


def _event(events: dict[str, Any]) -> dict[str, Any]:
    """Before OpenAPI 3.2, Schemathesis takes the schema of a stream for that of each event."""
    kinds = []
    for kind in events["SseEvent"]["oneOf"]:
        event = _inlined(kind, events)
        content = {
            "contentMediaType": "application/json",
            "contentSchema": event["properties"]["data"],
        }
        event["properties"]["data"] = {"type": "string", **content}
        kinds.append(event)
    return {"oneOf": kinds}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in schema.items()}
