"""A worker goes over to another checkpoint while it writes; all parts are real."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis.exceptions
from django.core.management import call_command
from django.db import connections
from pytest_django.fixtures import Settings

from accounts.store import redis_client
from chat.errors import ModelUnavailable
from chat.generation import swap
from chat.generation.lifecycle import generation_requeue
from chat.generation.run import generation_run
from chat.generation.submit import Owner, generation_branch, generation_submit
from chat.generation.worker import WORKER_KEY_PREFIX, Worker
from chat.generation.workers import workers_alive
from chat.models import Generation
from inference.models import Checkpoint
from inference.public import CheckpointError, Release
from tests.accounts.clients import user_make
from tests.support.tiny_model import build_tiny_checkpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sent")]

TOKENS = 200
PARAMS: dict[str, Any] = {"max_tokens": TOKENS, "min_tokens": TOKENS, "seed": 5}
PATIENCE_S = 60.0


@pytest.fixture(scope="session")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_checkpoint(tmp_path_factory.mktemp("models") / "other", seed=2)


@pytest.fixture
def worker(tiny_folder: Path, other_folder: Path, settings: Settings) -> Iterator[Worker]:
    settings.SLOTS = 4
    settings.LIMITS_ENABLED = False
    settings.PRECISION = "fp32"
    call_command("load_checkpoint", str(other_folder))
    call_command("load_checkpoint", str(tiny_folder))
    made = Worker()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def member() -> Owner:
    return Owner.member(user_make())


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def serves(worker: Worker, name: str) -> bool:
    return worker.serving.format.name == name and len(worker._engines.all()) == 1


def ask(worker: Worker, owner: Owner) -> Generation:
    submitted = generation_submit(owner=owner, text="hello", params=PARAMS)
    assert generation_run(worker=worker)
    return Generation.objects.select_related("message").get(pk=submitted.generation_id)


def text_of(generation: Generation) -> str:
    assert generation.message is not None
    return generation.message.content


class Slowed:
    """Holds the engine's thread in the middle of a reply until told to go on."""

    def __init__(self, worker: Worker) -> None:
        self.is_reached, self.goes_on = threading.Event(), threading.Event()
        self._thread = worker.serving.thread
        self._pass_on, self._tokens = self._thread._on_outputs, 0
        self._thread._on_outputs = self

    def __call__(self, outputs: Any) -> None:
        self._pass_on(outputs)
        self._tokens += len(outputs)
        if self._tokens == TOKENS // 4:
            self.is_reached.set()
            assert self.goes_on.wait(PATIENCE_S)


def in_background(worker: Worker) -> threading.Thread:
    def run() -> None:
        try:
            generation_run(worker=worker)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_running_reply_ends_with_its_own_model(worker: Worker, member: Owner) -> None:
    undisturbed = ask(worker, member)
    slowed = Slowed(worker)
    begun = generation_submit(owner=member, text="hello", params=PARAMS)
    thread = in_background(worker)
    assert slowed.is_reached.wait(PATIENCE_S)
    call_command("activate_checkpoint", "other")
    until(lambda: worker.serving.format.name == "other", "no swap")
    assert len(worker._engines.all()) == 2
    new = ask(worker, member)
    slowed.goes_on.set()
    thread.join(PATIENCE_S)
    old = Generation.objects.select_related("message").get(pk=begun.generation_id)
    assert (old.status, old.model, old.attempt) == ("completed", "tiny", 1)
    assert text_of(old) == text_of(undisturbed)
    assert (new.status, new.model) == ("completed", "other")
    assert text_of(new) != text_of(old)
    until(lambda: serves(worker, "other"), "the old engine stays")


def test_roll_back_before_the_last_reply_takes_the_old_engine_again(
    worker: Worker, member: Owner
) -> None:
    first = worker.serving
    slowed = Slowed(worker)
    generation_submit(owner=member, text="hello", params=PARAMS)
    thread = in_background(worker)
    assert slowed.is_reached.wait(PATIENCE_S)
    call_command("activate_checkpoint", "other")
    until(lambda: worker.serving.format.name == "other", "no swap")
    call_command("rollback_checkpoint")
    until(lambda: serves(worker, "tiny"), "no roll back")
    assert worker.serving is first
    slowed.goes_on.set()
    thread.join(PATIENCE_S)
    assert Generation.objects.get().status == "completed"


