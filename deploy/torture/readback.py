"""What the server says afterwards: members' conversations and guests' streams, over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

import httpx

from deploy.torture.clients import Account, new_http
from deploy.torture.verdict import DOUBLED, LOST, Judged

_AT_ONCE = 8


async def read_conversations(judged: Iterable[Judged], names: dict[str, str], base: str) -> int:
    """Compare each conversation with what its client saw, in order; returns how many.

    `names` gives the user name of each client that is a member.
    """
    talks: dict[str, dict[int, list[Judged]]] = defaultdict(lambda: defaultdict(list))
    for one in judged:
        if one.answer.client in names and one.answer.conversation is not None:
            talks[names[one.answer.client]][one.answer.conversation].append(one)
    async with new_http() as http:
        for name, conversations in talks.items():
            token = await Account(name, http).token(base)
            headers = {"Authorization": f"Bearer {token}"}
            for number, ones in conversations.items():
                url = f"{base}/api/conversations/{number}"
                _compare(await http.get(url, headers=headers), ones)
    return sum(map(len, talks.values()))


def _compare(response: httpx.Response, ones: Sequence[Judged]) -> None:
    if response.status_code != httpx.codes.OK:
        for one in ones:
            one.blame(LOST, f"its conversation: {response.status_code} {response.text[:200]}")
        return
    shown = [(m["role"], m["content"]) for m in response.json()["messages"]]
    for one in ones:
        prompt, answer = one.answer.prompt, one.answer
        if answer.end != "done":
            continue
        at = len(prompt.turns)
        pair = [("user", prompt.question.text), ("assistant", answer.done_text)]
        if shown[at : at + 2] != pair:
            one.blame(LOST, f"the conversation shows {shown[at : at + 2]!r}, not {pair!r}")
    expected = 2 * len(ones)
    if len(shown) > expected:
        ones[-1].blame(DOUBLED, f"the conversation has {len(shown)} messages, not {expected}")


async def read_streams(judged: Iterable[Judged], base: str, since: float) -> int:
    """Read guests' replies that ended after `since` again from the start; returns how many."""
    ones = [
        one for one in judged
        if one.answer.end == "done" and one.answer.transport.startswith(("guest", "silent"))
        and one.answer.ended is not None and one.answer.ended > since
    ]  # fmt: skip
    gate = asyncio.Semaphore(_AT_ONCE)
    async with new_http() as http:

        async def read(one: Judged) -> None:
            async with gate:
                url = f"{base}/api/generations/{one.answer.generation}/stream"
                tokens, full = _texts((await http.get(url)).text)
            if not tokens == full == one.answer.done_text:
                told = one.answer.done_text
                one.blame(LOST, f"read again: tokens {tokens!r}, end {full!r}, told {told!r}")

        await asyncio.gather(*map(read, ones))
    return len(ones)


def _texts(body: str) -> tuple[str, str | None]:
    """The text of the token events, and that of the end."""
    tokens, full = [], None
    for block in body.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if fields.get("event") == "token":
            tokens.append(json.loads(fields["data"])["token"])
        elif fields.get("event") == "done":
            full = json.loads(fields["data"])["full_text"]
    return "".join(tokens), full
