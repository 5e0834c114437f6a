"""Collecting garbage: what goes, what stays, and that it never takes what a writer is about to name."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.conftest import Clock, OpenAgain, alter
from uwf import clock
from uwf.errors import StoreBusy, StoreError
from uwf.store.codec import Link, key_of
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_in_memory, open_store
from uwf.store.values import REFRESH_MS
from uwf.store.whole.check import verify
from uwf.store.whole.gc import GcReport, collect

DAY_MS = 86_400_000


def put(store: Store, payload: object) -> str:
    with store.transaction("test") as tx:
        return tx.put("k", payload)


def name(store: Store, ref: str, id: str) -> None:
    with store.transaction("test") as tx:
        tx.set_ref(ref, id, why="x")


def left(store: Store, **ids: str) -> set[str]:
    return {word for word, id in ids.items() if store.has(id)}


def test_what_refs_reach_stays_and_the_rest_goes(store: Store, now: Clock) -> None:
    base = put(store, "base")
    head = put(store, [Link(base)])
    loose = put(store, "loose")
    hanging = put(store, [Link(loose), Link(base)])
    name(store, "r", head)
    now.ms += 20 * DAY_MS
    bytes_before = store.stored_bytes([loose, hanging])
    assert collect(store, 14 * DAY_MS) == GcReport(2, 2, bytes_before)
    assert left(store, base=base, head=head, loose=loose, hanging=hanging) == {"base", "head"}
    assert collect(store, 14 * DAY_MS) == GcReport(2, 0, 0)
    assert verify(store, deep=True).problems == ()


def test_a_dry_run_removes_nothing(store: Store, now: Clock) -> None:
    name(store, "r", put(store, 1))
    put(store, 2)
    now.ms += 20 * DAY_MS
    told = collect(store, 14 * DAY_MS, dry_run=True)
    assert (told.kept, told.removed, store.stats().objects) == (1, 1, 2)
    assert collect(store, 14 * DAY_MS) == told


def test_what_was_put_lately_stays_with_all_it_links_to(store: Store, now: Clock) -> None:
    old = put(store, "old")
    now.ms += 20 * DAY_MS
    new = put(store, [Link(old)])
    assert collect(store, 14 * DAY_MS).removed == 0
    assert collect(store, 1).removed == 0
    assert left(store, old=old, new=new) == {"old", "new"}
    now.ms += 20 * DAY_MS
    assert collect(store, 14 * DAY_MS).removed == 2


def test_what_was_put_again_lately_stays(store: Store, now: Clock) -> None:
    """Another process stores what is there already as garbage, and is about to name it."""
    put(store, "again")
    for pause_ms in (20 * DAY_MS, REFRESH_MS, REFRESH_MS // 2):
        now.ms += pause_ms
        id = put(store, "again")
        now.ms += 1000
        assert collect(store, 2000).removed == 0
        name(store, "r", id)
        with store.transaction("test") as tx:
            tx.delete_ref("r", why="x")


def test_what_the_log_mentions_stays_for_the_grace(store: Store, now: Clock) -> None:
    base = put(store, "base")
    first = put(store, [Link(base)])
    name(store, "r", first)
    now.ms += 20 * DAY_MS
    second = put(store, "second")
    name(store, "r", second)
    assert collect(store, 14 * DAY_MS).removed == 0, "the move can still be undone"
    now.ms += 20 * DAY_MS
    assert collect(store, 14 * DAY_MS).removed == 2
    assert left(store, base=base, first=first, second=second) == {"second"}


def test_a_deleted_ref_keeps_its_objects_for_the_grace(store: Store, now: Clock) -> None:
    id = put(store, 1)
    name(store, "r", id)
    now.ms += 20 * DAY_MS
    with store.transaction("test") as tx:
        tx.delete_ref("r", why="x")
    assert collect(store, 14 * DAY_MS).removed == 0
    now.ms += 20 * DAY_MS
    assert collect(store, 14 * DAY_MS).removed == 1


def test_no_grace_is_no_grace(store: Store, now: Clock) -> None:
    first = put(store, 1)
    name(store, "r", first)
    kept = put(store, 2)
    name(store, "r", kept)
    put(store, 3)
    assert collect(store, 0).removed == 2
    assert list(store.ids()) == [kept]


def test_a_log_that_mentions_what_an_earlier_run_took_is_no_problem(
    store: Store, now: Clock
) -> None:
    name(store, "r", put(store, 1))
    name(store, "r", put(store, 2))
    now.ms += 1
    assert collect(store, 0).removed == 1
    assert collect(store, 14 * DAY_MS) == GcReport(1, 0, 0)


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_nothing_is_removed_when_something_needed_cannot_be_read(
    kept: Store, now: Clock, fault: str
) -> None:
    base = put(kept, "base")
    middle = put(kept, [Link(base)])
    name(kept, "r", put(kept, [Link(middle)]))
    put(kept, "loose")
    if fault == "missing":
        alter(kept, "DELETE FROM object WHERE id = ?", key_of(middle))
    else:
        alter(kept, "UPDATE object SET data = ? WHERE id = ?", b"\1", key_of(middle))
    now.ms += 20 * DAY_MS
    before = kept.stats()
    for dry_run in (True, False):
        with pytest.raises(StoreError, match=f"nothing was removed: object {middle}") as error:
            collect(kept, 14 * DAY_MS, dry_run)
        assert error.value.hint == "uwf store verify"
    assert kept.stats() == before


def test_what_is_named_while_it_marks_stays(kept: Store, again: OpenAgain, now: Clock) -> None:
    """The other process picks up garbage between the marking and the lock: it is marked again under the lock."""
    base = put(kept, "base")
    loose = put(kept, [Link(base)])
    gone = put(kept, "gone")
    now.ms += 20 * DAY_MS
    other = again()
    begin = kept.transaction

    def meanwhile(name_of_it: str) -> object:
        name(other, "r", loose)
        return begin(name_of_it)

    kept.transaction = meanwhile  # type: ignore[method-assign, assignment]
    assert collect(kept, 14 * DAY_MS).removed == 1
    assert left(kept, base=base, loose=loose, gone=gone) == {"base", "loose"}


def test_it_waits_for_a_writer_and_a_writer_for_it(kept: Store, again: OpenAgain) -> None:
    hurried = again(wait_s=0)
    with kept.transaction("test") as tx:
        tx.put("k", 1)
        with pytest.raises(StoreBusy):
            collect(hurried, 0)
    assert collect(hurried, 0, dry_run=True).kept + collect(hurried, 0, dry_run=True).removed == 1


WRITER = """
import sys
from uwf.store.codec import Link
from uwf.store.database import open_place
store = open_place(sys.argv[1])
print("ready", flush=True)
before = None
for number in range(300):
    if number == 150:
        sys.stdin.readline()  # gc had its turn, however busy the writers were
    with store.transaction("test", durable=False) as tx:
        turn = tx.put("turn", [sys.argv[2], number])
    with store.transaction("test", durable=False) as tx:
        old = tx.ref("chain/" + sys.argv[2])
        step = tx.put("step", [Link(turn), Link(old.id) if old else None])
        tx.set_ref("chain/" + sys.argv[2], step, expect=old.id if old else None, why="step")
