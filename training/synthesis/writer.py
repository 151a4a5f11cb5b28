"""Conversations written by a teacher, many at a time: user turns and replies in the same batch.

Every row is fed one token a step, the given first turn included, so that no prefill holds the
others up; a finished conversation makes room for the next at once. What a conversation becomes
depends on the seed and its number, not on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from inference.chat_template import Turn
from inference.engine.detokenizer import Detokenizer
from inference.engine.params import SamplingParams
from inference.engine.request import Request
from inference.engine.sampler import Sampler
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.synthesis.decoder import Decoder
from training.synthesis.filters import turn_fault
from training.synthesis.seeds import Seed, Seeds

MAX_EXCHANGES = 5
TOP_P, _TOP_K = 0.95, 200  # top-k only bounds the work: 200 tokens hold 95 % nearly always
_SPREAD = 0.1  # of the temperature, either way
_USER_TOKENS, _REPLY_TOKENS = 60, 120
_EXCHANGE_TOKENS = _USER_TOKENS + _REPLY_TOKENS + 3  # with its marks
Judge = Callable[[Sequence[Turn]], str | None]
_OPENING, _USER, _REPLY = range(3)  # rows of the table of allowed tokens


@dataclass(frozen=True, slots=True)
class Written:
    """A finished conversation; `fault` is what ended it early, or made it empty."""

    number: int
    seed: Seed
    turns: list[Turn]
    score: float  # mean natural-log probability of the assistant's tokens under the teacher
    ids: list[int]  # of the turns, with their marks
    fault: str | None = None


@dataclass(slots=True)
class _Draft:
    """One row: what is given next, what the turn has so far, and what has passed."""

    number: int
    seed: Seed
    exchanges: int  # wanted
    request: Request  # its `generated` holds all ids of the conversation
    given: list[int]
    turns: list[Turn] = field(default_factory=list)
    turn_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)  # of the reply being written
    passed: list[float] = field(default_factory=list)  # of the replies that may stay
    kept_turns: int = 0
    kept_ids: int = 0

    @property
    def is_reply(self) -> bool:
        return len(self.turns) % 2 == 1

    @property
    def allowed(self) -> int:
        if not self.turn_ids:
            return _OPENING
        return _REPLY if self.is_reply else _USER


class Writer:
    """Owns the teacher and its cache; call from one thread, under `torch.device` of the model."""

    def __init__(
        self,
        model: GPT,
        tokenizer: Tokenizer,
        seeds: Seeds,
        *,
        temperature: float,
        rows: int,
        again: Sequence[int] = (),
        next_number: int = 0,
        judge: Judge = turn_fault,
    ) -> None:
        """Write the conversations numbered `again`, then all from `next_number` on."""
        self.tokenizer, self.seeds, self.temperature = tokenizer, seeds, temperature
        self.next_number = next_number
        self._again, self._judge = list(again), judge
        self.sampled_tokens = 0
        self._rows = rows
        self._context = model.config.context_length
        self._decoder = Decoder(model, rows)
        self._bans = _bans(tokenizer)
        self._sampler = Sampler(tokenizer.vocab_size, (), tokenizer.end_id)
        self._open: list[_Draft] = []

    @property
    def open_numbers(self) -> list[int]:
        """Conversations that are begun, or waiting to be begun again, and not given out yet."""
        return sorted([*(draft.number for draft in self._open), *self._again])

    def write(self) -> Iterator[list[Written]]:
        """Give what each step finished, for ever."""
        while True:
            while len(self._open) < self._rows:
                self._open.append(self._begin(self._take()))
            finished = self._step()
            # What is finished leaves its row at once: `open_numbers` no longer holds it.
            for slot, _ in finished:
                self._decoder.lengths[slot] = 0
                self._open[slot] = self._begin(self._take())
            yield [written for _, written in finished]

    def _take(self) -> int:
        if self._again:
            return self._again.pop(0)
        self.next_number += 1
        return self.next_number - 1

    def _begin(self, number: int) -> _Draft:
        rng = self.seeds.rng(number, "writing")
        seed = self.seeds.draw(number)
        params = SamplingParams(
            temperature=self.temperature + rng.uniform(-_SPREAD, _SPREAD),
            top_k=_TOP_K, top_p=TOP_P, min_tokens=0,
        )  # fmt: skip
        detokenizer = Detokenizer(())  # the engine's; turns are decoded whole here
        request = Request(
            str(number), [], params, rng.getrandbits(62), detokenizer, deadline=float("inf"),
            generated=[self.tokenizer.user_id],
        )  # fmt: skip
        given = [*self.tokenizer.encode(seed.text), self.tokenizer.assistant_id]
        return _Draft(number, seed, rng.randint(1, MAX_EXCHANGES), request, given)

    @torch.inference_mode()
    def _step(self) -> list[tuple[int, Written]]:
        logits = self._decoder.decode([d.request.generated[-1] for d in self._open])
        raw = logits.log_softmax(-1)
        logits += self._bans[[d.allowed for d in self._open]]
        requests = [d.request for d in self._open]
        ids = [s.token_id for s in self._sampler.sample(logits, requests)]
        logprobs = _pick(raw, ids)
        finished = []
        for slot, draft in enumerate(self._open):
            if draft.given:
                written = self._push(draft, draft.given.pop(0), None)
            else:
                self.sampled_tokens += 1
                written = self._push(draft, ids[slot], logprobs[slot])
            if written:
                finished.append((slot, written))
        return finished

    def _push(self, draft: _Draft, token: int, logprob: float | None) -> Written | None:
        draft.request.generated.append(token)
        if draft.is_reply and logprob is not None:
            draft.logprobs.append(logprob)
        if token in (self.tokenizer.assistant_id, self.tokenizer.end_id):
            return self._end_turn(draft)
        if token != self.tokenizer.user_id:
            draft.turn_ids.append(token)
        limit = _REPLY_TOKENS if draft.is_reply else _USER_TOKENS
        is_full = len(draft.request.generated) >= self._context
        if len(draft.turn_ids) > limit or is_full:
            return _close(draft, "unfinished")
        return None

    def _end_turn(self, draft: _Draft) -> Written | None:
        """Judge the turn as soon as it is written: a bad one costs no further token."""
        role = "assistant" if draft.is_reply else "user"
        text = self.tokenizer.decode(draft.turn_ids).strip()
        draft.turns.append(Turn(role, text))  # type: ignore[arg-type]
        draft.turn_ids = []
        if fault := self._judge(draft.turns):
            return _close(draft, fault)
        if role == "user":
            return None
        draft.passed += draft.logprobs
        draft.logprobs = []
        draft.kept_turns, draft.kept_ids = len(draft.turns), len(draft.request.generated)
        room = self._context - len(draft.request.generated)
        if len(draft.turns) >= 2 * draft.exchanges or room < _EXCHANGE_TOKENS:
            return _close(draft, None)
        draft.given = [self.tokenizer.user_id]
        return None


def _close(draft: _Draft, fault: str | None) -> Written:
    """Keep the exchanges before the fault, if there are any."""
    score = sum(draft.passed) / len(draft.passed) if draft.passed else 0.0
    turns, ids = draft.turns[: draft.kept_turns], draft.request.generated[: draft.kept_ids]
    return Written(draft.number, draft.seed, turns, score, ids, fault)


def _bans(tokenizer: Tokenizer) -> Tensor:
    """(3, V) to add to the logits: for the opening of a turn, within a user's, within a reply.

    Only printable ASCII is written, as in the small talk; a turn ends with its mark and no other.
    """
    bans = torch.zeros(3, tokenizer.vocab_size)
    for i, raw in enumerate(tokenizer.token_bytes):
        text = raw.decode("ascii", errors="replace")
        if not text.isascii() or not text.isprintable() or not raw:
            bans[:, i] = float("-inf")
    bans[_USER, tokenizer.assistant_id] = 0.0
    bans[_REPLY, tokenizer.end_id] = 0.0
    return bans


def _pick(raw: Tensor, ids: Sequence[int]) -> list[float]:
    picked: list[float] = raw.gather(1, torch.tensor(ids)[:, None]).squeeze(1).tolist()
    return picked
