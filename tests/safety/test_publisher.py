"""A reply's words on their way: the one that completes a match is not sent."""

import threading
import uuid
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.publisher import Publisher
from chat.delivery.reply import RunningReply
from chat.generation.fence import held_by_its_end
from chat.safety import rules
from chat.safety.models import SafetyRule
from chat.safety.rules import RuleSet
from inference.public import StepOutput

WAIT_S = 10


@pytest.fixture
def cancelled() -> list[str]:
    return []


@pytest.fixture
def publisher(cancelled: list[str]) -> Iterator[Publisher]:
    made = Publisher(cancelled.append, held_by_its_end, lambda: None)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def in_force(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Rules of this process, without a database."""

    def put(*texts: str, kind: str = "phrase", action: str = "replace") -> None:
        rows = [
            SafetyRule(pk=n, text=text, kind=kind, action=action, applies_to="replies")
            for n, text in enumerate(texts, 1)
        ]
        monkeypatch.setattr(rules, "_rules", RuleSet(rows))

    return put


def reply_of(publisher: Publisher) -> RunningReply:
    reply = RunningReply(str(uuid.uuid4()), 1)
    if written := streams.take_over(reply.id, 1):
        reply.go_on(written)
    publisher.add(reply)
    return reply


def say(
    publisher: Publisher,
    reply: RunningReply,
    *texts: str,
    finish: Literal["stop", "length"] = "stop",
) -> None:
    """Each text as a step of its own that is sent before the next one comes."""
    for number, text in enumerate(texts):
        is_last = number == len(texts) - 1
        output = StepOutput(reply.key, (number,), text, finish=finish if is_last else None)
        publisher.put([output])
        threading.Event().wait(0.04)  # longer than the publisher gathers
    assert reply.is_over.wait(WAIT_S)


def sent_text(reply: RunningReply) -> str:
    raw: Any = redis_client().xrange(streams.stream_key(reply.id))
    return "".join(streams.Entry("", f["t"], f["d"]).data["text"] for _, f in raw)


def test_word_that_completes_a_phrase_is_not_sent(
    publisher: Publisher, in_force: Any, cancelled: list[str]
) -> None:
    in_force("very bad words")
    reply = reply_of(publisher)
    say(publisher, reply, "These are", " very", " Bad", " words", " indeed", ".")
    assert sent_text(reply) == "These are very Bad"
    assert reply.finish == "filtered"
    assert reply.stopped_by is not None
    assert reply.told_text == "These are very Bad"
    assert cancelled == [reply.key]


def test_phrase_split_within_words_and_over_many_pieces_is_found(
    publisher: Publisher, in_force: Any
) -> None:
    in_force("very bad words")
    reply = reply_of(publisher)
    say(publisher, reply, "so", "v", "e", "r", "y", " b", "a", "d  wo", "rds!", " more")
    assert reply.finish == "stop"  # "sovery" is another word
    again = reply_of(publisher)
    say(publisher, again, "so", " v", "e", "r", "y", " b", "a", "d  wo", "rds!", " more")
    assert again.finish == "filtered"
    assert "words" not in sent_text(again)


def test_words_that_may_go_on_wait_for_the_next_ones(publisher: Publisher, in_force: Any) -> None:
    in_force("bad word")
    reply = reply_of(publisher)
    say(publisher, reply, "a bad", " word", "ing of it")
    assert (reply.finish, sent_text(reply)) == ("stop", "a bad wording of it")


def test_words_at_the_end_of_a_reply_are_found(publisher: Publisher, in_force: Any) -> None:
    in_force("bad word")
    reply = reply_of(publisher)
    say(publisher, reply, "a bad", " word", "", finish="length")
    assert (reply.finish, sent_text(reply)) == ("filtered", "a bad")


def test_phrase_far_behind_the_beginning_is_found(publisher: Publisher, in_force: Any) -> None:
    in_force("bad word")
    reply = reply_of(publisher)
    say(publisher, reply, "fine words " * 200, "and a bad", " word here", " and there")
    assert reply.finish == "filtered"
    assert sent_text(reply).endswith("and a bad")


def test_rest_of_a_word_is_no_word(publisher: Publisher, in_force: Any) -> None:
    """What is seen of a long reply does not begin within a word."""
    in_force("bad word")
    stops = rules.rules_known().stops
    assert stops is not None
    for length in range(1, 60):
        reply = RunningReply(str(uuid.uuid4()), 1)
        reply.text = f"{'x' * 40} ab{'a' * length}bad"
        reply.told_chars = len(reply.text)
        reply.text += " word. "
        reply.pending_text = " word. "
        assert reply.may_go(stops)


def test_pattern_is_found_in_the_last_characters(publisher: Publisher, in_force: Any) -> None:
    in_force(r"\b\d{3}-\d{4}\b", kind="pattern")
    reply = reply_of(publisher)
    say(publisher, reply, "words " * 300, "call 555", "-", "01", "23", " now")
    assert reply.finish == "filtered"
    assert "0123" not in sent_text(reply)


def test_end_of_what_is_written_so_far_is_no_end(publisher: Publisher, in_force: Any) -> None:
    in_force("fire$", kind="pattern")
    reply = reply_of(publisher)
    say(publisher, reply, "a fire ", "and a dog")
    assert (reply.finish, sent_text(reply)) == ("stop", "a fire and a dog")
    again = reply_of(publisher)
    say(publisher, again, "a dog and a ", "fire ", "")
    assert (again.finish, sent_text(again)) == ("filtered", "a dog and a ")


def test_beginning_of_what_is_looked_at_is_no_beginning(
    publisher: Publisher, in_force: Any
) -> None:
    in_force("^word", kind="pattern")
    reply = reply_of(publisher)
    say(publisher, reply, "no " + "word " * 200, "word ", "word")
    assert reply.finish == "stop"
    again = reply_of(publisher)
    say(publisher, again, "wor", "d for", " word")
    assert (again.finish, sent_text(again)) == ("filtered", "wor")


def test_flags_let_replies_pass(publisher: Publisher, in_force: Any) -> None:
    in_force("bad word", action="flag")
    reply = reply_of(publisher)
    say(publisher, reply, "a bad word", " here")
    assert (reply.finish, sent_text(reply)) == ("stop", "a bad word here")


def test_others_go_on_beside_a_filtered_reply(publisher: Publisher, in_force: Any) -> None:
    in_force("bad word")
    bad, good = reply_of(publisher), reply_of(publisher)
    publisher.put([StepOutput(bad.key, (1,), "bad word. "), StepOutput(good.key, (1,), "fine ")])
    publisher.put([StepOutput(bad.key, (2,), "on"), StepOutput(good.key, (2,), "day")])
    publisher.put([StepOutput(bad.key, (3,), "", finish="cancelled")])
    publisher.put([StepOutput(good.key, (3,), "", finish="stop")])
    assert good.is_over.wait(WAIT_S)
    assert bad.is_over.wait(WAIT_S)
    assert (bad.finish, sent_text(bad)) == ("filtered", "")
    assert (good.finish, sent_text(good)) == ("stop", "fine day")
