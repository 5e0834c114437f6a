"""What became of an occurrence is read off its threads, with the times at which it was so; and what is alarming."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.schedules.conftest import HOUR_MS, MINUTE_MS, Planned
from tests.helpers.dying import die
from tests.helpers.fake_agent import Said, crash, suspend
from tests.helpers.rig import APPROVED, WROTE
from uwf.engine.chain import thread as threads
from uwf.engine.chain import told
from uwf.engine.schedules import facts, news
from uwf.engine.schedules.occurrence import Occurrence
from uwf.record import replace

Make = Callable[..., Planned]


def started(home: Planned) -> str:
    """The thread of an occurrence that has come meanwhile."""
    home.tick(home.now.ms + HOUR_MS)
    [thread] = home.last.threads
    return thread


def later(home: Planned) -> Occurrence:
    """The last occurrence, looked at three hours later; nothing of that is in its times."""
    home.schedules = (replace(home.schedules[0], cron="0 0 1 1 *", every_s=None),)
    home.tick(home.now.ms + 3 * HOUR_MS)
    return home.last


def test_claimed_started_first_turn_and_ended_are_times_of_what_happened(planned: Make) -> None:
    home = planned()
    thread = started(home)
    begun = home.now.ms
    home.rig.exec(thread, Said(WROTE, turns=(WROTE,)), APPROVED)
    over = home.now.ms
    one = later(home)
    assert (one.state, one.how) == ("ended", "completed")
    assert one.started_ms is not None
    assert one.first_turn_ms is not None
    assert one.ended_ms is not None
    assert one.claimed_ms <= one.started_ms <= begun
    assert begun < one.first_turn_ms < one.ended_ms <= over


def test_the_first_turn_is_known_while_the_agent_is_still_at_work(planned: Make) -> None:
    home = planned()
    thread = started(home)
    die(home.rig, thread, "exec", "I begin", "and go on")
    one = later(home)
    assert one.state == "turned"
    assert home.alarms() == []


def test_a_failed_attempt_with_a_turn_before_it_counts_as_a_first_turn(planned: Make) -> None:
    home = planned()
    thread = started(home)
    home.rig.exec(thread, crash(text="I begin", turns=("I begin",)))
    one = later(home)
    assert (one.state, one.how) == ("ended", "failed")
    assert one.first_turn_ms is not None
    assert "boom" in one.why


def test_an_agent_that_fails_without_a_word_has_no_first_turn(planned: Make) -> None:
    home = planned()
    home.rig.exec(started(home), crash())
    one = later(home)
    assert (one.how, one.first_turn_ms) == ("failed", None)


def test_one_that_asks_a_person_has_not_ended(planned: Make) -> None:
    home = planned()
    thread = started(home)
    home.rig.exec(thread, suspend("Which one?"))
    assert later(home).state == "turned"
    home.rig.resume(thread, WROTE, APPROVED)
    assert later(home).how == "completed"


def test_how_it_ended_stays_although_a_person_takes_it_up_again(planned: Make) -> None:
    home = planned()
    thread = started(home)
    home.rig.exec(thread, crash())
    ended = later(home)
    home.rig.resume(thread, WROTE, APPROVED)
    assert later(home) == ended


def test_a_cancelled_thread_has_ended_so(planned: Make) -> None:
    home = planned()
    home.rig.cancel(started(home))
    assert later(home).how == "cancelled"


def test_a_thread_that_is_gone_has_failed(planned: Make) -> None:
    home = planned()
    thread = started(home)
    with home.rig.store.transaction("test") as tx:
        tx.delete_ref(f"@uwf/thread/{thread}", why="test")
    assert later(home).how == "failed"


def test_a_thread_that_cannot_be_read_has_failed_and_is_in_nobodys_way(planned: Make) -> None:
    home = planned()
    thread = started(home)
    with home.rig.store.transaction("test") as tx:
        tx.remove(home.rig.head(thread))
    home.tick(home.now.ms + HOUR_MS)
    assert home.states == ["failed", "started"]
    assert "cannot be read" in home.all[0].why


def test_a_woken_thread_has_ended_once_it_has_run_and_nothing_is_due(planned: Make) -> None:
    home = planned(wake={"pr": "42"}, text="Look again.")
    mine = home.rig.start(labels={"pr": "42"})
    home.rig.exec(mine, WROTE)
    home.tick(home.now.ms + HOUR_MS)
    assert home.states == ["started"]
    home.tick()
    assert home.states == ["started"]  # what it said before was not for this
    home.rig.exec(mine, suspend("Merge it?"))
    one = later(home)
    assert (one.state, one.how) == ("ended", "rested")


def test_of_several_threads_the_last_one_ends_it_and_the_worst_says_how(planned: Make) -> None:
    home = planned(wake={"night": "1"}, text="Go on.")
    first, second = (home.rig.start(labels={"night": "1"}) for _ in range(2))
    home.tick(home.now.ms + HOUR_MS)
    assert home.last.threads == (first, second)
    home.rig.exec(first, WROTE, APPROVED)
    home.tick()
    assert home.states == ["turned"]
    home.rig.exec(second, crash())
    assert later(home).how == "failed"


def test_while_it_runs_it_has_not_ended(planned: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    home = planned()
    thread = started(home)
    home.rig.exec(thread, WROTE, APPROVED)
    monkeypatch.setattr(facts, "runner", lambda store, id: 1)
    assert later(home).state == "turned"


def test_a_schedule_pauses_after_so_many_failures_in_a_row(planned: Make) -> None:
    home = planned(pause_after=2)
    home.rig.exec(started(home), crash())
    home.rig.exec(started(home), WROTE, APPROVED)
    home.rig.exec(started(home), crash())
    home.rig.exec(started(home), crash("no key"))
    home.tick(home.now.ms + HOUR_MS)
    home.tick(home.now.ms + HOUR_MS)
    assert home.states == ["failed", "completed", "failed", "failed"]
    assert home.alarms() == ["paused"]
    [entry] = home.rig.store.entries("schedule")
    assert entry.state == "paused"
    assert "2 failures in a row" in entry.value["paused_why"]
    assert "no key" in entry.value["paused_why"]


def test_what_becomes_of_an_occurrence_is_an_event_where_a_trigger_is_on_it(planned: Make) -> None:
    home = planned(pause_after=1)
    home.awaited = news.NAMES - {"schedule.skipped"}
    thread = started(home)
    home.tick(home.now.ms + HOUR_MS)
    home.rig.exec(thread, crash())
    home.tick()
    found = {entry.key: entry.value["data"] for entry in home.rig.store.entries("event")}
    first = home.all[0].key
    assert [key.removeprefix("uwf/") for key in found][:2] == [
        f"{first}.started",
        f"{first}.failed",
    ]
    assert found[f"uwf/{first}.started"]["threads"] == [thread]
    assert [key for key in found if ".paused." in key]
    assert len(found) == 3


def test_a_claim_without_a_first_turn_is_an_alarm_after_five_minutes(planned: Make) -> None:
    home = planned()
    home.now.ms += HOUR_MS
    home.claim()
    home.now.ms += 4 * MINUTE_MS
    assert home.alarms() == []
    home.now.ms += MINUTE_MS
    assert home.alarms() == ["silent"]
    home.tick()
    assert home.alarms() == []
    home.now.ms += 5 * MINUTE_MS
    assert home.alarms() == ["silent"]
    home.rig.exec(home.last.threads[0], WROTE)
    assert home.alarms() == []


def test_one_that_waits_for_the_last_one_is_no_alarm(planned: Make) -> None:
    home = planned(overlap="queue")
    home.rig.exec(started(home), WROTE)
    home.tick(home.now.ms + HOUR_MS)
    home.now.ms += 10 * MINUTE_MS
    assert home.states == ["turned", "claimed"]
    assert home.alarms() == []


def test_the_wakes_of_a_thread_that_nobody_runs_are_an_alarm(planned: Make) -> None:
    home = planned(wake={"pr": "42"}, text="Look again.")
    mine = home.rig.start(labels={"pr": "42"})
    home.tick(home.now.ms + HOUR_MS)
    home.now.ms += 10 * MINUTE_MS
    assert home.alarms() == ["silent"]
    assert threads.current(home.rig.store, home.rig.store, mine).status == "idle"
    assert len(told.waiting(home.rig.store, mine)) == 1
