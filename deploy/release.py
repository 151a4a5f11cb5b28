"""What happens once for each deployment, before anything serves: the database is migrated, the
checkpoint is verified and registered. It becomes the active one unless an operator chose another.

Both steps do nothing when done before, and only one process at a time does them: the others wait.
In one process, because each further one would load Django again.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from deploy.wait import stop_on_signals, wait_for_servers

# Any number does that no other program takes in the same database.
LOCK = 0x4575475054  # "EuGPT"
# Longer than any migration; whoever still waits then is better told than kept.
LOCK_WAIT_S = 900
# Nobody starts a release again, and a new database is made while it waits.
SERVERS_WAIT_S = 300


@contextmanager
def alone(database_url: str) -> Iterator[None]:
    """Hold the one lock of this database; it is let go with the connection, also by a crash."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield


def main(verbosity: int) -> None:
    """Wait for the servers and for other releases, then migrate and load the checkpoint."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")
    from eugpt.config import ConfigError, config_load

    try:
        config = config_load()
        wait_for_servers(config.database_url, config.redis_url, SERVERS_WAIT_S)
    except ConfigError as error:
        sys.exit(f"EuGPT cannot start: {error}")
    import django
    from django.core.management import CommandError, call_command
    from django.db import OperationalError, connection

    django.setup()
    try:
        with alone(config.database_url):
            with connection.cursor() as cursor:
                # Requests may not keep a transaction waiting; a migration works between two
                # statements for as long as it takes.
                cursor.execute("SET idle_in_transaction_session_timeout = 0")
            call_command("migrate", interactive=False, verbosity=verbosity)
            call_command("load_checkpoint", str(config.models_dir / config.model), keep_active=True)
    except (CommandError, psycopg.errors.LockNotAvailable) as error:
        sys.exit(f"EuGPT cannot start: {error}")
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        sys.exit("EuGPT cannot start: a migration needs a table that is in use (by a backup?)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quiet", action="store_true", help="do not list migrations")
    is_quiet = parser.parse_args().quiet
    stop_on_signals()
    main(verbosity=0 if is_quiet else 1)
