"""What reaches the streams when: first words and ends at once and alone, the rest together."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.publisher import Publisher
from chat.delivery.reply import RunningReply
from chat.generation.fence import held_by_its_end
from inference.public import StepOutput, TokenLogprobs

CROWD = 10


@pytest.fixture
def cancelled() -> list[str]:
    return []


@pytest.fixture
def publisher(cancelled: list[str]) -> Iterator[Publisher]:
    made = Publisher(cancelled.append, held_by_its_end, lambda: None)
    yield made
    made.stop()


def running(publisher: Publisher, attempt: int = 1) -> RunningReply:
    reply = RunningReply(str(uuid.uuid4()), attempt)
    if written := streams.take_over(reply.id, attempt):
        reply.go_on(written)
    publisher.add(reply)
    return reply


def token(reply: RunningReply, number: int, **more: Any) -> StepOutput:
    return StepOutput(reply.key, (number,), f"{number} ", **more)


def entries(reply: RunningReply) -> list[dict[str, str]]:
    raw: Any = redis_client().xrange(streams.stream_key(reply.id))
    return [fields for _, fields in raw]


def wait_until_over(reply: RunningReply) -> None:
    assert reply.is_over.wait(10)


def test_first_words_of_others_do_not_cut_a_reply_into_single_tokens(
    publisher: Publisher,
) -> None:
    """One reply goes on while in each step another one begins."""
    old = running(publisher)
    others = [running(publisher) for _ in range(CROWD)]
    publisher.put([token(old, 0)])
    for number, other in enumerate(others, 1):
        publisher.put([token(old, number), token(other, number)])
    publisher.put([token(old, CROWD + 1, finish="length")])
    publisher.start()  # all steps wait in the inbox: they come within one window
    wait_until_over(old)
    assert len(entries(old)) < CROWD
    written = streams.read_written(old.id)
    assert written.token_ids == list(range(CROWD + 2))
    assert written.text == "".join(f"{n} " for n in range(CROWD + 2))
    assert [entry["d"] for other in others for entry in entries(other)] == [
        f'{{"seq":0,"text":"{n} "}}' for n in range(1, CROWD + 1)
    ]


def test_first_word_does_not_wait_for_the_window(publisher: Publisher) -> None:
    reply = running(publisher)
    publisher.start()
    publisher.put([token(reply, 7)])
    deadline = time.monotonic() + 10
    while not entries(reply):
        assert time.monotonic() < deadline
    assert entries(reply)[0]["i"] == "7"


def test_ids_whose_text_is_held_back_come_with_it(publisher: Publisher) -> None:
    reply = running(publisher)
    publisher.put([StepOutput(reply.key, (240,))])
    publisher.put([StepOutput(reply.key, (241,), 'é "\n', finish="stop")])
    publisher.start()
    wait_until_over(reply)
    assert [entry["i"] for entry in entries(reply)] == ["240,241"]
    assert streams.read_written(reply.id).text == 'é "\n'


def test_tokens_travel_with_their_text_and_their_alternatives(publisher: Publisher) -> None:
    reply = running(publisher)
    reply.token_text = {7: "a", 8: "b", 9: "\ufffd"}.__getitem__
    report = TokenLogprobs(7, -0.123456, ((8, -0.1), (9, -0.2)))
    publisher.put([token(reply, 7, logprobs=report, finish="stop")])
    publisher.start()
    wait_until_over(reply)
    (entry,) = entries(reply)
    assert json.loads(entry["d"])["logprobs"] == [
        {
            "id": 7, "text": "a", "logprob": -0.1235,
            "top": [
                {"id": 8, "text": "b", "logprob": -0.1},
                {"id": 9, "text": "\ufffd", "logprob": -0.2},
            ],
        }
    ]  # fmt: skip


def test_refused_words_end_the_reply_here(publisher: Publisher, cancelled: list[str]) -> None:
    mine, taken = running(publisher), running(publisher)
    streams.take_over(taken.id, 2)
    publisher.put([token(mine, 1), token(taken, 1)])
    publisher.put([token(mine, 2, finish="length"), token(taken, 2, finish="length")])
    publisher.start()
    wait_until_over(mine)
    wait_until_over(taken)
    assert (mine.is_refused, taken.is_refused) == (False, True)
    assert set(cancelled) == {taken.key}
    assert entries(taken) == []
    assert streams.read_written(mine.id).token_ids == [1, 2]


def test_cancel_is_seen_with_the_next_words(publisher: Publisher, cancelled: list[str]) -> None:
    reply = running(publisher)
    streams.ask_cancel(reply.id)
    publisher.put([token(reply, 1)])
    publisher.start()
    deadline = time.monotonic() + 10
    while not cancelled:
        assert time.monotonic() < deadline
    assert cancelled == [reply.key]
    assert not reply.is_refused


def test_broken_stream_of_one_reply_harms_no_other(publisher: Publisher) -> None:
    good, bad = running(publisher), running(publisher)
    redis_client().set(streams.stream_key(bad.id), "no stream")
    publisher.put([token(bad, 1, finish="length"), token(good, 1, finish="length")])
    publisher.start()
    wait_until_over(good)
    wait_until_over(bad)
    assert (good.is_refused, bad.is_refused) == (False, True)
    assert streams.read_written(good.id).text == "1 "


def test_publisher_ends_with_what_waits_sent(publisher: Publisher) -> None:
    reply = running(publisher)
    publisher.start()
    publisher.put([token(reply, 1)])
    publisher.put([token(reply, 2)])
    publisher.stop()
    assert streams.read_written(reply.id).token_ids == [1, 2]
    assert "publisher" not in {thread.name for thread in threading.enumerate()}
