"""What the launcher refuses, it refuses in one sentence."""

import socket
from pathlib import Path

import pytest

from deploy.local import checks
from deploy.local.errors import SetupError
from deploy.local.paths import VarDir


@pytest.fixture
def var(tmp_path: Path) -> VarDir:
    var = VarDir(tmp_path / "var")
    var.create()
    return var


def test_check_port_names_the_taken_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"Port {port} is already in use"):
            checks.check_port("127.0.0.1", port)
    checks.check_port("127.0.0.1", port)


@pytest.mark.parametrize("text", ["0", "65536", "80a", "-1", "8000 "])
def test_port_of_refuses_what_is_no_port(text: str) -> None:
    with pytest.raises(SetupError, match="PORT must be a number"):
        checks.port_of({"PORT": text})


def test_port_of_defaults_to_8000() -> None:
    assert checks.port_of({}) == 8000


def test_check_disk_says_how_much_is_missing(tmp_path: Path) -> None:
    checks.check_disk(tmp_path, needed_bytes=1)
    with pytest.raises(SetupError, match="The disk is full"):
        checks.check_disk(tmp_path, needed_bytes=2**60)


def test_run_lock_is_held_by_one_run(var: VarDir) -> None:
    with checks.run_lock(var) as is_first:
        assert is_first
        with checks.run_lock(var) as is_second:
            assert not is_second
    with checks.run_lock(var) as is_free_again:
        assert is_free_again


def test_var_dir_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="cannot write to"):
        VarDir(tmp_path / "file" / "var").create()
