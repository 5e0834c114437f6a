"""Threads do not talk to themselves for ever, and whoever comes from outside is always heard."""

from __future__ import annotations

from tests.engine.events.conftest import Desk, codes
from tests.helpers.rig import APPROVED, WROTE
from uwf.engine.events.event import KIND
from uwf.record import replace


def run_who_is_woken(desk: Desk, *threads: str) -> int:
    """What a daemon does: run whoever is due, and decide what follows, until nobody is. How often it ran one."""
    runs = 0
    while True:
        desk.later(1)
        desk.follows()
        due = [thread for thread in threads if desk.wake(thread) is not None]
        if not due:
            return runs
        for thread in due:
            verb = "exec" if desk.rig.ref(thread).tags["status"] == "idle" else "resume"
            desk.rig.run(thread, verb, WROTE, APPROVED, count=2)
            runs += 1
            assert runs < 50, "it does not come to an end"


def depths(desk: Desk) -> list[int]:
    return [entry.value["depth"] for entry in desk.rig.store.entries(KIND)]


def ping_pong(desk: Desk) -> tuple[str, str]:
    """Two threads, each of which is told when the other has completed."""
    one, other = desk.thread(me="one", peer="other"), desk.thread(me="other", peer="one")
    desk.on("thread.completed", find={"me": "{{ data.labels.peer }}"}, text="{{ data.body }}")
    desk.follows()
    return one, other


def test_two_threads_that_wake_each_other_stop_at_depth_four(desk: Desk) -> None:
    one, other = ping_pong(desk)
    desk.rig.exec(one, WROTE, APPROVED)
    assert run_who_is_woken(desk, one, other) == 4
    assert depths(desk) == [1, 2, 3, 4, 5]
    last = desk.stored(desk.rig.store.entries(KIND)[-1].key)
    assert last.decision is not None and codes(last.decision) == ["depth"]
    assert set(last.through) == {one, other}
    assert len(last.causes) == 4


def test_a_review_bot_still_wakes_its_thread_meanwhile(desk: Desk) -> None:
    one, other = ping_pong(desk)
    desk.on("forge.comment", find={"me": "{{ data.me }}"}, text="{{ data.body }}")
    desk.rig.exec(one, WROTE, APPROVED)
    run_who_is_woken(desk, one, other)
    for number in range(7):
        said = {"me": "one", "body": f"remark {number}"}
        decision = desk.happens("forge.comment", who="bot", trust="bot", data=said)
        assert decision.threads == (one,), "whoever has written it"
        desk.later(1)
        desk.rig.run(one, "resume", WROTE, APPROVED, count=2)


def test_a_thread_that_wakes_itself_comes_to_an_end(desk: Desk) -> None:
    thread = desk.thread()
    desk.on("thread.completed", thread="{{ data.thread }}", text="again")
    desk.follows()
    desk.rig.exec(thread, WROTE, APPROVED)
    assert run_who_is_woken(desk, thread) == 4


def test_an_echo_without_progress_is_ignored(desk: Desk) -> None:
    thread = desk.thread(pr="42")
    desk.on("a.b", find={"pr": "42"}, text="{{ id }}")
    desk.rig.exec(thread, WROTE)
    own = desk.happens(cause=desk.rig.head(thread))
    assert own.state == "told", "of its own act, and nothing was told before that"
    again = desk.happens(cause=own.key)
    assert (again.state, codes(again)) == ("ignored", ["no_progress"])
    desk.rig.exec(thread, APPROVED)
    assert desk.happens(cause=own.key).state == "told", "it has made a step since"
    assert desk.happens().state == "told", "of others"


def test_a_thread_that_an_event_began_is_caused_by_it(desk: Desk) -> None:
    desk.on("ci.failed", start="pair", cwd="/")
    desk.on("thread.completed", find={"me": "nobody"}, text="x")
    desk.follows()
    [thread] = desk.happens("ci.failed", depth=2).threads
    desk.rig.exec(thread, WROTE, APPROVED)
    desk.follows()
    assert depths(desk) == [2, 3]


def test_what_a_person_says_begins_anew(desk: Desk) -> None:
    thread = desk.thread()
    desk.on("thread.completed", find={"me": "nobody"}, text="x")
    desk.on("deep", text="x")
    desk.follows()
    desk.happens("deep", depth=4, thread=thread)
    desk.rig.exec(thread, WROTE, APPROVED)
    desk.follows()
    desk.rig.resume(thread, WROTE, APPROVED, supplement="A person's word.")
    desk.follows()
    assert depths(desk) == [4, 5, 1]


def test_a_cause_that_is_not_known_counts_as_one_from_outside(desk: Desk) -> None:
    for cause in ("gone", "f" * 64, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "forge/none"):
        event = desk.event(cause=cause)
        desk.take(event)
        assert desk.stored(event.key).event.depth == 0


def test_a_depth_that_a_source_says_is_not_made_less(desk: Desk) -> None:
    event = desk.event(depth=3)
    desk.take(event)
    follow = replace(desk.event(), cause=event.key)
    desk.take(follow)
    assert desk.stored(follow.key).event.depth == 3
