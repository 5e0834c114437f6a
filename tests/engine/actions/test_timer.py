"""What is put on record of threads that no machine could run: all of it or nothing, and of those that wait alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.rig import Rig
from tests.helpers.ticking import Ticking
from uwf.engine.actions import timer
from uwf.engine.chain.wake import PERSON, UNSERVED, WAKE_AT, Wake
from uwf.engine.run import lock
from uwf.store.sqlite import open_store


def since(rig: Rig, *ids: str) -> list[str | None]:
    return [rig.ref(id).tags.get(UNSERVED) for id in ids]


def test_since_when_stays_until_a_machine_can(rig: Rig, now: Ticking) -> None:
    due, other = rig.start(), rig.start()
    for id in (due, other):
        timer.change(rig.store, id, Wake(now(), PERSON, "a word"))
    timer.unserved(rig.store, [due], 1_700_000_000_000)
    timer.unserved(rig.store, [due, other], 1_700_000_000_999)
    assert since(rig, due, other) == ["1700000000000", "1700000000999"]
    timer.unserved(rig.store, [due], None)
    assert since(rig, due, other) == [None, "1700000000999"]


def test_one_that_a_process_runs_by_now_is_left_alone(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    timer.change(rig.store, id, Wake(now(), PERSON, "a word"))
    with lock.hold(rig.engine, id):
        timer.unserved(rig.store, [id], now())
    assert since(rig, id) == [None]


def test_a_stop_takes_away_the_timer_that_a_run_waits_with_for_a_slot(
    rig: Rig, now: Ticking
) -> None:
    waits, idle, later = rig.start(), rig.start(), rig.start()
    for id in (waits, idle):
        timer.change(rig.store, id, Wake(now(), PERSON, "a word"))
    timer.change(rig.store, later, Wake(now() + 3_600_000, PERSON, "a look"))
    timer.stopped(rig.store, idle)
    for id in (waits, later):
        with lock.hold(rig.engine, id):
            timer.stopped(rig.store, id)
    has_timer = [WAKE_AT in rig.ref(id).tags for id in (waits, idle, later)]
    assert has_timer == [False, True, True]


LATER_MS = 9_000_000_000_000
KILLED = f"""
import sys
from uwf import points
from uwf.engine.actions import timer
from uwf.engine.chain import wake
from uwf.engine.chain.tags import THREADS
from uwf.store.sqlite import open_store
store = open_store(sys.argv[1])
tags = wake.wish({{"status": "idle"}}, wake.Wake({LATER_MS}, wake.PERSON, "a word"))
with store.transaction("test") as tx:
    for id in ("A", "B"):
        tx.set_ref(THREADS + id, tx.put("start", {{}}), tags=tags, why="test")
points.arm(sys.argv[2])
if sys.argv[3] == "unserved":
    timer.unserved(store, ["A", "B"], 7)
else:
    timer.lifted(store, lambda thread, why: True)
"""
UNSERVED_AT = ["unserved: begun", "unserved: written", "unserved: done", ""]
LIFTED_AT = ["lifted: begun", "lifted: written", "lifted: done", ""]


@pytest.mark.parametrize(
    ("act", "at"),
    [*(("unserved", at) for at in UNSERVED_AT), *(("lifted", at) for at in LIFTED_AT)],
)
def test_killed_anywhere_all_are_changed_or_none(tmp_path: Path, act: str, at: str) -> None:
    path = str(tmp_path / "store.db")
    open_store(path).close()
    words = [sys.executable, "-c", KILLED, path, at, act]
    done = subprocess.run(words, cwd=Path(__file__).parents[3])
    assert done.returncode == (-9 if at else 0)
    store = open_store(path)
    tags = [ref.tags for ref in store.refs("@uwf/thread/")]
    found = [UNSERVED in each or int(each[WAKE_AT]) < LATER_MS for each in tags]
    assert found == [at in (f"{act}: done", "")] * 2
    store.close()
