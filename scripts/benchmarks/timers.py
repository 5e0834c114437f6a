"""Who is due, of very many threads: one walk of an index, against a bare scan of the same rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from msgpack import unpackb  # type: ignore[import-untyped]  # it ships none

from benchmarks.measure import alternate, report, seconds, tell
from uwf import clock
from uwf.engine.query.home import due
from uwf.store.sqlite import open_store

ALL_TIMES, NONE_TIMES, NONE_MS = 8.0, 4.0, 2.0
"""A thread that is due is read, told from others and put in its place; where none is, that is seen at once."""


def bench_timers(home: Path, rounds: int) -> None:
    """`home` is one that `daemon.fill` has filled, whose timers lie ahead."""
    path = str(home / "store.db")
    now_ms = clock.now_ms()
    later_ms = now_ms + 100 * 86_400_000
    with closing(open_store(path)) as store, closing(sqlite3.connect(path)) as bare:

        def look(at_ms: int, *, look_ahead: bool = False) -> int:
            return len(due.due(store, at_ms, look_ahead=look_ahead).threads)

        def scan() -> int:
            sql = (
                "SELECT ref.name, ref.updated_ms, ref.tags FROM ref_tag CROSS JOIN ref USING (name)"
                " WHERE key = 'wakeAt' ORDER BY ref_tag.value"
            )
            return len([(name, ms, unpackb(tags)) for name, ms, tags in bare.execute(sql)])

        timers = look(later_ms)
        assert timers == scan() > 0 == look(now_ms)
        print(f"\nWho is due, of {store.count_refs()} threads with {timers} timers")
        report(
            "all are, against a scan", *alternate(lambda: look(later_ms), scan, rounds), ALL_TIMES
        )
        every = alternate(lambda: look(now_ms, look_ahead=True), scan, rounds)
        report("none is, the clock looked after", *every, NONE_TIMES)
        tell("none is", [seconds(lambda: look(now_ms)) for _ in range(rounds)], NONE_MS)
