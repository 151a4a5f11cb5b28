"""The database steps of a start in one process: each further one would load Django again."""

import os
import sys


def main(checkpoint: str) -> None:
    """Migrate the database, then verify and register the checkpoint.

    It becomes the active one unless an operator has chosen another.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")
    from eugpt.config import ConfigError, config_load

    try:
        config_load()
    except ConfigError as error:
        sys.exit(f"EuGPT cannot start: {error}")
    import django
    from django.core.management import CommandError, call_command

    django.setup()
    try:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("load_checkpoint", checkpoint, keep_active=True)
    except CommandError as error:
        sys.exit(f"EuGPT cannot start: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
