"""`manage.py prune`: delete what is kept for a time only, as a task does every hour."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.upkeep import leftovers_count, leftovers_prune


class Command(BaseCommand):
    help = (
        "Delete guests' leftovers, expired tokens, sessions and shares, old audit entries"
        " (EUGPT_AUDIT_DAYS) and, with EUGPT_RETENTION_DAYS, what nobody has used for so long."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only, delete nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry = options["dry_run"]
        counts = {**(leftovers_count() if is_dry else leftovers_prune())}
        for name, count in counts.items():
            self.stdout.write(f"{'failed' if count is None else f'{count:,}':>8} {name}")
        if failed := [name for name, count in counts.items() if count is None]:
            raise CommandError(f"not deleted, see the log: {', '.join(failed)}")
        self.stdout.write("nothing was deleted" if is_dry else "deleted")
