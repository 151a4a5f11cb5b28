"""The subcommand `prepare`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path


class PrepareCommand:
    """read, clean, de-duplicate, split and tokenize a run's sources into shards"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("config", type=Path, help="run whose sources to prepare")
        parser.add_argument("--root", type=Path, default=Path(), help="base of the paths in it")
        parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
        parser.add_argument("--force", action="store_true", help="also what did not change")

    @staticmethod
    def run(args: Namespace) -> None:
        from training.config import read_config
        from training.prepare.pipeline import prepare
        from training.prepare.report import table

        reports = prepare(read_config(args.config, args.root), args.out, is_forced=args.force)
        print(table(reports))