def test_the_engine_of_before_is_gone(worker: Worker) -> None:
    thread = worker.serving.thread
    call_command("activate_checkpoint", "other")
    until(lambda: serves(worker, "other"), "no swap")
    until(lambda: not thread._thread.is_alive(), "its thread runs")
    until(lambda: redis_client().get(worker._watch._turn) is None, "it keeps the turn")


def test_a_broken_checkpoint_leaves_the_old_one(
    worker: Worker, member: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "RETRY_S", 0.0)
    folder = build_tiny_checkpoint(tmp_path / "broken", seed=3)
    call_command("load_checkpoint", str(folder), "--no-activate")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    # Damaged after its verification: only the worker meets this.
    monkeypatch.setattr("inference.checkpoints.checkpoint_open", lambda _: None)
    weights.write_bytes(whole[:-4] + b"\0\0\0\0")
    call_command("activate_checkpoint", "broken")
    until(lambda: "wrong_hash" in worker._watch.error, "no error")
    until(lambda: "wrong_hash" in workers_alive()[worker.id].checkpoint_error, "not signed")
    assert ask(worker, member).model == "tiny"
    weights.write_bytes(whole)
    until(lambda: serves(worker, "broken"), "it is not tried again")
    until(lambda: not workers_alive()[worker.id].checkpoint_error, "an old error stays")


def test_a_broken_checkpoint_is_tried_again_later_and_later(worker: Worker) -> None:
    watch = worker._watch
    watch.stop()
    release = Release("x", "y", None)
    waits = []
    for _ in range(8):
        watch.fail(release, ValueError("no"))
        waits.append(round(watch._again_at - time.monotonic()))
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]
    watch.fail(Release("x", "z", None), ValueError("no"))
    assert round(watch._again_at - time.monotonic()) == 30


@pytest.fixture
def active_folder(other_folder: Path, tmp_path: Path, settings: Settings) -> Path:
    """That of the active checkpoint, to be damaged; "other" was active before."""
    settings.SLOTS = 4
    settings.LIMITS_ENABLED = False
    settings.PRECISION = "fp32"
    folder = build_tiny_checkpoint(tmp_path / "active", seed=3)
    call_command("load_checkpoint", str(other_folder))
    call_command("load_checkpoint", str(folder))
    return folder


@contextmanager
def started() -> Iterator[Worker]:
    worker = Worker()
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def test_a_worker_starts_with_the_one_before_a_damaged_checkpoint(
    active_folder: Path, member: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "RETRY_S", 0.0)
    weights = active_folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-4] + b"\0\0\0\0")
    with started() as worker:
        assert "active: wrong_hash" in workers_alive()[worker.id].checkpoint_error
        assert workers_alive()[worker.id].model == "other"
        assert ask(worker, member).model == "other"
        weights.write_bytes(whole)
        until(lambda: serves(worker, "active"), "the whole one is not tried")
        until(lambda: not workers_alive()[worker.id].checkpoint_error, "an old error stays")


@pytest.mark.parametrize(
    ("before", "expected"),
    [("damaged", "no checkpoint folder at .*nowhere"), ("none", "not the file of the manifest")],
)
def test_a_worker_without_a_whole_checkpoint_does_not_start(
    before: str, expected: str, active_folder: Path, tmp_path: Path
) -> None:
    if before == "none":
        Checkpoint.objects.filter(name="other").delete()
    else:
        Checkpoint.objects.filter(name="other").update(path=str(tmp_path / "nowhere"))
    (active_folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match=expected):
        Worker().start()
    assert workers_alive() == {}


def test_prompts_are_taken_while_the_folder_of_the_active_checkpoint_is_gone(
    active_folder: Path, member: Owner
) -> None:
    """By the format of the one before: workers that start meanwhile serve it."""
    active_folder.rename(active_folder.parent / "away")
    with started() as worker:
        assert ask(worker, member).model == "other"
    Checkpoint.objects.filter(name="other").delete()
    with pytest.raises(ModelUnavailable):
        ask(worker, member)


