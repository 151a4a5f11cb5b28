"""One run: start, let the clients loose, do the harm, let everything end, judge."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from deploy.local.errors import SetupError
from deploy.torture import readback, result, stored, verdict
from deploy.torture.clients import Account, World
from deploy.torture.crowd import Crowd
from deploy.torture.faults import Fault, Planned, Stage
from deploy.torture.installation import Installation
from deploy.torture.prompts import question_pool
from deploy.torture.result import Result
from deploy.torture.verdict import Judged

_SETTLE_S = 60.0
_SHOWN = 40


@dataclass(frozen=True)
class Plan:
    """What to do; the same seed asks the same in the same order."""

    seed: int
    clients: int
    faults: Sequence[Planned]
    out: Path
    pace: float = 1.0  # stretches the rests


async def torture(installation: Installation, plan: Plan) -> Result:
    """Run the plan on a started installation."""
    world = World(plan.seed, installation.bases, question_pool(plan.seed))
    crowd = Crowd(world, plan.clients)
    start = time.monotonic()
    crowd.start()
    watcher = asyncio.create_task(installation.watch())
    try:
        faults = await _harm(installation, crowd, plan)
        _say("Waiting for the last answers")
        await crowd.end()
        end = time.monotonic()
        left = await asyncio.to_thread(stored.settle, installation.database_url, _SETTLE_S)
    finally:
        watcher.cancel()
    for error in crowd.failures():
        raise SetupError(f"a client of this program failed: {error!r}") from error
    _say("Comparing what clients saw with what is stored")
    return await _judge(installation, crowd, plan, faults, left, (start, end))


async def _harm(installation: Installation, crowd: Crowd, plan: Plan) -> list[Fault]:
    faults = []
    for planned in plan.faults:
        _say(planned.name)
        fault = Fault(planned, time.monotonic())
        faults.append(fault)
        rng = random.Random(f"{plan.seed} {planned.name}")
        await planned.harm(Stage(installation, crowd, rng, fault))
        await asyncio.sleep(planned.rest_s * plan.pace)
    return faults


async def _judge(
    installation: Installation,
    crowd: Crowd,
    plan: Plan,
    faults: list[Fault],
    left: list[str],
    span: tuple[float, float],
) -> Result:
    url, base = installation.database_url, installation.bases[0]
    answers = crowd.world.answers
    names = _members(crowd)
    await asyncio.to_thread(stored.dump, url, plan.out / "generations.csv")
    rows = verdict.Stored(await asyncio.to_thread(stored.all_rows, url))
    judged = verdict.judge(answers, names, faults, rows)
    conversations = await readback.read_conversations(judged, names, base)
    streams = await readback.read_streams(judged, base, _kept_since(faults))
    ends, refusals = result.codes(judged)
    start, end = span
    table = result.fault_rows(judged, faults, start)
    return Result(
        seed=plan.seed,
        clients=plan.clients,
        seconds=round(end - start, 1),
        rows=table,
        transports=dict(Counter(one.answer.transport for one in judged)),
        failure_codes=dict(ends),
        refusal_codes=dict(refusals),
        repeated_questions=result.repeated_questions(judged),
        conversations_read=conversations,
        streams_read=streams,
        words_per_s=result.words_per_second(judged, start, end),
        unexpected_exits=list(installation.unexpected),
        complaints=_complaints(judged, crowd, left, rows, faults, table)
        + [f"{count} {name}" for name, count in stored.oddities(url).items()],
        seen=[f"{fault.name}: {said}" for fault in faults for said in fault.seen],
    )


def _kept_since(faults: Sequence[Fault]) -> float:
    """From when on streams are still there: after the loss of Valkey's data, if there was one."""
    since = 0.0
    for fault, following in pairwise(faults):
        if fault.planned.loses_streams:
            since = following.began
    return math.inf if faults and faults[-1].planned.loses_streams else since


def _members(crowd: Crowd) -> dict[str, str]:
    accounts = {c.name: getattr(c, "account", None) for c in crowd.clients}
    return {client: a.name for client, a in accounts.items() if isinstance(a, Account)}


def _complaints(
    judged: Sequence[Judged],
    crowd: Crowd,
    left: list[str],
    rows: verdict.Stored,
    faults: Sequence[Fault],
    table: Sequence[result.FaultRow],
) -> list[str]:
    """Everything that makes the run a failure, in words; a fault that hurt nobody is one."""
    told = [f"generation {pk} is still queued or running" for pk in left]
    told += [f"an event nobody asked for: {stray}" for stray in crowd.world.strays[:_SHOWN]]
    unknown = verdict.unknown_guests(crowd.world.answers, rows)
    told += [f"guest generation {row.id} ({row.status}) is known to no client" for row in unknown]
    bad = [one for one in judged if one.problems]
    for one in bad[:_SHOWN]:
        a = one.answer
        told.append(f"{one.fault.name}: {a.client} {a.prompt.client_id} {a.generation}: "
                    f"{'; '.join(one.notes)}")  # fmt: skip
    for one in judged:
        told += [f"{one.answer.client}: {n}" for n in one.answer.notes if "retry_after" in n]
    for fault, row in zip(faults, table, strict=True):
        if fault.planned.must_refuse and not row.refused:
            told.append(f"{fault.name}: nothing was refused")
        if fault.planned.goal and not row.interrupted:
            told.append(f"{fault.name}: nobody was interrupted")
    return told


def _say(text: str) -> None:
    print(f"torture | {text}", flush=True)
