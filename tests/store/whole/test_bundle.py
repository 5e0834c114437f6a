"""Bundles: what is exported is imported, and nothing else ever is."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it ships none
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from uwf.errors import Conflict, InputError, NotFound, ObjectMissing
from uwf.store.codec import Link, encode, id_of, key_of
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_in_memory
from uwf.store.whole.bundle import MAGIC, Contents, export_bundle, import_bundle
from uwf.store.whole.check import verify


def source() -> tuple[SqliteStore, dict[str, str]]:
    store = open_in_memory()
    ids = {}
    with store.transaction("test") as tx:
        ids["base"] = tx.put("k", "base")
        ids["big"] = tx.put("k", "x" * 100_000)
        ids["a"] = tx.put("k", [Link(ids["base"]), Link(ids["big"])])
        ids["b"] = tx.put("k", [Link(ids["base"])])
        ids["loose"] = tx.put("k", "loose")
        tx.set_ref("t/a", ids["a"], tags={"status": "idle", "note": "n" * 500}, why="x")
        tx.set_ref("t/b", ids["b"], why="x")
    return store, ids


def bundle(*names: str, ids: tuple[str, ...] = ()) -> bytes:
    stream = io.BytesIO()
    export_bundle(source()[0], names, stream, ids=ids)
    return stream.getvalue()


def anything(refs: Mapping[str, Mapping[str, str]]) -> None:
    """Every ref may come in."""


def taken(store: Store, data: bytes) -> Contents:
    return import_bundle(store, io.BytesIO(data), allow=anything)


def test_what_is_exported_is_imported(store: Store) -> None:
    origin, ids = source()
    stream = io.BytesIO()
    told = export_bundle(origin, ["t/a", "t/b"], stream)
    assert told == Contents(("t/a", "t/b"), (), 4)
    assert taken(store, stream.getvalue()) == told
    for name in ("t/a", "t/b"):
        here, there = store.ref(name), origin.ref(name)
        assert here and there and (here.id, here.tags) == (there.id, there.tags)
        assert [move.why for move in store.moves(name)] == ["import"]
    assert not store.has(ids["loose"])
    assert verify(store, deep=True).problems == ()


def test_only_what_is_asked_for_is_exported(store: Store) -> None:
    _, ids = source()
    assert taken(store, bundle("t/b")) == Contents(("t/b",), (), 2)
    assert store.count_refs() == 1
    assert taken(store, bundle(ids=(ids["loose"],))) == Contents((), (ids["loose"],), 1)
    assert store.get(ids["loose"]).payload == "loose"


def test_a_second_import_changes_nothing(store: Store) -> None:
    taken(store, bundle("t/a"))
    before = (store.refs(), store.moves_since(0), store.stats())
    taken(store, bundle("t/a"))
    assert (store.refs(), store.moves_since(0), store.stats()) == before


@pytest.mark.parametrize("differs", ["id", "tags"])
def test_a_ref_that_differs_is_a_conflict_and_nothing_is_added(store: Store, differs: str) -> None:
    origin, ids = source()
    with store.transaction("test") as tx:
        same = [tx.put_raw(origin.raw(ids[name])) for name in ("base", "b")][-1]
        id = tx.put("k", "mine") if differs == "id" else same
        tx.set_ref("t/b", id, tags={} if differs == "id" else {"mine": "yes"}, why="x")
    before = (store.refs(), list(store.ids()))
    with pytest.raises(Conflict, match="t/b is here already"):
        taken(store, bundle("t/a", "t/b"))
    assert (store.refs(), list(store.ids())) == before
    assert not store.has(ids["a"])


def test_exporting_what_is_not_there_is_an_error() -> None:
    with pytest.raises(NotFound, match="there is no ref t/none"):
        bundle("t/a", "t/none")
    with pytest.raises(ObjectMissing):
        bundle(ids=("ab" * 32,))
    with pytest.raises(InputError):
        bundle(ids=("xyz",))


def test_an_incomplete_store_is_not_exported() -> None:
    origin, ids = source()
    with origin.transaction("test") as tx:
        tx.remove(ids["base"])
    stream = io.BytesIO()
    with pytest.raises(ObjectMissing, match=ids["base"]):
        export_bundle(origin, ["t/a"], stream)
    refused(open_in_memory(), stream.getvalue())


def refused(store: Store, data: bytes, why: str | None = None) -> None:
    before = (store.refs(), list(store.ids()))
    with pytest.raises(InputError, match=why) as error:
        taken(store, data)
    assert error.value.code == "bad_bundle"
    assert (store.refs(), list(store.ids())) == before


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    good = bundle("t/b")
    place = data.draw(st.integers(0, len(good) - 1))
    refused(
        open_in_memory(),
        good[:place] + bytes([good[place] ^ data.draw(st.integers(1, 255))]) + good[place + 1 :],
    )


def test_any_cut_is_noticed() -> None:
    good = bundle("t/b")
    for length in range(len(good)):
        refused(open_in_memory(), good[:length], "cut off|does not begin")


def test_anything_behind_the_end_is_noticed(store: Store) -> None:
    refused(store, bundle("t/b") + b"\0", "closing record")
    refused(store, bundle("t/b") * 2, "closing record")


def test_other_files_are_no_bundles(store: Store) -> None:
    for data in (b"", b"PK\x03\x04" * 100, b"uwf-bundle 2\n" + bundle("t/b")[len(MAGIC) :]):
        refused(store, data, "no sound bundle")


def made(*records: Any, count: int | None = None) -> bytes:
    """A bundle with these records and a right closing record."""
    data: bytes = MAGIC
    for record in records:
        packed: bytes = msgpack.packb(record)
        data += struct.pack(">I", len(packed)) + packed
    end: bytes = msgpack.packb(
        ["end", len(records) if count is None else count, blake3(data).digest()]
    )
    return data + struct.pack(">I", len(end)) + end


NODE = encode("k", 1)
KEY = key_of(id_of(NODE))


def test_a_hand_made_bundle_is_as_good(store: Store) -> None:
    taken(store, made(["ref", "r", KEY, {}], ["object", NODE]))
    assert store.get(KEY.hex()).payload == 1
    assert taken(open_in_memory(), made()) == Contents((), (), 0)


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([["ref", "r", KEY, {}]], "lacks object"),
        ([["root", KEY]], "lacks object"),
        ([["object", encode("k", Link("ab" * 32))]], "lacks object abab"),
        ([["object", NODE], ["object", NODE]], "twice"),
        ([["object", NODE], ["ref", "r", KEY, {}], ["ref", "r", KEY, {}]], "twice"),
        ([["object", NODE + b"\0"]], "not an object"),
        ([["object", b"\x01\x92\xa1k\xcc\x05"]], "canonical"),
        ([["object", b"hello"]], "not an object"),
        ([["object", "text"]], "no known form"),
        ([["object"]], "no known form"),
        ([["object", NODE], ["ref", "r", KEY[:31], {}]], "no known form"),
        ([["object", NODE], ["ref", "r", KEY, []]], "no known form"),
        ([["object", NODE], ["ref", 7, KEY, {}]], "no known form"),
        ([["object", NODE], ["ref", "../r", KEY, {}]], "not a ref name"),
        ([["object", NODE], ["ref", "r", KEY, {"a": 1}]], "tag a"),
        ([["object", NODE], ["ref", "r", KEY, {"a": msgpack.ExtType(5, b"")}]], "tag a"),
        ([["other", 1]], "no known form"),
        ([[]], "no known form"),
        ([7], "no known form"),
        ([{"a": 1}], "no known form"),
        ([{1: 1}], "cannot be decoded"),
    ],
    ids=str,
)
def test_a_bundle_that_is_not_right_is_refused(store: Store, records: list[Any], why: str) -> None:
    refused(store, made(*records), why)


def test_a_bundle_with_refs_that_may_not_come_in_is_refused(store: Store) -> None:
    asked = []

    def nothing(refs: Mapping[str, Mapping[str, str]]) -> None:
        asked.append(refs)
        raise InputError("not these")

    with pytest.raises(InputError, match="not these"):
        import_bundle(store, io.BytesIO(bundle("t/a", "t/b")), allow=nothing)
    assert asked == [{"t/a": {"status": "idle", "note": "n" * 500}, "t/b": {}}]
    assert (store.refs(), list(store.ids())) == ([], [])


def test_a_wrong_count_is_refused(store: Store) -> None:
    refused(store, made(["object", NODE], count=2), "closing record")


def test_a_length_that_lies_reserves_nothing(store: Store) -> None:
    refused(store, MAGIC + struct.pack(">I", 0xFFFFFFFF) + b"x" * 100, "too large")
    refused(store, MAGIC + struct.pack(">I", 200 << 20) + b"x" * 100, "cut off")


def test_too_many_records_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uwf.store.whole.bundle.MAX_FRAMES", 3)
    refused(store, made(*(["object", encode("k", number)] for number in range(5))), "more than 3")


class Pipe(io.RawIOBase):
    """Bytes that come a few at a time and cannot be read twice."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.data.read(min(size, 7))


def test_a_bundle_is_read_from_a_pipe(store: Store, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as small:
        small.setattr("uwf.store.whole.bundle.IN_MEMORY_BYTES", 1000)
        import_bundle(store, Pipe(bundle("t/a")), allow=anything, folder=str(tmp_path))  # type: ignore[arg-type]
    assert verify(store, deep=True).objects == 3
    assert list(tmp_path.iterdir()) == [] or [p.name for p in tmp_path.iterdir()] == ["home"]
