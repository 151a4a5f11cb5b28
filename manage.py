#!/usr/bin/env python
"""Django's command line for EuGPT. A bad setting is one clear sentence, not a traceback."""

import os
import sys


def main() -> None:
    """Run the management command named in `sys.argv`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")
    from eugpt.config import ConfigError, config_load

    try:
        config_load()
    except ConfigError as error:
        sys.exit(f"EuGPT cannot start: {error}")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
