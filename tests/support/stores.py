"""Looks into every table and every key, whatever they are: a new one is covered by itself."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection

from accounts.store import redis_client

_READ: dict[str, Any] = {
    "string": lambda client, key: client.get(key),
    "hash": lambda client, key: client.hgetall(key),
    "stream": lambda client, key: client.xrange(key),
    "set": lambda client, key: client.smembers(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    "none": lambda client, key: None,  # it has just ended
}


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def rows() -> dict[str, list[str]]:
    """Every row of every table as text: each column of it, JSON and search words too."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f'SELECT t::text FROM "{table}" AS t ORDER BY 1')
            found[table] = [text for (text,) in cursor.fetchall()]
    return found


def keys() -> dict[str, str]:
    """Every key of Redis with its value, queues of tasks among them."""
    client = redis_client()
    return {
        key: repr(_READ[str(client.type(key))](client, key)) for key in client.scan_iter(count=1000)
    }


def traces_of(*needles: str) -> set[str]:
    """Where one of these stands, in whatever case: "table" or "table: key"."""
    wanted = [needle.lower() for needle in needles]
    places = {
        table
        for table, texts in rows().items()
        if any(needle in text.lower() for text in texts for needle in wanted)
    }
    return places | {
        key
        for key, value in keys().items()
        if any(needle in f"{key} {value}".lower() for needle in wanted)
    }


def references_to(table: str, pk: int) -> set[str]:
    """Columns with a foreign key to this row, in any table."""
    query = """
        SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint AS c
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.confrelid = %s::regclass
    """
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(query, [table])
        for owner, column in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM {owner} WHERE "{column}" = %s', [pk])
            if cursor.fetchone()[0]:
                found.add(f"{owner}.{column}")
    return found


def admin_sessions_of(pk: int) -> int:
    """Their data is encoded: no search for text would find a user in it."""
    return sum(row.get_decoded().get(SESSION_KEY) == str(pk) for row in Session.objects.all())


def columns_to(table: str) -> set[str]:
    """Every column with a foreign key to this table, used or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text || '.' || a.attname FROM pg_constraint AS c"
            " JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
            " WHERE c.contype = 'f' AND c.confrelid = %s::regclass",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}
