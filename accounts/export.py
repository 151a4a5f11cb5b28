"""Everything that is stored about a user, as one JSON document.

Written to a file first: the download is of one moment, an error is an error instead of half a
document, and neither a long account nor a slow reader takes memory or a database connection.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.belongings import belongings
from accounts.devices import device_name
from accounts.errors import NotAuthenticated
from accounts.models import User

FORMAT = "eugpt.account"
VERSION = 1
_MEMORY_BYTES = 1024 * 1024

EXAMPLE = {
    "format": FORMAT,
    "version": VERSION,
    "exported_at": "2026-11-22T12:00:00Z",
    "profile": {
        "id": 7,
        "username": "ana",
        "created_at": "2026-11-22T10:00:00Z",
        "last_login": None,
        "email": "ana@example.org",
        "pending_email": "",
        "may_train": False,
    },
    "settings": {},
    "sessions": [],
    "api_keys": [],
    "conversations": [],
    "traces": [],
    "shares": [],
    "feedback": [],
    "reports": [],
    "other_replies": [],
}

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def account_export(*, user: User) -> tuple[IO[bytes], int]:
    """The document as a file, open at its beginning, and its size in bytes.

    Everything is of one moment: run outside of a transaction. Raises NotAuthenticated when the user
    has gone.
    """
    file: Any = SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115  (the caller closes it)
    try:
        with transaction.atomic(durable=True):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if (found := User.objects.filter(pk=user.pk).first()) is None:
                raise NotAuthenticated
            for piece in _document(found):
                file.write(piece.encode())
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, size


def moment(value: datetime | None) -> str | None:
    """A time as the API writes it."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _document(user: User) -> Iterator[str]:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": moment(timezone.now()),
        "profile": {
            "id": user.pk,
            "username": user.username,
            "created_at": moment(user.date_joined),
            "last_login": moment(user.last_login),
            "email": user.email,
            "pending_email": user.pending_email,
            "may_train": user.may_train,
        },
        "settings": user.settings,
    }
    yield encode(head)[:-1]
    yield from _section("sessions", map(encode, _sessions(user)))
    yield from _section("api_keys", map(encode, _keys(user)))
    for part in belongings():
        for name, items in part.sections.items():
            yield from _section(name, items(user))
    yield "}\n"


def _section(name: str, items: Iterable[str]) -> Iterator[str]:
    yield f",\n{encode(name)}:["
    for number, item in enumerate(items):
        yield f"{',' if number else ''}\n{item}"
    yield "]"


def _sessions(user: User) -> Iterator[dict[str, Any]]:
    for session in user.sessions.order_by("created_at").iterator():
        yield {
            "id": str(session.pk),
            "created_at": moment(session.created_at),
            "last_seen_at": moment(session.last_seen_at),
            "device": device_name(session.user_agent),
            "user_agent": session.user_agent,
        }


def _keys(user: User) -> Iterator[dict[str, Any]]:
    for key in user.api_keys.order_by("pk").iterator():
        yield {
            "name": key.name,
            "prefix": key.prefix,
            "created_at": moment(key.created_at),
            "last_used_at": moment(key.last_used_at),
            "expires_at": moment(key.expires_at),
        }
