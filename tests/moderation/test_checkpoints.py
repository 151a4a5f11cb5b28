"""Checkpoints in the admin: what each is, serving another one, going back, and who may."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from accounts.store import redis_client
from chat.generation.worker import WORKER_KEY_PREFIX, WORKERS_KEY
from inference.models import Checkpoint
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.support.tiny_model import build_tiny_checkpoint

pytestmark = pytest.mark.django_db

LIST = "/admin/inference/checkpoint/"


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("models")
    return [build_tiny_checkpoint(directory / name, seed=n) for n, name in enumerate("ab")]


@pytest.fixture
def pair(folders: list[Path]) -> tuple[Checkpoint, Checkpoint]:
    """a was active before; b is now."""
    for folder in folders:
        call_command("load_checkpoint", str(folder))
    return Checkpoint.objects.get(name="a"), Checkpoint.objects.get(name="b")


def staff(role: str) -> Client:
    user = user_make(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def worker_signs(checkpoint: Checkpoint, number: int, **more: str) -> None:
    state = {
        "running": [], "slots": 1, "model": checkpoint.name, "precision": "fp32",
        "sha256": checkpoint.sha256, "host": f"host{number}", **more,
    }  # fmt: skip
    redis_client().sadd(WORKERS_KEY, f"w{number}")
    redis_client().set(f"{WORKER_KEY_PREFIX}w{number}", json.dumps(state))


def test_list_and_detail_show_the_manifest(pair: tuple[Checkpoint, Checkpoint]) -> None:
    client = staff("operator")
    page = client.get(LIST).content.decode()
    assert "57,845" in page
    assert pair[0].sha256[:12] in page
    detail = client.get(f"{LIST}{pair[1].pk}/change/").content.decode()
    assert pair[1].sha256 in detail
    assert "A random model for tests." in detail
    assert "Go back to a" in detail


def test_words_of_a_checkpoint_are_no_html(pair: tuple[Checkpoint, Checkpoint]) -> None:
    evil = "<script>alert(1)</script>"
    Checkpoint.objects.filter(pk=pair[1].pk).update(
        manifest={"training": {"sources": [evil], "stages": [{"run": evil, "held_out_loss": evil}]}}
    )
    folder = Path(pair[1].path)
    card = (folder / "README.md").read_text()
    try:
        (folder / "README.md").write_text(f"{evil} [x](javascript:alert(1))")
        client = staff("operator")
        for page in (LIST, f"{LIST}{pair[1].pk}/change/"):
            text = client.get(page).content.decode()
            assert evil not in text
            assert "&lt;script&gt;" in text
        (folder / "README.md").unlink()
        (folder / "README.md").symlink_to("/etc/passwd")
        assert "root:" not in client.get(f"{LIST}{pair[1].pk}/change/").content.decode()
    finally:
        (folder / "README.md").unlink()
        (folder / "README.md").write_text(card)


def test_manifests_of_any_shape_are_shown(pair: tuple[Checkpoint, Checkpoint]) -> None:
    client = staff("operator")
    for manifest in ({}, {"training": 3}, {"training": {"stages": [1], "sources": {"a": 1}}}):
        Checkpoint.objects.filter(pk=pair[1].pk).update(manifest=manifest)
        assert client.get(LIST).status_code == 200
        assert client.get(f"{LIST}{pair[1].pk}/change/").status_code == 200


def test_an_operator_serves_another_and_it_is_written_down(
    pair: tuple[Checkpoint, Checkpoint],
) -> None:
    worker_signs(pair[0], 1)
    worker_signs(pair[1], 2, checkpoint_error="a: wrong_hash: <b>no</b>")
    client = staff("operator")
    asked = client.get(f"{LIST}{pair[0].pk}/activate/").content.decode()
    assert "b is served now" in asked
    assert "1 of 2 serve a" in asked
    assert Checkpoint.objects.get(is_active=True).name == "b"
    page = client.post(f"{LIST}{pair[0].pk}/activate/", follow=True).content.decode()
    assert Checkpoint.objects.get(is_active=True).name == "a"
    assert "1 of 2 serve a" in page
    assert "&lt;b&gt;no" in page
    entry = AuditEntry.objects.get(action="checkpoint.activate")
    assert (entry.target_name, entry.detail["before"]) == ("a", "b")


def test_roll_back_goes_to_the_one_it_named(pair: tuple[Checkpoint, Checkpoint]) -> None:
    client = staff("operator")
    assert "Go back to a?" in client.get(f"{LIST}rollback/").content.decode()
    client.post(f"{LIST}rollback/", {"to": "b"})
    assert Checkpoint.objects.get(is_active=True).name == "b"
    client.post(f"{LIST}rollback/", {"to": "a"})
    assert Checkpoint.objects.get(is_active=True).name == "a"
    assert AuditEntry.objects.filter(action="checkpoint.rollback").count() == 1


def test_a_damaged_checkpoint_is_not_activated(pair: tuple[Checkpoint, Checkpoint]) -> None:
    Checkpoint.objects.filter(pk=pair[0].pk).update(sha256="0" * 64)
    page = staff("operator").post(f"{LIST}{pair[0].pk}/activate/", follow=True).content.decode()
    assert "Nothing was changed" in page
    assert Checkpoint.objects.get(is_active=True).name == "b"
    assert not AuditEntry.objects.filter(action__startswith="checkpoint").exists()


def test_others_may_not(pair: tuple[Checkpoint, Checkpoint]) -> None:
    member = Client()
    member.force_login(user_make("mia"))
    for client, code in ((staff("moderator"), 403), (member, 302), (Client(), 302)):
        for page in ("", f"{pair[0].pk}/change/", f"{pair[0].pk}/activate/", "rollback/"):
            assert client.get(LIST + page).status_code == code
        assert client.post(f"{LIST}{pair[0].pk}/activate/").status_code == code
        assert client.post(f"{LIST}rollback/", {"to": "a"}).status_code == code
    assert Checkpoint.objects.get(is_active=True).name == "b"


def test_nothing_is_added_changed_or_deleted_here(pair: tuple[Checkpoint, Checkpoint]) -> None:
    client = Client()
    client.force_login(user_make("root", is_staff=True, is_superuser=True))
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{pair[0].pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(f"{LIST}{pair[0].pk}/change/", {"name": "x", "path": "/etc"})
    chosen = {"action": "delete_selected", "_selected_action": pair[0].pk, "post": "yes"}
    client.post(LIST, chosen)
    assert sorted(Checkpoint.objects.values_list("name", flat=True)) == ["a", "b"]
