"""What is done to the wires between the hosts, and what is measured meanwhile.

As in deploy/torture each function does its harm and marks the answers that it interrupted. While
a host is away the webs are asked for their health, and its worker's processor time is read: at
last it should have nothing to do. Afterwards it must be back by itself and take new work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import httpx
import psutil

from deploy.netns.hosts import Host
from deploy.netns.installation import HostsInstallation
from deploy.torture.clients import new_http
from deploy.torture.faults import FLUSH_S, Planned, Stage, calm, held_by, until_busy
from deploy.torture.installation import WORKERS
from deploy.torture.result import percentile

_PROBE_S, _LOOK_S = 0.25, 0.1
_IDLE_S = 5.0  # of the cut's end, in which the worker's processor time is read
_BACK_S = 60.0

Cut = Callable[[Host], None]


async def away(stage: Stage, cut: Cut, for_s: float, name: str = WORKERS[0]) -> None:
    """Cut a worker host off in mid-answer, for a while, and see it come back."""
    await until_busy(stage, name)
    await _cut_off(stage, cut, [name])
    await _watch_away(stage, name, for_s)
    await _mend(stage, name)


async def both_away(stage: Stage, for_s: float) -> None:
    """Nobody is left to write for a while; then one host is back, and later the other."""
    await until_busy(stage, WORKERS[1])
    await _cut_off(stage, Host.unplug, list(WORKERS))
    await _watch_away(stage, WORKERS[0], for_s)
    await _mend(stage, WORKERS[0])
    await asyncio.sleep(5)
    await _mend(stage, WORKERS[1])


async def bad_wire(stage: Stage, for_s: float, loss: float = 0.08) -> None:
    """Packets are lost and late, but none of the sides is gone."""
    host = _installation(stage).hosts[WORKERS[0]]
    await until_busy(stage, WORKERS[0])
    stage.fault.seen.append(await asyncio.to_thread(lambda: host.slow(loss=loss)))
    stage.mark(await held_by(stage, WORKERS[0]))
    await asyncio.sleep(for_s)
    await asyncio.to_thread(host.mend)


async def _cut_off(stage: Stage, cut: Cut, names: Sequence[str]) -> None:
    for name in names:
        await asyncio.to_thread(cut, _installation(stage).hosts[name])
    await asyncio.sleep(FLUSH_S)  # what was on its way has arrived
    stage.mark({answer for name in names for answer in await held_by(stage, name)})


async def _watch_away(stage: Stage, name: str, for_s: float) -> None:
    probe = asyncio.create_task(_probe(stage))
    worker = psutil.Process(stage.installation.pid(name))
    await asyncio.sleep(max(for_s - _IDLE_S, 0))
    before = _cpu_s(worker)
    await asyncio.sleep(min(for_s, _IDLE_S))
    share = (_cpu_s(worker) - before) / min(for_s, _IDLE_S)
    stage.fault.seen.append(f"{name} used {share:.0%} of a core at the end of its {for_s:g} s away")
    probe.cancel()
    with suppress(asyncio.CancelledError):
        await probe


async def _mend(stage: Stage, name: str) -> None:
    """Mend the wire; note how soon the worker is known again, and how soon it writes."""
    installation = _installation(stage)
    is_same = stage.installation.pid(name)
    await asyncio.to_thread(installation.hosts[name].mend)
    mended = time.monotonic()
    known = await _until(lambda: installation.hosts[name].name in installation.workers_known())
    stage.fault.seen.append(f"{name} signs again {_told(known, mended)} after the wire is mended")
    busy = await _until_writing(stage, name)
    stage.fault.seen.append(f"{name} writes again {_told(busy, mended)} after the wire is mended")
    if stage.installation.pid(name) != is_same:
        stage.fault.seen.append(f"{name} is another process than before")


async def _until_writing(stage: Stage, name: str) -> float | None:
    """Until words come of an answer that this worker holds."""
    deadline = time.monotonic() + _BACK_S
    seen: dict[int, int] = {}
    while time.monotonic() < deadline:
        for answer in await held_by(stage, name):
            if len(answer.words) > seen.setdefault(id(answer), len(answer.words)):
                return time.monotonic()
        await asyncio.sleep(_LOOK_S)
    return None


async def _until(is_so: Callable[[], bool]) -> float | None:
    deadline = time.monotonic() + _BACK_S
    while time.monotonic() < deadline:
        if await asyncio.to_thread(is_so):
            return time.monotonic()
        await asyncio.sleep(_LOOK_S)
    return None


async def _probe(stage: Stage) -> None:
    """Ask the webs how they are, again and again; says at the end how long they took."""
    took: list[float] = []
    try:
        async with new_http() as http:
            while True:
                for base in stage.installation.bases:
                    began = time.monotonic()
                    with suppress(httpx.HTTPError):
                        await http.get(f"{base}/api/health")
                    took.append(time.monotonic() - began)
                await asyncio.sleep(_PROBE_S)
    finally:
        ordered = sorted(took) or [0.0]
        median, worst = (percentile(ordered, share) * 1000 for share in (0.5, 1.0))
        told = f"meanwhile the webs answered in {median:.0f} ms (p50), {worst:.0f} ms at most"
        stage.fault.seen.append(told)


def _installation(stage: Stage) -> HostsInstallation:
    assert isinstance(stage.installation, HostsInstallation)
    return stage.installation


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _told(at: float | None, since: float) -> str:
    return f"not within {_BACK_S:g} s" if at is None else f"{at - since:.1f} s"


def _unplug(for_s: float) -> Planned:
    name = f"worker host: unplugged for {for_s:g} s"
    return Planned(name, lambda s: away(s, Host.unplug, for_s), 12, goal="worker")


FULL: Sequence[Planned] = (
    Planned("no fault", calm, 10),
    _unplug(30),
    Planned("worker host: cannot send, 20 s", lambda s: away(s, Host.mute, 20), 12, goal="worker"),
    Planned(
        "worker host: cannot hear, 20 s", lambda s: away(s, Host.deafen, 20), 12, goal="worker"
    ),
    Planned("worker host: a bad wire, 20 s", lambda s: bad_wire(s, 20), 10),
    _unplug(90),
    Planned("both worker hosts unplugged for 12 s", lambda s: both_away(s, 12), 15),
)

SHORT: Sequence[Planned] = (Planned("no fault", calm, 3), _unplug(10))
