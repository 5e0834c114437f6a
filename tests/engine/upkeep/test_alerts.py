"""Alerts by cause: when a person is told, and when not again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.rig import Rig
from uwf.engine.upkeep import alerts
from uwf.engine.upkeep.alerts import AGAIN_MS, GATHER_MS, P0, P1, P2, TOGETHER_MS, Alert
from uwf.store.sqlite import open_store


class Clock:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("uwf.clock.now_ms", clock)
    return clock


def told(rig: Rig, time: Clock) -> list[tuple[str, bool]]:
    """What a person is told now: causes, and whether they are still there."""
    due = alerts.due(rig.store, time.ms)
    alerts.told(rig.store, due, time.ms)
    return [(alert.cause, alert.is_open) for alert in due]


def test_a_grave_one_is_told_at_once_and_not_again_within_a_day(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "disk", P0, "the disk is full")
    assert told(rig, time) == [("disk", True)]
    time.ms += AGAIN_MS - 1
    alerts.report(rig.store, "disk", P0, "the disk is still full")
    assert told(rig, time) == []
    time.ms += 1
    assert told(rig, time) == [("disk", True)]


def test_one_cause_is_one_alert_however_often_it_is_reported(rig: Rig, time: Clock) -> None:
    for number in range(5):
        alerts.report(rig.store, "source/forge", P1, f"it failed {number} times")
    [alert] = alerts.all_of(rig.store)
    assert (alert.count, alert.text) == (5, "it failed 4 times")


def test_those_of_the_second_level_come_together_within_the_hour(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "a", P1, "a")
    assert told(rig, time) == []
    time.ms += GATHER_MS // 2
    alerts.report(rig.store, "b", P1, "b")
    time.ms += GATHER_MS // 2
    assert told(rig, time) == [("a", True), ("b", True)]
    alerts.report(rig.store, "c", P1, "c")
    time.ms += TOGETHER_MS - 1
    assert told(rig, time) == []
    time.ms += 1
    assert told(rig, time) == [("c", True)]


def test_what_is_for_the_digest_is_never_sent(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "odd", P2, "odd")
    time.ms += 2 * AGAIN_MS
    assert told(rig, time) == []
    assert [alert.cause for alert in alerts.all_of(rig.store)] == ["odd"]


def test_what_is_over_says_so_once_if_it_was_told(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "disk", P0, "the disk is full")
    alerts.report(rig.store, "short", P1, "gone before anybody was told")
    assert told(rig, time) == [("disk", True)]
    alerts.clear(rig.store, "disk")
    alerts.clear(rig.store, "short")
    assert told(rig, time) == [("disk", False)]
    time.ms += 2 * AGAIN_MS
    assert told(rig, time) == []


def test_one_that_flaps_is_not_told_again_the_same_day(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "disk", P0, "the disk is full")
    assert told(rig, time) == [("disk", True)]
    alerts.clear(rig.store, "disk")
    assert told(rig, time) == [("disk", False)]
    for _ in range(5):
        time.ms += 60_000
        alerts.report(rig.store, "disk", P0, "the disk is full")
        assert told(rig, time) == []
        time.ms += 60_000
        alerts.clear(rig.store, "disk")
        assert told(rig, time) == []
    time.ms += AGAIN_MS
    alerts.report(rig.store, "disk", P0, "the disk is full")
    assert told(rig, time) == [("disk", True)]


def test_one_that_comes_back_and_stays_is_told_once_more(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "disk", P0, "the disk is full")
    told(rig, time)
    alerts.clear(rig.store, "disk")
    assert told(rig, time) == [("disk", False)]
    alerts.report(rig.store, "disk", P0, "the disk is full")
    time.ms += TOGETHER_MS - 1
    assert told(rig, time) == []
    time.ms += 1
    assert told(rig, time) == [("disk", True)]
    time.ms += TOGETHER_MS
    assert told(rig, time) == []
    alerts.clear(rig.store, "disk")
    assert told(rig, time) == [("disk", False)]


def test_what_becomes_graver_is_told_anew(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "disk", P1, "the disk is nearly full")
    time.ms += GATHER_MS
    assert told(rig, time) == [("disk", True)]
    alerts.report(rig.store, "disk", P0, "the disk is full")
    assert told(rig, time) == [("disk", True)]


def test_news_that_came_while_a_message_was_sent_is_not_lost(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "disk", P0, "the disk is full")
    due = alerts.due(rig.store, time.ms)
    time.ms += 1
    alerts.clear(rig.store, "disk")
    alerts.told(rig.store, due, time.ms)
    alerts.report(rig.store, "disk", P0, "the disk is full")
    assert told(rig, time) == [("disk", True)]


def test_a_clock_that_was_set_back_does_not_silence_it(rig: Rig, time: Clock) -> None:
    alerts.report(rig.store, "disk", P0, "the disk is full")
    alerts.report(rig.store, "a", P1, "a")
    time.ms += GATHER_MS
    told(rig, time)
    time.ms -= 30 * AGAIN_MS
    alerts.report(rig.store, "b", P1, "b")
    assert ("disk", True) in told(rig, time)


def test_it_is_forgotten_a_month_after_it_came_up_unless_it_is_open(rig: Rig, time: Clock) -> None:
    for cause in ("open", "over"):
        alerts.report(rig.store, cause, P0, cause)
    alerts.clear(rig.store, "over")
    assert alerts.prune(rig.store, time.ms + alerts.KEPT_MS + 1) == 1
    assert [alert.cause for alert in alerts.all_of(rig.store)] == ["open"]


def test_it_is_not_forgotten_before_a_person_was_told_that_it_is_over(
    rig: Rig, time: Clock
) -> None:
    alerts.report(rig.store, "disk", P0, "the disk is full")
    told(rig, time)
    time.ms += alerts.KEPT_MS + AGAIN_MS
    alerts.clear(rig.store, "disk")
    assert alerts.prune(rig.store, time.ms) == 0
    assert told(rig, time) == [("disk", False)]
    assert alerts.prune(rig.store, time.ms) == 1


def test_a_message_has_a_line_for_each() -> None:
    found = [
        Alert("disk", P0, "the disk is full", 1, 1, count=3),
        Alert("a", P1, "a fails", 1, 1, over=2),
    ]
    subject, text = alerts.message(found)
    assert subject == "uwf: P0: the disk is full (3 times) and 1 more"
    assert text == "P0: the disk is full (3 times)\nover: a fails\n"


def test_a_cause_of_many_words_is_one_line_of_a_message() -> None:
    subject, text = alerts.message([Alert("a", P0, "it said:\n\tno\r\nroute" + " x" * 5000, 1, 1)])
    assert text.startswith("P0: it said: no route x x")
    assert text.endswith("…\n") and len(text) < 700
    assert subject == f"uwf: {text.strip()}"


KILLED = """
import sys
from uwf import clock, points
from uwf.engine.upkeep import absences, alerts
from uwf.store.sqlite import open_store
store, now_ms = open_store(sys.argv[1]), clock.now_ms()
points.arm(sys.argv[2])
alerts.report(store, "disk", "P0", "the disk is full")
alerts.told(store, alerts.due(store, now_ms), now_ms)
alerts.clear(store, "disk")
alerts.told(store, alerts.due(store, now_ms), now_ms)
alerts.prune(store, now_ms + 2 * alerts.KEPT_MS)
absences.overdue(store, [("nightly", 3600.0, None)], now_ms)
"""
POINTS = [
    *("alert: begun", "alert: written", "alert: done", "alert: written:2", "alert: done:3"),
    *("alert prune: begun", "alert prune: written", "alert prune: done"),
    *("absence seen: begun", "absence seen: written", "absence seen: done"),
]


@pytest.mark.parametrize("at", POINTS)
def test_killed_anywhere_an_alert_is_as_it_was_or_as_it_is_to_be(tmp_path: Path, at: str) -> None:
    path = str(tmp_path / "store.db")
    open_store(path).close()
    for armed in (at, ""):
        words = [sys.executable, "-c", KILLED, path, armed]
        done = subprocess.run(words, cwd=Path(__file__).parents[3])
        assert done.returncode == (-9 if armed else 0)
    store = open_store(path)
    assert alerts.all_of(store) == []
    assert store.counter("absence/nightly") is not None
    assert store.faults() == []
    store.close()
