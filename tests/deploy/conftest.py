"""A database with something in every table, a place for another, a folder for backups."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken

from accounts.models import User
from chat.safety.models import Category, SafetyRule
from deploy.ops import database
from inference.models import Activation, Checkpoint
from moderation.roles import roles_apply
from tests.accounts.clients import user_make
from tests.accounts.test_delete_every_store import OLD_NAME, life
from tests.support.servers import TestServers


def names(url: str) -> set[str]:
    with psycopg.connect(url) as there:
        return {name for (name,) in there.execute("SELECT datname FROM pg_database")}


@pytest.fixture
def source(servers: TestServers, transactional_db: None) -> str:
    """The address of the test's database, with something in every table."""
    roles_apply()
    life(user_make(OLD_NAME, is_staff=True), user_make("boss", is_staff=True))
    tiny = {"path": "tiny", "sha256": "0" * 64, "parameters": 1, "manifest": {}}
    checkpoint = Checkpoint.objects.create(name="tiny", is_active=True, **tiny)
    Activation.objects.create(checkpoint=checkpoint, sha256="0" * 64)
    device = StaticDevice.objects.create(user=User.objects.get(username="boss"), name="codes")
    StaticToken.objects.create(device=device, token="ABCDEFGH")
    SafetyRule.objects.create(name="one more", category=Category.values[0])
    return database.named(servers.postgres.url, str(connection.settings_dict["NAME"]))


@pytest.fixture
def target(servers: TestServers) -> Iterator[str]:
    """The address of a database that is not there yet."""
    url = database.named(servers.postgres.url, "eugpt_restored")
    yield url
    with psycopg.connect(servers.postgres.url, autocommit=True) as admin:
        for name in names(servers.postgres.url):
            if name.startswith("eugpt_restored"):
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backups")
