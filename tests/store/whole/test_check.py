"""Verifying: every missing or damaged object is named, with the refs that need it, and nothing else is."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence

import pytest

from tests.store.conftest import Clock, OpenAgain, alter
from uwf.errors import UwfError
from uwf.store.codec import Link, key_of
from uwf.store.protocols import Store
from uwf.store.sqlite import open_in_memory, open_store
from uwf.store.whole.check import Damage, Verification, verify
from uwf.store.whole.gc import collect


def tree(store: Store) -> dict[str, str]:
    """a and b share a chain: base <- middle <- {a, b}; c stands alone; loose has no ref and hangs on nothing."""
    ids: dict[str, str] = {}
    with store.transaction("test") as tx:
        for name, below in (
            ("base", []),
            ("middle", ["base"]),
            ("a", ["middle"]),
            ("b", ["middle", "middle"]),
            ("c", []),
            ("loose", []),
        ):
            links = [Link(ids[other]) for other in below]
            ids[name] = tx.put("k", {"name": name, "links": links})
        for name in "abc":
            tx.set_ref(f"r/{name}", ids[name], why="x")
    return ids


def lose(store: Store, id: str) -> None:
    with store.transaction("test") as tx:
        tx.remove(id)


def spoil(store: Store, id: str) -> None:
    alter(store, "UPDATE object SET data = ? WHERE id = ?", store.raw(id) + b"\0", key_of(id))


def told(report: Verification) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(problem.kind, problem.id, problem.needed_by) for problem in report.problems}


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_store_has_no_problems(store: Store, deep: bool) -> None:
    tree(store)
    assert verify(store, deep) == Verification(6 if deep else 5, 3, ())


def test_an_empty_store_is_sound(store: Store) -> None:
    assert verify(store, deep=True) == Verification(0, 0, ())


def test_a_missing_object_is_named_with_all_refs_that_need_it(kept: Store) -> None:
    ids = tree(kept)
    lose(kept, ids["base"])
    for deep in (False, True):
        assert told(verify(kept, deep)) == {("missing", ids["base"], ("r/a", "r/b"))}


def test_a_damaged_object_is_named_with_all_refs_that_need_it(kept: Store) -> None:
    ids = tree(kept)
    spoil(kept, ids["middle"])
    report = verify(kept)
    assert told(report) == {("damaged", ids["middle"], ("r/a", "r/b"))}
    assert report.objects == 3, "what lies behind a damaged object cannot be reached"
    assert verify(kept, deep=True).objects == 5


def test_a_ref_to_a_missing_object_is_told(kept: Store) -> None:
    ids = tree(kept)
    lose(kept, ids["a"])
    assert told(verify(kept)) == {("missing", ids["a"], ("r/a",))}


def test_several_problems_are_told_at_once(kept: Store) -> None:
    ids = tree(kept)
    lose(kept, ids["base"])
    spoil(kept, ids["c"])
    spoil(kept, ids["loose"])
    ordinary = {
        ("missing", ids["base"], ("r/a", "r/b")),
        ("damaged", ids["c"], ("r/c",)),
    }
    assert told(verify(kept)) == ordinary
    assert told(verify(kept, deep=True)) == {*ordinary, ("damaged", ids["loose"], ())}


def test_what_no_ref_needs_may_lack_what_it_links_to(kept: Store) -> None:
    with kept.transaction("test") as tx:
        tx.put("k", Link("ab" * 32))
    assert verify(kept, deep=True).problems == ()


def test_a_tag_index_that_disagrees_is_a_problem(kept: Store) -> None:
    with kept.transaction("test") as tx:
        tx.set_ref("r/a", tx.put("k", 1), tags={"status": "idle", "note": "n" * 500}, why="x")
    assert verify(kept, deep=True).problems == ()
    alter(kept, "UPDATE ref_tag SET value = ?", kept._database.tag_value("done"))
    (problem,) = verify(kept, deep=True).problems
    assert problem == Damage("file", "", (), "the tag index disagrees with ref r/a")


def test_a_page_that_nothing_uses_is_a_problem(path: str) -> None:
    store = open_store(path)
    tree(store)
    store.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA writable_schema = 1")
    other.execute("DELETE FROM sqlite_schema WHERE name = 'ref_log_name'")
    other.close()
    store = open_store(path)
    assert verify(store).problems == ()
    problems = verify(store, deep=True).problems
    assert problems and {problem.kind for problem in problems} == {"file"}
    store.close()


def test_others_may_write_while_it_checks(kept: Store, again: OpenAgain, now: Clock) -> None:
    """Another process moves a ref and collects what it left, in the middle of the walk."""
    ids = tree(kept)
    read = kept.raw_many
    other = again()

    def meanwhile(some: Sequence[str]) -> Iterator[bytes | UwfError]:
        kept.raw_many = read  # type: ignore[method-assign]
        with other.transaction("test") as tx:
            for name in "ab":
                tx.set_ref(f"r/{name}", ids["c"], why="move")
        now.ms += 1
        assert collect(other, grace_ms=0).removed == 5
        return read(some)

    kept.raw_many = meanwhile  # type: ignore[method-assign]
    assert verify(kept, deep=True) == Verification(6, 3, ())
    assert verify(kept, deep=True) == Verification(1, 3, ())


def test_a_long_chain_and_many_refs_are_checked_in_little_time() -> None:
    """Each object is read once, however many refs reach it; chains may be deeper than any stack."""
    store = open_in_memory()
    with store.transaction("test") as tx:
        id = tx.put("k", None)
        for number in range(5_000):
            id = tx.put("k", {"before": Link(id), "n": number})
            tx.set_ref(f"r/{number}", id, why="x")
    started = time.monotonic()
    assert verify(store, deep=True) == Verification(5_001, 5_000, ())
    assert time.monotonic() - started < 5
