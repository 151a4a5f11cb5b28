"""Reading the files of a folder that nobody vouches for: each once, with limits, as plain files.

What is checked is what is used: a file's bytes are read into memory and hashed there, so that who
changes the folder between a check and its use changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

JSON_MAX_BYTES = 1_000_000
TOKENIZER_MAX_BYTES = 32_000_000
# The released model's header has 12 kB, the largest that a config allows less than 300 kB.
HEADER_MAX_BYTES = 1_000_000
_LENGTH_BYTES = 8


class CheckpointError(ValueError):
    """A checkpoint folder that cannot be used; `code` says why in one word."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def read_file(path: Path, max_bytes: int) -> bytes:
    """All of a plain file; raises `CheckpointError` for links, pipes and what is too large."""
    try:
        # Without waiting: the other end of a pipe may never come.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise CheckpointError("bad_file", f"{path.name} is not a plain file")
            data = b"" if about.st_size > max_bytes else file.read(max_bytes + 1)
    except FileNotFoundError:
        raise CheckpointError("missing_file", f"{path.name} is missing") from None
    except OSError as error:
        raise CheckpointError("bad_file", f"{path.name} is not a plain file: {error}") from error
    if about.st_size > max_bytes or len(data) > max_bytes:
        raise CheckpointError("too_large", f"{path.name} has more than {max_bytes:,} bytes")
    return data


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parse_json(data: bytes, name: str, code: str) -> dict[str, Any]:
    """A JSON object that a database takes, too; raises `CheckpointError` with `code`."""
    try:
        content = json.loads(data, parse_constant=_refuse_constant)
        # PostgreSQL takes neither infinities (1e999), nor NUL, nor halves of surrogate pairs.
        again = json.dumps(content, allow_nan=False, ensure_ascii=False)
        again.encode()
    except (ValueError, RecursionError) as error:
        raise CheckpointError(code, f"{name} is not JSON: {error}") from error
    if "\\u0000" in again:
        raise CheckpointError(code, f"{name} holds a NUL")
    if not isinstance(content, dict):
        raise CheckpointError(code, f"{name} must be an object")
    return content


def check_header(data: bytes, name: str) -> None:
    """Refuse a safetensors header that is out of all proportion, before anything parses it."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if not 0 < length <= min(HEADER_MAX_BYTES, len(data) - _LENGTH_BYTES):
        raise CheckpointError("bad_weights", f"{name} is not safetensors: its header is no header")


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
