"""A member, a guest and an active tiny checkpoint; tasks are recorded instead of sent."""

from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import User
from chat.generation.submit import Owner
from chat.tasks import run_generation
from tests.accounts.clients import user_make
from tests.support.tiny_model import build_tiny_checkpoint


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def tiny(db: None, tiny_folder: Path) -> None:
    """The tiny checkpoint is active."""
    call_command("load_checkpoint", str(tiny_folder))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that were queued; no worker runs in these tests."""
    ids: list[str] = []
    monkeypatch.setattr(run_generation, "delay", ids.append)
    return ids


@pytest.fixture
def user(db: None) -> User:
    return user_make()


@pytest.fixture
def member(user: User) -> Owner:
    return Owner.member(user)


@pytest.fixture
def guest() -> Owner:
    return Owner.guest("192.0.2.7")
