"""PeriodFigures are of a stretch of time, of what happened in it and of nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.fake_agent import Said
from tests.helpers.rig import APPROVED, WROTE, Rig
from uwf.clock import DAY_MS
from uwf.engine.chain import told
from uwf.engine.chain.word import Word
from uwf.engine.events import decision, stored
from uwf.engine.events.decision import Decision, StoredEvent
from uwf.engine.events.event import Event
from uwf.engine.upkeep import figures
from uwf.engine.upkeep.figures import PeriodFigures
from uwf.record import replace
from uwf.store import measures
from uwf.store.sqlite import open_store

NOON = 1_700_000_000_000 // DAY_MS * DAY_MS + DAY_MS // 2


class Clock:
    """Wall time as the code under test sees it."""

    def __init__(self) -> None:
        self.ms = NOON

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("uwf.clock.now_ms", clock)
    return clock


def look(rig: Rig, since_ms: int = NOON, until_ms: int = NOON + DAY_MS) -> PeriodFigures:
    return figures.look(rig.store, since_ms, until_ms)


NOTHING = PeriodFigures(
    since=NOON, until=NOON + DAY_MS, steps=0, failed_attempts=0, waited=0, mean_wait_ms=None,
    first_bytes=0, first_byte_p50_ms=None, first_byte_p99_ms=None, events=0, stopped={},
    breaker_trips=0, completed=0, completion_p50_ms=None, usd_per_thread=None,
    tokens_per_thread=None, most_waiting=0,
)  # fmt: skip


def test_where_nothing_happened_nothing_is_said(each_rig: Rig) -> None:
    assert look(each_rig) == NOTHING


def test_steps_failures_completions_and_costs_are_counted(rig: Rig, now: Clock) -> None:
    ids = [rig.start() for _ in range(3)]
    for number, id in enumerate(ids[:2]):
        now.ms += 60_000
        cost = {"usd": 1.0 + number, "tokens": 100.0}
        rig.exec(id, Said(WROTE, usage=cost), Said(APPROVED, usage=cost))
    rig.exec(ids[2], Said(exit_code=9))
    found = look(rig)
    assert (found.steps, found.failed_attempts, found.completed) == (4, 1, 2)
    assert found.completion_p50_ms == 60_000
    assert (found.usd_per_thread, found.tokens_per_thread) == (3.0, 200.0)
    assert look(rig, NOON + 90_000).steps == 2
    assert look(rig, NOON + 90_000).completed == 1
    assert replace(look(rig, NOON + 130_000), since=NOON) == NOTHING
    assert replace(look(rig, 0, NOON), since=NOON, until=NOON + DAY_MS) == NOTHING


def test_steps_are_counted_by_the_minute(rig: Rig, now: Clock) -> None:
    for later_ms in (0, 1, 59_999, 60_000):
        now.ms = NOON + later_ms
        rig.exec(rig.start(), WROTE)
    now.ms = NOON + 2 * 60_000 - 1
    assert figures.minutes(rig.store, 3, now.ms) == [0, 3, 1]
    assert figures.minutes(rig.store, 1, now.ms + 60_000) == [0]


def test_waits_are_of_all_attempts_and_trips_of_all_circuits(rig: Rig, now: Clock) -> None:
    for _ in range(3):
        rig.exec(rig.start(), Said(exit_code=9))
    with rig.store.transaction("test") as tx:
        measures.note(tx, measures.WAIT, 30_000)
    found = look(rig)
    assert (found.waited, found.mean_wait_ms, found.failed_attempts) == (1, 10_000, 3)
    assert found.breaker_trips == 2  # of the agent, and of its class of failure


def test_from_an_event_to_the_first_word_is_measured_once(rig: Rig, now: Clock) -> None:
    thread = rig.start()
    words = (
        Word("A check failed.", "forge", "bot", NOON, "e1"),
        Word("And another.", "forge", "bot", NOON + 500, "e2"),
        Word("By hand.", "a person", "owner", NOON - 10_000),
    )
    with rig.store.transaction("test") as tx:
        for word in words:
            told.tell(tx, thread, word)
    now.ms = NOON + 2_000
    rig.exec(thread, Said(WROTE, turns=(WROTE[:9],)))
    rig.exec(thread, APPROVED)
    found = look(rig)
    assert (found.first_bytes, found.first_byte_p50_ms, found.first_byte_p99_ms) == (
        *(1, 2_000, 2_000),
    )


def test_a_thread_that_an_event_began_counts_from_when_that_was_taken_in(
    rig: Rig, now: Clock
) -> None:
    event = Event.from_value({**Event("e", "forge", "x", 5, "who", "bot", {}).to_value()})
    with rig.store.transaction("test") as tx:
        stored.add(tx, StoredEvent(event, decision.NEW, NOON))
    started = rig.start(event=event.key)
    now.ms = NOON + 3_000
    rig.exec(started, Said(WROTE, turns=(WROTE[:9],)))
    rig.exec(started, Said(APPROVED, turns=(WROTE[:9],)))
    assert (look(rig).first_bytes, look(rig).first_byte_p99_ms) == (1, 3_000)


def test_a_fork_of_what_is_complete_completes_nothing(rig: Rig, now: Clock) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    fork = rig.fork(rig.head(id), id)
    assert look(rig).completed == 1
    rig.resume(fork, WROTE, APPROVED)
    assert look(rig).completed == 2


@pytest.mark.parametrize(
    ("values", "p50", "p99"),
    [([], None, None), ([7], 7, 7), ([1, 2, 3], 2, 3), (list(range(1, 1001)), 500, 990)],
)
def test_a_quantile_is_one_of_the_values(
    values: list[int], p50: int | None, p99: int | None
) -> None:
    assert (figures.quantile(values, 0.5), figures.quantile(values, 0.99)) == (p50, p99)


def test_by_layer_the_share_of_events_that_ended_there_is_told(rig: Rig, now: Clock) -> None:
    def put(number: int, state: str, *layers: tuple[str, bool]) -> None:
        said = tuple(
            decision.Said(layer, ok, "why", None if ok else "when") for layer, ok in layers
        )
        event = Event.from_value(
            {**Event(f"e{number}", "test", "x", NOON, "who", "owner", {}).to_value()}
        )
        new = StoredEvent(event, decision.NEW, NOON)
        with rig.store.transaction("test") as tx:
            stored.add(tx, new)
            stored.note(tx, new, Decision(event.key, state, NOON, said))

    put(1, decision.TOLD, (decision.TRIGGER, True), (decision.FILTER, True))
    put(2, decision.IGNORED, (decision.TRIGGER, False))
    put(3, decision.IGNORED, (decision.TRIGGER, True), (decision.GLANCE, False))
    put(4, decision.IGNORED, (decision.TRIGGER, True), (decision.GLANCE, False))
    found = look(rig)
    assert (found.events, found.stopped) == (4, {"trigger": 0.25, "glance": 0.5})
    assert look(rig, NOON + 1).events == 0


def test_a_month_of_days_is_kept_each_once(rig: Rig, now: Clock) -> None:
    def keep(waiting: int = 0) -> None:
        missing = figures.missing_days(rig.store, now.ms)
        days = [figures.look(rig.store, at, at + DAY_MS) for at in missing]
        figures.keep(rig.store, days, waiting, now.ms)

    for _ in range(40):
        rig.exec(rig.start(), WROTE)
        for _ in range(3):
            now.ms += DAY_MS // 3
            keep(waiting=4)
    found = figures.days(rig.store)
    assert len(found) == 30
    assert [one.since for one in found] == [found[0].since + n * DAY_MS for n in range(30)]
    assert found[-1].until == now.ms - now.ms % DAY_MS
    assert {(one.steps, one.most_waiting) for one in found} == {(1, 4)}
    assert len(rig.store.samples(measures.STEP, 0)) <= 4, "samples are kept for three days"


def test_days_of_an_outage_are_made_up_as_far_as_there_are_samples(rig: Rig, now: Clock) -> None:
    rig.exec(rig.start(), WROTE)
    now.ms += 10 * DAY_MS
    assert len(figures.missing_days(rig.store, now.ms)) == 2


KILLED = """
import sys
from uwf import points
from uwf.clock import DAY_MS
from uwf.engine.upkeep import figures
from uwf.store.sqlite import open_store
store, now_ms = open_store(sys.argv[1]), int(sys.argv[2])
points.arm(sys.argv[3])
days = [figures.look(store, at, at + DAY_MS) for at in figures.missing_days(store, now_ms)]
figures.keep(store, days, 0, now_ms)
"""


@pytest.mark.parametrize("at", ["figures: begun", "figures: written", "figures: done"])
def test_a_daemon_that_is_killed_keeps_each_day_once(tmp_path: Path, at: str) -> None:
    path = str(tmp_path / "store.db")
    store = open_store(path)
    for armed in (at, ""):
        words = [sys.executable, "-c", KILLED, path, str(NOON), armed]
        done = subprocess.run(words, cwd=Path(__file__).parents[3])
        assert done.returncode in (0, -9)
    assert [one.since for one in figures.days(store)] == [
        NOON - DAY_MS * 5 // 2,
        NOON - DAY_MS * 3 // 2,
    ]
    store.close()
