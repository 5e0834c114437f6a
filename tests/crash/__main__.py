"""`scripts/crash`: kill uwf a thousand times and look at what is left."""

from __future__ import annotations

import argparse
import os
import sys

from tests.crash import capsules
from tests.crash.campaign import main


def number(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return value


parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
parser.add_argument("--kills", type=number, help="how many [default: 1000]")
parser.add_argument("--seed", type=int, default=None, help="repeat the instants of an earlier run")
parser.add_argument(
    "--capsules", type=number, help="instead: try so many changed files of `thread export`"
)
parser.add_argument(
    "--cluster",
    action="store_true",
    help="instead: faults of machines that share a database [default: 500]",
)
parser.add_argument("--keep", help="with --cluster: leave homes and logs in this new folder")
parser.add_argument("--jobs", type=number, default=os.cpu_count() or 1, help="how many at once")
arguments = parser.parse_args()
seed = arguments.seed if arguments.seed is not None else int.from_bytes(os.urandom(3), "big")
if arguments.capsules is not None:
    sys.exit(capsules.main(arguments.capsules, seed))
if arguments.cluster:
    from tests.crash.cluster import storm  # needs what a store in PostgreSQL needs

    sys.exit(storm.main(arguments.kills or 500, seed, arguments.keep))
sys.exit(main(arguments.kills or 1000, seed, arguments.jobs))
