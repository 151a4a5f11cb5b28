"""`manage.py list_checkpoints`: the registered checkpoints, the active one marked."""

from typing import Any

from django.core.management.base import BaseCommand

from inference.models import Checkpoint


class Command(BaseCommand):
    help = "List the registered checkpoints; the active one has a star."

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoints = list(Checkpoint.objects.all())
        if not checkpoints:
            self.stdout.write("none loaded; use: manage.py load_checkpoint PATH_OR_NAME")
        for c in checkpoints:
            mark = "*" if c.is_active else " "
            self.stdout.write(
                f"{mark} {c.name}  {c.parameters:,} parameters  sha256 {c.sha256[:12]}  "
                f"loaded {c.loaded_at:%Y-%m-%d %H:%M}"
            )
