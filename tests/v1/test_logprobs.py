"""Log-probabilities say the same however the words were cut into entries."""

import random
from typing import Any

import pytest

from chat.api.openai.logprobs import LogprobTeller
from inference.engine.detokenizer import Detokenizer
from inference.public import ChatFormat
from inference.tokenizer import Tokenizer
from training.tokenizer import train_bpe


@pytest.fixture(scope="module")
def chat_format(tmp_path_factory: pytest.TempPathFactory) -> ChatFormat:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_bpe(["hello there, hello you"] * 3, 300, show_progress=False).save(str(path))
    return ChatFormat("tiny", Tokenizer.from_file(path), 64, "0" * 64)


def top(token: int, logprob: float) -> dict[str, Any]:
    """An alternative as entries tell it; /v1 takes its text from the tokenizer."""
    return {"id": token, "logprob": logprob}


def _entries(
    chat_format: ChatFormat, ids: list[int], stop: tuple[str, ...], cuts: random.Random
) -> list[tuple[str, list[dict[str, Any]]]]:
    """As the publisher makes them: tokens wait for text, and entries hold any number of both."""
    detokenizer = Detokenizer(chat_format.tokenizer.token_bytes, stop)
    entries, text, waiting = [], "", []
    for number, token in enumerate(ids):
        text += detokenizer.push(token)
        is_last = detokenizer.is_stopped or number == len(ids) - 1
        if is_last:
            text += detokenizer.flush()
        waiting.append({"id": token, "logprob": -1.0, "top": [top(token, -1.0), top(0, -2.0)]})
        if text and (is_last or cuts.random() < 0.5):
            entries.append((text, waiting))
            text, waiting = "", []
        if is_last:
            break
    return entries


def _told(chat_format: ChatFormat, entries: list[Any]) -> tuple[str, list[dict[str, Any]]]:
    teller = LogprobTeller(chat_format, 2)
    content = [token for entry in entries for token in teller.take(*entry)]
    return "".join(text for text, _ in entries), content


def test_tokens_are_the_bytes_of_the_text_however_it_was_cut(chat_format: ChatFormat) -> None:
    draw = random.Random(1)
    for text in ("hello you, über 🙂 日本", "🙂🙂", "a", "\x00\xff"):
        ids = chat_format.tokenizer.encode(text)
        seen = {}
        for _ in range(20):
            whole, content = _told(chat_format, _entries(chat_format, ids, (), draw))
            seen[str(content)] = content
        assert len(seen) == 1
        raw = b"".join(bytes(token["bytes"]) for token in content)
        assert raw.decode() == whole == text


def test_random_bytes_lose_no_token(chat_format: ChatFormat) -> None:
    draw = random.Random(2)
    ordinary = [i for i, raw in enumerate(chat_format.tokenizer.token_bytes) if raw]
    for _ in range(200):
        ids = draw.choices(ordinary, k=draw.randrange(1, 12))
        whole, content = _told(chat_format, _entries(chat_format, ids, (), draw))
        raw = b"".join(bytes(token["bytes"]) for token in content)
        assert len(content) == len(ids)
        assert raw.decode(errors="replace") == whole


def test_tokens_of_a_stop_string_are_not_told(chat_format: ChatFormat) -> None:
    draw = random.Random(3)
    ids = chat_format.tokenizer.encode("hello there, stop you")
    seen = set()
    for _ in range(30):
        entries = _entries(chat_format, ids, ("stop",), draw)
        whole, content = _told(chat_format, entries)
        raw = b"".join(bytes(token["bytes"]) for token in content)
        assert whole == "hello there, "
        assert raw.decode().startswith(whole)
        assert "stop" not in raw.decode()
        seen.add(str(content))
    assert len(seen) == 1


def test_parts_of_characters_and_marks_are_described(chat_format: ChatFormat) -> None:
    tokenizer = chat_format.tokenizer
    first = tokenizer.encode("🙂")[0]
    teller = LogprobTeller(chat_format, 1)
    token = {"id": first, "logprob": -0.5, "top": [top(tokenizer.end_id, -0.1), top(first, -0.5)]}
    (told,) = teller.take("\ufffd", [token])
    assert told == {
        "token": "\\xf0",
        "bytes": [0xF0],
        "logprob": -0.5,
        "top_logprobs": [{"token": "<|end|>", "bytes": None, "logprob": -0.1}],
    }
