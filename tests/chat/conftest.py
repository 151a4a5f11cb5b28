"""A member with a client, and a tiny checkpoint with a window that a few messages fill."""

from pathlib import Path

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.models import User
from tests.accounts.clients import client_for, user_make
from tests.support.tiny_model import build_tiny_checkpoint

CONTEXT_TOKENS = 96


@pytest.fixture
def user(db: None) -> User:
    return user_make()


@pytest.fixture
def api(user: User) -> APIClient:
    """The member's."""
    return client_for(user)


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    return build_tiny_checkpoint(folder, context_length=CONTEXT_TOKENS)


@pytest.fixture
def small_model(db: None, small_folder: Path) -> None:
    """A checkpoint that looks at 96 tokens is active."""
    call_command("load_checkpoint", str(small_folder))
