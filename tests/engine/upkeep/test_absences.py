"""When something that was to happen is missed."""

from __future__ import annotations

import time

import pytest

from tests.helpers.rig import Rig
from uwf.engine.upkeep import absences

H = 3_600_000
DAY = 24 * H


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def missed(rig: Rig, now_ms: int, within_s: float | None = None, by: int | None = None) -> bool:
    return absences.overdue(rig.store, [("nightly", within_s, by)], now_ms) != [None]


def test_a_rule_counts_from_when_it_was_first_seen(rig: Rig) -> None:
    begun_ms = 20_000 * DAY
    assert not missed(rig, begun_ms, within_s=3600)
    assert not missed(rig, begun_ms + H - 1, within_s=3600)
    assert missed(rig, begun_ms + H, within_s=3600)


def test_another_rule_of_the_same_name_counts_anew(rig: Rig) -> None:
    begun_ms = 20_000 * DAY
    missed(rig, begun_ms, within_s=3600)
    assert not missed(rig, begun_ms + H, within_s=1800)


def test_a_time_of_the_day_is_over_each_day(rig: Rig) -> None:
    midnight_ms = 20_000 * DAY
    assert not missed(rig, midnight_ms - 5 * H, by=8 * 60)
    assert not missed(rig, midnight_ms + 7 * H, by=8 * 60)
    assert missed(rig, midnight_ms + 8 * H, by=8 * 60)
    [span] = absences.overdue(rig.store, [("nightly", None, 8 * 60)], midnight_ms + 9 * H)
    assert span == absences.Missed(midnight_ms - 16 * H, midnight_ms + 8 * H)


def test_one_that_was_set_shortly_before_its_time_waits_for_the_next_day(rig: Rig) -> None:
    midnight_ms = 20_000 * DAY
    assert not missed(rig, midnight_ms + 7 * H, by=8 * 60)
    assert not missed(rig, midnight_ms + 9 * H, by=8 * 60)
    assert missed(rig, midnight_ms + DAY + 8 * H, by=8 * 60)
