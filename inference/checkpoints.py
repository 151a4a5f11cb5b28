"""Registering and activating checkpoints: the services behind the management commands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from inference import checkpoint_files, checkpoint_io
from inference.checkpoint_io import CheckpointError
from inference.models import Activation, Checkpoint

# Sent with `name` after the commit. Those who serve look for themselves, only later.
checkpoint_activated = Signal()

_CARD_MAX_BYTES = 100_000


def checkpoint_resolve(path_or_name: str) -> Path:
    """A folder as given, or the one of that name in MODELS_DIR; raises `CheckpointError`.

    A path may lead anywhere: it comes from the command line. A name stays in MODELS_DIR.
    """
    inside = settings.MODELS_DIR.resolve()
    try:
        if path_or_name and (given := Path(path_or_name)).exists():
            return given.resolve()
        if checkpoint_io.NAME.fullmatch(path_or_name) and (inside / path_or_name).exists():
            found = (inside / path_or_name).resolve()
            if found.is_relative_to(inside):
                return found
            detail = f"{path_or_name!r} leads out of MODELS_DIR; give the path if you mean it"
            raise CheckpointError("outside", detail)
    except OSError:  # too long to be a name, or nothing that may be looked at
        pass
    raise CheckpointError("not_found", f"no checkpoint folder {path_or_name[:200]!r}")


def checkpoint_load(*, path_or_name: str, activate: bool = True) -> Checkpoint:
    """Verify a folder, register it and (by default) activate it, in one transaction.

    Loading the same folder again changes nothing. Raises `CheckpointError` and changes nothing
    when the folder is bad.
    """
    checked = checkpoint_io.verify(checkpoint_resolve(path_or_name))
    fields = _fields(checked)
    with transaction.atomic():
        checkpoint, is_new = Checkpoint.objects.get_or_create(name=checked.name, defaults=fields)
        if not is_new and any(getattr(checkpoint, n) != fields[n] for n in ("sha256", "path")):
            for name, value in fields.items():
                setattr(checkpoint, name, value)
            checkpoint.loaded_at = timezone.now()
            checkpoint.save()
        if activate:
            _activate(checkpoint)
    return checkpoint


def checkpoint_import_slm(*, folder: str, name: str = "", activate: bool = True) -> Checkpoint:
    """Write an ancestor's checkpoint as MODELS_DIR/`name` and load it. Imports torch.

    `name` is by default that of the folder. Raises `CheckpointError` and leaves nothing behind
    when the folder is bad.
    """
    from inference.slm_import import import_slm

    source = Path(folder).resolve()
    name = name or source.name
    if not checkpoint_io.NAME.fullmatch(name):
        raise CheckpointError("bad_name", f"{name!r} is not a name for a folder of MODELS_DIR")
    written = import_slm(source, settings.MODELS_DIR / name)
    return checkpoint_load(path_or_name=str(written.folder), activate=activate)


def checkpoint_activate(*, name: str) -> Checkpoint:
    """Make a registered checkpoint the one that is served; raises `CheckpointError`.

    Its folder is verified again first: it may have changed since it was loaded.
    """
    checkpoint = Checkpoint.objects.filter(name=name).first()
    if checkpoint is None:
        raise CheckpointError("not_found", f"no checkpoint {name!r} is loaded")
    checkpoint_open(checkpoint)
    with transaction.atomic():
        _activate(checkpoint)
    return checkpoint


def checkpoint_rollback() -> Checkpoint:
    """Activate the one that was active before; raises `CheckpointError` where there is none.

    Doing it again goes back again: it is an activation like any other.
    """
    before = checkpoint_before()
    if before is None:
        raise CheckpointError("not_found", "no other checkpoint has been active")
    return checkpoint_activate(name=before.name)


def checkpoint_open(checkpoint: Checkpoint) -> checkpoint_io.Checkpoint:
    """The verified folder of a registered checkpoint; raises `CheckpointError`."""
    checked = checkpoint_io.verify(settings.MODELS_DIR / checkpoint.path)
    if checked.sha256 != checkpoint.sha256:
        raise CheckpointError("wrong_hash", f"{checkpoint.name} is not what was loaded")
    return checked


def checkpoint_card(checkpoint: Checkpoint) -> str:
    """The model card as it is written, "" where there is none: somebody's words, not HTML."""
    folder = settings.MODELS_DIR / checkpoint.path
    try:
        card = checkpoint_files.read_file(folder / checkpoint_io.CARD, _CARD_MAX_BYTES)
    except CheckpointError:
        return ""
    return card.decode(errors="replace").replace("\x00", "\ufffd")


def active_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.filter(is_active=True).first()


class Release(NamedTuple):
    """Which weights are to be served, and since when: another one asks for another try."""

    name: str
    sha256: str
    activated_at: datetime | None


def active_release() -> Release | None:
    """What workers ask for every second or two."""
    rows = Checkpoint.objects.filter(is_active=True)
    row = rows.values_list("name", "sha256", "activated_at").first()
    return None if row is None else Release(*row)


def checkpoint_before() -> Checkpoint | None:
    """The one that was active before the one of today."""
    rows = Activation.objects.exclude(checkpoint__is_active=True).select_related("checkpoint")
    last = rows.first()
    return None if last is None else last.checkpoint


def active_checkpoint_name() -> str | None:
    return Checkpoint.objects.filter(is_active=True).values_list("name", flat=True).first()


def _activate(checkpoint: Checkpoint) -> None:
    """Make it the one that is served, and say so after the commit. Run inside a transaction."""
    # One after the other: of two at once the second would see the first one's row too late.
    list(Checkpoint.objects.select_for_update().order_by("pk").values_list("pk"))
    checkpoint.refresh_from_db()
    last = checkpoint.activations.first()
    if checkpoint.is_active and last is not None and last.sha256 == checkpoint.sha256:
        return
    Checkpoint.objects.filter(is_active=True).update(is_active=False)
    checkpoint.is_active = True
    checkpoint.activated_at = timezone.now()
    checkpoint.save(update_fields=["is_active", "activated_at"])
    Activation.objects.create(
        checkpoint=checkpoint, sha256=checkpoint.sha256, at=checkpoint.activated_at
    )
    transaction.on_commit(lambda: checkpoint_activated.send(Checkpoint, name=checkpoint.name))


def _fields(checked: checkpoint_io.Checkpoint) -> dict[str, object]:
    models_dir = settings.MODELS_DIR.resolve()
    is_inside = checked.folder.is_relative_to(models_dir)
    return {
        "path": str(checked.folder.relative_to(models_dir) if is_inside else checked.folder),
        "sha256": checked.sha256,
        "parameters": int(checked.manifest.get("parameters", 0)),
        "manifest": checked.manifest,
    }
