"""Seeded nonsense for the WebSocket: what it sends is decided by the seed alone.

Each client draws acts (a few frames each), sends them over sockets it opens anew whenever the
server or the act has ended one, and checks everything it hears.
"""

from __future__ import annotations

import asyncio
import json
import random
import string
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.raw_socket import BINARY, CLOSE, CONT, PING, PONG, TEXT, RawSocket, frame

Address = Callable[[], Awaitable[str]]
CLOSE_TIMEOUT_S = 30
KNOWN = {
    "ready", "accepted", "queued", "started", "token", "done", "error", "conversation", "pong",
}  # fmt: skip
# What a client that breaks rules may be closed with, and the echoes of its own goodbyes.
GOODBYES = (1000, 1001, 1011, 3000, 4999)
CLOSE_CODES = {1002, 1003, 1005, 1006, 1007, 1008, 1009, *GOODBYES}


@dataclass(slots=True)
class Heard:
    """What came back from the server, and what must not have."""

    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    closes: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def text(self, payload: bytes) -> None:
        message = json.loads(payload)
        self.kinds[message["type"]] += 1
        if message["type"] not in KNOWN:
            self.faults.append(f"unknown type: {message}")
        if message["type"] == "error":
            self.codes[message["code"]] += 1
            if message["code"] == "internal":
                self.faults.append(f"internal: {message}")

    def close(self, code: int) -> None:
        self.closes[code] += 1
        if code not in CLOSE_CODES:
            self.faults.append(f"closed with {code}")


class Nonsense:
    """Draws frames from a seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._number = 0

    def draw(self) -> tuple[list[bytes], bool]:
        """The frames of one act, and whether the server ends the socket for it."""
        acts = (
            (300, self._mutated), (120, self._valid), (100, self._random_json), (60, self._text),
            (60, self._binary), (80, self._fragments), (60, self._deep), (40, self._huge),
            (60, self._control), (8, self._tiresome),
        )  # fmt: skip
        ends = ((5, self._oversize), (5, self._bad_utf8), (9, self._illegal), (3, self._goodbye))
        weights, draws = zip(*acts, *ends, strict=True)
        draw: Callable[[], list[bytes]] = self._random.choices(draws, weights)[0]
        is_end = draw in [end for _, end in ends] or draw == self._tiresome
        return draw(), is_end

    def last_word(self) -> bytes:
        """Now and then a lie about a length, which swallows what follows; mostly nothing."""
        return self._flipped() if self._random.random() < 0.2 else b""

    def is_cut(self) -> bool:
        """Whether the client goes away without a word after this act."""
        return self._random.random() < 0.005

    def _message(self) -> dict[str, Any]:
        self._number += 1
        client_id = f"f{self._number}"
        generation = f"{self._random.getrandbits(128):032x}"
        params = {"max_tokens": self._random.randint(1, 3), "seed": self._number}
        messages: list[dict[str, Any]] = [
            {"type": "ping"},
            {"type": "ping"},
            {"type": "resume", "generation": generation},
            {"type": "resume", "generation": generation, "after": "1-0"},
            {"type": "cancel", "generation": generation},
            {"type": "regenerate", "message": 7, "client_id": client_id, "params": params},
            {"type": "continue", "message": 7, "client_id": client_id},
            {"type": "branch", "message": 7, "at": 1, "token": 9, "client_id": client_id},
            {"type": "edit", "message": 7, "text": "hi", "client_id": client_id},
            {"type": "prompt", "text": "hi", "client_id": client_id, "params": params},
        ]
        return self._random.choice(messages)

    def _valid(self) -> list[bytes]:
        return [frame(TEXT, json.dumps(self._message()).encode())]

    def _mutated(self) -> list[bytes]:
        """A valid message with one thing wrong."""
        message = self._message()
        name = self._random.choice([*message, "more", "client_id", "params", "history", "after"])
        kind = self._random.randrange(4)
        if kind == 0:
            message.pop(name, None)
        elif kind == 1 and isinstance(message.get("params"), dict):
            param = self._random.choice(["temperature", "top_k", "stop", "logit_bias", "seed", "x"])
            message["params"] = {param: self._value(0)}
        else:
            message[name] = self._value(0)
        text = json.dumps(message)
        if kind == 2:  # the same name twice
            text = text[:-1] + f', "type": {json.dumps(self._value(2))}}}'
        return [frame(TEXT, text.encode("utf-8", "surrogatepass"))]

    def _value(self, depth: int) -> Any:
        """Any value JSON can carry, and some that only Python's JSON can."""
        if depth < 3 and self._random.random() < 0.4:
            values = [self._value(depth + 1) for _ in range(self._random.randint(0, 4))]
            return values if self._random.random() < 0.5 else {self._word(): v for v in values}
        return self._random.choice(
            [
                None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308,
                float("nan"), float("inf"), float("-inf"), "", "\x00", "\ud800", "\U0001f600",
                "<|user|>", self._word(), "x" * 5000, "9" * 50, "../../etc", "' OR 1=1 --",
            ]
        )  # fmt: skip

    def _word(self) -> str:
        letters = string.printable + "äß漢字\u202e\u0000"
        return "".join(self._random.choices(letters, k=self._random.randint(0, 12)))

    def _random_json(self) -> list[bytes]:
        return [frame(TEXT, json.dumps(self._value(0)).encode())]

    def _text(self) -> list[bytes]:
        return [frame(TEXT, "".join(self._word() for _ in range(5)).encode())]

    def _binary(self) -> list[bytes]:
        return [frame(BINARY, self._random.randbytes(self._random.randint(0, 300)))]

    def _fragments(self) -> list[bytes]:
        """One message in pieces, with control frames between them."""
        data = json.dumps(self._message()).encode()
        cuts = sorted(self._random.choices(range(len(data) + 1), k=self._random.randint(1, 6)))
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        frames = []
        for index, piece in enumerate(pieces):
            is_final = index == len(pieces) - 1
            frames.append(frame(CONT if index else TEXT, piece, is_final=is_final))
            if self._random.random() < 0.3:
                frames.append(frame(PING, b"between"))
        return frames

    def _deep(self) -> list[bytes]:
        depth = self._random.choice([5, 9, 50, 900, 1100, 20_000])
        text = self._random.choice(["[" * depth + "]" * depth, '{"a":' * depth, "[" * depth])
        return [frame(TEXT, text.encode()[:65_536])]

    def _huge(self) -> list[bytes]:
        return [self._long(self._random.choice([60_000, 65_535, 65_536]))]

    def _oversize(self) -> list[bytes]:
        return [self._long(self._random.choice([65_537, 70_000, 300_000, 1_000_000]))]

    def _long(self, size: int) -> bytes:
        begin = self._random.choice(["x", "9", '{"type":"prompt","text":"'])
        return frame(TEXT, (begin + begin[0] * size)[:size].encode())

    def _tiresome(self) -> list[bytes]:
        return [frame(TEXT, b"{}")] * 20

    def _control(self) -> list[bytes]:
        payload = self._random.randbytes(self._random.randint(0, 125))
        return [frame(self._random.choice([PING, PONG]), payload)]

    def _bad_utf8(self) -> list[bytes]:
        return [frame(TEXT, b'{"type":"' + self._random.randbytes(20) + b'\xff"}')]

    def _illegal(self) -> list[bytes]:
        draws = [
            frame(PING, b"x" * 126),
            frame(self._random.choice([3, 5, 7, 11, 15]), b""),
            frame(TEXT, b"{}", reserved=self._random.randint(1, 7)),
            frame(TEXT, b"{}", is_masked=False),
            frame(CONT, b"{}"),
            frame(PING, b"x", is_final=False),
            frame(TEXT, b"{", is_final=False) + frame(TEXT, b"}"),
            frame(CLOSE, b"\x00"),
            frame(CLOSE, (self._random.randint(0, 5000)).to_bytes(2, "big") + b"\xff"),
        ]
        return [self._random.choice(draws)]

    def _flipped(self) -> bytes:
        """A valid frame with one bit of its head changed; its length may now be a lie."""
        data = bytearray(frame(TEXT, json.dumps(self._message()).encode()))
        data[self._random.randrange(2)] ^= 1 << self._random.randrange(8)
        return bytes(data)

    def _goodbye(self) -> list[bytes]:
        code = self._random.choice(GOODBYES)
        return [frame(CLOSE, code.to_bytes(2, "big"))]


