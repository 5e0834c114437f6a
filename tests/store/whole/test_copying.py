"""Copying a store: all of it is in the copy, id for id, whatever ends the copying."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from uwf.errors import Conflict, StoreBusy
from uwf.store.codec import Link
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_in_memory, open_store
from uwf.store.whole import copying
from uwf.store.whole.check import verify

DYING = """
import sys
from uwf import points
from uwf.store.whole import copying, walk
from uwf.store.sqlite import open_store
walk.AT_ONCE = 2
source, target = open_store(sys.argv[1]), open_store(sys.argv[2])
points.arm(sys.argv[3])
copying.copy(source, target)
"""


def filled(store: Store) -> None:
    """Something of each kind: large and small objects, refs that moved and went, words of many languages."""
    with store.transaction("test") as tx:
        low = tx.put("k", {"text": "é\u2028", "n": 2**63, "bytes": b"\0\xff"})
        big = tx.put("k", ["x" * 200_000, Link(low)])
        tx.set_ref("t/a", big, tags={"status": "idle", "note": "n" * 500}, why="begun")
        tx.set_ref("t/a b", low, tags={}, why="begun")
        tx.set_ref("t/gone", low, why="begun")
        tx.put("k", "nobody needs it")
        for number in range(7):
            tx.put("k", number)
    with store.transaction("test") as tx:
        tx.set_ref("t/a", low, tags={"status": "done"}, why="gone on")
        tx.delete_ref("t/gone", why="given up")
        tx.set_counter("c/1", {"n": 1, "list": ["x"]})
        for at_ms in (30, 10, 10):
            tx.add_sample("s/a", {"at": at_ms}, at_ms)
        for key, at_ms in (("z", 5), ("a", 5), ("b", 1)):
            tx.add_entry("event", key, at_ms, "told", {"key": key})
        tx.add_entry("another", "z", 9, "new", None)


def everything_in(store: Store) -> list[Any]:
    return [
        [(id, store.raw(id)) for id in store.ids()],
        store.refs(),
        store.moves_after(0, 100),
        store.moves_since(0),
        store.counters(""),
        store.samples("", 0),
        [(kind, store.entries(kind), store.entry_keys(kind)) for kind in store.entry_kinds()],
        store.refs_by_tag("t/", "status"),
        store.count_refs("t/"),
    ]


def test_a_copy_is_the_same_id_for_id(store: Store) -> None:
    target = open_in_memory()
    filled(store)
    done = copying.copy(store, target)
    assert everything_in(target) == everything_in(store)
    assert (done.new, done.objects, done.refs, done.moves, done.entries) == (10, 10, 2, 5, 4)
    assert verify(target, deep=True).problems == ()
    with store.transaction("test") as tx, target.transaction("test") as other:
        for each in (tx, other):
            each.set_ref("t/gone", store.refs()[0].id, why="again")
    assert [one.version for one in store.moves("t/gone")] == [1, 2, 3]
    assert [one.version for one in target.moves("t/gone")] == [1, 2, 3]


def test_an_empty_store_is_copied_too(store: Store) -> None:
    assert copying.copy(open_in_memory(), store).objects == 0


def test_copying_again_finds_nothing_to_do(store: Store) -> None:
    source = open_in_memory()
    filled(source)
    copying.copy(source, store)
    before = everything_in(store)
    assert copying.copy(source, store).new == 0
    assert everything_in(store) == before


@pytest.mark.parametrize(
    "own",
    [
        lambda tx: tx.set_ref("t/own", tx.put("k", "own"), why="test"),
        lambda tx: tx.set_counter("c/own", 1),
        lambda tx: tx.add_entry("event", "own", 1, "new", None),
    ],
    ids=["a ref", "a counter", "an entry"],
)
def test_a_store_with_things_of_its_own_takes_no_copy(store: Store, own: Any) -> None:
    source = open_in_memory()
    filled(source)
    with store.transaction("test") as tx:
        own(tx)
    before = everything_in(store)
    with pytest.raises(Conflict, match="own") as refused:
        copying.copy(source, store)
    assert refused.value.code == "store_not_empty"
    assert everything_in(store) == before


def test_a_store_that_is_written_to_meanwhile_is_not_left_half_behind(
    disk: SqliteStore, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(disk)
    target = open_in_memory()
    copy_small = copying._copy_small

    def and_write(*args: Any) -> None:
        copy_small(*args)
        with open_store(path).transaction("test") as tx:
            tx.set_ref("t/late", tx.put("k", "late"), why="test")

    with monkeypatch.context() as patched:
        patched.setattr(copying, "_copy_small", and_write)
        with pytest.raises(Conflict, match="written to meanwhile"):
            copying.copy(disk, target)
    assert target.refs() == []
    assert copying.copy(disk, target).new == 1
    assert everything_in(target) == everything_in(disk)


def test_nothing_is_copied_while_a_thread_runs(disk: SqliteStore) -> None:
    filled(disk)
    target = open_in_memory()
    for store, other in ((disk, target), (target, disk)):
        lease = disk.leases.take("01HV0000000000000000000000")
        assert lease is not None
        with pytest.raises(StoreBusy, match="runs a thread"):
            copying.copy(store, other)
        disk.leases.release(lease)


@pytest.mark.parametrize(
    "at",
    [
        "copy objects: begun:3",
        "copy objects: written:2",
        "copy objects: done:2",
        "copy: begun",
        "copy: written",
        "copy: done",
    ],
)
def test_a_copy_that_was_killed_goes_on_where_it_was(
    disk: SqliteStore, path: str, tmp_path: Path, at: str
) -> None:
    filled(disk)
    to = str(tmp_path / "copy.db")
    with ExitStack() as stack:
        killed = subprocess.run([sys.executable, "-c", DYING, path, to, at])
        assert killed.returncode == -9
        target = open_store(to)
        stack.callback(target.close)
        there = len(list(target.ids()))
        assert target.refs() in ([], disk.refs())
        assert copying.copy(disk, target).new == 10 - there
        assert there > 0
        assert everything_in(target) == everything_in(disk)
