"""One storm: a cluster of three machines at work, faults all the while, the calm after it, and what is found then."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.crash.cluster import checks
from tests.crash.cluster.faults import KINDS, Fault, Gremlins, plan
from tests.crash.cluster.machines import Machines
from tests.crash.cluster.watching import BOUND_S, Watch
from tests.crash.cluster.work import People
from tests.helpers import postgres

CALM_S = 180.0
"""How long threads may take to their end once nobody disturbs them: the jobs of a lost worker are free after 35 s."""
FIRST_S = 8.0
"""How long all goes well at first, so that it is known who passes which points."""
WAKE_S = 20.0
"""So often a person wakes what has words that wait, and no timer."""
FAULT_S = 8.0
"""What a fault may take, on an average."""


class Storm(NamedTuple):
    """What came of one. `found` are the violations: their kinds, and words."""

    faults: list[Fault]
    found: list[tuple[str, str]]
    threads: int
    words: int
    superseded: int
    longest_alone_s: float
    took_s: float

    @property
    def reached(self) -> int:
        return sum(fault.is_reached for fault in self.faults)


def rage(kinds: list[str], seed: int, *, active: int = 10, keep: Path | None = None) -> Storm:
    """Have faults of these `kinds` in a new cluster, which keeps everything over a power cut, while so many threads are
    `active`. `keep` is where its files stay.
    """
    began_s, found = time.monotonic(), list[tuple[str, str]]()
    place = os.path.join(tempfile.gettempdir(), f"uwf-cluster-{os.getpid()}")
    cluster = postgres.open_cluster(place, is_safe=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="uwf-crash-") as temporary,
            cluster.database() as url,
        ):
            folder = Path(temporary) if keep is None else keep
            machines = Machines(folder, cluster, urlsplit(url).path.removeprefix("/"))
            if (migrated := machines.desk.run("store", "migrate")).code:
                raise RuntimeError(f"store migrate: {migrated}")
            with machines.at_work():
                people = People(machines, active, seed)
                gremlins = Gremlins(machines, kinds, seed)
                watch = Watch(machines, gremlins)
                people.start()
                watch.start()
                time.sleep(FIRST_S)
                gremlins.run(within_s=60 + len(kinds) * FAULT_S)
                people.stop()
                _calm(machines, people)
                watch.stop()
                checks.check_ends(machines, people, found)
                machines.stop()
                checks.check_connections(machines, found)
                checks.check_store(machines, people, found)
                superseded = checks.check_shown(machines, found)
                checks.check_faults(machines, found)
    finally:
        cluster.close()
    found += [("alive", words) for words in watch.outlived.values()]
    found += [("zombie", each.note) for each in gremlins.done if each.note]
    found += [("fault", words) for words in (*people.faults, *gremlins.broken)]
    took_s = time.monotonic() - began_s
    said = len(people.words)
    return Storm(
        gremlins.done, found, len(people.threads), said, superseded, watch.longest_s, took_s
    )


def _calm(machines: Machines, people: People) -> None:
    """Wait until every thread is at its end. A person wakes what was told something, and has no timer for it."""
    until_s = time.monotonic() + CALM_S
    wake_s = time.monotonic() + WAKE_S / 4
    while (left := people.active()) and time.monotonic() < until_s:
        if time.monotonic() >= wake_s:
            wake_s = time.monotonic() + WAKE_S
            told = machines.sql("SELECT right(name, 26) FROM uwf.ref WHERE name LIKE '@uwf/told/%'")
            for thread in {row[0] for row in told} & set(left):
                machines.desk.run("thread", "wake", thread)
        time.sleep(0.5)


def table(storm: Storm) -> str:
    """A line for each kind of fault and each point: how often it was brought about, and how often in vain."""
    counts: Counter[tuple[str, str, bool]] = Counter(
        (fault.kind, fault.point, fault.is_reached) for fault in storm.faults
    )
    order = list(KINDS)
    keys = sorted(
        {(kind, point) for kind, point, _ in counts}, key=lambda k: (order.index(k[0]), k[1])
    )
    cells = [("fault", "at", "times", "in vain")]
    for kind, point in keys:
        times, vain = counts[kind, point, True], counts[kind, point, False]
        cells.append((kind, point, str(times or "·"), str(vain or "·")))
    cells.append(("all", "", str(storm.reached), str(len(storm.faults) - storm.reached)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rows = [
        f"{kind:<{widths[0]}}  {point:<{widths[1]}}  {times:>{widths[2]}}  {vain:>{widths[3]}}"
        for kind, point, times, vain in cells
    ]
    violations = Counter(kind for kind, _ in storm.found)
    rows += [
        "",
        "violation   times",
        *(f"{kind:<10}  {violations[kind] or '·':>5}" for kind in checks.KINDS),
    ]
    return "\n".join(rows)


def main(count: int, seed: int, keep: str | None) -> int:
    """Have a storm and print its table; 0 when nothing was violated and all faults came about."""
    why = postgres.missing()
    if why is not None:
        print(f"no PostgreSQL: {why}")
        return 1
    folder = None if keep is None else Path(keep).absolute()
    if folder is not None:
        folder.mkdir(parents=True)
    storm = rage(plan(count, seed), seed, keep=folder)
    print(table(storm))
    for kind, words in storm.found:
        print(f"\n{kind}: {words}")
    print(
        f"\n{storm.reached} faults in {storm.took_s:.0f} s, seed {seed}, {storm.threads} threads, {storm.words} words; "
        f"{storm.superseded} attempts came too late and were kept; an agent lived at most "
        f"{storm.longest_alone_s:.1f} s after its run had lost the thread (bound {BOUND_S:g} s): "
        f"{len(storm.found)} violations"
    )
    return 1 if storm.found or storm.reached < count else 0
