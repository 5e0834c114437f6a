"""Hundreds of threads at once on one machine, with agents that misbehave and uwf processes that are killed.

Every thread gets a `uwf thread exec --until-done --wait` of its own, all started at once. A tenth of them are ended
with SIGKILL, while they start, while they wait, or while their agent runs, and begun again. Done twice: with a
queue that is long enough for all of them, and with the usual one, which refuses most.

Whatever happens there are never more agents than slots, and in the end every thread has completed, or is suspended
with a message, or was refused and is as it was; no process and no lock is left.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crowd import watch
from crowd.home import Home, processes_with
from crowd.runs import Crowd
from crowd.verdict import Report, report

MOST_TOLD = 20


def stress(
    folder: Path, threads: int, limit: int, max_queue: int | None, wait_s: float, seed: int
) -> Report:
    """One crowd in a home of its own."""
    home = Home(folder, threads, limit, max_queue, seed)
    try:
        crowd = Crowd(home, wait_s, seed)
        with _watched(home, limit) as seen:
            crowd.run(2 * wait_s + 60)
        return report(home, crowd, seen, limit)
    finally:
        home.close()
        for pid in processes_with(home.token):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@contextmanager
def _watched(home: Home, limit: int) -> Iterator[dict[str, Any]]:
    """What `crowd.watch` saw; there once the block has ended."""
    seen: dict[str, Any] = {}
    words = [home.mark, str(os.getpid()), str(limit)]
    watcher = subprocess.Popen(
        [sys.executable, "-I", watch.__file__, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert watcher.stdout is not None
    watcher.stdout.readline()
    try:
        yield seen
    finally:
        out, _ = watcher.communicate()
    seen.update(json.loads(out))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/stress", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--threads", type=int, default=400, help="how many [default: 400]")
    parser.add_argument("--limit", type=int, default=5, help="limits.max_running [default: 5]")
    parser.add_argument("--seed", type=int, help="repeat the choices of an earlier run")
    parser.add_argument(
        "--wait", type=float, default=280, help="--wait of every uwf [default: 280]"
    )
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(3), "big")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and not without cleaning up
    print(f"{options.threads} threads, {options.limit} slots, seed {seed}", flush=True)
    violations = []
    for max_queue in (options.threads, None):
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="uwf-stress-") as name:
            found = stress(
                Path(name), options.threads, options.limit, max_queue, options.wait, seed
            )
        queue = "the usual queue of 20" if max_queue is None else f"a queue of {max_queue}"
        print(
            f"\nWith {queue}: {time.monotonic() - began_s:.0f} s",
            *found.lines,
            sep="\n",
            flush=True,
        )
        violations += found.violations
    print(f"\n{len(violations)} violations", *violations[:MOST_TOLD], sep="\n  ")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