print("done")
"""


def test_running_all_the_time_it_takes_nothing_from_those_who_write(kept: Store) -> None:
    """Turns are put in one transaction and linked in the next; a grace of ten seconds covers the time between."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, kept.place, str(number)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        for writer in writers:
            assert writer.stdout and writer.stdout.readline() == "ready\n"
        runs = 0
        deadline = time.monotonic() + 60
        while any(writer.poll() is None for writer in writers) and time.monotonic() < deadline:
            assert collect(kept, 10_000).removed == 0
            runs += 1
            if runs == 2:
                for writer in writers:
                    assert writer.stdin
                    print("go on", file=writer.stdin, flush=True)
        assert [writer.communicate()[0] for writer in writers] == ["done\n", "done\n"]
    finally:
        for writer in writers:
            writer.kill()
    assert runs > 1
    assert verify(kept, deep=True).problems == ()
    assert kept.stats().objects == 2 * 300 * 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=20),
    st.lists(st.integers(0, 30), max_size=4),
)
def test_it_keeps_exactly_what_is_reachable(graph: list[list[int]], named: list[int]) -> None:
    store = open_in_memory()
    later_ms = clock.now_ms() + DAY_MS
    ids: list[str] = []
    links: dict[str, set[str]] = {}
    with store.transaction("test") as tx:
        for number, below in enumerate(graph):
            to = [Link(ids[other % number]) for other in below if number]
            ids.append(tx.put("k", [number, to]))
            links[ids[-1]] = set(to)
        for other in named:
            tx.set_ref(f"r/{other}", ids[other % len(ids)], why="x")
    reach: set[str] = set()
    waiting = [ref.id for ref in store.refs()]
    while waiting:
        id = waiting.pop()
        if id not in reach:
            reach.add(id)
            waiting.extend(links[id])
    with mock.patch("uwf.clock.now_ms", lambda: later_ms):
        report = collect(store, 0)
    assert set(store.ids()) == reach
    assert (report.kept, report.removed) == (len(reach), len(ids) - len(reach))


def test_two_do_not_collect_at_a_time(kept: Store, again: OpenAgain) -> None:
    other = again(wait_s=0.05)
    with kept.alone("gc"), pytest.raises(StoreBusy, match="cannot start gc of"):
        collect(other, 0)
    assert collect(other, 0).removed == 0


def test_who_waits_for_a_collector_of_a_file_is_told_how_to_find_it(
    disk: SqliteStore, path: str
) -> None:
    other = open_store(path, wait_s=0)
    with disk.alone("gc"), pytest.raises(StoreBusy) as refused:
        collect(other, 0)
    assert refused.value.hint == f"fuser {path}-upkeep"
    other.close()


def test_who_collects_waits_for_another_one(disk: SqliteStore, path: str) -> None:
    held = os.open(f"{path}-upkeep", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    ends = threading.Timer(0.2, os.close, [held])
    ends.start()
    assert collect(disk, 0).removed == 0
    ends.join()


def test_counting_what_would_go_needs_no_lock(kept: Store, again: OpenAgain) -> None:
    with kept.alone("gc"):
        assert collect(again(), 0, dry_run=True).removed == 0


def test_the_lock_of_a_collector_that_died_is_free(disk: SqliteStore, path: str) -> None:
    held, holds = os.pipe()
    pid = os.fork()
    if pid == 0:
        lock = open_store(path).alone("gc")
        os.write(holds, b"x")
        signal.pause()
        del lock
    assert os.read(held, 1) == b"x"
    with closing(open_store(path, wait_s=0.1)) as hasty, pytest.raises(StoreBusy):
        collect(hasty, 0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert collect(disk, 0).removed == 0
    os.close(held)
    os.close(holds)
