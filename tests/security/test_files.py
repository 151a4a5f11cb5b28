"""What people take away as files: no header, table or page is made of what somebody wrote."""

import json
from collections.abc import Iterator
from email.message import Message as Mail
from typing import Any

import pytest

from chat.exports import FILE_FORMATS, conversation_export
from tests.accounts.clients import client_for, user_make
from tests.accounts.test_account_export import download
from tests.chat.factories import conversation_make, exchange_make
from tests.security.hostile import MARK, TITLE, markdown, read

pytestmark = pytest.mark.django_db

TITLES = [
    "x\r\nSet-Cookie: a=b\r\n\r\n<script data-pwned>1</script>",
    'x"; filename="evil.html',
    "../../etc/passwd",
    "\u202egnp.exe",
    "=cmd|' /C calc'!A0",
    TITLE,
    "\x0b\x0c\x1c\x85\u2028x",
    "x.html\x7f",
]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("http://evil.example")']
TYPES = {"json": "application/json", "md": "text/markdown", "txt": "text/plain"}


def name_of(header: str) -> str:
    mail = Mail()
    mail["Content-Disposition"] = header
    return str(mail.get_filename())


@pytest.mark.parametrize("file_format", FILE_FORMATS)
@pytest.mark.parametrize("title", TITLES)
def test_a_title_makes_no_header_and_no_other_kind_of_file(title: str, file_format: str) -> None:
    user = user_make()
    chat = conversation_make(user, title)
    exchange_make(chat, title, markdown())
    answer = client_for(user).get(f"/api/conversations/{chat.pk}/export?format={file_format}")
    assert answer.headers["Content-Type"] == f"{TYPES[file_format]}; charset=utf-8"
    assert "Set-Cookie" not in answer.headers
    assert not answer.cookies
    said = answer.headers["Content-Disposition"]
    assert said.isprintable()
    assert said.startswith("attachment; filename")
    name = name_of(said)
    assert name.endswith(f".{file_format}")
    assert not set('/\\<>:|?*"%\r\n\u202e') & set(name), name


@pytest.mark.parametrize("text", [markdown(), TITLE])
def test_a_markdown_file_that_is_laid_out_has_no_markup_of_the_message(text: str) -> None:
    """Even by a program that takes HTML in Markdown for HTML: every `<` of it is escaped."""
    chat = conversation_make(user_make(), TITLE)
    exchange_make(chat, text, text)
    written = conversation_export(conversation=chat, file_format="md").text
    assert MARK in written
    bare = written.replace("\\<", "")
    assert "<" not in bare
    assert "](" not in written.replace("\\]", "")
    assert "```" not in written
    assert read(bare).bad == []


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_a_spreadsheet_would_obey_is_kept_as_text(formula: str) -> None:
    """There is no table to download. Lines of texts are set in, those of Markdown escaped; JSON has
    them in quotes.
    """
    user = user_make()
    chat = conversation_make(user, formula.strip())
    exchange_make(chat, formula, formula)
    plain = conversation_export(conversation=chat, file_format="txt").text.splitlines()[1:]
    assert not [line for line in plain if line.startswith(("=", "+", "-", "@", "\t", "\r"))]
    written = conversation_export(conversation=chat, file_format="md").text.splitlines()
    assert not [line for line in written if line.startswith(("=", "+", "-", "\t", "\r"))]
    document = json.loads(conversation_export(conversation=chat, file_format="json").text)
    assert {message["content"] for message in document["messages"]} == {formula}


def test_no_route_offers_a_table(client: Any) -> None:
    """The description of the API, which tests compare with the answers, names every type."""
    described = client.get("/api/schema").json()
    types = {
        kind
        for path in described["paths"].values()
        for operation in path.values()
        for answer in operation["responses"].values()
        for kind in answer.get("content", {})
    }
    assert {"application/json", "text/markdown"} <= types
    assert not [kind for kind in types if "csv" in kind or "sheet" in kind or "excel" in kind]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


@pytest.mark.django_db(transaction=True)
def test_the_export_of_an_account_is_json_whatever_is_in_it() -> None:
    user = user_make()
    exchange_make(conversation_make(user, TITLE), markdown(), markdown())
    answer, document = download(client_for(user))
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    texts = list(strings(document))
    assert texts.count(TITLE) == 1
    assert texts.count(markdown()) == 2
