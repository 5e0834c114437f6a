"""A thread says on which machine it is, where its store is not for one alone."""

from __future__ import annotations

from tests.helpers.rig import CHANGES, WROTE, Rig
from uwf.engine.chain.tags import THREADS
from uwf.record import replace


def on(rig: Rig, host: str | None) -> None:
    rig.engine = replace(rig.engine, host=host)


def whys(rig: Rig, id: str) -> list[str]:
    return [move.why for move in rig.store.moves(THREADS + id)]


def test_a_thread_is_on_the_machine_that_began_its_last_step(rig: Rig) -> None:
    id = rig.start()
    on(rig, "a")
    rig.exec(id, WROTE)
    assert rig.thread(id).tags["host"] == "a"
    on(rig, "b")
    rig.exec(id, CHANGES)
    assert rig.thread(id).tags["host"] == "b"
    assert [why for why in whys(rig, id) if "is on" in why] == ["is on a", "is on b"]


def test_a_machine_that_stays_is_written_down_once(rig: Rig) -> None:
    id = rig.start()
    on(rig, "a")
    rig.exec(id, WROTE, CHANGES, WROTE)
    assert whys(rig, id).count("is on a") == 1


def test_a_store_of_one_machine_says_nothing_of_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    assert "host" not in rig.thread(id).tags
