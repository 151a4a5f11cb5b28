"""The web process does not keep the memory of passwords that were hashed."""

import os
import subprocess
import sys

import pytest

from deploy.local.paths import ROOT

HASHES = """
import re, threading
from pathlib import Path
import eugpt.asgi
from accounts.hashers import Argon2Hasher

THREADS, ROUNDS = 12, 4

def private_mb():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"RssAnon:\\s+(\\d+)", status)[1]) / 1024

def hash_one(barrier):
    barrier.wait()
    Argon2Hasher().encode("correct horse", "a-salt-of-its-own")

hash_one(threading.Barrier(1))
before = private_mb()
for _ in range(ROUNDS):
    barrier = threading.Barrier(THREADS)
    threads = [threading.Thread(target=hash_one, args=[barrier]) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(private_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_hashes_in_many_threads_leave_no_memory_behind() -> None:
    result = subprocess.run(
        [sys.executable, "-c", HASHES],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    grown_mb = float(result.stdout.split()[-1])
    assert grown_mb < 19, f"{grown_mb:.0f} MB are kept, and one hash takes 19"
