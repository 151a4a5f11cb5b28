"""Exports: everything in JSON, the shown branch in Markdown and text, names that are safe."""

import json
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rest_framework.test import APIClient

from accounts.models import User
from chat.exports import file_stem, markdown_escape
from chat.models import Conversation, Generation, Message, Role, Status
from tests.accounts.clients import error_of, user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat(user: User) -> Conversation:
    """Two answers to "hi"; the second, with one more exchange, is shown."""
    conversation = conversation_make(user, "Käse & Brot")
    first = exchange_make(conversation, "hi", "one")
    second = Message.objects.create(
        conversation=conversation, parent=first.parent, role=Role.ASSISTANT, content="two"
    )
    conversation.head = second
    conversation.save()
    exchange_make(conversation, "more <b>please</b>", "more")
    return conversation


def _export(api: APIClient, conversation: Conversation, file_format: str = "") -> Any:
    query = f"?format={file_format}" if file_format else ""
    response = api.get(f"/api/conversations/{conversation.pk}/export{query}")
    assert response.status_code == 200, response.content
    return response


def _file_name(response: Any) -> str | None:
    message = EmailMessage()
    message["Content-Disposition"] = response["Content-Disposition"]
    assert message.get_content_disposition() == "attachment"
    return message.get_filename()


def test_json_has_the_whole_tree(
    api: APIClient, chat: Conversation, django_assert_num_queries: Callable[..., Any]
) -> None:
    Generation.objects.filter(message__content="one").update(
        model="eugpt-36m", params={"seed": 7}, completion_tokens=3
    )
    with django_assert_num_queries(1 + 1 + 1):
        response = _export(api, chat)
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert _file_name(response) == "Käse & Brot.json"
    body = json.loads(response.content)
    assert (body["format"], body["version"]) == ("eugpt.conversation", 1)
    assert body["conversation"]["uuid"] == str(chat.uuid)
    assert (body["conversation"]["title"], body["conversation"]["head"]) == ("Käse & Brot", 5)
    rows = [(m["id"], m["parent"], m["role"], m["content"]) for m in body["messages"]]
    assert rows == [
        (1, None, "user", "hi"),
        (2, 1, "assistant", "one"),
        (3, 1, "assistant", "two"),
        (4, 3, "user", "more <b>please</b>"),
        (5, 4, "assistant", "more"),
    ]
    assert body["messages"][1]["generation"] == {
        "model": "eugpt-36m",
        "status": "completed",
        "finish_reason": "stop",
        "error_code": "",
        "notice": None,
        "params": {"seed": 7},
        "prompt_tokens": 0,
        "completion_tokens": 3,
        "context_trimmed": 0,
    }
    assert "generation" not in body["messages"][0]


@pytest.mark.parametrize("file_format", ["md", "txt"])
def test_people_read_the_shown_branch(
    api: APIClient,
    chat: Conversation,
    file_format: str,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    running = exchange_make(chat, "and", "half an ans")
    Generation.objects.filter(message=running).update(status=Status.RUNNING)
    with django_assert_num_queries(1 + 1 + 2):
        response = _export(api, chat, file_format)
    text = response.content.decode()
    assert response["Content-Type"].startswith("text/")
    assert text.index("two") < text.index("more") < text.rindex("more")
    assert "one" not in text
    assert "half an ans" not in text
    assert text.count("EuGPT") == 2


HOSTILE = """# EuGPT, 2026-01-01
EuGPT (2026-01-01 10:00 UTC):
## You
=====
<script>alert(1)</script> <img src=x onerror=y> ![p](http://x.test/p.png)
[link](javascript:alert(1)) [ref][1] **bold** _it_ `code` ~~gone~~ $x$ &lt;
> quote
- item
+ item
1. one
1) one
- - -
***
| a | b |
|---|---|

    indented
\tindented
```sh
rm -rf
\\# escaped \\
\r\x0b\x0c\u2028EuGPT:\x1b[31mred\u202e
[1]: http://x.test"""


def test_markdown_shows_text_as_it_is() -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown_escape(HOSTILE))
    assert {token.type for token in tokens} == {"paragraph_open", "inline", "paragraph_close"}
    children = [child for token in tokens for child in token.children or []]
    assert {child.type for child in children} <= {"text", "text_special", "hardbreak"}
    shown = "\n".join(
        "".join("\n" if c.type == "hardbreak" else c.content for c in token.children or [])
        for token in tokens
    )
    words = HOSTILE.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd").split()
    assert shown.replace("\xa0", " ").split() == words


@pytest.mark.parametrize(
    "text", ["a\nb", "  a\n\n\n b ", "# a #", "1.\n2)", "\\", "a\\\n\\", "-", ""]
)
def test_markdown_keeps_lines_and_paragraphs(text: str) -> None:
    html = MarkdownIt("gfm-like", {"linkify": False}).render(markdown_escape(text))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    plain = html.replace("<p>", "").replace("</p>", "").replace("<br />", "")
    assert [
        line.strip() for line in plain.replace("&nbsp;", " ").split("\n") if line.strip()
    ] == lines


def test_no_line_of_a_message_begins_a_turn_in_plain_text(api: APIClient, user: User) -> None:
    conversation = conversation_make(user, "T\x1b[2J\u202e\n    You")
    exchange_make(conversation, HOSTILE, "ok")
    text = _export(api, conversation, "txt").content.decode()
    outer = [line for line in text.splitlines() if line and not line.startswith("    ")]
    assert [line.split(" (")[0] for line in outer] == [
        "T\ufffd[2J\ufffd You",
        "You",
        "EuGPT",
    ]
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Hello there", "Hello there"),
        ("../../etc/passwd", "etc passwd"),
        ('a"b\\c:d*e?f<g>h|i%2Fj', "a b c d e f g h i 2Fj"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie x"),
        ("  ...  ", "conversation"),
        ("CON", "conversation CON"),
        ("aux.txt", "conversation aux.txt"),
        ("東京 🙂", "東京 🙂"),
        ("\u202egpj.exe", "gpj.exe"),
        ("x" * 120, "x" * 80),
    ],
)
def test_file_names_are_safe(api: APIClient, user: User, title: str, stem: str) -> None:
    assert file_stem(title) == stem
    response = _export(api, conversation_make(user, title), "txt")
    assert _file_name(response) == f"{stem}.txt"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_bad_formats_and_foreign_conversations_are_refused(
    api: APIClient, chat: Conversation
) -> None:
    address = f"/api/conversations/{chat.pk}/export"
    assert error_of(api.get(f"{address}?format=csv")) == (400, "invalid")
    assert error_of(api.get(f"{address}?form=md")) == (400, "invalid")
    foreign = conversation_make(user_make("ben"))
    response = api.get(f"/api/conversations/{foreign.pk}/export")
    assert error_of(response) == (404, "not_found")


def test_an_empty_conversation_can_be_exported(api: APIClient, user: User) -> None:
    conversation = conversation_make(user, "Empty")
    assert json.loads(_export(api, conversation).content)["messages"] == []
    assert _export(api, conversation, "md").content.decode() == "# Empty\n"
