# ruff: noqa: RUF001  the letters of other scripts are what is tested
"""Search: what is found while one types, in any script, with which marks, from the index."""

import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from chat.models import Conversation, Message, Role
from chat.search import TextSearch
from chat.selectors import conversation_list
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db


def _search(api: APIClient, typed: str, **params: Any) -> list[dict[str, Any]]:
    response = api.get("/api/conversations", {"q": typed, **params})
    assert response.status_code == 200, response.content
    rows: list[dict[str, Any]] = response.json()
    return rows


def _titles(api: APIClient, typed: str) -> list[str]:
    return sorted(row["title"] for row in _search(api, typed))


def _marked(segments: list[dict[str, Any]]) -> str:
    return "".join(f"[{s['text']}]" if s["is_match"] else s["text"] for s in segments)


def test_search_finds_titles_and_messages_of_the_user_only(api: APIClient, user: User) -> None:
    conversation_make(user, "About Dogs")
    exchange_make(conversation_make(user, "Pets"), "i like dogs", "so do i")
    exchange_make(conversation_make(user, "Other"), "i like 100% cats", "so do i")
    exchange_make(conversation_make(user_make("ben"), "dogs"), "dogs", "dogs")
    assert _titles(api, "dOgS") == ["About Dogs", "Pets"]
    assert _titles(api, "birds") == []
    assert len(_titles(api, "")) == len(_titles(api, "  ")) == 3


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("c", "Which category?"),
        ("cat", "Which category?"),
        ("CATEGORY", "Which category?"),
        ("who are y", "Who are you?"),
        ("the", "the running man"),
        ("runn", "the running man"),
        ("dog bark", "My dogs, they barked."),
        ("käs", "Zum Frühstück Käse"),
        ("KÄSE früh", "Zum Frühstück Käse"),
        ("прив", "Ну, привет!"),
        ("ПРИВЕТ", "Ну, привет!"),
        ("東京", "明日は東京タワーへ"),
        ("タワー", "明日は東京タワーへ"),
        ("नम", "नमस्ते जी"),
        ("สวัส", "สวัสดีครับ"),
        ("سلا", "«سلام»"),
        ("example", "see https://www.example.com/a?b"),
        ("ana@example", "write to ana@example.com"),
        ("don't", "I don't know"),
        ("don’t", "I don’t know"),
        ("hello", "“hello”… she said"),
        ("well-known", "a well known well-known thing"),
        ("3.14", "pi is 3.14"),
        ("-5", "it is -5 degrees"),
        ("🙂", "so glad 🙂!"),
        ("%", "100% sure"),
        ("_", "snake_case"),
        ("hello %&|!", "hello there"),
    ],
)
def test_search_finds_what_is_being_typed(
    api: APIClient, user: User, typed: str, text: str
) -> None:
    exchange_make(conversation_make(user, "Found"), text, "ok")
    conversation_make(user, text)
    exchange_make(conversation_make(user, "Other"), "quite something else", "ok")
    assert _titles(api, typed) == sorted(["Found", text])
    for row in _search(api, typed):
        title = _marked(row["title_highlight"])
        assert title.replace("[", "").replace("]", "") == row["title"]
        assert ("[" in title) == (row["title"] == text)
        assert all("[" in _marked(match["snippet"]) for match in row["matches"])
        assert len(row["matches"]) == (row["title"] == "Found")


@pytest.mark.parametrize(
    ("typed", "text"),
    [("og", "dogs"), ("a", "like"), ("dog cat", "only a dog"), ("a dog", "an old dog"),
     ("dogs", "dog"), ("京東", "東京"), ("%", "nothing"), ("_", "nothing")],
)  # fmt: skip
def test_search_leaves_out(api: APIClient, user: User, typed: str, text: str) -> None:
    exchange_make(conversation_make(user, "X"), text, "ok")
    assert _titles(api, typed) == []


