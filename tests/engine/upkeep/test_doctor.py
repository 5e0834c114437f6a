"""What the doctor takes away, and what it leaves alone."""

from __future__ import annotations

import os

import pytest

from tests.helpers.rig import Rig
from uwf.agent.process import platform
from uwf.engine.upkeep import doctor
from uwf.guard.capacity import queue
from uwf.guard.capacity.queue import QueueEntry
from uwf.store.owner import Owner
from uwf.store.sqlite import SqliteStore


def stand_in_line(rig: Rig, thread: str, pid: int, started: str) -> QueueEntry:
    """Put a process into the line, in the place of any other that waited for the thread."""
    entry = QueueEntry(thread, "mine", (), 0, False, 0.0, Owner(pid, started))
    with rig.store.transaction("test") as tx:
        queue.put(tx, entry)
    return entry


def test_who_stands_in_the_place_of_the_dead_by_now_is_left_there(
    each_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, pid = each_rig.start(), os.getpid()
    stand_in_line(each_rig, thread, pid, "another boot")
    living: list[QueueEntry] = []

    def look_and_be_late(owner: Owner) -> bool:
        started = platform.start_time(owner.pid) or ""
        living.append(stand_in_line(each_rig, thread, owner.pid, started))
        return False

    monkeypatch.setattr(platform, "is_alive", look_and_be_late)
    (finding,) = doctor.examine(each_rig.engine, repair=True)
    assert (finding.kind, finding.thread, finding.repaired) == ("queue", thread, True)
    assert queue.entries(each_rig.store) == living


def test_the_dead_are_taken_out_of_the_line(rig: Rig) -> None:
    thread = rig.start()
    stand_in_line(rig, thread, os.getpid(), "another boot")
    assert [one.repaired for one in doctor.examine(rig.engine, repair=False)] == [False]
    assert [one.repaired for one in doctor.examine(rig.engine, repair=True)] == [True]
    assert queue.entries(rig.store) == []


def test_an_event_that_cannot_be_read_is_found_and_taken_out(rig: Rig) -> None:
    with rig.store.transaction("test") as tx:
        for key in ("a", "b"):
            tx.add_entry("event", key, 1, "new", {})
    assert isinstance(rig.store, SqliteStore)
    rig.store._database.run("UPDATE entry SET value = x'c1' WHERE key = 'a'")
    (finding,) = doctor.examine(rig.engine, repair=False)
    assert (finding.kind, finding.thread, finding.repaired) == ("entry", None, False)
    assert "event a cannot be read" in finding.what
    assert [one.repaired for one in doctor.examine(rig.engine, repair=True)] == [True]
    assert [entry.key for entry in rig.store.entries("event")] == ["b"]