class FuzzClient:
    """Sends a number of acts, one socket after the other."""

    def __init__(self, address: Address, seed: str, heard: Heard) -> None:
        self._address = address
        self._nonsense = Nonsense(seed)
        self._heard = heard

    async def run(self, acts: int) -> None:
        left = acts
        while left > 0:
            left -= await self._session(left)

    async def _session(self, limit: int) -> int:
        """Act on one socket until it ends; returns how often."""
        async with await RawSocket.connect(await self._address()) as raw:
            listening = asyncio.create_task(self._listen(raw))
            acted, must_end = 0, True
            try:
                while acted < limit and not listening.done():
                    acted += 1
                    frames, is_end = self._nonsense.draw()
                    await raw.send(b"".join(frames))
                    if is_end or self._nonsense.is_cut():
                        must_end = is_end
                        break
                    await asyncio.sleep(0)
                else:
                    lie = self._nonsense.last_word()
                    must_end = not lie  # what follows may be taken for a part of it
                    await raw.send(lie + frame(CLOSE, b"\x03\xe8"))
            except OSError:  # the server has ended it
                pass
            ended, _ = await asyncio.wait({listening}, timeout=CLOSE_TIMEOUT_S if must_end else 0)
            if must_end and not ended:
                self._heard.faults.append("the server did not end the connection")
            listening.cancel()
            for error in await asyncio.gather(listening, return_exceptions=True):
                if isinstance(error, Exception):
                    self._heard.faults.append(repr(error))
            return acted

    async def _listen(self, raw: RawSocket) -> None:
        code = 1006
        while (received := await raw.receive()) is not None:
            if received.opcode == TEXT:
                self._heard.text(received.payload)
            elif received.opcode == CLOSE:
                code = received.close_code
        self._heard.close(code)
