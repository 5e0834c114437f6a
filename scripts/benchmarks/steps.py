"""Steps within one process: against a bare chain, and with the guards against without."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.measure import alternate, report, tell
from benchmarks.stepping import BODY, STORE, BareChain, Unguarded, Uwf
from uwf.engine.run.admission import Admission
from uwf.store.protocols import Store

AT_ONCE = 50
GUARDED = {"with guards": Admission, "without guards": Unguarded}


def bench_steps(folder: Path, depths: list[int], rounds: int) -> None:
    print(
        "\nSteps within one process, without guards, against a bare chain that is as safe, 50 steps a time"
    )
    uwf, bare = Uwf(folder / "steps", Unguarded), BareChain(folder / "bare.db")
    middles: dict[int, float] = {}
    done = 0
    for depth in depths:
        uwf.steps(depth - done)
        bare.steps(depth - done)
        ours, reference = alternate(lambda: uwf.steps(AT_ONCE), lambda: bare.steps(AT_ONCE), rounds)
        done = depth + AT_ONCE * rounds
        report(
            f"step at depth {depth}",
            [s / AT_ONCE for s in ours],
            [s / AT_ONCE for s in reference],
            2.5,
        )
        middles[depth] = statistics.median(
            mine / other for mine, other in zip(ours, reference, strict=True)
        )
    others = {
        "a beginning in the store": BareChain(folder / "store.db", STORE),
        "no beginning, no log": BareChain(folder / "forgetful.db", None),
    }
    for name, other in others.items():
        other.steps(AT_ONCE)
        ours, reference = alternate(
            partial(uwf.steps, AT_ONCE), partial(other.steps, AT_ONCE), rounds
        )
        ratio = statistics.median(mine / bare for mine, bare in zip(ours, reference, strict=True))
        print(f"{f'against {name}':34} {ratio:5.2f}x")
    if len(depths) > 1:
        slower = middles[depths[-1]] / middles[depths[-2]]
        print(
            f"{f'depth {depths[-1]} against {depths[-2]}':34} {slower:5.2f}x  (ratio of the ratios)"
            f"  target ≤ 1.2{'' if slower <= 1.2 else '  MISSED'}"
        )
    bytes_per_step(uwf.store, uwf.home, uwf.count)
    uwf.store.close()


def bytes_per_step(store: Store, home: Path, steps: int) -> None:
    stats = store.stats()
    size = sum(file.stat().st_size for file in home.glob("store.db*") if file.is_file())
    print(
        f"{'bytes per step':34} {size / steps:8.0f} on disk, {stats.stored_bytes / steps:.0f} of them objects "
        f"({stats.objects / steps:.2f} objects, {stats.moves / steps:.2f} log lines); a reply has {len(BODY)}"
    )


def bench_guards(folder: Path, rounds: int) -> None:
    print("\nWhat the guards cost, a step with them against a step without them")
    guarded, plain = Uwf(folder / "guarded"), Uwf(folder / "unguarded", Unguarded)
    for each in (guarded, plain):
        each.steps(AT_ONCE)
    ours, reference = alternate(
        lambda: guarded.steps(AT_ONCE), lambda: plain.steps(AT_ONCE), rounds
    )
    cost = [(mine - other) / AT_ONCE for mine, other in zip(ours, reference, strict=True)]
    tell("asking and telling the guards", cost, 2.0)
    guarded.store.close()
    plain.store.close()


def bench_fsyncs(folder: Path, steps: int) -> None:
    print("\nWaiting for the disk")
    if shutil.which("strace") is None:
        print("fsyncs per step: not measured, strace is not installed")
        return
    for name in GUARDED:
        once, twice = (_fsyncs(folder, name, count) for count in (steps, 2 * steps))
        each = (twice - once) / steps
        print(
            f"{f'fsyncs per step, {name}':34} {each:.2f}  ({once} for {steps} steps, {twice} for twice that)"
            f"  target ≤ 1.1{'' if each <= 1.1 else '  MISSED'}"
        )


def _fsyncs(folder: Path, name: str, steps: int) -> int:
    trace, home = folder / "trace", folder / f"{name} {steps}"
    words = [sys.executable, sys.argv[0], "--only-steps", str(steps), "--folder", str(home)]
    if name == "without guards":
        words.append("--without-guards")
    strace = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
    subprocess.run([*strace, *words], check=True)
    return sum("sync(" in line for line in trace.read_text().splitlines())
