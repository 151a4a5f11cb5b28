"""`python -m deploy.netns`: run it, print the table, write the report; exit code 1 on failure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.local.errors import SetupError
from deploy.netns import cuts
from deploy.netns.hosts import leave_network
from deploy.netns.installation import Clock, HostsInstallation
from deploy.torture.__main__ import add_options, run_torture
from deploy.torture.installation import Installation, Size

_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def main() -> int:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m deploy.netns", description=__doc__)
    add_options(parser)
    parser.add_argument("--clock-ahead", type=float, default=0, help="seconds, second worker host")
    parser.add_argument("--faketime", default=_FAKETIME, help="libfaketimeMT.so.1")
    options = parser.parse_args()
    clock = Clock(options.clock_ahead, options.faketime)

    def installation(folder: Path, size: Size) -> Installation:
        return HostsInstallation(folder, size, clock)

    try:
        if clock.ahead_s and not Path(clock.library).is_file():
            raise SetupError(f"there is no {clock.library}: install libfaketime")
        leave_network()
    except SetupError as error:
        print(f"torture | {error}", file=sys.stderr)
        return 1
    return run_torture(options, installation, cuts.SHORT if options.short else cuts.FULL)


if __name__ == "__main__":
    sys.exit(main())
