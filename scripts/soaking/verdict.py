"""What is left of a world: every word told once, every schedule claimed once, nothing late, nothing lost."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from uwf.app import App
from uwf.engine.chain import told
from uwf.engine.chain import word as words
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import THREADS, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from soaking.load import Load

LATE_MS, H_MS = 1000, 3_600_000
EARLY, EARLY_CRON = time(2, 30), "30 2 * * *"
"""The hour that summer time takes away or gives twice."""


class Verdict:
    """The figures of a day, and its faults in words."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self.faults: list[str] = []

    def fault(self, text: str) -> None:
        self.faults.append(text)


def of(home: str, load: Load, seen_path: Path, span_ms: tuple[int, int]) -> Verdict:
    """Look at all of it. `span_ms` is the first and the last moment of the world, on its wall clock."""
    verdict = Verdict()
    seen = [json.loads(line) for line in seen_path.read_text().splitlines() if line.endswith("}")]
    with App.open(home) as app:
        _words(app, load, verdict)
        _events(app, verdict)
        _threads(app, load, verdict)
        _schedules(app, span_ms, verdict)
    _wakes(seen, verdict)
    _memory(seen, verdict)
    return verdict


def _words(app: App, load: Load, verdict: Verdict) -> None:
    """Each event that a thread must be told stands in one step of that thread, once."""
    store = app.reader()
    counts: Counter[tuple[int, str]] = Counter()
    waiting: Counter[tuple[int, str]] = Counter()
    for ref in store.refs(THREADS):
        pr = int(labels_of(ref.tags).get("pr", "-1"))
        id = ref.name.removeprefix(THREADS)
        for step in steps_back(store, ref.id):
            payload = store.get(step.id).payload
            for word in words.read(store, payload.get("told") or ()):
                counts[pr, _id(word.event)] += 1
        for word in told.waiting(store, id):
            waiting[pr, _id(word.event)] += 1
    never = [id for id, pr in load.told.items() if not counts[pr, id] and not waiting[pr, id]]
    late = [id for id, pr in load.told.items() if not counts[pr, id] and waiting[pr, id]]
    twice = [id for id, pr in load.told.items() if counts[pr, id] + waiting[pr, id] > 1]
    foreign = [id for (pr, id) in counts if id in load.told and load.told[id] != pr]
    verdict.figures |= {
        "words that must be told": len(load.told),
        "told never": len(never),
        "told twice": len(twice),
        "told to another": len(foreign),
        "still waiting at the end": len(late),
    }
    for what, ids in (("never", never), ("twice", twice), ("to another thread", foreign)):
        for id in ids[:5]:
            verdict.fault(f"{id} was told {what}")


def _id(event: str | None) -> str:
    return (event or "").rpartition("/")[2]


def _events(app: App, verdict: Verdict) -> None:
    states = Counter(entry.state for entry in app.reader().entries("event"))
    verdict.figures["events"] = sum(states.values())
    verdict.figures["decided"] = ", ".join(f"{state} {n}" for state, n in sorted(states.items()))
    if states["new"]:
        verdict.fault(f"{states['new']} events were never decided")


def _threads(app: App, load: Load, verdict: Verdict) -> None:
    found = app.threads("all").threads
    states = Counter(view.status for view in found)
    verdict.figures["threads"] = ", ".join(f"{state} {n}" for state, n in sorted(states.items()))
    if states["corrupt"] or states["running"]:
        verdict.fault(f"threads at the end: {dict(states)}")
    if len(found) < load.threads:
        verdict.fault(f"{load.threads - len(found)} threads are lost")


def _schedules(app: App, span_ms: tuple[int, int], verdict: Verdict) -> None:
    """Each nominal time is claimed once, also in the nights in which the clocks are changed."""
    first_ms, last_ms = span_ms
    claimed: dict[str, list[int]] = {}
    states: Counter[str] = Counter()
    for entry in app.reader().entries("occurrence"):
        name, _, nominal = entry.key.rpartition("@")
        claimed.setdefault(name, []).append(int(nominal))
        states[entry.state] += 1
    missed = doubled = 0
    for schedule in app.schedules.all():
        found = sorted(claimed.get(schedule.schedule, ()))
        if schedule.schedule == "hourly":
            expected = (last_ms - first_ms) // H_MS
            missed += max(0, expected - len(found) - 1)
            doubled += max(0, len(found) - expected - 1)
            continue
        zone = ZoneInfo(schedule.rule.rpartition(" ")[2].strip("()"))
        days = Counter(datetime.fromtimestamp(ms / 1000, zone).date() for ms in found)
        doubled += sum(n - 1 for n in days.values())
        missed += len(_days(zone, first_ms, last_ms) - days.keys())
    verdict.figures |= {
        "occurrences": ", ".join(f"{state} {n}" for state, n in sorted(states.items())),
        "occurrences missed, doubled": f"{missed}, {doubled}",
    }
    if missed or doubled:
        verdict.fault(f"{missed} occurrences were missed and {doubled} doubled")


def _days(zone: ZoneInfo, first_ms: int, last_ms: int) -> set[date]:
    """The days whose early hour lies well inside of the span."""
    found = set()
    for ms in range(first_ms, last_ms, H_MS):
        day = datetime.fromtimestamp(ms / 1000, zone).date()
        early = datetime.combine(day, EARLY, zone).timestamp() * 1000
        if first_ms + H_MS < early < last_ms - 2 * H_MS:
            found.add(day)
    return found


def _wakes(seen: Sequence[dict[str, Any]], verdict: Verdict) -> None:
    """How late runs began while there was a free slot and no outage."""
    runs = [line for line in seen if line["what"] == "run"]
    late = sorted(line["late"] for line in runs if line.get("late") is not None)
    verdict.figures |= {
        "runs": len(runs),
        "wake p50, p99, most (ms)": ", ".join(str(_share(late, at)) for at in (0.5, 0.99, 1.0)),
        "late by more than 1 s": sum(ms > LATE_MS for ms in late),
    }
    if late and late[-1] > LATE_MS:
        verdict.fault(f"a run began {late[-1]} ms late, with a free slot and no outage")


def _memory(seen: Sequence[dict[str, Any]], verdict: Verdict) -> None:
    """What a process that lived for longer than two hours kept in memory, hour by hour."""
    found = [line["kb"] / 1000 for line in seen if line["what"] == "memory"]
    if len(found) > 2:
        verdict.figures["memory after each hour (MB)"] = " ".join(f"{mb:.1f}" for mb in found)


def _share(sorted_: Sequence[int], at: float) -> int:
    return sorted_[min(len(sorted_) - 1, int(at * len(sorted_)))] if sorted_ else 0


def table(verdict: Verdict) -> Iterable[str]:
    """The figures, a line each, then the faults."""
    width = max(map(len, verdict.figures))
    for name, value in verdict.figures.items():
        yield f"{name:<{width}}  {value}"
    yield ""
    yield from (f"FAULT  {text}" for text in verdict.faults)
    yield "no fault" if not verdict.faults else f"{len(verdict.faults)} faults"
