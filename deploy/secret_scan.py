"""Are there secrets in the checkout, or anywhere in its history? Needs no network.

Looks at what git tracks and at every line that any commit has added: for private keys, tokens of
well-known shapes, passwords in URLs, and texts that are random enough where a secret is named or
quoted. What is none, and had to be written down, stands in KNOWN by the hash of its text.
"""

import hashlib
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local.paths import ROOT

# First 16 digits of the SHA-256 of a text that only looks like a secret → what it is.
KNOWN = {
    "abfe8a1601ebd43b": "the API key that the API's description shows",
    "d328d517e09060d1": "the access token that the API's description shows",
    "d0650e707de7bc4e": "tests/security/test_production.py",
    "0dc5840366e351e4": "tests/security/test_production.py",
    "74473894cbd6e5a6": "tests/security/test_production.py",
    "4872788e3fd5c8c6": "tests/security/test_production.py",
}

SHAPES = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "Google key": r"\bAIza[A-Za-z0-9_-]{35}",
    "OpenAI or Anthropic key": r"\bsk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{32,}",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "PyPI token": r"\bpypi-[A-Za-z0-9_-]{50,}",
    "signed token": r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "password in a URL": r"\b[a-z][a-z0-9+.-]*://[^\s:/@'\"`]*:(?P<text>[^\s:/@'\"`{}$<>%]{12,})@",
    "secret": (
        r"(?i)(?:secret|token|passw(?:or)?d|api_?key|credential)[\w.-]*[\"']?\s*[:=]+\s*"
        r"[\"']?(?P<text>[A-Za-z0-9+/_=-]{20,})"
    ),
    "random text": r"[\"'](?P<text>[A-Za-z0-9+/_=-]{40,})[\"']",
}
_SHAPES = {name: re.compile(pattern) for name, pattern in SHAPES.items()}
# These alone are judged by how random they are: the others have a shape of their own.
_BY_CHANCE = {"secret": 3.7, "random text": 4.6, "password in a URL": 3.2}
_WORDS = re.compile(r"[a-z]{4,}|[A-Z]{4,}")
_WORDY = 0.4
# Hashes, by the thousand: of packages, and of files that are released.
NOT_READ = ("frontend/package-lock.json", "*.safetensors", "models/*/manifest.json")


@dataclass(frozen=True)
class Finding:
    place: str
    kind: str
    text: str

    def __str__(self) -> str:
        shown = f"{self.text[:4]}…" if len(self.text) > 8 else "…"
        return f"{self.place}: {self.kind} {shown} ({fingerprint(self.text)})"


def main() -> int:
    findings = list(dict.fromkeys([*scan_files(ROOT), *scan_history(ROOT)]))
    for finding in findings:
        print(finding)
    if findings:
        print(
            f"{len(findings)} texts look like secrets. Take a real one out of use first: removing"
            " it from the files does not. One that is none belongs into KNOWN of"
            " deploy/secret_scan.py, by the number in brackets."
        )
    return bool(findings)


def scan_files(root: Path) -> Iterator[Finding]:
    """What git tracks, as it lies there now."""
    listed = _git(root, "ls-files", "-z", "--", ".", *_excluded())
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.is_file() and not path.is_symlink():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            yield from scan_lines(lines, name)


def scan_history(root: Path) -> Iterator[Finding]:
    """Every line that any commit of any branch has added; each text once, with its commit."""
    log = _git(
        root, "log", "--all", "--no-color", "--no-ext-diff", "--no-renames", "--unified=0",
        "--format=commit %h", "--patch", "--", ".", *_excluded(),
    )  # fmt: skip
    seen: set[str] = set()
    commit = ""
    for line in log.splitlines():
        if line.startswith("commit "):
            commit = line
        elif line.startswith("+") and not line.startswith("+++") and line not in seen:
            seen.add(line)
            yield from scan_lines([line[1:]], commit)


def scan_lines(lines: Iterable[str], place: str) -> Iterator[Finding]:
    for number, line in enumerate(lines, 1):
        where = place if place.startswith("commit ") else f"{place}:{number}"
        for kind, pattern in _SHAPES.items():
            for match in pattern.finditer(line):
                text = match.groupdict().get("text") or match[0]
                if _is_suspicious(kind, text) and fingerprint(text) not in KNOWN:
                    yield Finding(where, kind, text)


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def entropy_bits(text: str) -> float:
    """Shannon's, for each character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def _is_suspicious(kind: str, text: str) -> bool:
    """Names, paths and sentences are made of words; of a random text some 5 % look like some."""
    if kind not in _BY_CHANCE:
        return True
    is_mixed = bool(re.search(r"[0-9]", text) and re.search(r"[A-Za-z]", text))
    is_wordy = sum(map(len, _WORDS.findall(text))) >= _WORDY * len(text)
    return is_mixed and not is_wordy and entropy_bits(text) >= _BY_CHANCE[kind]


def _excluded() -> list[str]:
    return [f":(exclude,top){name}" for name in NOT_READ]


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True)
    return done.stdout.decode("utf-8", errors="replace")


if __name__ == "__main__":
    sys.exit(main())
