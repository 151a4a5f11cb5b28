"""`export_feedback`: feedback as JSON lines for training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.models import Feedback, Rating
from moderation.audit import record
from moderation.feedback_export import LINES_MAX, feedback_export, feedback_lines


class Command(BaseCommand):
    help = "Write feedback of users who agreed to training as JSON lines, names masked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help='where to; "-" is standard output')
        parser.add_argument("--rating", choices=Rating.values, help="only these")
        parser.add_argument("--limit", type=int, default=LINES_MAX, help="at most so many lines")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["limit"] <= LINES_MAX:
            raise CommandError(f"--limit is 1 to {LINES_MAX}")
        rows = Feedback.objects.all()
        if options["rating"]:
            rows = rows.filter(rating=options["rating"])
        export = feedback_export(rows, options["limit"])
        record(None, "feedback.export", "feedback", export.to_dict())
        if options["file"] == "-":
            sys.stdout.writelines(feedback_lines(export))
        else:
            _write(Path(options["file"]), export)
        counts = ", ".join(f"{name} {n}" for name, n in export.to_dict().items())
        self.stderr.write(counts)


def _write(path: Path, export: Any) -> None:
    """A file for its owner alone; one that is there already is not overwritten."""
    try:
        path.touch(mode=0o600, exist_ok=False)
        with path.open("w", encoding="utf-8") as file:
            file.writelines(feedback_lines(export))
    except OSError as error:
        raise CommandError(str(error)) from error
