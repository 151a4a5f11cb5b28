"""The command line `python -m deploy.local`; `--help` lists what it can do."""

import argparse
import sys

from deploy.local import bench, frontend, launcher, processes
from deploy.local.errors import SetupError


def main() -> int:
    """Parse the command line and do it; SetupError becomes one sentence and exit code 1."""
    parser = _parser()
    options, others = parser.parse_known_args()
    if others and options.command != "bench-chat":
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        if options.command == "run":
            if options.with_parent:
                processes.end_with_parent()
            return launcher.run()
        if options.command == "manage":
            return launcher.manage(options.arguments)
        if options.command == "bench-chat":
            return bench.run(others)
        if options.script == "build":
            frontend.build()
        else:
            frontend.run_script(options.script)
    except SetupError as error:
        print(f"EuGPT: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything and stay until Ctrl-C")
    run.add_argument("--with-parent", action="store_true", help="stop when the parent dies")
    manage = commands.add_parser("manage", help="run a Django management command")
    manage.add_argument("arguments", nargs=argparse.REMAINDER)
    text = "load-test a fresh installation; further arguments are those of manage.py bench_chat"
    commands.add_parser("bench-chat", help=text, add_help=False)
    npm = commands.add_parser("frontend", help="build the front end or run one of its scripts")
    npm.add_argument("script", help="build, or another script of frontend/package.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
