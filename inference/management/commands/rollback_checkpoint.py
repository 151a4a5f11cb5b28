"""`manage.py rollback_checkpoint`: serve again what was served before."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.checkpoint_io import CheckpointError
from inference.checkpoints import checkpoint_rollback


class Command(BaseCommand):
    help = "Activate the checkpoint that was active before; running workers go over to it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            checkpoint = checkpoint_rollback()
        except CheckpointError as error:
            raise CommandError(f"{error.code}: {error}") from error
        self.stdout.write(f"{checkpoint.name} is active again; running workers go over to it")
