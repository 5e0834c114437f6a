"""What a digest counts of a home since a time."""

from __future__ import annotations

from tests.helpers.fake_agent import Said, crash, suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf.engine.actions import mark
from uwf.engine.query.home import digest, inbox
from uwf.engine.query.home.digest import Digest


def look(rig: Rig, since_ms: int, now: Ticking) -> Digest:
    return digest.look(rig.store, inbox.look(rig.store, rig.views), since_ms, now())


def used(text: str, usd: float) -> Said:
    return Said(text=text.replace("---\n", f"---\nusage: {{usd: {usd}}}\n", 1))


def test_it_counts_what_was_done_since_then_and_nothing_before(rig: Rig, now: Ticking) -> None:
    old, new = rig.start(PAIR), rig.start(PAIR)
    rig.exec(old, used(WROTE, 1.0))
    since_ms = now()
    rig.exec(old, used(APPROVED, 0.25))
    rig.exec(new, used(WROTE, 0.5))
    found = look(rig, since_ms, now)
    assert [(one.thread, one.status, one.steps) for one in found.ended] == [(old, "completed", 1)]
    assert (found.steps, found.moved) == (2, 2)
    assert round(found.used["usd"], 6) == 0.75
    assert round(found.ended[0].used["usd"], 6) == 0.25


def test_failed_attempts_count_and_cost(rig: Rig, now: Ticking) -> None:
    since_ms = now()
    id = rig.start(PAIR)
    rig.exec(id, crash("no such model", usage={"usd": 0.5}))
    found = look(rig, since_ms, now)
    assert found.failed_attempts == 1
    assert found.used["usd"] == 0.5
    assert [item.thread for item in found.inbox.waiting] == [id]


def test_an_undo_is_no_step_and_gives_no_money_back(rig: Rig, now: Ticking) -> None:
    id = rig.start(PAIR)
    rig.exec(id, used(WROTE, 1.0))
    rig.undo(id)
    since_ms = now()
    rig.exec(id, used(WROTE, 0.5))
    rig.undo(id)
    found = look(rig, since_ms, now)
    assert found.steps == 1
    assert round(found.used["usd"], 6) == 0.5


def test_a_fork_costs_what_it_does_itself(rig: Rig, now: Ticking) -> None:
    id = rig.start(PAIR)
    rig.exec(id, used(WROTE, 1.0))
    since_ms = now()
    fork = rig.fork(rig.head(id), id)
    assert look(rig, since_ms, now).used == {}
    rig.exec(fork, suspend("Which colour?"))
    assert "usd" not in look(rig, since_ms, now).used


def test_a_fork_of_what_is_over_has_ended_nothing_and_made_no_step(rig: Rig, now: Ticking) -> None:
    id = rig.start(PAIR)
    rig.exec(id, WROTE, APPROVED)
    since_ms = now()
    rig.fork(rig.head(id), id)
    found = look(rig, since_ms, now)
    assert (found.ended, found.steps, found.moved) == ((), 0, 0)


def test_a_label_ends_no_thread_a_second_time(rig: Rig, now: Ticking) -> None:
    id = rig.start(PAIR)
    rig.exec(id, WROTE, APPROVED)
    since_ms = now()
    mark.mark(rig.store, id, mark.Marks({"pr": "42"}, None, None))
    assert look(rig, since_ms, now).ended == ()
    rig.resume(id, WROTE, APPROVED)
    [one] = look(rig, since_ms, now).ended
    assert (one.thread, one.steps) == (id, 2)


def test_a_thread_that_cannot_be_read_is_odd(rig: Rig, now: Ticking) -> None:
    since_ms = now()
    id = rig.start(PAIR)
    with rig.store.transaction("test") as tx:
        ref = rig.ref(id)
        tx.set_ref(ref.name, tx.put("start", {"thread": 1}), tags=ref.tags, why="test")
    [odd] = look(rig, since_ms, now).odd
    assert id in odd
