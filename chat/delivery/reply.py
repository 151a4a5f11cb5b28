"""One generation as its worker knows it, and appending to its stream so that nothing is lost.

A worker remembers the entries it has appended, each with its id. When Redis comes back without
them (killed, emptied, or with an older append-only file) they are put back under the same ids, so
that no reader, wherever its cursor stands, sees a gap or a repeat. The worker gives the ids itself:
an entry that is sent again because no answer came is the same entry to every reader, too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis.exceptions

from chat.delivery import streams
from chat.delivery.streams import Addition, Append, NewEntry, Written, encode
from chat.metrics import RESTORED
from chat.safety.rules import Matcher, Rule
from chat.safety.words import normalised
from inference.public import StepOutput, TokenLogprobs

logger = logging.getLogger(__name__)

_RETRY_S = 0.5
_WORD_CHARS = 30
_RESTORES = 5  # in a row for one entry: more is not bad luck but a fault


@dataclass(slots=True, eq=False)
class RunningReply:
    """One generation in this worker: what was sent, what waits, how it ended.

    Written by the publisher's thread once it is handed over; `is_over` tells the task's thread
    that it is complete and the task's again.
    """

    id: str
    attempt: int
    next_seq: int = 0
    token_ids: list[int] = field(default_factory=list)
    begun_tokens: int = 0  # ids of the reply that this one goes on with
    text: str = ""
    finish: str = ""
    error: str = ""
    is_refused: bool = False
    can_write: bool = False  # `entries` is what stands in the stream, and no other thread adds
    first_token_at: float | None = None  # time.time()
    is_over: threading.Event = field(default_factory=threading.Event)
    entries: list[NewEntry] = field(default_factory=list)
    last_ms: int = 0  # of the id given last
    turns: str = ""  # a guest's, as Redis keeps them
    logprobs: list[dict[str, Any]] = field(default_factory=list)  # of all `token_ids`, or fewer
    token_text: Callable[[int], str] = str  # what a token says; the checkpoint's tokenizer knows
    pending_ids: list[int] = field(default_factory=list)
    pending_text: str = ""
    pending_logprobs: list[dict[str, Any]] = field(default_factory=list)
    told_chars: int = 0  # of the text: what was sent
    stopped_by: Rule | None = None  # what came last is not sent

    @property
    def key(self) -> str:
        """One attempt: an earlier one of the same generation may still be in this process."""
        return f"{self.id}:{self.attempt}"

    def go_on(self, written: Written) -> None:
        """Take over what stands in the stream."""
        self.entries, self.turns = list(written.entries), written.input
        self.token_ids, self.text = list(written.token_ids), written.text
        self.next_seq, self.logprobs = written.next_seq, list(written.logprobs)
        self.told_chars = len(self.text)
        if written.last:
            self.last_ms = streams.cursor_order(written.last)[0]
        self.can_write = True

    @property
    def told_text(self) -> str:
        """What readers have; the words behind it have not passed the safety rules yet."""
        return self.text[: self.told_chars]

    @property
    def completion_tokens(self) -> int:
        """How many tokens this generation has written itself."""
        return max(len(self.token_ids) - self.begun_tokens, 0)

    def merge(self, output: StepOutput) -> bool:
        """Take a step's output; True when it should reach the readers at once."""
        is_first = self.first_token_at is None and bool(output.text)
        if is_first:
            self.first_token_at = time.time()
        self.token_ids += output.token_ids
        self.text += output.text
        self.pending_ids += output.token_ids
        self.pending_text += output.text
        if output.logprobs:
            described = self._described(output.logprobs)
            self.pending_logprobs.append(described)
            self.logprobs.append(described)
        if output.finish:
            self.finish, self.error = output.finish, output.error
        return is_first or bool(output.finish)

    def _described(self, token: TokenLogprobs) -> dict[str, Any]:
        """A token and its alternatives as they travel. 4 us each, and only when asked for."""
        chosen, *top = (
            {"id": i, "text": self.token_text(i), "logprob": round(value, 4)}
            for i, value in ((token.token_id, token.logprob), *token.top)
        )
        return {**chosen, "top": top}

    def may_go(self, stops: Matcher) -> bool:
        """Whether what waits may be sent; a rule that is found ends the reply instead.

        Words that are found at the very end may go on as others ("kill" as "killing"): they wait
        for the next token or the end of the reply.
        """
        if not self.pending_text:
            return True
        start = _word_start(self.text, self.told_chars - stops.reach)
        # The space in front tells patterns that this is not the beginning.
        seen = (" " if start else "") + normalised(self.text[start:])
        found = list(stops.find(seen))
        sure = [f.owner for f in found if f.end < len(seen) or self.finish]
        if sure:
            self.stopped_by = min(sure, key=lambda rule: rule.rank)
            self.finish, self.error = "filtered", ""
            self.pending_text, self.pending_ids, self.pending_logprobs = "", [], []
        return not found

    def take_entry(self) -> Addition | None:
        """The entry to send now. Ids whose text is still held back wait for it."""
        if not self.pending_text:
            return None
        body = f'{{"seq":{self.next_seq},"text":{encode(self.pending_text)}}}'
        if self.pending_logprobs:
            body = f'{body[:-1]},"logprobs":{encode(self.pending_logprobs)}}}'
        addition = self.addition("token", body, ",".join(map(str, self.pending_ids)))
        self.next_seq += 1
        self.told_chars = len(self.text)
        self.pending_text, self.pending_ids, self.pending_logprobs = "", [], []
        return addition

    def addition(self, kind: str, body: str, ids: str = "") -> Addition:
        """What stands next in the stream, with an id above the one before."""
        self.last_ms = max(time.time_ns() // 1_000_000, self.last_ms + 1)
        entry = NewEntry(f"{self.last_ms}-0", kind, body, ids)
        return Addition(self.id, self.attempt, entry, len(self.entries))


def _word_start(text: str, at: int) -> int:
    """Where to begin reading at about `at`: not within a word, whose rest could be another one."""
    return text.find(" ", max(at - _WORD_CHARS, 0), max(at, 0)) + 1


IsHeld = Callable[[Sequence[RunningReply]], set[str]]


def write(
    additions: Sequence[tuple[RunningReply, Addition]], is_held: IsHeld, patience_s: float
) -> list[Append]:
    """Append in one call; put back first what Redis has lost, for replies whose claim holds.

    Waits for Redis while it does not answer; raises what redis-py raises after `patience_s`.
    `is_held` gives the keys of those replies that the database still says are this worker's.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return _write(additions, is_held)
        except redis.exceptions.RedisError as error:
            if time.monotonic() > deadline:
                raise
            logger.warning("Redis does not take entries, trying again: %s", error)
            time.sleep(_RETRY_S)


def _write(additions: Sequence[tuple[RunningReply, Addition]], is_held: IsHeld) -> list[Append]:
    answers = streams.append_all([addition for _, addition in additions])
    for _ in range(_RESTORES):
        if Append.LOST not in answers:
            break
        lost = [i for i, answer in enumerate(answers) if answer == Append.LOST]
        restored = _restore([additions[i][0] for i in lost], is_held)
        for i in lost:
            reply, addition = additions[i]
            is_back = reply.key in restored
            answers[i] = streams.append_all([addition])[0] if is_back else Append.REFUSED
    for (reply, addition), answer in zip(additions, answers, strict=True):
        if answer is Append.OK or answer is Append.CANCELLED:
            reply.entries.append(addition.entry)
    return [Append.REFUSED if answer is Append.LOST else answer for answer in answers]


def _restore(replies: Sequence[RunningReply], is_held: IsHeld) -> set[str]:
    """Put back the streams of replies that are still held here; returns which."""
    held = is_held(replies)
    restored = {
        reply.key
        for reply in replies
        if reply.key in held
        and streams.restore(reply.id, reply.attempt, reply.entries, reply.turns)
    }
    RESTORED.inc(len(restored))
    logger.warning("Redis had lost %d streams; %d are restored", len(replies), len(restored))
    return restored