def test_a_release_under_the_same_name_is_another_one(
    worker: Worker, member: Owner, tmp_path: Path
) -> None:
    before = worker.serving.format.sha256
    asked = {**PARAMS, "logprobs": 2}
    submitted = generation_submit(owner=member, text="hello", params=asked)
    assert generation_run(worker=worker)
    old = Generation.objects.get(pk=submitted.generation_id)
    assert old.model_sha256 == before
    call_command("load_checkpoint", str(build_tiny_checkpoint(tmp_path / "tiny", seed=9)))
    until(lambda: worker.serving.format.sha256 != before, "no swap")
    assert worker.serving.format.name == "tiny"
    with pytest.raises(Exception, match="Another model"):
        generation_branch(owner=member, message_id=old.message_id or 0, at=3, token=1)


def test_what_an_old_release_began_a_new_one_ends_and_does_not_continue(
    worker: Worker, member: Owner, tmp_path: Path
) -> None:
    whole = ask(worker, member)
    slowed = Slowed(worker)
    begun = generation_submit(owner=member, text="hello", params=PARAMS)
    thread = in_background(worker)
    assert slowed.is_reached.wait(PATIENCE_S)
    call_command("load_checkpoint", str(build_tiny_checkpoint(tmp_path / "tiny", seed=9)))
    sha256 = Checkpoint.objects.get(is_active=True).sha256
    until(lambda: worker.serving.format.sha256 == sha256, "no swap")
    assert generation_requeue(generation=Generation.objects.get(pk=begun.generation_id))
    assert generation_run(worker=worker)  # as another worker would
    slowed.goes_on.set()
    thread.join(PATIENCE_S)
    old = Generation.objects.select_related("message").get(pk=begun.generation_id)
    assert (old.status, old.finish_reason, old.attempt) == ("completed", "length", 2)
    assert 0 < len(text_of(old)) < len(text_of(whole))
    assert text_of(whole).startswith(text_of(old))


def test_ids_of_another_vocabulary_reach_no_engine(worker: Worker, member: Owner) -> None:
    """The web process checked them against the checkpoint that became active meanwhile."""
    submitted = generation_submit(owner=member, text="hello", params=PARAMS)
    row = Generation.objects.filter(pk=submitted.generation_id)
    row.update(params={**PARAMS, "logit_bias": {"16000": 5.0, "65": -2.0}})
    assert generation_run(worker=worker)
    assert row.get().status == "completed"
    assert not worker.serving.thread.is_dead


def test_one_worker_of_a_host_after_the_other(worker: Worker, settings: Settings) -> None:
    redis_client().set(worker._watch._turn, "somebody")
    redis_client().set(WORKER_KEY_PREFIX + "somebody", json.dumps({}), px=3000)
    call_command("activate_checkpoint", "other")
    time.sleep(1)  # as long as "somebody" signs, and two looks
    assert worker.serving.format.name == "tiny"
    until(lambda: serves(worker, "other"), "the turn of a dead worker is kept")


def test_no_checkpoint_to_roll_back_to(tiny_folder: Path) -> None:
    call_command("load_checkpoint", str(tiny_folder))
    with pytest.raises(Exception, match="not_found"):
        call_command("rollback_checkpoint")


def test_the_sign_of_life_says_who_and_what(worker: Worker, member: Owner) -> None:
    ask(worker, member)
    worker._sign()
    state = workers_alive()[worker.id]
    assert (state.model, state.sha256) == ("tiny", worker.serving.format.sha256)
    assert state.host in worker.id
    assert state.pid > 0
    assert 0 < time.time() - state.started_at < 600
    assert state.threads >= 1
    assert state.tokens_per_s > 0
    assert (state.loading, state.checkpoint_error) == ("", "")


def test_a_turn_is_given_back_when_redis_answers_again(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder lives: a turn that it had forgotten would keep the others waiting for minutes."""
    watch, script = worker._watch, swap._script
    failed: list[str] = []

    def fails_once(text: str) -> Any:
        if text == swap._END_TURN and not failed:
            failed.append(text)
            raise redis.exceptions.TimeoutError
        return script(text)

    monkeypatch.setattr(swap, "_script", fails_once)
    call_command("activate_checkpoint", "other")
    until(lambda: failed, "the turn was never given back")
    until(lambda: not redis_client().exists(watch._turn), "the turn is kept")
    assert serves(worker, "other")
