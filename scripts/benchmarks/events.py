"""Events: taken in against a bare SQLite table with the same bytes and durability, and decided."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from benchmarks.measure import alternate, report
from uwf.config.records import QueueConfig
from uwf.engine.chain.gate import SecretsGate
from uwf.engine.chain.redact import Redactor
from uwf.engine.events import deciding, taking
from uwf.engine.events.deciding import Means
from uwf.engine.events.event import Event
from uwf.engine.events.matching import Rule, RuleTable
from uwf.store.sqlite import SqliteStore, open_store
from uwf.workflow.trigger import Trigger

BATCH = 100
OTHERS = 100
"""Triggers on other events, which must cost nothing."""
TAKEN_A_SECOND, NAMED_A_SECOND, ASKED_A_SECOND = 2_000, 50_000, 25_000
WORDS = "{{ data.author }} on {{ data.path }}: {{ data.body }}"
FIND = {"pr": "{{ data.number }}"}


def bench_events(folder: Path, count: int, rounds: int) -> None:
    print(f"\nEvents of 600 bytes, {count} a time, {BATCH} in one durable transaction")
    store = open_store(str(folder / "store.db"), gate=SecretsGate(Redactor))
    _taking(store, folder, count, rounds)
    _decisions(store, count, rounds)
    store.close()


def _taking(store: SqliteStore, folder: Path, count: int, rounds: int) -> None:
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for setting in ("journal_mode=WAL", "synchronous=FULL"):
        bare.execute(f"PRAGMA {setting}")
    bare.execute("CREATE TABLE event (id TEXT PRIMARY KEY, data BLOB NOT NULL)")
    number = 0

    def some() -> list[Event]:
        nonlocal number
        number += 1
        return [_event(f"{number}.{n}") for n in range(count)]

    def ours() -> None:
        events = some()
        for at in range(0, count, BATCH):
            taking.take(store, events[at : at + BATCH], 1_700_000_000_000)

    def reference() -> None:
        rows = [(event.key, packb(event.to_value())) for event in some()]
        for at in range(0, count, BATCH):
            bare.execute("BEGIN IMMEDIATE")
            for row in rows[at : at + BATCH]:
                bare.execute("INSERT OR IGNORE INTO event VALUES (?, ?)", row)
            bare.execute("COMMIT")

    mine, other = alternate(ours, reference, rounds)
    report("events taken in", mine, other, 0.5, most=False)
    _rate("events taken in", count, mine, TAKEN_A_SECOND)
    bare.close()


def _decisions(store: SqliteStore, count: int, rounds: int) -> None:
    events = [_event(str(number)) for number in range(count)]
    for what, least, more in (
        ("decided by name and label", NAMED_A_SECOND, {}),
        ("the same with a when", ASKED_A_SECOND, {"when": "data.state == 'changes_requested'"}),
    ):
        means = _means(store, more)

        def decide(means: Means = means) -> None:
            for event in events:
                deciding.prepare(means, event)

        decide()
        _rate(what, count, [_cpu_seconds(decide) for _ in range(rounds)], least)


def _cpu_seconds(run: Callable[[], object]) -> float:
    """Of the processor alone: nothing is waited for, and others may have the machine meanwhile."""
    began = time.process_time()
    run()
    return time.process_time() - began


def _means(store: SqliteStore, more: dict[str, Any]) -> Means:
    rules = [Rule(f"other-{number}", Trigger(on=(f"x{number}.*",))) for number in range(OTHERS)]
    rules.append(Rule("review", Trigger(on=("github.review",), find=FIND, text=WORDS, **more)))
    return Means(store, RuleTable(rules), QueueConfig(), _begin)


def _begin(*_: object) -> Any:
    raise AssertionError("no rule begins a thread")


def _event(id: str) -> Event:
    data = {
        "number": 42,
        "state": "changes_requested",
        "author": "ann",
        "path": "src/shop/cart.py",
        "body": "Please mind the gap. ".ljust(300, "x"),
        "url": f"https://forge.example/shop/pulls/42#{id}",
    }
    return Event(
        id,
        "github",
        "github.review",
        1_700_000_000_000,
        who="ann",
        trust="collaborator",
        data=data,
    )


def _rate(name: str, count: int, took: list[float], least: int) -> None:
    """One line: how many a second, in the median, against a target."""
    rate = count / statistics.median(took)
    missed = "" if rate >= least else "  MISSED"
    print(f"{name:34} {rate:9,.0f}/s  target ≥ {least:,}/s{missed}", flush=True)
