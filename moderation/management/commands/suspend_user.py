"""`manage.py suspend_user NAME`: lock somebody out from a shell, or let them in again."""

import re
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts.errors import Invalid, NotAuthenticated
from accounts.models import User
from accounts.selectors import user_by_username
from accounts.services import user_reactivate, user_suspend
from moderation.audit import record

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Command(BaseCommand):
    help = "Suspend a user, for ever or for a time, or lift the suspension. The audit log tells."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the username, in any case")
        parser.add_argument("--reason", default="", help="what the user is told")
        end = parser.add_mutually_exclusive_group()
        end.add_argument("--for", dest="duration", metavar="7d", help="30m, 12h, 7d or 2w")
        end.add_argument("--until", metavar="TIME", help="2026-12-31, or 2026-12-31T18:00 (UTC)")
        end.add_argument("--lift", action="store_true", help="let the user in again")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_by_username(username=options["name"])
        if user is None:
            raise CommandError(f"There is no user {options['name']!r}.")
        if options["lift"]:
            self._lift(user, options["reason"])
            return
        until = _end_of(options["duration"], options["until"])
        try:
            with transaction.atomic():
                user_suspend(user=user, reason=options["reason"], until=until)
                detail = {
                    "reason": user.suspension_reason,
                    "until": None if until is None else until.isoformat(),
                    "by": "command",
                }
                record(None, "user.suspend", user, detail)
        except Invalid as error:
            raise CommandError(f"{next(iter(error.data['fields']))}: {error.detail}") from None
        except NotAuthenticated:
            raise CommandError("The account was deleted at this moment.") from None
        end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until this is lifted"
        self.stdout.write(f"{user.username} is suspended {end}.")

    def _lift(self, user: User, reason: str) -> None:
        if reason:
            raise CommandError("--lift needs no --reason.")
        if user.is_active:
            raise CommandError(f"{user.username} is not suspended.")
        with transaction.atomic():
            user_reactivate(user=user)
            record(None, "user.reactivate", user, {"by": "command"})
        self.stdout.write(f"{user.username} can sign in again.")


def _end_of(duration: str | None, until: str | None) -> datetime | None:
    """The moment that one of the two options names; raises CommandError."""
    if duration is not None:
        return _after(duration)
    if until is None:
        return None
    try:
        found = parse_datetime(until)
        if found is None and (day := parse_date(until)) is not None:
            found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"--until {until!r} is no time: write 2026-12-31 or 2026-12-31T18:00.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _after(duration: str) -> datetime:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", duration)
    if match is None:
        raise CommandError(f"--for {duration!r} is no duration: write 30m, 12h, 7d or 2w.")
    try:
        return timezone.now() + timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise CommandError(f"--for {duration!r} is too long: leave it out for ever.") from None