HOSTILE = [
    "'", '"', "''':*", "\\", "\\'", "a'b", "a\\", "&", "|", "!", "<->", ":*", "a:b", "a:*b", "(",
    "foo & | bar", "!foo", "foo <-> bar", "a\x00b", "\x00", "\ud800", "a \udfff b", "%", "%s",
    "%(x)s", "{}", "$1", "; drop table chat_message; --", "<b>x</b>", "x" * 200, "漢" * 200,
    "🙂" * 200, "a " * 100, "\u200d", "\u0301", "\ufeff", "\u2028", "\u0301a", "'x':A", "x'y'z",
    ".", "1e400", "0x", ")",
]  # fmt: skip


@pytest.mark.parametrize("typed", HOSTILE)
def test_search_takes_any_text(user: User, api: APIClient, typed: str) -> None:
    exchange_make(conversation_make(user), "foo bar", "ok")
    assert conversation_list(user=user, limit=5, query=typed).items is not None
    if not any("\ud800" <= char <= "\udfff" for char in typed):
        _search(api, typed[:200])


def test_search_takes_random_text(user: User) -> None:
    rng = random.Random(7)
    alphabet = "ab 1'\"\\&|!<>():*-_%.,/@é漢ー🙂\u0301\u200d\x00\x1f\ud800\u2019"
    exchange_make(conversation_make(user), "ab b1 é 漢", "ok")
    for _ in range(300):
        typed = "".join(rng.choices(alphabet, k=rng.randint(1, 30)))
        page = conversation_list(user=user, limit=5, query=typed)
        assert (page.found is None) == (TextSearch.parse(typed) is None)


def test_bytes_that_are_not_text_are_a_query_too(api: APIClient) -> None:
    for raw in ("%00", "%FF", "%ED%A0%80", "%C3", "a%00b"):
        assert api.get(f"/api/conversations?q={raw}").status_code == 200


def test_matches_are_the_newest_three_messages(api: APIClient, user: User) -> None:
    conversation = conversation_make(user, "Many")
    for number in range(5):
        exchange_make(conversation, f"the dog {number}", "nothing")
    [row] = _search(api, "dog")
    asked = list(conversation.messages.filter(role=Role.USER).order_by("-id"))
    assert [match["message"] for match in row["matches"]] == [m.pk for m in asked[:3]]
    assert _marked(row["matches"][0]["snippet"]) == "the [dog] 4"
    assert row["title_highlight"] == [{"text": "Many", "is_match": False}]


def test_a_snippet_is_short_and_round_the_place(api: APIClient, user: User) -> None:
    text = "word " * 300 + "needle\n\nin <b>hay</b> " + "stack " * 300
    exchange_make(conversation_make(user), text, "ok")
    snippet = _marked(_search(api, "need")[0]["matches"][0]["snippet"])
    assert snippet.startswith("…word word")
    assert snippet.endswith("…")
    assert "[need]le in <b>hay</b> stack" in snippet
    assert len(snippet) <= 164


def test_without_a_query_rows_have_no_matches(api: APIClient, user: User) -> None:
    conversation_make(user)
    row = api.get("/api/conversations").json()[0]
    assert not {"matches", "title_highlight"} & set(row)


def test_search_does_not_read_the_search_column(user: User) -> None:
    exchange_make(conversation_make(user), "hello", "ok")
    message, conversation = Message.objects.first(), Conversation.objects.first()
    assert message is not None
    assert conversation is not None
    assert message.get_deferred_fields() == {"search"}
    assert conversation.get_deferred_fields() == {"search"}


def test_ten_thousand_messages_are_searched_by_the_index(user: User) -> None:
    rng = random.Random(1)
    words = [f"word{n}" for n in range(3000)]
    conversations = [Conversation(user=user, title=f"Chat {n}") for n in range(100)]
    Conversation.objects.bulk_create(conversations)
    Message.objects.bulk_create(
        Message(
            conversation=rng.choice(conversations),
            role=Role.USER,
            content=" ".join(rng.choices(words, k=20)),
        )
        for _ in range(10_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE chat_message, chat_conversation")
    with CaptureQueriesContext(connection) as captured:
        assert conversation_list(user=user, limit=30, query="word1234").items
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + captured[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Bitmap Index Scan on message_search" in plan, plan
    assert "Seq Scan on chat_message" not in plan, plan
