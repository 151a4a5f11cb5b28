"""A conversation as a file: JSON with everything, Markdown and plain text of the shown branch.

What people and the model wrote is text, whatever it looks like: in Markdown its signs are escaped
and in plain text its lines are set in, so that no message can pass for a heading, a link, a
picture or somebody else's turn.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.export import encode, moment
from chat.models import Conversation, Generation, Message, Role
from chat.tree import shown_messages

FORMAT = "eugpt.conversation"
VERSION = 1

_NAMES = {Role.USER: "You", Role.ASSISTANT: "EuGPT"}
HIDDEN = "A moderator has hidden this message."
_BRANCH_MAX = 100_000
_NAME_MAX_CHARS = 80
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>&|~$#])")
_LINE_START = re.compile(r"^( *)([+=:-]|\d+(?=[.)]))")
# All but line feed and tab: a terminal would obey them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file to download; `name` is safe on every system and may be in any script."""

    name: str
    content_type: str
    text: str


def conversation_export(*, conversation: Conversation, file_format: str) -> ExportFile:
    """The conversation as `json`, `md` or `txt`. At most two queries."""
    content_type, write = _FORMATS[file_format]
    name = f"{file_stem(conversation.title)}.{file_format}"
    return ExportFile(name, f"{content_type}; charset=utf-8", write(conversation))


def file_stem(title: str) -> str:
    """A title as a file name without its extension."""
    kept = "".join(" " if _is_unfit(char) else char for char in title)
    stem = " ".join(kept.split())[:_NAME_MAX_CHARS].strip(" .-~")
    return stem if stem and not _RESERVED.match(stem) else f"conversation {stem}".strip()


def _is_unfit(char: str) -> bool:
    return char in '\\/:*?"<>|%' or unicodedata.category(char)[0] == "C"


def _json(conversation: Conversation) -> str:
    rows = conversation.messages.select_related("generation").order_by("id")
    messages = list(rows)
    numbers: dict[int | None, int] = {m.pk: i for i, m in enumerate(messages, start=1)}
    document = {
        "format": FORMAT,
        "version": VERSION,
        "conversation": {
            "uuid": str(conversation.uuid),
            "title": conversation.title,
            "created_at": moment(conversation.created_at),
            "updated_at": moment(conversation.updated_at),
            "pinned": conversation.pinned,
            "archived": conversation.archived,
            "head": numbers.get(conversation.head_id),
        },
    }
    # One line for each message: as small as can be and yet to be read and compared.
    lines = ",\n".join(encode(_message(message, numbers)) for message in messages)
    return f'{encode(document)[:-1]},"messages":[\n{lines}\n]}}\n'


def _message(message: Message, numbers: dict[int | None, int]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": numbers[message.pk],
        "parent": numbers.get(message.parent_id),
        "role": message.role,
        "content": message.shown_content,
        "created_at": moment(message.created_at),
    }
    if message.is_hidden:
        row["is_hidden"] = True
    generation: Generation | None = getattr(message, "generation", None)
    if generation is not None:
        row["generation"] = generation_document(generation)
    return row


def generation_document(generation: Generation) -> dict[str, Any]:
    """How a reply came about, as files say it."""
    return {
        "model": generation.model,
        "status": generation.status,
        "finish_reason": generation.finish_reason,
        "error_code": generation.error_code,
        "notice": generation.notice,
        "params": generation.params,
        "prompt_tokens": generation.prompt_tokens,
        "completion_tokens": generation.completion_tokens,
        "context_trimmed": generation.context_trimmed,
    }


def _markdown(conversation: Conversation) -> str:
    lines = [f"# {markdown_escape(' '.join(conversation.title.split()))}", ""]
    for message in shown_messages(conversation=conversation, limit=_BRANCH_MAX):
        name, when = _NAMES[Role(message.role)], _minute(message.created_at)
        lines += [f"## {name}, {when}", "", _markdown_text(message), ""]
    return "\n".join(lines)


def _markdown_text(message: Message) -> str:
    return f"*{HIDDEN}*" if message.is_hidden else markdown_escape(_with_notice(message))


def _with_notice(message: Message) -> str:
    """The text, and below it what a safety rule tells its reader."""
    notice = getattr(getattr(message, "generation", None), "notice", None)
    return f"{message.content}\n\nNotice: {notice['text']}" if notice else message.content


def markdown_escape(text: str) -> str:
    """Markdown that shows `text` as it is: its paragraphs, and the lines in them."""
    paragraphs: list[list[str]] = [[]]
    for line in map(_markdown_line, _lines(text)):
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n\n".join("\\\n".join(lines) for lines in paragraphs if lines)


def _markdown_line(line: str) -> str:
    escaped = _MARKDOWN.sub(r"\\\1", line.replace("\t", "    ").rstrip())
    escaped = _LINE_START.sub(_escape_start, escaped)
    blanks = len(escaped) - len(escaped.lstrip(" "))
    return "&nbsp;" * blanks + escaped[blanks:]


def _escape_start(match: re.Match[str]) -> str:
    blanks, sign = match[1], match[2]
    return f"{blanks}{sign}\\" if sign[0].isdigit() else f"{blanks}\\{sign}"


def _plain(conversation: Conversation) -> str:
    lines = [" ".join(" ".join(_lines(conversation.title)).split()), ""]
    for message in shown_messages(conversation=conversation, limit=_BRANCH_MAX):
        name, when = _NAMES[Role(message.role)], _minute(message.created_at)
        text = HIDDEN if message.is_hidden else _with_notice(message)
        lines += [f"{name} ({when}):", *(f"    {line}" for line in _lines(text)), ""]
    return "\n".join(lines)


def _lines(text: str) -> Iterator[str]:
    """All that any program may take for a line."""
    for line in text.splitlines():
        yield _CONTROLS.sub("\ufffd", line)


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


_FORMATS: dict[str, tuple[str, Callable[[Conversation], str]]] = {
    "json": ("application/json", _json),
    "md": ("text/markdown", _markdown),
    "txt": ("text/plain", _plain),
}
FILE_FORMATS = tuple(_FORMATS)
