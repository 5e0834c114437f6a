"""What every store promises. Each test runs on every kind of store."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.conftest import Clock, this_process
from uwf.errors import (
    Ambiguous,
    Conflict,
    InputError,
    NotFound,
    ObjectMissing,
    UwfError,
)
from uwf.store.codec import Link, encode, id_of
from uwf.store.owner import Owner
from uwf.store.protocols import Store, Transaction
from uwf.store.sqlite import open_in_memory
from uwf.store.values import REFRESH_MS, Move, Ref

ABSENT = "ab" * 32


def put(store: Store, payload: Any, kind: str = "k") -> str:
    with store.transaction("test") as tx:
        return tx.put(kind, payload)


def name_it(store: Store, name: str, tags: dict[str, str] | None = None) -> Ref:
    with store.transaction("test") as tx:
        return tx.set_ref(name, tx.put("k", name), tags=tags, why="test")


class Stop(Exception):
    """Raised inside a transaction to undo it."""


def test_an_object_is_read_as_it_was_put(store: Store) -> None:
    id = put(store, {"text": "hello", "to": Link(ABSENT)}, kind="note")
    node = store.get(id)
    assert (node.kind, node.payload) == ("note", {"text": "hello", "to": Link(ABSENT)})
    assert store.raw(id) == encode("note", {"text": "hello", "to": Link(ABSENT)})
    assert id_of(store.raw(id)) == id
    assert store.has(id)


def test_several_objects_are_read_in_the_order_they_are_asked_for(store: Store) -> None:
    ids = [put(store, number) for number in range(5)]
    ids.append(ids[1])
    assert list(store.raw_many(ids)) == [store.raw(id) for id in ids]
    assert list(store.raw_many([])) == []
    one, none, other = store.raw_many([ids[0], ABSENT, ids[2]])
    assert (one, other) == (store.raw(ids[0]), store.raw(ids[2]))
    assert isinstance(none, ObjectMissing) and ABSENT in none.message
    assert store.stored_bytes([ids[0], ABSENT]) == store.stored_bytes([ids[0]]) > 0
    with store.transaction("test") as tx:
        new = tx.put("k", "new")
        assert list(tx.raw_many([new, ids[0]])) == [tx.raw(new), store.raw(ids[0])]
        assert tx.stored_bytes([new, ids[0]]) > tx.stored_bytes([ids[0]])


@pytest.mark.parametrize("size", [0, 1, 65_000, 65_536, 70_000, 3_000_000])
@pytest.mark.parametrize("content", [lambda n: b"x" * n, os.urandom], ids=["dull", "random"])
def test_any_size_is_kept(store: Store, size: int, content: Any) -> None:
    payload = content(size)
    assert store.get(put(store, payload)).payload == payload


def test_same_object_is_kept_once(store: Store) -> None:
    first = put(store, {"a": 1, "b": 2})
    before = store.stats()
    assert put(store, {"b": 2, "a": 1}) == first
    assert store.stats() == before


def test_the_log_is_followed_by_its_numbers(store: Store) -> None:
    assert (store.last_move(), store.moves_after(0, 10)) == (0, [])
    first = name_it(store, "a/1", {"n": "1"})
    name_it(store, "a/2")
    last = store.last_move()
    with store.transaction("test") as tx:
        tx.set_ref("a/1", first.id, tags={"n": "2"}, why="test")
        tx.delete_ref("a/2", why="test")
    found = store.moves_after(last, 10)
    assert [(one.move.name, one.before, one.move.tags) for one in found] == [
        ("a/1", {"n": "1"}, {"n": "2"}),
        ("a/2", {}, {}),
    ]
    assert [one.move for one in store.moves_after(0, 9)] == store.moves_since(0)
    assert [one.before for one in store.moves_after(0, 2)] == [None, None]
    assert store.moves_after(0, 9)[-1].number == store.last_move()


def test_an_absent_object_is_named(store: Store) -> None:
    assert not store.has(ABSENT)
    for read in (store.get, store.raw):
        with pytest.raises(ObjectMissing, match=ABSENT):
            read(ABSENT)


def test_what_is_no_id_is_refused(store: Store) -> None:
    for read in (store.get, store.raw, store.has, lambda id: store.stored_bytes([id])):
        with pytest.raises(InputError, match="not an object id"):
            read("abcd")


def test_raw_bytes_are_kept_when_they_are_canonical(store: Store) -> None:
    data = encode("k", [1, 2])
    with store.transaction("test") as tx:
        assert tx.put_raw(data) == id_of(data)
        with pytest.raises(InputError):
            tx.put_raw(data + b"\0")
        with pytest.raises(InputError):
            tx.put_raw(b"hello")
    assert store.get(id_of(data)).payload == [1, 2]
    assert store.stats().objects == 1


def test_an_id_is_found_by_its_beginning(store: Store) -> None:
    ids = [put(store, number) for number in range(300)]
    for id in ids[:10]:
        assert store.find(id) == id
        assert store.find(id.upper()) == id
        assert store.find(id[:20]) == id
        assert store.find(id[:13].upper()) == id
    with pytest.raises(NotFound, match="no step has an id that begins with abab"):
        store.find(ABSENT, what="step")


def test_a_beginning_that_fits_more_is_ambiguous(store: Store) -> None:
    by_prefix: dict[str, list[str]] = {}
    with store.transaction("test") as tx:
        for number in range(3000):
            id = tx.put("k", number)
            by_prefix.setdefault(id[:4], []).append(id)
    prefix, ids = max(by_prefix.items(), key=lambda item: len(item[1]))
    assert len(ids) > 1
    with pytest.raises(Ambiguous) as error:
        store.find(prefix)
    assert all(id[:16] in error.value.message for id in sorted(ids)[:5])


@pytest.mark.parametrize("prefix", ["", "abc", "ghij", "ab" * 33, "ab cd", "aé00", "-abc"])
def test_a_beginning_has_4_to_64_hex_digits(store: Store, prefix: str) -> None:
    with pytest.raises(InputError, match="4 to 64 hex digits"):
        store.find(prefix)


def test_all_ids_come_in_order(store: Store) -> None:
    with store.transaction("test") as tx:
        ids = [tx.put("k", number) for number in range(2500)]
        assert list(tx.ids()) == sorted(ids)
    assert list(store.ids()) == sorted(ids)


def test_a_ref_points_to_an_object(store: Store, now: Clock) -> None:
    id = put(store, 1)
    with store.transaction("test") as tx:
        made = tx.set_ref("a/b", id, tags={"s": "idle", "a": ""}, why="made")
    assert made == Ref("a/b", id, 1, {"a": "", "s": "idle"}, now.ms)
    assert store.ref("a/b") == made
    assert store.ref("a/c") is None


def test_a_ref_needs_an_object(store: Store) -> None:
    with (
        pytest.raises(NotFound, match="no such object") as error,
        store.transaction("test") as tx,
    ):
        tx.set_ref("a", ABSENT, why="x")
    assert not isinstance(error.value, ObjectMissing)
    assert store.ref("a") is None


def test_each_move_raises_the_version(store: Store) -> None:
    ids = [put(store, number) for number in range(3)]
    for number, id in enumerate(ids):
        with store.transaction("test") as tx:
            assert tx.set_ref("a", id, why="x").version == number + 1
    with store.transaction("test") as tx:
        tx.delete_ref("a", why="gone")
    with store.transaction("test") as tx:
        assert tx.set_ref("a", ids[0], expect=None, why="again").version == 5


def test_tags_stay_unless_given(store: Store) -> None:
    id = put(store, 1)
    name_it(store, "a", {"s": "idle"})
    with store.transaction("test") as tx:
        assert tx.set_ref("a", id, why="x").tags == {"s": "idle"}
    assert store.count_refs(tags={"s": "idle"}) == 1
    with store.transaction("test") as tx:
        assert tx.set_ref("a", id, tags={}, why="x").tags == {}
    assert store.count_refs(tags={"s": "idle"}) == 0


def test_a_wrong_expectation_changes_nothing(store: Store) -> None:
    one, two = put(store, 1), put(store, 2)
    with store.transaction("test") as tx:
        tx.set_ref("a", one, expect=None, tags={"s": "x"}, why="new")
    before = (store.ref("a"), store.moves("a"))
    for expect in (None, two, ABSENT):
        with pytest.raises(Conflict, match=one), store.transaction("test") as tx:
            tx.set_ref("a", two, expect=expect, tags={}, why="move")
        with pytest.raises(Conflict, match=one), store.transaction("test") as tx:
            tx.delete_ref("a", expect=expect, why="delete")
    with pytest.raises(Conflict, match="there is none"), store.transaction("test") as tx:
        tx.set_ref("b", two, expect=one, why="move")
    assert (store.ref("a"), store.moves("a")) == before
    assert store.ref("b") is None


def test_a_right_expectation_moves_the_ref(store: Store) -> None:
    one, two = put(store, 1), put(store, 2)
    with store.transaction("test") as tx:
        tx.set_ref("a", one, expect=None, why="new")
        tx.set_ref("a", two, expect=one, why="move")
    with store.transaction("test") as tx:
        tx.delete_ref("a", expect=two, why="gone")
    assert store.ref("a") is None


def test_deleting_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="there is no ref a"), store.transaction("test") as tx:
        tx.delete_ref("a", why="x")


def test_every_move_is_logged(store: Store, now: Clock) -> None:
    one, two = put(store, 1), put(store, 2)
    start, process = now.ms, this_process(store)
    steps: list[tuple[str, str | None, dict[str, str]]] = [
        ("new", one, {"s": "1"}),
        ("move", two, {"s": "2"}),
        ("gone", None, {}),
        ("again", one, {}),
    ]
    for why, id, tags in steps:
        now.ms += 1000
        with store.transaction("test") as tx:
            if id:
                tx.set_ref("a", id, tags=tags, why=why)
                tx.set_ref("other", id, why="noise")
            else:
                tx.delete_ref("a", why=why)
    assert store.moves("a") == [
        Move("a", 1, None, one, {"s": "1"}, start + 1000, "new", process),
        Move("a", 2, one, two, {"s": "2"}, start + 2000, "move", process),
        Move("a", 3, two, None, {}, start + 3000, "gone", process),
        Move("a", 4, None, one, {}, start + 4000, "again", process),
    ]
    assert [move.why for move in store.moves_since(start + 3000)] == ["gone", "again", "noise"]
    assert store.moves_since(start + 4001) == []
    assert store.moves("nobody") == []


def test_a_transaction_is_whole_or_nothing(store: Store) -> None:
    name_it(store, "kept", {"s": "idle"})
    doomed = name_it(store, "doomed", {"s": "idle"})
    before = (store.refs(), list(store.ids()), store.moves_since(0), store.stats())
    with pytest.raises(Stop), store.transaction("test") as tx:
        new = tx.put("k", "new")
        tx.set_ref("kept", new, tags={"s": "done"}, why="x")
        tx.set_ref("fresh", new, tags={"s": "idle"}, why="x")
        tx.delete_ref("doomed", why="x")
        tx.set_ref("doomed", new, why="x")
        tx.remove(doomed.id)
        raise Stop
    assert (store.refs(), list(store.ids()), store.moves_since(0), store.stats()) == before
    assert [ref.name for ref in store.refs(tags={"s": "idle"})] == ["doomed", "kept"]
    assert store.refs(tags={"s": "done"}) == []


def test_a_transaction_sees_its_own_writes(store: Store) -> None:
    name_it(store, "old", {"s": "idle"})
    with store.transaction("test") as tx:
        id = tx.put("k", "new")
        assert tx.get(id).payload == "new" and tx.has(id) and tx.find(id[:30]) == id
        tx.set_ref("new", id, tags={"s": "idle"}, why="x")
        tx.delete_ref("old", why="x")
        assert tx.ref("old") is None
        assert [ref.name for ref in tx.refs(tags={"s": "idle"})] == ["new"]
        assert tx.count_refs() == 1
        assert [move.new for move in tx.moves("new")] == [id]


def test_a_caught_refusal_leaves_the_transaction_whole(store: Store) -> None:
    id = put(store, 1)
    with store.transaction("test") as tx:
        tx.set_ref("a", id, why="x")
        for refused in (
            lambda: tx.set_ref("a", id, expect=None, why="x"),
            lambda: tx.set_ref("b", ABSENT, why="x"),
            lambda: tx.set_ref("b//c", id, why="x"),
            lambda: tx.put("k", object()),
            lambda: tx.get(ABSENT),
        ):
            with pytest.raises(UwfError):
                refused()
        tx.set_ref("c", id, why="x")
    assert [ref.name for ref in store.refs()] == ["a", "c"]


def test_transactions_do_not_nest(store: Store) -> None:
    with store.transaction("test") as tx:
        tx.set_ref("a", tx.put("k", 1), why="x")
        with pytest.raises(RuntimeError, match="do not nest"), store.transaction("test"):
            pass
        with pytest.raises(RuntimeError, match="do not nest"), store.snapshot():
            pass
    with (
        store.snapshot(),
        pytest.raises(RuntimeError, match="do not nest"),
        store.transaction("test"),
    ):
        pass
    assert store.count_refs() == 1


def test_a_transaction_that_ended_is_of_no_use(store: Store) -> None:
    with store.transaction("test") as tx:
        id = tx.put("k", 1)
        tx.set_ref("a", id, why="x")
    writes: list[Any] = [
        lambda: tx.put("k", 2),
        lambda: tx.put_raw(encode("k", 2)),
        lambda: tx.set_ref("b", id, why="x"),
        lambda: tx.delete_ref("a", why="x"),
        lambda: tx.remove(id),
    ]
    for write in writes:
        with pytest.raises(RuntimeError, match="has ended"):
            write()
    assert [ref.name for ref in store.refs()] == ["a"]
    assert store.stats().objects == 1


@pytest.mark.parametrize("durable", [True, False])
def test_durable_or_not_a_commit_is_seen(store: Store, durable: bool) -> None:
    for number in range(4):
        with store.transaction("test", durable=durable == bool(number % 2)) as tx:
            tx.set_ref(f"r{number}", tx.put("k", number), why="x")
    assert store.count_refs() == 4


NOT_NAMES = [
    *("", "x" * 201, "/a", "a/", "a//b", "..", "a/../b", "./a"),
    *("a\nb", "a\0b", "a\x7fb", "\ud800", "a\u202eb", "a\u2028b", "\U0010ffff"),
]


@pytest.mark.parametrize("name", NOT_NAMES)
def test_a_ref_name_is_checked(store: Store, name: str) -> None:
    id = put(store, 1)
    with store.transaction("test") as tx:
        for use in (
            lambda: tx.set_ref(name, id, why="x"),
            lambda: tx.delete_ref(name, why="x"),
            lambda: tx.ref(name),
            lambda: tx.moves(name),
        ):
            with pytest.raises(InputError, match="is not a ref name"):
                use()


@pytest.mark.parametrize("name", ["a", "x" * 200, "@uwf/thread/01", "a b/ü/😀", "a..b", ".a/b."])
def test_other_names_are_fine(store: Store, name: str) -> None:
    assert store.ref(name_it(store, name).name) is not None
    assert [ref.name for ref in store.refs(name[:1])] == [name]


@pytest.mark.parametrize(
    "tags",
    [{"": "x"}, {"a\n": "x"}, {"a": 1}, {1: "a"}, {"a": None}, {"a": "\ud800"}, {"x" * 201: ""}],
)
def test_tags_are_text(store: Store, tags: Any) -> None:
    with pytest.raises(InputError, match="tag"):
        name_it(store, "a", tags)
    assert store.ref("a") is None


def test_a_reason_is_text(store: Store) -> None:
    id = put(store, 1)
    with pytest.raises(InputError, match="the reason"), store.transaction("test") as tx:
        tx.set_ref("a", id, why="\udcff")


@pytest.fixture
def crowd(store: Store) -> Store:
    """Thirty refs in `t/`, with statuses in turn and a label on every fifth; two beside them."""
    with store.transaction("test") as tx:
        id = tx.put("k", 1)
        for number in range(30):
            tags = {"status": ("idle", "suspended", "done")[number % 3], "long": "l" * 300}
            if number % 5 == 0:
                tags["label"] = "x"
            tx.set_ref(f"t/{number:02}", id, tags=tags, why="x")
        tx.set_ref("s/99", id, tags={"status": "idle"}, why="x")
        tx.set_ref("u/00", id, tags={"status": "idle"}, why="x")
    return store


def numbers(refs: list[Ref]) -> list[int]:
    return [int(ref.name[2:]) for ref in refs]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, list(range(30))),
        ({"newest_first": True, "limit": 3}, [29, 28, 27]),
        ({"limit": 3, "offset": 2}, [2, 3, 4]),
        ({"offset": 28}, [28, 29]),
        ({"limit": 0}, []),
        ({"offset": 100}, []),
        ({"low": "t/10", "high": "t/13"}, [10, 11, 12]),
        ({"low": "a", "high": "t/02"}, [0, 1]),
        ({"low": "t/28", "high": "z"}, [28, 29]),
        ({"low": "t/13", "high": "t/10"}, []),
        ({"tags": {"status": "idle"}}, list(range(0, 30, 3))),
        ({"tags": {"status": "idle"}, "newest_first": True, "limit": 2}, [27, 24]),
        ({"tags": {"status": "idle"}, "low": "t/03", "high": "t/10", "offset": 1}, [6, 9]),
        ({"tags": {"status": ("idle", "done")}, "limit": 4}, [0, 2, 3, 5]),
        ({"tags": {"status": ("done", "idle", "done")}, "newest_first": True, "limit": 3}, [29, 27, 26]),
        ({"tags": {"status": ("idle",), "label": "x"}}, [0, 15]),
        ({"tags": {"label": "x", "status": ("idle", "done")}, "newest_first": True}, [20, 15, 5, 0]),
        ({"tags": {"label": "x", "status": ("idle", "done")}, "limit": 2, "offset": 1}, [5, 15]),
        ({"tags": {"status": ()}}, []),
        ({"tags": {"status": "nothing"}}, []),
        ({"tags": {"nothing": "idle"}}, []),
        ({"tags": {"long": "l" * 300}, "limit": 2, "offset": 1}, [1, 2]),
        ({"tags": {"long": ("l" * 300, "m")}, "newest_first": True, "limit": 2}, [29, 28]),
        ({"tags": {"long": "l" * 300, "status": "done"}, "offset": 8}, [26, 29]),
        ({"tags": {"long": "l" * 299}}, []),
    ],
    ids=str,
)  # fmt: skip
def test_refs_are_listed(crowd: Store, query: dict[str, Any], expected: list[int]) -> None:
    assert numbers(crowd.refs("t/", **query)) == expected
    with crowd.transaction("test") as tx:
        assert numbers(tx.refs("t/", **query)) == expected
    if set(query) <= {"tags"}:
        assert crowd.count_refs("t/", **query) == len(expected)


def test_a_listing_knows_all_of_a_ref(crowd: Store) -> None:
    for query in ({}, {"tags": {"status": "idle"}}, {"tags": {"status": ("idle", "done")}}):
        found = crowd.refs("t/", **query)
        assert found == [crowd.ref(ref.name) for ref in found]


def test_a_prefix_is_not_a_segment(store: Store) -> None:
    for name in ("ab", "abc/d", "abd", "ac"):
        name_it(store, name)
    assert [ref.name for ref in store.refs("ab")] == ["ab", "abc/d", "abd"]
    assert [ref.name for ref in store.refs("abc")] == ["abc/d"]
    assert store.count_refs("ab") == 3


def test_names_are_listed_alone(crowd: Store) -> None:
    assert crowd.names("t/", limit=2) == ["t/00", "t/01"]
    assert crowd.names("t/1") == [f"t/1{n}" for n in range(10)]
    assert crowd.names(ending="9") == ["s/99", "t/09", "t/19", "t/29"]
    assert crowd.names("t/", ending="/05") == ["t/05"]
    assert crowd.names("t/", ending="9", limit=1) == ["t/09"]
    assert crowd.names("x") == []


def test_names_are_found_by_a_long_end(store: Store) -> None:
    for name in ("t/1WXYZ", "t/2WXYZ", "s/1WXYZ", "t/WXY", "t/WXYZ1"):
        name_it(store, name)
    assert store.names("t/", ending="WXYZ") == ["t/1WXYZ", "t/2WXYZ"]
    assert store.names(ending="1WXYZ") == ["s/1WXYZ", "t/1WXYZ"]
    assert store.names("t/", ending="WXYZ", limit=1) == ["t/1WXYZ"]
    assert store.names("t/", ending="/WXY") == ["t/WXY"]


def test_refs_are_listed_by_the_value_of_a_tag(store: Store) -> None:
    at = {"t/c": "100", "t/a": "200", "t/d": "100", "t/b": "300", "s/e": "050"}
    for name, value in at.items():
        name_it(store, name, {"at": value, "other": "100"})
    name_it(store, "t/f", {"other": "100"})
    name_it(store, "t/g", {"at": "1" * 201})

    def names(reader: Store | Transaction, **query: Any) -> list[str]:
        found = reader.refs_by_tag("t/", "at", **query)
        assert found == [reader.ref(ref.name) for ref in found]
        return [ref.name for ref in found]

    assert names(store) == ["t/c", "t/d", "t/a", "t/b"]
    assert names(store, high="200") == ["t/c", "t/d"]
    assert names(store, low="200") == ["t/a", "t/b"]
    assert names(store, low="100", high="300", limit=2) == ["t/c", "t/d"]
    assert names(store, low="300", high="100") == names(store, limit=0) == []
    assert [ref.name for ref in store.refs_by_tag("", "at", limit=1)] == ["s/e"]
    with store.transaction("test") as tx:
        tx.set_ref("t/c", tx.put("k", 1), tags={"at": "250"}, why="test")
        tx.delete_ref("t/a", why="test")
        assert names(tx) == ["t/d", "t/c", "t/b"]
    assert names(store) == ["t/d", "t/c", "t/b"]


@given(
    st.dictionaries(st.integers(0, 9), st.integers(0, 20)),
    st.none() | st.integers(0, 20),
    st.none() | st.integers(0, 20),
    st.none() | st.integers(0, 5),
)
def test_that_walk_is_what_sorting_all_would_give(
    at: dict[int, int], low: int | None, high: int | None, limit: int | None
) -> None:
    store = open_in_memory()
    for number, value in at.items():
        name_it(store, f"t/{number}", {"at": f"{value:02d}"})
    rows = sorted((f"{value:02d}", f"t/{number}") for number, value in at.items())
    bounds = [None if each is None else f"{each:02d}" for each in (low, high)]
    wanted = [name for value, name in rows if (bounds[0] or "") <= value < (bounds[1] or "~")]
    found = store.refs_by_tag("t/", "at", low=bounds[0], high=bounds[1], limit=limit)
    assert [ref.name for ref in found] == wanted[:limit]
    store.close()


@pytest.mark.parametrize(
    "query", [{"limit": -1}, {"offset": -1}, {"low": "\ud800"}, {"tags": {"a": "\udcff"}}]
)
def test_a_listing_refuses_nonsense(store: Store, query: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        store.refs("", **query)


def test_removed_objects_are_gone(store: Store) -> None:
    id = put(store, 1)
    assert store.stored_bytes([id]) > 0
    with store.transaction("test") as tx:
        tx.remove(id)
        tx.remove(ABSENT)
        assert not tx.has(id)
        with pytest.raises(NotFound):
            tx.set_ref("a", id, why="x")
    assert not store.has(id)
    assert store.stored_bytes([id]) == 0


def test_an_object_put_and_removed_in_one_transaction_cannot_be_named(store: Store) -> None:
    with store.transaction("test") as tx:
        id = tx.put("k", 1)
        tx.remove(id)
        with pytest.raises(NotFound):
            tx.set_ref("a", id, why="x")


def test_a_ref_whose_object_was_lost_can_still_be_tagged_and_moved(store: Store) -> None:
    lost = name_it(store, "a", {"status": "idle"}).id
    with store.transaction("test") as tx:
        tx.remove(lost)
    with store.transaction("test") as tx:
        assert tx.set_ref("a", lost, tags={"status": "cancelled"}, why="x").id == lost
        with pytest.raises(NotFound):
            tx.set_ref("b", lost, why="x")
        tx.set_ref("a", tx.put("k", 2), why="x")
        with pytest.raises(NotFound):
            tx.set_ref("a", lost, why="x")


def test_recent_objects_are_those_put_lately(store: Store, now: Clock) -> None:
    old = put(store, "old")
    start = now.ms
    now.ms += 10 * REFRESH_MS
    new = put(store, "new")
    assert store.recent(start) == [new]
    assert sorted(store.recent(start - 1)) == sorted([old, new])
    assert store.recent(now.ms) == []
    put(store, "old")
    assert sorted(store.recent(start)) == sorted([old, new])


def test_putting_again_at_once_is_no_write(store: Store, now: Clock) -> None:
    put(store, "old")
    start = now.ms
    now.ms += REFRESH_MS
    put(store, "old")
    assert store.recent(start) == []


def test_counters_and_samples_belong_to_the_transaction(store: Store) -> None:
    with store.transaction("test") as tx:
        tx.set_counter("a", 1)
        tx.add_sample("s", 1, 1)
    with pytest.raises(Stop), store.transaction("test") as tx:
        tx.set_counter("a", 2)
        tx.set_counter("a", None)
        tx.set_counter("b", 1)
        tx.add_sample("s", 2, 2)
        tx.drop_samples("s", 2)
        raise Stop
    assert store.counters("") == [("a", 1)]
    assert [sample.value for sample in store.samples("s", 0)] == [1]
    for write in (
        lambda: tx.set_counter("a", 3),
        lambda: tx.set_counter("a", None),
        lambda: tx.add_sample("s", 3, 3),
        lambda: tx.drop_samples("s", 9),
    ):
        with pytest.raises(RuntimeError, match="has ended"):
            write()
    assert store.counters("") == [("a", 1)]


def test_the_sum_of_it_all(store: Store) -> None:
    assert store.stats().objects == store.stats().size_bytes == store.stats().stored_bytes == 0
    small, large = put(store, "small"), put(store, "x" * 100_000)
    name_it(store, "a")
    stats = store.stats()
    named = store.ref("a")
    assert named is not None
    assert (stats.objects, stats.refs, stats.moves) == (3, 1, 1)
    assert stats.size_bytes == sum(len(store.raw(id)) for id in (small, large, named.id))
    assert stats.stored_bytes == store.stored_bytes([small, large, named.id])
    assert store.faults() == []


def test_hundreds_of_writes_take_little_time(store: Store) -> None:
    """A guard against a quadratic slip, not a benchmark."""
    started = time.monotonic()
    with store.transaction("test") as tx:
        for number in range(1000):
            step(tx, number)
    assert time.monotonic() - started < 2


def step(tx: Transaction, number: int) -> None:
    tx.set_ref(f"r/{number % 50}", tx.put("k", number), tags={"s": str(number % 3)}, why="x")


def test_objects_are_found_in_their_transaction(store: Store) -> None:
    """Whether one or many were put just before, and whatever asks for them first."""
    for count in (1, 2, 16, 17, 40):
        with store.transaction("test") as tx:
            ids = [tx.put("k", f"{count} {number}") for number in range(count)]
            for ask in (
                tx.get,
                tx.raw,
                tx.has,
                lambda id: tx.stored_bytes([id]),
                lambda id: tx.find(id[:12]),
            ):
                ids.append(tx.put("k", f"{count} {len(ids)}"))
                assert ask(ids[-1])
            ids.append(tx.put("k", f"{count} recent"))
            assert ids[-1] in tx.recent(0)
            ids.append(tx.put("k", f"{count} all"))
            assert ids[-1] in list(tx.ids())
            ids.append(tx.put("k", f"{count} removed"))
            tx.remove(ids.pop())
            ids.append(tx.put("k", f"{count} the last"))
        assert all(store.get(id).kind == "k" for id in ids)
        assert store.stats().objects == len(set(store.ids())) >= len(ids)


def test_ref_moves_only_from_the_version_that_was_read(store: Store) -> None:
    first = name_it(store, "a", {"t": "1"})
    with store.transaction("test") as tx:
        second = tx.set_ref("a", first.id, expect=first, tags={"t": "2"}, why="x")
    assert (second.version, store.ref("a")) == (first.version + 1, second)
    for asked_before in (False, True):
        with store.transaction("test") as tx:
            if asked_before:
                tx.ref("a")
            with pytest.raises(Conflict, match="moved since"):
                tx.set_ref("a", first.id, expect=first, tags={"t": "3"}, why="x")
            assert tx.ref("a") == second
            third = tx.set_ref("a", first.id, expect=second, why="x")
            assert (third.tags, tx.ref("a")) == ({"t": "2"}, third)
            with pytest.raises(Conflict):
                tx.set_ref("a", first.id, expect=second, why="x")
            second = tx.set_ref("a", first.id, expect=third, why="x")
    with store.transaction("test") as tx:
        tx.delete_ref("a", why="x")
    with store.transaction("test") as tx:
        with pytest.raises(Conflict, match="moved since"):
            tx.set_ref("a", first.id, expect=second, why="x")
        tx.set_ref("a", first.id, expect=None, why="x")
    with pytest.raises(Conflict), store.transaction("test") as tx:
        tx.set_ref("a", first.id, expect=second, why="x")
    assert store.faults() == []


def test_a_store_hands_out_its_leases(store: Store) -> None:
    lease = store.leases.take("a")
    assert lease is not None and lease.owner == Owner(os.getpid(), host=store.leases.host)
    assert store.leases.holder("a") == lease.owner
    assert store.leases.take("a") is None
    assert store.leases.renew(lease)
    store.leases.release(lease)
    assert store.leases.holder("a") is None
    assert store.stats().objects == store.stats().refs == 0
