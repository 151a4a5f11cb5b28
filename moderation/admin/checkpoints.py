"""Checkpoints: what each one is, which one is served, going over to another and back.

Nothing comes in from here: a checkpoint is registered at the command line only.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from inference.public import (
    Checkpoint,
    CheckpointError,
    active_checkpoint,
    checkpoint_activate,
    checkpoint_before,
    checkpoint_card,
    checkpoint_rollback,
)
from moderation.admin.base import ReadOnlyAdmin
from moderation.dashboard import workers_known

_ACTIVATIONS_MAX = 20
_ACTIVATE = "inference.activate_checkpoint"


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ["name", "state", "size", "held_out_loss", "short_hash", "loaded", "activated"]
    list_display_links = ["name"]
    search_fields = ["name", "sha256__startswith"]
    search_help_text = "Name, or how the hash begins"
    ordering = ["-is_active", "-activated_at", "-loaded_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(
                "<int:pk>/activate/",
                view(self.activate_view),
                name="inference_checkpoint_activate",
            ),
            path("rollback/", view(self.rollback_view), name="inference_checkpoint_rollback"),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description="state", ordering="is_active")
    def state(self, checkpoint: Checkpoint) -> str:
        if not checkpoint.is_active:
            return ""
        return format_html('<span class="badge good">{}</span>', "Active")

    @admin.display(description="parameters", ordering="parameters")
    def size(self, checkpoint: Checkpoint) -> str:
        return f"{checkpoint.parameters:,}"

    @admin.display(description="held-out loss")
    def held_out_loss(self, checkpoint: Checkpoint) -> str:
        return str(_last_stage(checkpoint).get("held_out_loss", "-"))

    @admin.display(description="sha256", ordering="sha256")
    def short_hash(self, checkpoint: Checkpoint) -> str:
        return format_html("<code>{}</code>", checkpoint.sha256[:12])

    @admin.display(description="loaded", ordering="loaded_at")
    def loaded(self, checkpoint: Checkpoint) -> str:
        return f"{checkpoint.loaded_at:%Y-%m-%d %H:%M}"

    @admin.display(description="active since or last", ordering="activated_at")
    def activated(self, checkpoint: Checkpoint) -> str:
        return f"{checkpoint.activated_at:%Y-%m-%d %H:%M}" if checkpoint.activated_at else "-"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """What it is, who serves it, and what can be done."""
        checkpoint: Any = self.get_object(request, object_id)
        if not self.has_view_permission(request, checkpoint):
            raise PermissionDenied
        if checkpoint is None:
            messages.warning(request, "This checkpoint is not there.")
            return redirect("admin:inference_checkpoint_changelist")
        context = self._context(request, checkpoint, str(checkpoint)) | {
            "facts": _facts(checkpoint),
            "card": checkpoint_card(checkpoint),
            "activations": checkpoint.activations.all()[:_ACTIVATIONS_MAX],
            "before": checkpoint_before() if checkpoint.is_active else None,
        }
        return TemplateResponse(request, "moderation/checkpoint.html", context)

    def activate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        checkpoint = self._may_activate(request, Checkpoint.objects.filter(pk=pk).first())
        if request.method == "POST":
            return self._do(request, "activate", lambda: checkpoint_activate(name=checkpoint.name))
        if checkpoint.is_active:
            return redirect(reverse("admin:inference_checkpoint_change", args=[checkpoint.pk]))
        context = self._context(request, checkpoint, f"Serve {checkpoint.name}?")
        return TemplateResponse(request, "moderation/checkpoint_confirm.html", context)

    def rollback_view(self, request: HttpRequest) -> HttpResponse:
        """Asks for the one it names only: somebody else may have acted meanwhile."""
        before = self._may_activate(request, checkpoint_before())
        if request.method == "POST":
            if request.POST.get("to") != before.name:
                messages.error(request, "Another checkpoint was activated meanwhile. Look again.")
                return redirect("admin:inference_checkpoint_changelist")
            return self._do(request, "rollback", checkpoint_rollback)
        context = self._context(request, before, f"Go back to {before.name}?")
        return TemplateResponse(request, "moderation/checkpoint_confirm.html", context)

    def _may_activate(self, request: HttpRequest, checkpoint: Checkpoint | None) -> Checkpoint:
        if not request.user.has_perm(_ACTIVATE) or not self.has_view_permission(request):
            raise PermissionDenied
        if checkpoint is None:
            raise PermissionDenied("There is no such checkpoint.")
        return checkpoint

    def _do(self, request: HttpRequest, verb: str, act: Any) -> HttpResponse:
        served = active_checkpoint()
        try:
            checkpoint: Checkpoint = act()
        except CheckpointError as error:
            messages.error(request, f"Nothing was changed: {error} ({error.code}).")
            return redirect("admin:inference_checkpoint_changelist")
        before = served.name if served else ""
        self.audit(request, verb, checkpoint, {"sha256": checkpoint.sha256, "before": before})
        messages.success(request, f"{checkpoint.name} is active. The workers go over to it now.")
        return redirect(reverse("admin:inference_checkpoint_change", args=[checkpoint.pk]))

    def _context(self, request: HttpRequest, checkpoint: Checkpoint, title: str) -> dict[str, Any]:
        workers = workers_known()
        rows = sorted(workers or (), key=lambda worker: worker.id)
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "checkpoint": checkpoint,
            "served": active_checkpoint(),
            "is_known": workers is not None,
            "workers": [{"worker": w, "is_there": w.sha256 == checkpoint.sha256} for w in rows],
            "there": sum(worker.sha256 == checkpoint.sha256 for worker in rows),
            "may_activate": request.user.has_perm(_ACTIVATE),
        }


def _last_stage(checkpoint: Checkpoint) -> dict[str, Any]:
    stages = _training(checkpoint).get("stages")
    last = stages[-1] if isinstance(stages, list) and stages else {}
    return last if isinstance(last, dict) else {}


def _training(checkpoint: Checkpoint) -> dict[str, Any]:
    training = checkpoint.manifest.get("training")
    return training if isinstance(training, dict) else {}


def _facts(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """Of the manifest, whose words are somebody's: the template escapes them."""
    training, stage = _training(checkpoint), _last_stage(checkpoint)
    sources = training.get("sources")
    licence = checkpoint.manifest.get("licence") or training.get("licence")
    tokens = stage.get("tokens")
    facts = [
        ("Parameters", f"{checkpoint.parameters:,}"),
        ("Weights", checkpoint.manifest.get("dtype")),
        ("Held-out loss", stage.get("held_out_loss")),
        ("Training run", stage.get("run") or training.get("imported_from")),
        ("Training tokens", f"{tokens:,}" if isinstance(tokens, int) else None),
        ("Data", ", ".join(map(str, sources)) if isinstance(sources, list) else None),
        ("Licence", licence or "see the model card"),
        ("sha256", checkpoint.sha256),
        ("Folder", checkpoint.path),
        ("Loaded", f"{checkpoint.loaded_at:%Y-%m-%d %H:%M} UTC"),
    ]
    return [(name, str(value)[:500]) for name, value in facts if value is not None]
