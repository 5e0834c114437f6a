"""Two machines share a store: each says on which one a thread runs, and leaves alone what it cannot reach."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.guard.asking import Time
from tests.helpers.dying import die
from tests.helpers.fake_agent import Answers, reply
from tests.helpers.rig import APPROVED, WROTE, Rig
from uwf.agent.process import platform
from uwf.agent.protocol import AgentRequest
from uwf.cli.thread.words import left_behind
from uwf.engine.chain.thread import is_alive
from uwf.engine.run.recovery import recovery
from uwf.errors import Busy, Superseded
from uwf.guard.capacity import joined, queue
from uwf.guard.capacity.queue import QueueEntry
from uwf.jsontext import document
from uwf.record import replace
from uwf.store.leases import MemoryLeases
from uwf.store.owner import Owner
from uwf.store.sqlite import SqliteStore, schema

LASTS_S = 60.0
HERE, THERE = Owner(os.getpid(), "", "here"), Owner(4_194_000, "", "there")
NAMESAKE = Owner(4_194_000, "another-boot:1", "here")
"""Of another machine that has the name of this one."""


@pytest.fixture
def moved() -> Iterator[Time]:
    with Time().patched() as clocks:
        yield clocks


@pytest.fixture
def on(moved: Time, home: str) -> Iterator[Callable[[Owner], Rig]]:
    """Gives the rig of a machine; all of them share one store."""
    here = MemoryLeases(LASTS_S, HERE)
    database = schema.in_memory()

    def of(owner: Owner) -> Rig:
        leases = copy.copy(here)  # the same leases, as another process sees them
        leases.owner = owner
        rig = Rig(SqliteStore(database, leases), home)
        rig.engine = replace(rig.engine, host=owner.host)
        return rig

    yield of
    database.close()


def shown(rig: Rig, id: str) -> dict[str, Any]:
    found: dict[str, Any] = document(rig.views.thread(rig.ref(id), is_whole=True))
    return found


def while_it_runs(rig: Rig, id: str, look: Callable[[], None]) -> None:
    def working(request: AgentRequest) -> Answers:
        look()
        return WROTE

    rig.exec(id, working)


def test_who_finds_a_thread_busy_is_told_on_which_machine_and_since_when(
    on: Callable[[Owner], Rig],
) -> None:
    here, there = on(HERE), on(THERE)
    id = here.start()

    def look() -> None:
        with pytest.raises(Busy) as busy:
            here.exec(id, WROTE)
        here.agent.forget()
        where = f"in process {os.getpid()} on there (writer, since 2023-"
        assert where in busy.value.message

    there_now = replace(THERE, pid=os.getpid())
    while_it_runs(on(there_now), id, look)
    assert there.steps(id) == here.steps(id)


def test_show_says_on_which_machine_it_runs(on: Callable[[Owner], Rig]) -> None:
    here, there = on(HERE), on(replace(THERE, pid=os.getpid()))
    id = here.start()

    def look() -> None:
        running = shown(here, id)["running"]
        assert running.keys() == {"pid", "host", "role", "since", "agent"}
        assert (running["host"], running["role"]) == ("there", "writer")

    while_it_runs(there, id, look)
    assert shown(here, id)["running"] is None


def test_a_store_of_one_machine_says_no_machine(rig: Rig) -> None:
    id = rig.start()

    def look() -> None:
        assert shown(rig, id)["running"].keys() == {"pid", "role", "since", "agent"}

    while_it_runs(rig, id, look)


def die_there(on: Callable[[Owner], Rig], id: str, owner: Owner = THERE) -> None:
    """A run on the other machine is killed; its agent has the number of a process of this one."""
    there = on(owner)
    started = owner.started or platform.this_process().started
    there.agent.process = Owner(os.getpid(), started)
    die(there, id, "exec", "half a")
    assert there.store.leases.take(id), "a killed run lets go of nothing"


@pytest.mark.parametrize("owner", [THERE, NAMESAKE])
def test_what_a_machine_has_left_is_settled_once_its_hold_is_over_and_nothing_is_ended_here(
    on: Callable[[Owner], Rig], moved: Time, monkeypatch: pytest.MonkeyPatch, owner: Owner
) -> None:
    here = on(HERE)
    id = here.start()
    die_there(on, id, owner)
    with pytest.raises(Busy):
        here.exec(id, WROTE)
    here.agent.forget()
    moved.pass_s(LASTS_S + 1)

    def never(*words: object) -> None:
        raise AssertionError("it is on another machine")

    monkeypatch.setattr("uwf.agent.process.terminate.end_orphans", never)
    settled = recovery.settle_if_left(here.store, here.engine.home, id, grace_s=0.5)
    assert settled is not None
    assert settled.ended_pids == settled.survivors == ()
    failure = here.thread(id).attempt.failure  # type: ignore[union-attr]
    assert failure is not None
    assert (failure.code, failure.message) == (
        "interrupted",
        f"uwf ended on {owner.host} before the agent did",
    )
    here.exec(id, WROTE)
    assert here.exec(id, APPROVED).thread.status == "completed"


def test_show_and_doctor_say_on_which_machine_something_was_left(
    on: Callable[[Owner], Rig], moved: Time
) -> None:
    here = on(HERE)
    id = here.start()
    die_there(on, id)
    moved.pass_s(LASTS_S + 1)
    view = here.views.thread(here.ref(id), is_whole=True)
    assert "(process " in left_behind(view)
    assert " on there) is gone" in left_behind(view)
    assert shown(here, id)["leftBehind"]["host"] == "there"
    [found] = here.doctor("attempt")
    assert "has no uwf on there any more" in found.what


def entry(id: str, owner: Owner) -> QueueEntry:
    return QueueEntry(id, "fake", (), 0, False, 1.0, owner)


def test_who_waits_on_another_machine_is_neither_dead_nor_in_the_way(
    on: Callable[[Owner], Rig],
) -> None:
    """Slots are a machine's own, and so is the queue for them."""
    here = on(HERE)
    theirs, mine = (entry(here.start(), owner) for owner in (THERE, HERE))
    line = queue.Queue(here.store, 1, queue.REFUSE, lambda owner: is_alive(here.store, owner))
    with here.store.transaction("test") as tx:
        queue.put(tx, theirs)
    with line.joined_by(mine):
        assert line.look(mine) == [mine]
    assert queue.entries(here.store) == [theirs]
    assert here.doctor("queue") == []


