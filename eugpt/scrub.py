"""Takes the values that PostgreSQL quotes in its errors out of what is logged or sent.

`DETAIL: Key (username)=(ana)`, `invalid input: "..."`: the class of the error, its SQLSTATE and the
names of table, column and constraint are left.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import django.db
import psycopg


def without_values(text: str, errors: list[BaseException]) -> str:
    """`text` with what the database says in these errors and their causes made harmless.

    Line by line: tracebacks of groups indent what they quote. Celery quotes the repr.
    """
    for error in errors:
        for cause in _chain(error):
            if harmless := _harmless(cause):
                first, *more = [line for line in str(cause).splitlines() if line.strip()] or [""]
                text = text.replace(repr(str(cause))[1:-1], harmless)
                for line, instead in ((first, harmless), *((line, "") for line in more)):
                    text = text.replace(line, instead) if line else text
    return text


def errors_of(record: logging.LogRecord) -> list[BaseException]:
    """What a record is about: its arguments and its exception."""
    found = [arg for arg in _args(record) if isinstance(arg, BaseException)]
    if record.exc_info and record.exc_info[1]:
        found.append(record.exc_info[1])
    return found


def message_of(record: logging.LogRecord) -> str:
    """The record's text without values; a line that cannot be made says where it stands.

    logging itself would print its arguments instead.
    """
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001  (whatever the arguments' own methods raise)
        return f"a line that cannot be written ({record.module}:{record.lineno})"
    return without_values(text, errors_of(record))


def _args(record: logging.LogRecord) -> Iterator[Any]:
    if isinstance(record.args, tuple):
        yield from record.args
    elif record.args:
        yield from record.args.values()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        waiting += getattr(one, "exceptions", ())


def _harmless(error: BaseException) -> str:
    """What may be said of an error of PostgreSQL; "" for any other error.

    Django's own database errors hold psycopg's as their cause and repeat its words.
    """
    source = error.__cause__ if isinstance(error, django.db.Error) else error
    if not isinstance(source, psycopg.Error) or source.sqlstate is None:
        return ""
    told = source.diag
    names = (told.table_name, told.column_name, told.constraint_name)
    about = " ".join(name for name in names if name)
    return f"{type(source).__name__} ({source.sqlstate}) {about}".strip()
