"""Servers, settings and shared fixtures of all tests.

This file is imported before any test module and before pytest-django calls `django.setup()`, so
starting the servers and setting the environment here, at import, lets every other conftest and
test import models and settings at its top.
"""

import django
import pytest

from tests.support.servers import TestServers

SERVERS = TestServers()
SERVERS.start()
django.setup()

pytest_plugins = ["tests.support.browser", "tests.support.journeys", "tests.support.stack"]


@pytest.fixture(scope="session")
def servers() -> TestServers:
    """The session's PostgreSQL and Valkey."""
    return SERVERS


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    """Streams, queues, limits and locks of one test must not reach the next."""
    SERVERS.flush_redis()


@pytest.fixture(autouse=True)
def _no_known_rules() -> None:
    """A process keeps safety rules for two seconds; a test's end with it."""
    from chat.safety.rules import rules_forget

    rules_forget()


def pytest_unconfigure() -> None:
    SERVERS.stop()
