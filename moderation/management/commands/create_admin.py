"""`manage.py create_admin NAME`: an account with the role admin."""

import os
import secrets
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q

from accounts.errors import UsernameTaken
from accounts.models import User
from accounts.services import user_register
from moderation.roles import ADMIN, roles_apply

PASSWORD_VARIABLE = "DJANGO_SUPERUSER_PASSWORD"


class Command(BaseCommand):
    help = (
        "Make an account with the role admin. Its password comes from the variable "
        f"{PASSWORD_VARIABLE}, else from a prompt; without a terminal, or with --generate, it is "
        "made up and shown once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="NAME")
        parser.add_argument(
            "--if-none", action="store_true", help="do nothing where there is an admin already"
        )
        parser.add_argument("--generate", action="store_true", help="make up a password")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        if options["if_none"] and _admins_exist():
            self.stdout.write("there is an admin already")
            return
        password, is_generated = _password(is_generated=options["generate"])
        _check(username, password)
        try:
            _create(username, password)
        except UsernameTaken:
            raise CommandError(f"the name {username} is taken") from None
        self.stdout.write(f"{username} is an admin: sign in at /admin/")
        if is_generated:
            self.stdout.write(f"password (shown this once): {password}")


def _admins_exist() -> bool:
    role = Q(is_superuser=True) | Q(groups__name=ADMIN)
    return User.objects.filter(role, is_active=True, is_staff=True).exists()


def _password(*, is_generated: bool) -> tuple[str, bool]:
    """The password, and whether it is one that nobody knows yet."""
    if given := os.environ.get(PASSWORD_VARIABLE):
        return given, False
    if is_generated or not sys.stdin.isatty():
        return secrets.token_urlsafe(15), True
    first, second = getpass("Password: "), getpass("Once more: ")
    if first != second:
        raise CommandError("the two are not the same")
    return first, False


def _check(username: str, password: str) -> None:
    user = User(username=username)
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None


@transaction.atomic
def _create(username: str, password: str) -> None:
    user = user_register(username=username, password=password)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    roles_apply()  # migrate does, too; this may come before it
    user.groups.add(Group.objects.get(name=ADMIN))
