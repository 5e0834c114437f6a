"""What a person does with a schedule: pause, resume, run, backfill; and what is shown of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.schedules.conftest import DAY_MS, HOUR_MS, Planned, rule
from tests.helpers.rig import APPROVED, WROTE
from uwf.config.schedules import Schedule
from uwf.engine.schedules import claim, hand, view
from uwf.engine.schedules import occurrence as occurrences
from uwf.errors import InputError, StateError
from uwf.recurrence import Recurrence
from uwf.store.sqlite import open_in_memory

Make = Callable[..., Planned]


def test_a_paused_schedule_claims_nothing_and_makes_up_for_nothing(planned: Make) -> None:
    home = planned(missed="all")
    schedule = home.schedules[0]
    hand.pause(home.rig.store, schedule, rule(schedule), "the build is red", home.now.ms)
    home.tick(home.now.ms + 5 * HOUR_MS)
    assert home.all == []
    shown = view.schedule_view(home.rig.store, schedule, rule(schedule), home.now.ms)
    assert (shown.state, shown.next, shown.paused_why) == ("paused", None, "the build is red")
    assert home.alarms() == []
    hand.resume(home.rig.store, schedule, rule(schedule), home.now.ms)
    home.tick()
    assert home.all == []
    home.tick(home.now.ms + HOUR_MS)
    assert home.states == ["started"]


def test_pausing_twice_keeps_the_first_reason(planned: Make) -> None:
    home = planned()
    schedule = home.schedules[0]
    first = hand.pause(home.rig.store, schedule, rule(schedule), "one", home.now.ms)
    assert hand.pause(home.rig.store, schedule, rule(schedule), "two", home.now.ms) == first


def test_by_hand_it_runs_at_once_whatever_its_time_and_precheck_say(
    planned: Make, tmp_path: Path
) -> None:
    home = planned(precheck=("/bin/false",))
    schedule = home.schedules[0]
    one = hand.claim_one(home.rig.store, schedule, rule(schedule), home.now.ms)
    assert one.by == "hand"
    home.tick()
    assert home.states == ["started"]
    with pytest.raises(StateError, match="has not ended, and its overlap is skip") as caught:
        hand.claim_one(home.rig.store, schedule, rule(schedule), home.now.ms)
    assert home.last.threads[0] in caught.value.message


def test_a_run_by_hand_changes_nothing_of_the_times(planned: Make) -> None:
    home = planned(overlap="queue")
    schedule = home.schedules[0]
    hand.claim_one(home.rig.store, schedule, rule(schedule), home.now.ms)
    home.tick(home.now.ms + HOUR_MS)
    assert [one.by for one in home.all] == ["hand", "time"]


def test_backfill_claims_what_nobody_has_and_runs_one_after_the_other(planned: Make) -> None:
    home = planned()
    schedule = home.schedules[0]
    home.now.ms += 5 * HOUR_MS
    home.claim()
    since = home.now.ms - 3 * HOUR_MS
    times = hand.times_since(home.rig.store, schedule, rule(schedule), since, home.now.ms)
    assert len(times) == 2
    hand.backfill(home.rig.store, schedule, rule(schedule), times, home.now.ms)
    assert hand.times_since(home.rig.store, schedule, rule(schedule), since, home.now.ms) == []
    for _ in times:
        home.tick()
        running = [one for one in home.all if one.state == "started"]
        assert len(running) == 1
        home.rig.exec(running[0].threads[0], WROTE, APPROVED)
    home.tick()
    assert home.states == ["completed", "completed", "skipped"]  # the one that came meanwhile


def test_a_backfill_of_more_than_anybody_wants_is_refused(planned: Make) -> None:
    home = planned()
    every_minute = Recurrence("* * * * *", None, UTC)
    with pytest.raises(InputError, match="more than 1000 occurrences") as caught:
        hand.times_since(
            home.rig.store, home.schedules[0], every_minute, home.now.ms - DAY_MS, home.now.ms
        )
    assert "--dry-run" in (caught.value.hint or "")


def test_what_is_shown_is_as_it_is_now_although_nobody_wrote_it_down(planned: Make) -> None:
    home = planned()
    home.tick(home.now.ms + HOUR_MS)
    home.rig.exec(home.last.threads[0], WROTE, APPROVED)
    assert home.states == ["started"]
    schedule = home.schedules[0]
    last = view.schedule_view(home.rig.store, schedule, rule(schedule), home.now.ms).last
    assert last is not None
    assert (last.state, last.how) == ("ended", "completed")
    assert view.log(home.rig.store, "night", 5) == [last]
    assert view.log(home.rig.store, "nigh", 5) == []


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=40), st.integers(1, 5))
def test_the_log_is_read_a_page_at_a_time(names: list[str], limit: int) -> None:
    store = open_in_memory()
    with store.transaction("test") as tx:
        for at, name in enumerate(names):
            schedule = Schedule(name=name, every_s=1.0, start="pair", prompt="x")
            occurrences.claim(tx, claim.new(schedule, at // 5 * 1000 + ord(name), "time", 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view, "_PAGE", 2)
        found = [one.nominal for one in view.log(store, "b", limit)]
    whole = [
        one.nominal_ms for one in occurrences.find(store, newest_first=True) if one.schedule == "b"
    ]
    assert found == whole[:limit]


def test_the_next_times_are_told_with_jitter_and_on_the_clocks_of_the_zone(planned: Make) -> None:
    home = planned(cron="30 2 * * *", tz="Europe/Berlin", jitter_s=300.0)
    schedule = home.schedules[0]
    found = view.upcoming(schedule, rule(schedule), home.now.ms, 3)
    assert [one.local[10:] for one in found] == ["T02:30:00+01:00"] * 3
    assert all(0 <= one.due - one.nominal < 300_000 for one in found)
