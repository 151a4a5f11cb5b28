"""`manage.py load_checkpoint PATH_OR_NAME`: verify, register and activate a checkpoint."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.checkpoint_io import CheckpointError
from inference.checkpoints import active_checkpoint_name, checkpoint_import_slm, checkpoint_load


class Command(BaseCommand):
    help = "Verify a checkpoint folder, register it and activate it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path_or_name", nargs="?", help="a folder, or the name of one in MODELS_DIR"
        )
        parser.add_argument(
            "--from-slm",
            metavar="FOLDER",
            help="import a checkpoint of the SLM project (checkpoint.pth, tokenizer/) first",
        )
        parser.add_argument(
            "--name", default="", help="the imported checkpoint's name (default: the folder's)"
        )
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--no-activate", action="store_true", help="register only")
        choice.add_argument(
            "--keep-active", action="store_true", help="activate only when none is active yet"
        )

    def handle(
        self, *args: Any, path_or_name: str | None, from_slm: str | None, **options: Any
    ) -> None:
        name = options["name"]
        if (path_or_name is None) == (from_slm is None) or (name and from_slm is None):
            raise CommandError("give either PATH_OR_NAME or --from-slm FOLDER [--name NAME]")
        activate = not options["no_activate"]
        if options["keep_active"] and active_checkpoint_name():
            activate = False
        try:
            if from_slm is not None:
                checkpoint = checkpoint_import_slm(folder=from_slm, name=name, activate=activate)
            else:
                checkpoint = checkpoint_load(path_or_name=path_or_name or "", activate=activate)
        except CheckpointError as error:
            raise CommandError(f"{error.code}: {error}") from error
        state = "active" if checkpoint.is_active else "registered"
        self.stdout.write(
            f"{checkpoint.name}: {checkpoint.parameters:,} parameters, verified, {state}"
        )
