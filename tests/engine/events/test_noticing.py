"""What threads and guards do comes as events, each once, and only where a trigger is on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.events.conftest import Desk
from tests.helpers.fake_agent import Said, crash, reply, suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, WROTE
from uwf.engine.chain.tags import THREADS
from uwf.engine.events import noticing
from uwf.engine.events.event import KIND
from uwf.guard import breaker, pause
from uwf.guard.breaker import Circuit


def noticed(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    """Names and data of the events of threads so far, in the order in which they were stored."""
    entries = desk.rig.store.entries(KIND)
    return [(one.value["name"], one.value["data"]) for one in entries]


def names(desk: Desk) -> list[str]:
    return [name for name, _ in noticed(desk)]


def watch(desk: Desk, *on: str) -> None:
    desk.on(*on, text="x")
    desk.follows()


def test_a_thread_that_completes_says_what_came_of_it(each_desk: Desk) -> None:
    desk = each_desk
    watch(desk, "thread.*")
    thread = desk.thread(pr="42")
    desk.rig.exec(thread, WROTE, APPROVED)
    desk.follows()
    [(name, data)] = noticed(desk)
    assert name == "thread.completed"
    assert (data["thread"], data["workflow"], data["labels"]) == (thread, PAIR.name, {"pr": "42"})
    assert (data["role"], data["output"]) == ("reviewer", {"$status": "approved"})
    assert (data["body"], data["step"]) == ("All is fine.", desk.rig.head(thread))
    desk.follows()
    assert len(noticed(desk)) == 1


def test_each_end_has_its_name(desk: Desk) -> None:
    watch(desk, "thread.*")
    asked, failed, cancelled = desk.thread(), desk.thread(), desk.thread()
    desk.rig.exec(asked, suspend("Which colour?"))
    desk.rig.exec(failed, crash("boom"))
    desk.rig.cancel(cancelled, "enough")
    desk.follows()
    found = dict(noticed(desk))
    assert sorted(found) == ["thread.cancelled", "thread.failed", "thread.suspended"]
    suspended = found["thread.suspended"]
    assert (suspended["thread"], suspended["role"]) == (asked, "writer")
    assert suspended["message"] == "Which colour?"
    assert (found["thread.failed"]["thread"], found["thread.failed"]["code"]) == (
        failed,
        "exit_code",
    )
    assert found["thread.cancelled"]["reason"] == "enough"


def test_a_thread_that_fails_again_says_so_again_and_a_label_says_nothing(desk: Desk) -> None:
    watch(desk, "thread.*")
    thread = desk.thread()
    desk.rig.exec(thread, crash("boom"))
    with desk.rig.store.transaction("test") as tx:
        ref = tx.ref(THREADS + thread)
        assert ref is not None
        tx.set_ref(ref.name, ref.id, tags={**ref.tags, "title": "a"}, why="set title=a")
    desk.rig.resume(thread, crash("boom"))
    desk.follows()
    assert names(desk) == ["thread.failed", "thread.failed"]


def test_an_undo_is_no_news(desk: Desk) -> None:
    watch(desk, "thread.*")
    thread = desk.thread()
    desk.rig.exec(thread, WROTE)
    desk.rig.cancel(thread)
    desk.rig.undo(thread)
    desk.rig.exec(thread, APPROVED)
    desk.rig.undo(thread)
    desk.follows()
    assert names(desk) == ["thread.cancelled", "thread.completed"]


def test_a_round_that_ends_is_news_each_time(desk: Desk) -> None:
    watch(desk, "thread.completed")
    thread = desk.thread()
    desk.rig.exec(thread, WROTE, APPROVED)
    desk.rig.resume(thread, WROTE, APPROVED, supplement="again")
    desk.follows()
    assert names(desk) == ["thread.completed"] * 2


def test_an_agent_that_is_asked_is_news(desk: Desk) -> None:
    watch(desk, "task.dispatched")
    thread = desk.thread()
    desk.rig.exec(thread, WROTE)
    desk.follows()
    [(name, data)] = noticed(desk)
    assert (name, data["thread"]) == ("task.dispatched", thread)
    assert (data["role"], data["attempt"]) == ("writer", 1)


def test_what_no_trigger_is_on_is_not_stored(desk: Desk) -> None:
    watch(desk, "thread.failed")
    desk.rig.exec(desk.thread(), WROTE, APPROVED)
    desk.follows()
    assert noticed(desk) == []


def test_what_was_before_there_was_a_trigger_is_past(desk: Desk) -> None:
    desk.rig.exec(desk.thread(), WROTE, APPROVED)
    desk.follows()
    watch(desk, "thread.completed")
    assert noticed(desk) == []
    desk.rig.exec(desk.thread(), WROTE, APPROVED)
    desk.follows()
    assert len(noticed(desk)) == 1
    rules, desk.rules = desk.rules, []
    desk.follows()
    assert desk.rig.store.counter(noticing.CURSOR) is None
    desk.rig.exec(desk.thread(), WROTE, APPROVED)
    desk.rules = rules
    desk.follows()
    assert len(noticed(desk)) == 1


def test_very_much_is_noticed_a_part_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(desk, "thread.completed")
    for _ in range(3):
        desk.rig.exec(desk.thread(), WROTE, APPROVED)
    monkeypatch.setattr(noticing, "MOST_MOVES", 2)
    parts = 0
    while noticing.notice(desk.rig.store, desk.means.rules, desk.now_ms):
        parts += 1
    assert parts > 3
    assert len(noticed(desk)) == 3


def test_circuits_and_pauses_are_news_when_they_change(desk: Desk) -> None:
    watch(desk, "circuit.*", "agent.paused")
    store = desk.rig.store
    with store.transaction("test") as tx:
        breaker._write(tx, Circuit("crew", None, breaker.OPEN, 3, opened_ms=1))
        pause.pause_agent(tx, "mine\n--now", until_ms=4_000_000_000_000, why="a limit")
    desk.follows()
    desk.follows()
    assert noticed(desk) == [
        ("circuit.open", {"circuit": "crew"}),
        ("agent.paused", {"agent": "mine\n--now"}),
    ]
    breaker.reset(store, "crew")
    desk.follows()
    assert noticed(desk)[2:] == [("circuit.closed", {"circuit": "crew"})]


def test_a_thread_that_has_used_up_its_budget_says_so(desk: Desk) -> None:
    watch(desk, "budget.reached", "thread.*")
    thread = desk.rig.start(budget={"tokens": 10.0})
    desk.rig.exec(thread, Said(text=reply("done", file="a"), usage={"tokens": 50.0}))
    desk.follows()
    [(name, data)] = noticed(desk)
    assert (name, data["thread"]) == ("budget.reached", thread)
    assert data["message"].startswith("the budget is used up: 50 of 10 tokens")
