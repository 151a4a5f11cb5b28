"""Which checkpoints this installation knows, and which one is served."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Checkpoint(models.Model):
    """A verified checkpoint folder. At most one is active: the workers go over to it."""

    name = models.CharField(max_length=80, unique=True)
    # Below MODELS_DIR where possible, so that hosts may keep their models in different places.
    path = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    parameters = models.PositiveBigIntegerField()
    manifest = models.JSONField()
    is_active = models.BooleanField(default=False)
    loaded_at = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-loaded_at"]
        permissions = [("activate_checkpoint", "Can choose which checkpoint is served")]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="checkpoint_one_active"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Activation(models.Model):
    """When a checkpoint became the active one: what rolling back looks at."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, related_name="activations")
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} at {self.at:%Y-%m-%d %H:%M:%S}"
