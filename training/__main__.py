"""`python -m training …`: the command line of the pipeline. See docs/training.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from inference.checkpoint_io import CheckpointError
from training.commands import COMMANDS
from training.config import ConfigError
from training.smalltalk import DataError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; `arguments` are those of the process unless given."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.arguments(commands.add_parser(name, help=command.__doc__))
    args = parser.parse_args(arguments)
    try:
        COMMANDS[args.command].run(args)
    except (CheckpointError, ConfigError, DataError, OSError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
