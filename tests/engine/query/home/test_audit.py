"""Promises of timers: kept, broken, pending."""

from __future__ import annotations

import pytest

from tests.helpers.fake_agent import suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, WROTE, Rig
from uwf.engine.actions import timer
from uwf.engine.chain.wake import PERSON, Wake
from uwf.engine.query.home import audit, inbox
from uwf.engine.query.home.audit import LATE_MS
from uwf.engine.run import lock


class Clock:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        self.ms += 1
        return self.ms


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("uwf.clock.now_ms", clock)
    return clock


def states(rig: Rig, held_by: str | None = None) -> list[str]:
    return [one.state for one in audit.timers(rig.store, 0, held_by=held_by)]


def begun(rig: Rig, time: Clock, in_ms: int) -> str:
    """A thread that wakes so much later."""
    id = rig.start(PAIR)
    timer.change(rig.store, id, Wake(time.ms + in_ms, PERSON, "by hand"))
    return id


def test_one_that_a_run_has_taken_away_in_time_is_kept(rig: Rig, time: Clock) -> None:
    id = begun(rig, time, 60_000)
    assert states(rig) == ["pending"]
    time.ms += 61_000
    rig.exec(id, WROTE)
    assert states(rig) == ["kept"]
    rig.exec(id, APPROVED)
    assert states(rig) == ["kept"]


def test_one_that_nobody_has_run_is_broken_once_it_is_too_late(rig: Rig, time: Clock) -> None:
    id = begun(rig, time, 60_000)
    time.ms += 60_000 + LATE_MS - 100
    assert states(rig) == ["pending"]
    time.ms += 1_000
    assert states(rig) == ["broken"]
    assert states(rig, "everything is paused") == ["pending"]
    with lock.hold(rig.engine, id):
        assert states(rig) == ["pending"]


def test_one_that_was_run_much_too_late_stays_broken(rig: Rig, time: Clock) -> None:
    id = begun(rig, time, 60_000)
    time.ms += 60_000 + 2 * LATE_MS
    rig.exec(id, WROTE)
    [promise] = audit.timers(rig.store, 0, held_by=None)
    assert promise.state == "broken"
    assert "it ran 10m late" in promise.why


def test_one_that_was_run_before_its_time_promised_nothing_more(rig: Rig, time: Clock) -> None:
    id = begun(rig, time, 60_000)
    rig.exec(id, WROTE)
    assert states(rig) == []


def test_one_that_was_taken_back_or_cancelled_promises_nothing(rig: Rig, time: Clock) -> None:
    for end in (lambda id: timer.change(rig.store, id, None), rig.cancel):
        id = begun(rig, time, 60_000)
        end(id)
    late = begun(rig, time, 60_000)
    time.ms += 60_000 + 2 * LATE_MS
    timer.change(rig.store, late, None)
    assert states(rig) == []


def test_a_wake_for_a_time_that_is_over_is_for_now(rig: Rig, time: Clock) -> None:
    id = begun(rig, time, -365 * 24 * 3_600_000)
    assert states(rig) == ["pending"]
    rig.exec(id, WROTE)
    assert states(rig) == ["kept"]


def test_one_that_was_set_before_the_time_that_is_looked_at_is_seen(rig: Rig, time: Clock) -> None:
    id = begun(rig, time, 60_000)
    time.ms += 60_000 + 2 * LATE_MS
    rig.exec(id, WROTE)
    assert [one.state for one in audit.timers(rig.store, time.ms - 1000, held_by=None)] == [
        "broken"
    ]
    assert list(audit.timers(rig.store, time.ms + 1, held_by=None)) == []


def test_a_question_waits_for_a_person(rig: Rig, time: Clock) -> None:
    id = rig.start(PAIR)
    rig.exec(id, suspend("Which colour?"))
    [promise] = audit.questions(inbox.look(rig.store, rig.views))
    assert (promise.of, promise.state, promise.look) == (id, "pending", f"uwf answer {id} TEXT")


def test_a_due_run_that_was_cut_off_is_broken_where_nobody_goes_on(rig: Rig, time: Clock) -> None:
    id = begun(rig, time, 0)
    ref = rig.ref(id)
    tags = {key: tag for key, tag in ref.tags.items() if key not in ("wakeAt", "wakeWhy")}
    with rig.store.transaction("test") as tx:
        tx.set_ref(ref.name, ref.id, tags={**tags, "wokenFor": "person: by hand"}, why="test")
    assert [state for state in states(rig) if state != "kept"] == ["pending"]
    shown = rig.row(id)
    assert shown["wakeAt"] is not None
    assert "cut off" in shown["wakeWhy"]
    time.ms += LATE_MS + 1000
    assert "broken" in states(rig)
    with lock.hold(rig.engine, id):
        assert "broken" not in states(rig)


def test_what_a_stranger_calls_an_event_stays_one_word_of_a_command(rig: Rig, time: Clock) -> None:
    with rig.store.transaction("test") as tx:
        tx.add_entry("event", "forge/x; reboot", time.ms, "new", {})
    [one] = audit.events(rig.store)
    assert one.look == "uwf event show -- 'forge/x; reboot'"
    assert one.state == "pending"
    time.ms += LATE_MS
    assert [each.state for each in audit.events(rig.store)] == ["broken"]
