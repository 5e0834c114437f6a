"""What uwf costs, as ratios against a reference that runs in turn with it.

Machines are shared and noisy, so hardly anything here is a verdict on a single time: the two sides of a ratio run
alternately, and the median of the pairwise ratios is printed with the smallest and the largest.

References: `python -c pass` for commands, a bare chain (SQLite, msgpack and blake3, one row an object, one commit a
step, the same journal mode and `synchronous`) for steps, a bare SQLite table for puts and gets and for events, the
store file, bare statements and DBOS for a store in PostgreSQL, a step without guards for the guards, `subprocess` for
agents, `git worktree add` and `git stash create` for worktrees, the real Claude Code by hand for a step of it.
"""

from __future__ import annotations

import argparse
import compileall
import gc
import os
import tempfile
from pathlib import Path

from benchmarks.agents import bench_agents, bench_queue
from benchmarks.commands import bench_commands, bench_growth
from benchmarks.daemon import bench_daemon
from benchmarks.events import bench_events
from benchmarks.objects import bench_objects
from benchmarks.shared import bench_shared
from benchmarks.stepping import Unguarded, Uwf
from benchmarks.steps import bench_fsyncs, bench_guards, bench_steps
from benchmarks.streams import bench_client, bench_stream, bench_turns
from benchmarks.timers import bench_timers
from benchmarks.worktrees import bench_worktrees

import uwf
from uwf.engine.run.admission import Admission


def main() -> None:
    gc.set_threshold(50_000)  # as the command does
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    parser.add_argument(
        "--shared", action="store_true", help="a store that machines share, and nothing else"
    )
    parser.add_argument("--only-steps", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--without-guards", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_steps is not None:
        os.makedirs(options.folder)
        admission = Unguarded if options.without_guards else Admission
        Uwf(Path(options.folder), admission).steps(options.only_steps)
        return
    compileall.compile_dir(Path(uwf.__file__).parent, quiet=1)  # as an installation does
    quick = options.quick
    with tempfile.TemporaryDirectory(prefix="uwf-bench-") as name:
        folder = Path(name)
        for part in (
            "commands",
            "steps",
            "objects",
            "events",
            "guarded",
            "unguarded",
            "growth",
            "trees",
            "shared",
        ):
            (folder / part).mkdir()
        if options.shared:
            bench_shared(folder / "shared", quick)
            return
        # First, while this process is as small as a command is: where one side forks, that copies its tables of pages.
        bench_agents(folder, 5 if quick else 41)
        bench_commands(folder, 1000 if quick else 100_000, 5 if quick else 21)
        bench_steps(folder, [100, 500] if quick else [100, 1000, 5000], 3 if quick else 11)
        bench_guards(folder, 3 if quick else 21)
        bench_fsyncs(folder, 50 if quick else 200)
        bench_objects(folder, 500 if quick else 5000, 3 if quick else 11)
        bench_events(folder / "events", 500 if quick else 5000, 3 if quick else 11)
        bench_turns(folder / "turns", 500 if quick else 5000, 3 if quick else 11)
        bench_stream(folder / "stream", 20 if quick else 200)
        bench_client(folder / "client", 3 if quick else 21)
        bench_worktrees(folder / "trees", 10_000, 2 if quick else 11)
        bench_queue(folder, 6 if quick else 40)
        many = (5, 1000, 100, 2.0) if quick else (100, 100_000, 10_000, 65.0)
        bench_daemon(folder, *many)
        bench_timers(folder / "many", 5 if quick else 21)
        bench_shared(folder / "shared", quick)
        bench_growth(folder, 10_000 if quick else 1_000_000, 5 if quick else 21)


if __name__ == "__main__":
    main()
