"""Texts that do harm wherever they are taken for more than text, and rows full of them.

Each piece of markup in them bears the attribute `data-pwned`: an element with it in a page, or
`window.__pwned`, or a call of the canary, and somebody has forgotten to escape.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.keys import key_create
from accounts.models import Session, User
from accounts.services import user_suspend
from chat.models import Generation, Message, Rating, Report, ReportReason, SafetyRule
from chat.services.opinions import feedback_set, report_make
from chat.services.shares import share_create
from inference.checkpoint_io import CARD
from inference.public import Checkpoint
from moderation.audit import record
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make

MARK = "data-pwned"
SMALL = "<b data-pwned>"
TAG = "'\"><img data-pwned src=x onerror=__pwned=1>"
TITLE = f"{TAG}</title><script data-pwned>__pwned=1</script>\u202egnp.exe"
CODE = "</textarea></pre><script data-pwned>window.__pwned=1</script>{{7*7}}{% now 'Y' %}"
MARKDOWN = """\
{code}

<svg data-pwned onload="__pwned=1"><a xlink:href="javascript:__pwned=1">svg</a></svg>

<iframe data-pwned srcdoc="<script>parent.__pwned=1</script>"></iframe>
<img data-pwned src="{canary}/html" onerror="__pwned=1"><style data-pwned>*{{display:none}}</style>

[one](javascript:__pwned=1) [two](JaVaScRiPt&colon;__pwned=1) [three](&#106;avascript:__pwned=1)
[four](data:text/html,<script>__pwned=1</script>) [five](vbscript:x) [six](file:///etc/passwd)
[seven](\x01javascript:__pwned=1) [eight](blob:{canary}/x) [nine]({canary}/followed) [ten][ref]
<javascript:__pwned=1> <b data-pwned>

![eleven]({canary}/picture.png) ![twelve](javascript:__pwned=1)
![thirteen](data:image/svg+xml,<svg onload="__pwned=1"/>)
[![fourteen]({canary}/inner)](javascript:__pwned=1)

[ref]: javascript:__pwned=1 "\\" onmouseover=__pwned=1"

```mermaid" onclick="__pwned=1
graph TD; A["<img data-pwned src=x onerror=__pwned=1>"]; click A "javascript:__pwned=1"
```

| <b data-pwned>a</b> | [b](javascript:__pwned=1) |
|---|---|
| <img data-pwned src=x onerror=__pwned=1> | \u202egnp.exe\u202c |

{word}
"""
LINKS_LEFT = {"/followed", "/picture.png", "/html"}


def markdown(canary: str = "http://canary.invalid") -> str:
    return MARKDOWN.format(code=CODE, canary=canary, word="W" * 1500)


def fit(field: Any) -> str:
    """The worst text that a column takes."""
    room = field.max_length or 100_000
    return next((text for text in (f"{TITLE} {CODE}", TITLE, TAG) if len(text) <= room), SMALL)


# What has a form of its own, or is made by us: nobody writes a text into it.
_FORMED = {
    "password", "owner_key", "client_id", "prefix", "key_hash", "slug", "path", "sha256",
    "model_sha256", "target_type", "target_id", "action", "reason",
}  # fmt: skip


def poison(row: models.Model) -> None:
    """Every column of free text says the worst that it can hold, whatever wrote it before."""
    changed = {}
    for field in row._meta.concrete_fields:
        is_text = isinstance(field, models.CharField | models.TextField)
        if is_text and not field.choices and field.name not in _FORMED:
            text = fit(field)
            changed[field.name] = f"{SMALL}{row.pk}" if field.unique else text
    if changed:
        type(row)._default_manager.filter(pk=row.pk).update(**changed)


def world_make(name: str = "mallory", *, folder: Path) -> User:
    """A user who has written everywhere, and staff who has written about it; the user's row.

    `folder` becomes that of a checkpoint, whose card is no better.
    """
    user = user_make(name)
    key, _ = key_create(user=user, name="key", expires_at=None)
    session = Session.objects.create(user=user)
    chat = conversation_make(user, TITLE)
    reply = exchange_make(chat, CODE, markdown())
    hidden = exchange_make(chat, CODE, CODE)
    Message.objects.filter(pk=hidden.pk).update(hidden_at=timezone.now())
    share = share_create(conversation=chat, expires_in_days=None)
    feedback = feedback_set(user=user, message_id=reply.pk, rating=Rating.DOWN, comment=CODE)
    report, _ = report_make(user=user, message_id=reply.pk, reason=ReportReason.OTHER, comment=CODE)
    rule = SafetyRule.objects.create(
        name=f"rule of {name}", category="other", text=TAG, is_enabled=False
    )
    Report.objects.create(
        message=reply, rule=rule, author=user, reason=ReportReason.OTHER, text=CODE
    )
    (folder / CARD).write_text(markdown())
    checkpoint = Checkpoint.objects.create(
        name=f"checkpoint of {name}", path=str(folder), sha256="0" * 64, parameters=1, manifest={
            "dtype": TAG, "licence": TAG,
            "training": {"licence": TAG, "imported_from": TAG, "stages": [{"run": TAG}]},
        },
    )  # fmt: skip
    user_suspend(user=user, reason=TITLE)
    entry = record(user, "user.suspend", user, {TAG: TAG, "reason": [CODE]})
    Generation.objects.filter(conversation=chat).update(
        params={"seed": TAG, TAG: TAG}, notice={"category": TAG, "text": CODE}, status="failed"
    )
    rows = [
        key,
        session,
        feedback,
        report,
        checkpoint,
        entry,
        rule,
        *Report.objects.filter(rule=rule),
    ]
    rows += [*Generation.objects.filter(conversation=chat), share, user]
    for row in rows:
        poison(row)
    type(share).objects.filter(pk=share.pk).update(
        messages=[
            {
                "role": role,
                "content": markdown(),
                "created_at": "2026-01-01T00:00:00Z",
                "model": TAG,
            }
            for role in ("user", "assistant")
        ]
    )
    user.refresh_from_db()
    return user


class _Reader(HTMLParser):
    """As a browser reads: which elements and attributes there are."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.bad: list[str] = []
        self.links: set[str] = set()
        self.forms: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name, value in attrs:
            said = "".join((value or "").split()).lower()
            is_code = name in ("href", "src", "action", "formaction", "xlink:href") and (
                said.startswith(("javascript:", "data:text", "vbscript:", "//"))
            )
            if name == MARK or name.startswith("on") or name == "srcdoc" or is_code:
                self.bad.append(self.get_starttag_text() or tag)
        if tag == "a" and (href := values.get("href")):
            self.links.add(href)
        if tag == "form":
            self.forms.add(values.get("action") or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


class Canary(ThreadingHTTPServer):
    """A foreign host: `calls` are the addresses that somebody asked it for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        super().__init__(("127.0.0.1", 0), _Caller)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Caller(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Canary)
        self.server.calls.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: a call is what the test fails with."""


@contextmanager
def canary_running() -> Iterator[Canary]:
    canary = Canary()
    thread = threading.Thread(target=canary.serve_forever, name="canary")
    thread.start()
    try:
        yield canary
    finally:
        canary.shutdown()
        thread.join()
        canary.server_close()
