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
parser.add_argument("--kills", type=number, default=1000, help="how many [default: 1000]")
parser.add_argument("--seed", type=int, default=None, help="repeat the instants of an earlier run")
parser.add_argument(
    "--capsules", type=number, help="instead: try so many changed files of `thread export`"
)
parser.add_argument("--jobs", type=number, default=os.cpu_count() or 1, help="how many at once")
arguments = parser.parse_args()
seed = arguments.seed if arguments.seed is not None else int.from_bytes(os.urandom(3), "big")
if arguments.capsules is not None:
    sys.exit(capsules.main(arguments.capsules, seed))
sys.exit(main(arguments.kills, seed, arguments.jobs))
