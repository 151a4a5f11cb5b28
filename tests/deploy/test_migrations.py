"""Migrations say what the models say."""

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_migrations_have_no_drift() -> None:
    call_command("makemigrations", "--check", "--dry-run", "--verbosity", "1")
