"""What is done to EuGPT, one fault after the other.

Each function does its harm and reports every moment from which recovery counts, with the answers
that it interrupted. Before a kill the process is frozen for a moment, so that a word seen
afterwards cannot have come from it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from deploy.torture.answers import Answer
from deploy.torture.crowd import Crowd, answers_of
from deploy.torture.installation import WEBS, WORKERS, Installation
from deploy.torture.stored import running_on

FLUSH_S, _DOWN_S = 0.3, 1.2
_BUSY_TRIES, _BUSY_EVERY_S = 60, 0.25


@dataclass
class Mark:
    """A moment of harm and the answers it interrupted."""

    at: float
    answers: list[Answer]


@dataclass
class Fault:
    """What was done at last: one row of the table."""

    planned: Planned
    began: float
    marks: list[Mark] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)  # on the way, told under the table

    @property
    def name(self) -> str:
        return self.planned.name


@dataclass
class Stage:
    """What a fault may touch."""

    installation: Installation
    crowd: Crowd
    rng: random.Random
    fault: Fault

    def mark(self, answers: Iterable[Answer]) -> None:
        left = [a for a in answers if not a.is_over]
        self.fault.marks.append(Mark(time.monotonic(), left))

    def base(self, web: str) -> str:
        return self.installation.bases[WEBS.index(web)]


Harm = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Planned:
    """A fault, how long the clients go on after it, and what is expected of it.

    goal: whose death it is ("worker", "web"), for the recovery it is held against.
    """

    name: str
    harm: Harm
    rest_s: float
    goal: str = ""
    must_refuse: bool = False
    loses_streams: bool = False


async def calm(stage: Stage) -> None:
    """Nothing happens."""


async def kill_worker(stage: Stage, name: str = WORKERS[0]) -> None:
    held = await _freeze_worker(stage, name)
    stage.mark(held)
    await asyncio.to_thread(stage.installation.kill, name)
    await asyncio.to_thread(stage.installation.release, name)


async def kill_web(stage: Stage, name: str = WEBS[0]) -> None:
    stage.installation.freeze(name)
    await asyncio.sleep(FLUSH_S)
    stage.mark(stage.crowd.under_way(stage.base(name)))
    await asyncio.to_thread(stage.installation.kill, name)
    await asyncio.to_thread(stage.installation.release, name)


async def kill_worker_and_web(stage: Stage) -> None:
    """The other two at once."""
    held = await _freeze_worker(stage, WORKERS[1])
    stage.installation.freeze(WEBS[1])
    await asyncio.sleep(FLUSH_S)
    stage.mark({*held, *stage.crowd.under_way(stage.base(WEBS[1]))})
    for name in (WORKERS[1], WEBS[1]):
        await asyncio.to_thread(stage.installation.kill, name)
    for name in (WEBS[1], WORKERS[1]):
        await asyncio.to_thread(stage.installation.release, name)


async def cut_sockets(stage: Stage, rounds: int = 4, apart_s: float = 3.0) -> None:
    """Half of the readers lose their connection, several times."""
    for _ in range(rounds):
        busy = stage.crowd.busy()
        chosen = stage.rng.sample(busy, (len(busy) + 1) // 2)
        stage.mark(answers_of(client for client in chosen if client.cut()))
        await asyncio.sleep(apart_s)


async def roll_webs(stage: Stage) -> None:
    for name in WEBS:
        stage.mark(stage.crowd.under_way(stage.base(name)))
        await asyncio.to_thread(stage.installation.roll, name)


async def roll_workers(stage: Stage) -> None:
    for name in WORKERS:
        stage.mark(await held_by(stage, name))
        await asyncio.to_thread(stage.installation.roll, name)


async def kill_valkey(stage: Stage) -> None:
    await _valkey_away(stage, lambda: None)


async def lose_valkey(stage: Stage) -> None:
    await _valkey_away(stage, stage.installation.empty_valkey)


async def cut_power_of_valkey(stage: Stage) -> None:
    """What it wrote in the last second is gone: it flushes to the disk once a second."""
    sizes = stage.installation.valkey_sizes()
    await asyncio.sleep(1)
    await _valkey_away(stage, partial(stage.installation.cut_valkey, sizes))


async def lose_worker_and_valkey(stage: Stage) -> None:
    """Nobody is left who knows what was written: those replies may begin again."""
    await _freeze_worker(stage, WORKERS[0])
    await _valkey_away(stage, stage.installation.empty_valkey)
    await asyncio.to_thread(stage.installation.kill, WORKERS[0])
    await asyncio.to_thread(stage.installation.release, WORKERS[0])


async def _valkey_away(stage: Stage, meanwhile: Callable[[], None]) -> None:
    await asyncio.to_thread(stage.installation.kill_valkey)
    await asyncio.sleep(FLUSH_S)
    stage.mark(stage.crowd.under_way())
    await asyncio.sleep(_DOWN_S)
    meanwhile()
    await asyncio.to_thread(stage.installation.start_valkey)


async def restart_postgres(stage: Stage) -> None:
    stage.mark(stage.crowd.under_way())
    await asyncio.to_thread(stage.installation.restart_postgres, down_s=1.5)


async def suspend_clients(stage: Stage, count: int = 8, for_s: float = 6.0) -> None:
    """The clock of some clients stops and goes on; recovery counts from then."""
    busy = stage.crowd.busy()
    chosen = stage.rng.sample(busy, min(count, len(busy)))
    answers = answers_of(chosen)
    for client in chosen:
        client.suspend()
    await asyncio.sleep(for_s)
    stage.mark(answers)
    for client in chosen:
        client.wake()


async def never_read(stage: Stage) -> None:
    """Clients that ask for much and read nothing; the others must not notice."""
    stage.crowd.silent(3)
    stage.mark([])


async def fill_queue(stage: Stage) -> None:
    """More prompts at once than the queue and the slots take: refused, and tried again."""
    size = stage.installation.size
    stage.crowd.burst(size.queue_limit + size.slots * len(WORKERS) + 20)
    stage.mark([])
    await asyncio.sleep(1)


async def _freeze_worker(stage: Stage, name: str) -> list[Answer]:
    """Stop a worker in mid-answer; returns the answers it holds."""
    await until_busy(stage, name)
    stage.installation.freeze(name)
    await asyncio.sleep(FLUSH_S)
    return await held_by(stage, name)


async def until_busy(stage: Stage, name: str) -> None:
    """Wait until a worker is in the middle of some answers."""
    for _ in range(_BUSY_TRIES):
        if len([a for a in await held_by(stage, name) if a.words]) >= 3:
            break
        await asyncio.sleep(_BUSY_EVERY_S)


async def held_by(stage: Stage, worker: str) -> list[Answer]:
    """The answers that a worker holds, as the database has it."""
    installation = stage.installation
    ids = await asyncio.to_thread(running_on, installation.database_url, installation.pid(worker))
    return [a for a in stage.crowd.under_way() if a.generation in ids]


FULL: Sequence[Planned] = (
    Planned("no fault", calm, 20),
    Planned("worker: kill -9", kill_worker, 25, goal="worker"),
    Planned("web: kill -9", kill_web, 20, goal="web"),
    Planned("client sockets cut, four times", cut_sockets, 15),
    Planned("webs: rolling restart", roll_webs, 15, goal="web"),
    Planned("workers: rolling restart", roll_workers, 20),
    Planned("Valkey: kill -9, data kept", kill_valkey, 30),
    Planned("Valkey: kill -9, data lost", lose_valkey, 35, loses_streams=True),
    Planned("Valkey: power cut, last second lost", cut_power_of_valkey, 30, loses_streams=True),
    Planned("PostgreSQL: restart", restart_postgres, 25),
    Planned("clients suspended for 6 s", suspend_clients, 15),
    Planned("clients that never read", never_read, 25),
    Planned("queue full", fill_queue, 30, must_refuse=True),
    Planned("worker and Valkey's data at once", lose_worker_and_valkey, 35, loses_streams=True),
    Planned("worker and web at once: kill -9", kill_worker_and_web, 30, goal="worker"),
)

SHORT: Sequence[Planned] = (
    Planned("no fault", calm, 6),
    Planned("worker: kill -9", kill_worker, 12, goal="worker"),
    Planned("web: kill -9", kill_web, 7, goal="web"),
    Planned("client sockets cut", lambda stage: cut_sockets(stage, 2, 2.0), 4),
    Planned("Valkey: kill -9, data kept", kill_valkey, 12),
)
