"""`manage.py load_checkpoint PATH_OR_NAME`: verify, register and activate a checkpoint."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.checkpoint_io import CheckpointError
from inference.checkpoints import active_checkpoint_name, checkpoint_load


class Command(BaseCommand):
    help = "Verify a checkpoint folder, register it and activate it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path_or_name", help="a folder, or the name of one in MODELS_DIR")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--no-activate", action="store_true", help="register only")
        choice.add_argument(
            "--keep-active", action="store_true", help="activate only when none is active yet"
        )

    def handle(self, *args: Any, path_or_name: str, **options: Any) -> None:
        keeps = options["no_activate"] or (options["keep_active"] and active_checkpoint_name())
        try:
            checkpoint = checkpoint_load(path_or_name=path_or_name, activate=not keeps)
        except CheckpointError as error:
            raise CommandError(f"{error.code}: {error}") from error
        state = "active" if checkpoint.is_active else "registered"
        self.stdout.write(
            f"{checkpoint.name}: {checkpoint.parameters:,} parameters, verified, {state}"
        )
