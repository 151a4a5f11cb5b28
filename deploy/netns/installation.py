"""The fresh EuGPT of `make torture`, each of its two workers on a host of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import redis

from deploy.netns.hosts import MAIN_ADDRESS, NETWORK, Host
from deploy.torture.installation import WORKERS, Installation, Size

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Clock:
    """How far ahead the second worker host's clock is, and the libfaketime that makes it so."""

    ahead_s: float = 0.0
    library: str = ""

    def env(self) -> dict[str, str]:
        if not self.ahead_s:
            return {}
        return {
            "LD_PRELOAD": self.library,
            "FAKETIME": f"{self.ahead_s:+g}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


class HostsInstallation(Installation):
    """Web, jobs, beat, PostgreSQL and Valkey on the main host, each worker elsewhere."""

    def __init__(self, folder: Path, size: Size, clock: Clock) -> None:
        super().__init__(folder, size)
        self._clock = clock
        for server in (self._postgres, self._valkey):
            server.address = MAIN_ADDRESS
        self._postgres.network = NETWORK
        ports = (self._postgres.port, self._valkey.port)
        self.hosts: dict[str, Host] = {}
        for number, name in enumerate(WORKERS, start=1):
            self.hosts[name] = Host(number, folder / "log", ports)

    def stop(self) -> None:
        for host in self.hosts.values():
            host.mend()  # a worker that hears nothing could not end in order
        super().stop()
        for host in self.hosts.values():
            host.close()

    def workers_known(self) -> set[str]:
        """Host names of the workers whose sign of life is there."""
        with redis.Redis.from_url(self._valkey.url, decode_responses=True) as client:
            keys = [str(key) for key in client.scan_iter("eugpt:worker:*")]
        return {key.split(":")[2] for key in keys}

    def command_of(self, name: str, env: dict[str, str]) -> list[str]:
        command = super().command_of(name, env)
        return self.hosts[name].command(command) if name in self.hosts else command

    def env_of(self, name: str) -> dict[str, str]:
        env = super().env_of(name)
        if name not in self.hosts:
            return env
        for url in ("DATABASE_URL", "REDIS_URL"):
            env[url] = env[url].replace(f"@{_LOOPBACK}:", f"@{MAIN_ADDRESS}:")
        folder = Path(env["EUGPT_VAR_DIR"]) / name
        folder.mkdir(exist_ok=True)
        env["EUGPT_VAR_DIR"] = str(folder)
        return env | (self._clock.env() if name == WORKERS[-1] else {})
