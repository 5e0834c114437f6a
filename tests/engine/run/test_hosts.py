"""A thread says on which machine it is, where its store is not for one alone."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf.engine.actions.mark import Marks, mark
from uwf.engine.chain import thread as threads
from uwf.engine.chain import wake
from uwf.engine.chain.hosts import PREFERRED_MS
from uwf.engine.chain.tags import THREADS
from uwf.engine.chain.wake import Wake
from uwf.engine.progress import RunsElsewhere
from uwf.engine.run.order import WOKEN
from uwf.errors import NotHere, PersonNeeded
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


def woken(rig: Rig, id: str, host: str | None, *answers: str) -> dict[str, str]:
    """The tags of a thread whose timer was due on a machine."""
    on(rig, host)
    with rig.store.transaction("test") as tx:
        threads.wake_by(tx, id, Wake(0, wake.PERSON, "a word"))
    try:
        rig.run(id, WOKEN, *answers, count=1)
    except PersonNeeded as refusal:
        assert (refusal.reason == refusal.code == "not_here") == isinstance(refusal, NotHere)
        assert isinstance(refusal, NotHere), refusal
    return dict(rig.ref(id).tags)


def test_what_a_machine_lacks_leaves_the_thread_to_one_that_was_not_asked(
    rig: Rig, now: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "isdir", lambda _path: False)
        tags = woken(rig, id, "a")
        since = tags["unservedSince"]
        assert (tags["status"], tags["notOn"]) == ("idle", "a")
        assert int(tags["wakeAt"]) <= now(), "it is due still"
        assert "its working directory" in tags["wakeWhy"] and tags["wakeWhy"].endswith(", on a")
        assert woken(rig, id, "b")["notOn"] == "a\nb"
        tags = woken(rig, id, "a")
        assert tags["notOn"] == "a", "all were asked: it begins anew, after a while"
        assert int(tags["wakeAt"]) > now() + PREFERRED_MS - 1000
        assert tags["unservedSince"] == since
    tags = woken(rig, id, "b", WROTE)
    assert tags["host"] == "b" and not {"notOn", "unservedSince", "wakeAt"} & tags.keys()


def test_what_only_one_machine_lacks_there_is_asked_of_a_person(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    monkeypatch.setattr(os.path, "isdir", lambda _path: False)
    with pytest.raises(AssertionError):
        woken(rig, id, None)
    assert rig.state(id)["status"] == "suspended"


def test_a_run_of_a_worker_ends_where_its_thread_is_to_run_elsewhere(
    rig: Rig, now: Ticking
) -> None:
    id = rig.start()

    def run(host: str, *answers: Any, place: str = "", labels: tuple[str, ...] | None) -> int:
        on(rig, host)
        mark(rig.store, id, Marks({}, place=place))
        with rig.store.transaction("test") as tx:
            threads.wake_by(tx, id, Wake(0, wake.PERSON, "a word"))
        return len(rig.run(id, WOKEN, *answers, count=9, labels=labels, only=("fake",)))

    def moves(_request: Any) -> str:
        mark(rig.store, id, Marks({}, place="host:b"))
        return WROTE

    assert run("a", place="label:gpu", labels=("disk",)) == 0
    assert run("a", place="host:b", labels=()) == 0
    assert isinstance(rig.events[-1], RunsElsewhere)
    assert "wakeAt" in rig.ref(id).tags, "it is due still"
    assert run("a", moves, place="label:gpu", labels=("gpu",)) == 1
    assert run("b", CHANGES, WROTE, APPROVED, place="host:c", labels=None) == 3
