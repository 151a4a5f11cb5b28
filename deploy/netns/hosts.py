"""Hosts made of network namespaces, and the wires between the main one and the others.

The namespaces have no names: each lives as long as a process in it, so that nothing is left
behind however a run ends. The main host is the namespace of this process and its children. It
answers worker hosts under one address, on the ports of PostgreSQL and Valkey alone.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local import processes
from deploy.local.errors import SetupError

MAIN_ADDRESS = "10.77.0.1"
NETWORK = "10.77.0.0/16"
_CLONE_NEWNET = 0x4000_0000
_TOOLS = ("ip", "iptables", "nsenter", "unshare", "hostname", "tc")
_TRIAL = (
    "ip link set lo up && ip link add a0 type veth peer name a1"
    " && iptables -A INPUT -i a0 -m statistic --mode random --probability 0.5 -j DROP"
)
_READY_S = 5.0
_CUT = "eugpt-cut"


def why_not() -> str:
    """Why hosts cannot be made here, in words; empty where they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        return f"there is no {' or '.join(missing)} (Debian: iproute2, iptables, util-linux)"
    trial = ["unshare", "--net", "--uts", "sh", "-c", _TRIAL]
    result = subprocess.run(trial, capture_output=True, text=True, check=False)
    reason = result.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return "" if result.returncode == 0 else f"the kernel refuses a namespace: {reason[0]}"


def leave_network() -> None:
    """Move this process into a network of its own, the main host. Call before any thread starts."""
    if reason := why_not():
        raise SetupError(f"make torture-hosts cannot run here: {reason}.")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise SetupError(f"no network of our own: {os.strerror(ctypes.get_errno())}")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "address", "add", f"{MAIN_ADDRESS}/32", "dev", "lo")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("0")


class Host:
    """A worker host: a namespace with one wire to the main one."""

    def __init__(self, number: int, folder: Path, ports: Sequence[int]) -> None:
        self.name = f"worker-host-{number}"
        self.address = f"10.77.{number}.2"
        self._device = f"host{number}"  # the main host's end of the wire
        self._is_shaped = False
        self._holder = processes.start(
            ["unshare", "--net", "--uts", "sh", "-c", f"hostname {self.name}; exec sleep infinity"],
            log=folder / f"{self.name}.log",
        )
        self._wait()
        self._connect(number)
        self._guard(ports)

    def command(self, command: Sequence[str]) -> list[str]:
        """`command` as it is run on this host."""
        return [*self._enter(), *command]

    def close(self) -> None:
        processes.stop(self._holder)

    def unplug(self) -> None:
        """The wire is out: packets of both sides vanish, and nobody is told."""
        _run("ip", "link", "set", self._device, "down")

    def mute(self) -> None:
        """Nothing comes from this host any more; it hears all that is sent to it."""
        _run(*self._drop_at_main())

    def deafen(self) -> None:
        """Nothing reaches this host any more; all that it sends arrives."""
        _run(*self._drop_here())

    def slow(self, *, loss: float) -> str:
        """A bad wire; says in words what is bad. Without netem in the kernel late means a line."""
        self._is_shaped = True
        queue = ("tc", "qdisc", "add", "dev", self._device, "root")
        netem = [*queue, "netem", "delay", "80ms", "40ms", "loss", f"{loss:.1%}"]
        if subprocess.run(netem, capture_output=True, check=False).returncode == 0:
            return f"80 ms ± 40 ms, {loss:.0%} lost"
        chance = ("-m", "statistic", "--mode", "random", "--probability", str(loss))
        _run(*self._drop_at_main(*chance))
        _run(*self._drop_here(*chance))
        _run(*queue, "tbf", "rate", "1mbit", "burst", "4kb", "latency", "400ms")
        return f"1 Mbit/s, a line of up to 400 ms, {loss:.0%} lost each way (no netem here)"

    def mend(self) -> None:
        """Everything passes again."""
        _run("ip", "link", "set", self._device, "up")
        if self._is_shaped:
            _run("tc", "qdisc", "del", "dev", self._device, "root")
            self._is_shaped = False
        for line in _lines("iptables", "-S", "INPUT"):
            if _CUT in line and f" {self._device} " in line:
                _run("iptables", "-D", *line.split()[1:])
        _run(*self.command(["iptables", "-F", "INPUT"]))

    def _drop_at_main(self, *match: str) -> list[str]:
        comment = ("-m", "comment", "--comment", _CUT)
        return ["iptables", "-I", "INPUT", "-i", self._device, *match, *comment, "-j", "DROP"]

    def _drop_here(self, *match: str) -> list[str]:
        return self.command(["iptables", "-I", "INPUT", "-i", "eth0", *match, "-j", "DROP"])

    def _wait(self) -> None:
        """Until the holder has a namespace of its own; before, its commands would run in ours."""
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            with suppress(FileNotFoundError, PermissionError):
                said = subprocess.run(
                    self.command(["hostname"]), capture_output=True, text=True, check=False
                )
                if said.stdout.strip() == self.name:
                    return
            time.sleep(0.02)
        raise SetupError(f"{self.name} did not get a namespace")

    def _connect(self, number: int) -> None:
        gateway = f"10.77.{number}.1"
        peer = ("type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid))
        _run("ip", "link", "add", self._device, *peer)
        _run("ip", "address", "add", f"{gateway}/30", "dev", self._device)
        _run("ip", "link", "set", self._device, "up")
        for words in (
            "link set lo up",
            f"address add {self.address}/30 dev eth0",
            "link set eth0 up",
            f"route add {MAIN_ADDRESS} via {gateway}",
        ):
            _run(*self.command(["ip", *words.split()]))

    def _guard(self, ports: Sequence[int]) -> None:
        """As a firewall between two real hosts: PostgreSQL and Valkey, nothing else."""
        wanted = ("--dport", ",".join(map(str, ports)))
        come_in = ("iptables", "-A", "INPUT", "-i", self._device)
        _run(*come_in, "-p", "tcp", "-m", "multiport", *wanted, "-j", "ACCEPT")
        _run(*come_in, "-j", "DROP")

    def _enter(self) -> list[str]:
        spaces = Path("/proc") / str(self._holder.pid) / "ns"
        return ["nsenter", f"--net={spaces / 'net'}", f"--uts={spaces / 'uts'}"]


def _run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SetupError(f"{' '.join(command)}: {result.stderr.strip()}")


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
