"""Which checkpoints this installation knows, and which one is served."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Checkpoint(models.Model):
    """A verified checkpoint folder. At most one is active: new worker processes serve it."""

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
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="checkpoint_one_active"
            )
        ]

    def __str__(self) -> str:
        return self.name
