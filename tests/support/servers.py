"""One PostgreSQL and one Valkey for a test session, in a directory that goes away with it."""

import os
import shutil
import tempfile
from pathlib import Path

import redis

from deploy.local.postgres import EmbeddedPostgres
from deploy.local.valkey import EmbeddedValkey


class TestServers:
    """The embedded servers of `make run`, without their durability."""

    __test__ = False

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="eugpt-tests-"))
        self.directory.chmod(0o755)  # root's PostgreSQL runs as another user
        self.postgres = EmbeddedPostgres(
            self.directory / "postgres", self.directory / "postgres.log", is_durable=False
        )
        self.valkey = self.new_valkey("valkey")

    def new_valkey(self, name: str) -> EmbeddedValkey:
        """A further, not yet started Valkey of the session."""
        return EmbeddedValkey(
            self.directory / name, self.directory / f"{name}.log", is_durable=False
        )

    def start(self) -> None:
        """Start both and point this process's settings at them."""
        self.postgres.start()
        self.valkey.start()
        for name in [name for name in os.environ if name.startswith("EUGPT_")]:
            del os.environ[name]
        os.environ.update(self.settings())

    def settings(self) -> dict[str, str]:
        """The environment of a test process; whatever else it says of EuGPT is removed."""
        return {
            "DJANGO_SETTINGS_MODULE": "eugpt.settings",
            "DATABASE_URL": self.postgres.url,
            # Tests look at keys and cut connections, which EuGPT itself may not (the stack has).
            "REDIS_URL": self.valkey.admin_url,
            "EUGPT_ENV_FILE": "",
            "EUGPT_ENV": "development",
            "EUGPT_LIMITS": "on",
            "EUGPT_SECRET_KEY": "a-key-for-tests-that-signs-nothing-of-value",
            "EUGPT_VAR_DIR": str(self.directory),
        }

    def flush_redis(self) -> None:
        """Empty the Valkey of this process (the stack has its own)."""
        with redis.Redis.from_url(self.valkey.admin_url) as client:
            client.flushall()

    def stop(self) -> None:
        """End both and delete their data."""
        self.valkey.stop()
        self.postgres.destroy()
        shutil.rmtree(self.directory, ignore_errors=True)
