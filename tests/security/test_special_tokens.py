"""The one way from text to tokens never makes a mark of a turn, whatever the text says.

Every transport's text goes through `Tokenizer.encode` (turns, continued replies, the counter), and
there is no argument that would let a mark through.
"""

import inspect
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.paths import ROOT
from inference.chat_template import Turn, encode_turn
from inference.tokenizer import Tokenizer

FILE = min((ROOT / "models").glob("*/tokenizer.json"))
TOKENIZER = Tokenizer.from_file(FILE)


def _marks(file: Path) -> dict[int, str]:
    added = json.loads(file.read_text(encoding="utf-8"))["added_tokens"]
    return {token["id"]: token["content"] for token in added}


MARKS = _marks(FILE)
# A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
PIECES = st.one_of(st.sampled_from(sorted(MARKS.values())), st.text(max_size=8))


def test_there_are_marks() -> None:
    assert len(MARKS) >= 3
    assert list(inspect.signature(TOKENIZER.encode).parameters) == ["text"]


@pytest.mark.parametrize("mark", sorted(MARKS.values()))
def test_a_mark_in_a_text_is_text(mark: str) -> None:
    for text in (mark, f"a{mark}b", f" {mark}\n{mark}", mark.upper(), mark * 3):
        ids = TOKENIZER.encode(text)
        assert not MARKS.keys() & set(ids)
        assert TOKENIZER.decode(ids) == text


@UNHURRIED
@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_no_mixture_makes_one(text: str) -> None:
    assert not MARKS.keys() & set(TOKENIZER.encode(text))


@UNHURRIED
@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_a_conversation_has_the_marks_of_its_turns_alone(text: str) -> None:
    turns = [Turn("user", text), Turn("assistant", text), Turn("user", text)]
    ids = [i for turn in turns for i in encode_turn(TOKENIZER, turn)]
    found = [i for i in ids if i in MARKS]
    bare = [i for t in turns for i in encode_turn(TOKENIZER, Turn(t.role, "x")) if i in MARKS]
    assert found == bare
