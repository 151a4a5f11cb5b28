"""Web processes beside the stack's own, ended after each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sockets.web import Web
from tests.support.stack import Stack


@pytest.fixture
def new_web(stack: Stack, tmp_path: Path) -> Iterator[Callable[..., Web]]:
    """Start a web process; keyword arguments change its environment."""
    started: list[Web] = []

    def start(**changes: str) -> Web:
        started.append(Web(stack, tmp_path, **changes))
        return started[-1]

    yield start
    for web in started:
        web.stop()
