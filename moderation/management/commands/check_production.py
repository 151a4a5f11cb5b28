"""`manage.py check_production`: what is fine, what is missing before strangers may come."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from moderation.readiness import readiness


class Command(BaseCommand):
    help = "Say line by line whether this installation is fit for strangers; exit code 1 if not."
    # It asks for itself, and tells instead of failing.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for finding in readiness():
            failed += finding.verdict == "FAIL"
            self.stdout.write(f"{finding.verdict:<4}  {finding.about}: {finding.text}")
        if failed:
            raise CommandError(f"{failed} of it must be put right first.")
        self.stdout.write("Nothing speaks against opening it.")