def test_who_joined_a_run_on_another_machine_is_not_dead(on: Callable[[Owner], Rig]) -> None:
    here = on(HERE)
    id = here.start()
    with here.store.transaction("test") as tx:
        joined.put(tx, id, THERE)
        joined.drop_dead(tx, lambda owner: is_alive(here.store, owner))
    assert [one.owner for one in joined.all_of(here.store)] == [THERE]
    assert here.doctor("queue") == []


def test_who_waits_under_the_name_of_this_machine_on_another_boot_lives_while_it_holds_a_thread(
    on: Callable[[Owner], Rig],
) -> None:
    here, theirs = on(HERE), on(NAMESAKE)
    id = here.start()
    lease = theirs.store.leases.take(id)
    assert lease is not None
    with here.store.transaction("test") as tx:
        queue.put(tx, entry(id, NAMESAKE))
    assert is_alive(here.store, NAMESAKE)
    assert here.doctor("queue") == []
    theirs.store.leases.release(lease)
    assert not is_alive(here.store, NAMESAKE)
    assert [one.thread for one in here.doctor("queue")] == [id]


def test_a_late_reply_of_one_machine_names_the_other_that_runs_the_thread(
    on: Callable[[Owner], Rig], moved: Time
) -> None:
    here, there = on(HERE), on(THERE)
    id = here.start()

    def working(request: AgentRequest) -> Answers:
        moved.pass_s(LASTS_S + 1)
        lease = there.store.leases.take(id)
        assert lease is not None
        return reply("done", "Late.", file="a.py")

    with pytest.raises(Superseded, match=f"process {THERE.pid} on there runs it now"):
        here.run(id, "exec", working)
