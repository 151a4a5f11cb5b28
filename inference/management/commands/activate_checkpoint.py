"""`manage.py activate_checkpoint NAME`: serve a checkpoint that is already registered."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.checkpoint_io import CheckpointError
from inference.checkpoints import checkpoint_activate


class Command(BaseCommand):
    help = "Make a registered checkpoint the active one. Running workers go over to it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        try:
            checkpoint = checkpoint_activate(name=name)
        except CheckpointError as error:
            raise CommandError(f"{error.code}: {error}") from error
        self.stdout.write(f"{checkpoint.name} is active; running workers go over to it")
