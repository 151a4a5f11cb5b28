"""What the server has stored, read past the server: from PostgreSQL itself. Blocking."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

_ROWS = """
SELECT g.id::text, coalesce(u.username, ''), coalesce(g.client_id, ''), g.status, g.error_code,
       g.conversation_id, coalesce(m.content, ''), coalesce(p.content, ''), g.attempt
FROM chat_generation g
LEFT JOIN accounts_user u ON u.id = g.user_id
LEFT JOIN chat_message m ON m.id = g.message_id
LEFT JOIN chat_message p ON p.id = m.parent_id
"""
# Rows that a transaction half done, or an answer written twice, would leave behind.
_ODD = {
    "replies without a generation": """
        SELECT count(*) FROM chat_message m WHERE role = 'assistant'
        AND NOT EXISTS (SELECT 1 FROM chat_generation g WHERE g.message_id = m.id)""",
    "prompts without a reply": """
        SELECT count(*) FROM chat_message m WHERE role = 'user'
        AND NOT EXISTS (SELECT 1 FROM chat_message r WHERE r.parent_id = m.id)""",
    "prompts with two replies": """
        SELECT count(*) FROM (SELECT parent_id FROM chat_message WHERE role = 'assistant'
        GROUP BY parent_id HAVING count(*) > 1) AS twice""",
    "conversations without a message": """
        SELECT count(*) FROM chat_conversation c
        WHERE NOT EXISTS (SELECT 1 FROM chat_message m WHERE m.conversation_id = c.id)""",
}
_SETTLE_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One generation; text and prompt are empty for guests."""

    id: str
    member: str
    client_id: str
    status: str
    error_code: str
    conversation: int | None
    text: str
    prompt: str
    attempt: int


def running_on(database_url: str, pid: int) -> set[str]:
    """Ids of the generations that a worker process holds."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT id::text FROM chat_generation WHERE status = 'running' AND worker_id LIKE %s",
            [f"%:{pid}:%"],
        ).fetchall()
    return {row[0] for row in rows}


def settle(database_url: str, within_s: float) -> list[str]:
    """Wait until nothing is queued or running; returns the ids of what still is."""
    deadline = time.monotonic() + within_s
    with psycopg.connect(database_url, autocommit=True) as connection:
        while True:
            rows = connection.execute(
                "SELECT id::text FROM chat_generation WHERE status IN ('queued', 'running')"
            ).fetchall()
            if not rows or time.monotonic() > deadline:
                return [row[0] for row in rows]
            time.sleep(_SETTLE_EVERY_S)


def all_rows(database_url: str) -> list[Row]:
    """Every generation of the run."""
    with psycopg.connect(database_url) as connection:
        return [Row(*found) for found in connection.execute(_ROWS).fetchall()]


def dump(database_url: str, path: Path) -> None:
    """Write the life of every generation as CSV, for whoever looks into a run."""
    query = "SELECT * FROM chat_generation ORDER BY queued_at"
    with (
        psycopg.connect(database_url) as connection,
        connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy,
        path.open("wb") as file,
    ):
        for block in copy:
            file.write(block)


def oddities(database_url: str) -> dict[str, int]:
    """Counts of what must not be there."""
    with psycopg.connect(database_url) as connection:
        found = {}
        for name, query in _ODD.items():
            row = connection.execute(query).fetchone()
            found[name] = int(row[0]) if row else 0
    return {name: count for name, count in found.items() if count}
