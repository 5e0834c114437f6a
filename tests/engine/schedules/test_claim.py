"""Which times are claimed: once each, whatever clocks, kills and edits do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.schedules.conftest import DAY_MS, HOUR_MS, MINUTE_MS, Planned, rule
from uwf.config.schedules import Schedule
from uwf.engine.schedules import claim
from uwf.engine.schedules import occurrence as occurrences
from uwf.record import replace
from uwf.store.sqlite import open_in_memory

Make = Callable[..., Planned]


def times(planned: Planned) -> list[int]:
    """The nominal times that were claimed, in hours since the first look."""
    begin_ms = 1_700_000_000_000 // HOUR_MS * HOUR_MS
    return [(one.nominal_ms - begin_ms) // HOUR_MS for one in planned.all]


def test_the_first_look_claims_nothing_that_is_over(planned: Make) -> None:
    assert planned().all == []


def test_a_time_is_claimed_once_it_has_come(planned: Make) -> None:
    home = planned()
    home.tick(home.now.ms + 58 * MINUTE_MS)
    assert home.all == []
    home.tick(home.now.ms + MINUTE_MS)
    assert times(home) == [1]
    home.tick(home.now.ms + MINUTE_MS)
    assert times(home) == [1]


def test_a_look_at_which_nothing_is_due_writes_nothing(planned: Make) -> None:
    home = planned()
    before = [*home.rig.store.entries("schedule"), *home.rig.store.entries("occurrence")]
    home.tick(home.now.ms + 30 * MINUTE_MS)
    assert [*home.rig.store.entries("schedule"), *home.rig.store.entries("occurrence")] == before


@pytest.mark.parametrize(
    ("missed", "window_s", "claimed", "dropped"),
    [
        ("one", None, [72], 71),
        ("one", 1800.0, [], 72),
        ("one", 3600.0, [72], 71),
        ("all", None, list(range(1, 73)), 0),
        ("all", 3 * 3600.0, [70, 71, 72], 69),
        ("skip", None, [], 72),
        ("skip", 3600.0, [72], 71),
    ],
)
def test_a_machine_that_slept_three_days(
    planned: Make, missed: str, window_s: float | None, claimed: list[int], dropped: int
) -> None:
    home = planned(missed=missed, window_s=window_s)
    home.now.ms += 3 * DAY_MS + 40 * MINUTE_MS
    home.claim()
    assert times(home) == claimed
    [state] = occurrences.states(home.rig.store).values()
    assert (state.missed, state.is_made_up) == (dropped, bool(dropped and claimed))
    home.now.ms += HOUR_MS - 40 * MINUTE_MS
    home.claim()
    assert times(home) == [*claimed, 73]


def test_a_year_of_missed_times_is_claimed_a_hundred_at_a_time(planned: Make) -> None:
    home = planned(missed="all")
    home.now.ms += 10 * DAY_MS
    assert len(home.claim()) == claim.MOST_AT_ONCE
    while home.claim():
        pass
    assert times(home) == list(range(1, 241))


def test_a_clock_an_hour_back_doubles_nothing_and_waits_for_nothing(planned: Make) -> None:
    home = planned()
    home.tick(home.now.ms + HOUR_MS)
    assert times(home) == [1]
    home.tick(home.now.ms - HOUR_MS)
    home.tick(home.now.ms + HOUR_MS)
    assert times(home) == [1]
    home.tick(home.now.ms + HOUR_MS)
    assert times(home) == [1, 2]


def test_a_clock_that_was_years_ahead_does_not_silence_a_schedule(planned: Make) -> None:
    home = planned()
    right = home.now.ms
    home.tick(right + 1000 * DAY_MS)
    home.tick(right + MINUTE_MS)
    home.claim()
    home.now.ms = right + HOUR_MS
    home.claim()
    assert 1 in times(home)


def test_an_edit_while_nobody_looked_makes_no_storm(planned: Make) -> None:
    home = planned(missed="all", cron="0 4 * * *")
    home.now.ms += 5 * DAY_MS
    home.schedules = (replace(home.schedules[0], cron="* * * * *"),)
    assert home.claim() == []
    home.now.ms += MINUTE_MS
    assert len(home.claim()) == 1


def test_an_edit_of_what_is_done_changes_no_time(planned: Make) -> None:
    home = planned(missed="all")
    home.now.ms += 2 * HOUR_MS
    home.schedules = (replace(home.schedules[0], prompt="Something else."),)
    assert [one.task.prompt for one in home.claim()] == ["Something else."] * 2


def test_a_schedule_that_was_gone_comes_back_without_what_it_missed(planned: Make) -> None:
    home = planned(missed="all")
    there, home.schedules = home.schedules, ()
    home.claim()
    home.now.ms += 5 * HOUR_MS
    home.schedules = there
    assert home.claim() == []
    home.now.ms += HOUR_MS
    assert len(home.claim()) == 1


def test_jitter_is_the_same_in_every_process_and_within_its_bounds(planned: Make) -> None:
    home = planned(jitter_s=600.0)
    schedule = home.schedules[0]
    due = [claim.due_ms(schedule, at) - at for at in rule(schedule).between(0, 200 * HOUR_MS)]
    assert all(0 <= late < 600_000 for late in due)
    assert len(set(due)) > 150
    assert due == [
        claim.due_ms(schedule, at) - at for at in rule(schedule).between(0, 200 * HOUR_MS)
    ]
    other = replace(schedule, name="day")
    assert claim.due_ms(other, HOUR_MS) != claim.due_ms(schedule, HOUR_MS)


def test_a_time_is_claimed_when_its_jitter_is_over(planned: Make) -> None:
    home = planned(jitter_s=600.0)
    nominal = home.now.ms // HOUR_MS * HOUR_MS + HOUR_MS
    late = claim.due_ms(home.schedules[0], nominal) - nominal
    home.tick(nominal + late - 1)
    assert home.all == []
    home.tick(nominal + late)
    assert [one.nominal_ms for one in home.all] == [nominal]


def test_what_cannot_be_read_is_left_alone(planned: Make) -> None:
    home = planned()
    sql = "UPDATE entry SET value = x'c1' WHERE kind = 'schedule'"
    home.rig.store._database.run(sql)  # type: ignore[attr-defined]
    home.now.ms += 5 * HOUR_MS
    assert home.claim() == []
    assert home.alarms() == ["unreadable"]


@pytest.mark.parametrize("kind", ["schedule", "occurrence"])
def test_what_was_made_by_hand_is_left_alone(planned: Make, kind: str) -> None:
    home = planned()
    home.tick(home.now.ms + HOUR_MS)
    [entry] = home.rig.store.entries(kind)
    with home.rig.store.transaction("test") as tx:
        tx.set_entry(kind, entry.key, state=entry.state, value={"odd": 1})
    home.tick(home.now.ms + HOUR_MS)
    assert "unreadable" in home.alarms()
    assert home.rig.store.count_entries("occurrence") == (1 if kind == "schedule" else 2)


NIGHTS = [
    ("UTC", "2026-02-28T12:00Z"),
    ("Europe/Berlin", "2026-03-28T23:00Z"),
    ("Europe/Berlin", "2026-10-24T23:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T14:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T14:00Z"),
    ("Africa/Cairo", "2026-10-29T20:00Z"),
]
"""Zones, and times soon before their clocks are set."""

STEPS = st.lists(
    st.one_of(
        st.integers(1, 4 * 60).map(lambda minutes: ("later", minutes)),
        st.integers(1, 3 * 60).map(lambda minutes: ("back", minutes)),
        st.integers(24 * 60, 5 * 24 * 60).map(lambda minutes: ("asleep", minutes)),
        st.just(("killed", 0)),
        st.just(("twice", 0)),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(
    STEPS,
    st.sampled_from(["one", "all", "skip"]),
    st.sampled_from([0.0, 240.0]),
    st.sampled_from(
        [("", 900.0), ("*/15 * * * *", None), ("7 */2 * * *", None), ("30 1,2 * * *", None)]
    ),
    st.sampled_from(NIGHTS),
)
def test_each_time_is_claimed_at_most_once_and_with_all_exactly_once(
    steps: list[tuple[str, int]],
    missed: str,
    jitter_s: float,
    when: tuple[str, float | None],
    night: tuple[str, str],
) -> None:
    schedule = Schedule(
        name="night",
        cron=when[0],
        tz=night[0],
        every_s=when[1],
        start="pair",
        prompt="x",
        missed=missed,
        jitter_s=jitter_s,
    )
    store = open_in_memory()
    now = begun = latest = round(datetime.fromisoformat(night[1]).timestamp() * 1000)
    found: list[int] = []

    def look(*, killed: bool = False) -> None:
        before = [*store.entries("occurrence")]
        if killed:
            try:
                with store.transaction("test"):
                    # as far as the commit, and no further
                    claim.changed(store, (schedule,), rule, now)
                    raise KeyboardInterrupt
            except KeyboardInterrupt:
                pass
            assert [*store.entries("occurrence")] == before
            return
        while claimed := claim.claim_due(store, (schedule,), rule, now):
            found.extend(one.nominal_ms for one in claimed)

    look()
    lowest = begun
    for step, minutes in steps:
        if step in ("later", "asleep"):
            now += minutes * MINUTE_MS
        elif step == "back":
            now -= minutes * MINUTE_MS
        look(killed=step == "killed")
        if step == "twice":
            look()
        latest, lowest = max(latest, now), min(lowest, now)
    look()
    assert len(found) == len(set(found))
    assert len(found) == store.count_entries("occurrence")
    if missed == "all":
        due = [
            at
            for at in rule(schedule).between(begun, latest)
            if claim.due_ms(schedule, at) <= latest
        ]
        assert set(due) <= set(found)
        assert set(found) - set(due) <= set(rule(schedule).between(lowest, begun))


def test_what_is_over_is_kept_for_a_time_and_what_is_open_for_ever(planned: Make) -> None:
    home = planned(missed="all")
    home.now.ms += 2 * HOUR_MS
    home.claim()
    home.tick()
    assert home.states == ["started", "skipped"]
    with home.rig.store.transaction("test") as tx:
        assert occurrences.prune(tx, home.now.ms + occurrences.KEPT_MS - 3 * HOUR_MS) == 0
        assert occurrences.prune(tx, home.now.ms + occurrences.KEPT_MS + 3 * HOUR_MS) == 1
    assert home.states == ["started"]
