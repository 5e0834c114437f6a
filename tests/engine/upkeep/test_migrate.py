"""Migration of old stores: what stands under `@uwf/history/` moves to the threads, once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.rig import Rig, everything
from uwf.engine.chain.tags import OLD_THREADS, THREADS
from uwf.engine.upkeep import migrate as history
from uwf.engine.upkeep.migrate import Clash, Migration, Unmigrated
from uwf.errors import StoreError
from uwf.store.protocols import Store
from uwf.store.sqlite import open_in_memory
from uwf.store.whole.check import verify

A, B, C = (f"01HF7YAT000000000000AAAAA{letter}" for letter in "ABC")


def entry(store: Store, prefix: str, id: str, what: str = "old", **tags: str) -> str:
    with store.transaction("test") as tx:
        node = tx.put("old-step", {"id": id, "what": what})
        tx.set_ref(prefix + id, node, tags=tags, why="test")
    return node


def migrate(store: Store, dry_run: bool = False) -> Migration:
    return history.migrate(store, dry_run=dry_run)


def test_entries_become_threads(each_store: Store) -> None:
    store = each_store
    head = entry(store, OLD_THREADS, A, completedAt="1700000000000", reason="completed")
    assert migrate(store) == Migration(1, 0, ())
    ref = store.ref(THREADS + A)
    assert ref is not None
    assert (ref.id, ref.tags) == (head, {"status": "completed", "completedAt": "1700000000000"})
    assert store.ref(OLD_THREADS + A) is None


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ({"reason": "completed"}, {"status": "completed"}),
        ({"reason": "cancelled"}, {"status": "cancelled"}),
        ({"reason": ""}, {"status": "completed"}),
        ({}, {"status": "completed"}),
        ({"reason": "merged"}, {"status": "completed", "endReason": "merged"}),
        ({"reason": "Cancelled"}, {"status": "completed", "endReason": "Cancelled"}),
        ({"reason": "cancelled", "status": "idle"}, {"status": "cancelled"}),
        ({"label.repo": "shop"}, {"status": "completed", "label.repo": "shop"}),
        ({"suspendedRole": "x", "suspendMessage": "y"}, {"status": "completed"}),
    ],
    ids=str,
)
def test_tags_are_put_in_todays_words(
    each_store: Store, old: dict[str, str], today: dict[str, str]
) -> None:
    entry(each_store, OLD_THREADS, A, completedAt="5", **old)
    migrate(each_store)
    assert each_store.ref(THREADS + A).tags == {"completedAt": "5", **today}  # type: ignore[union-attr]


@pytest.mark.parametrize("time", [None, "", "yesterday", "12.5"])
def test_entry_without_a_time_ended_when_it_was_written(
    each_store: Store, time: str | None
) -> None:
    entry(each_store, OLD_THREADS, A, **({} if time is None else {"completedAt": time}))
    written = each_store.ref(OLD_THREADS + A).updated_ms  # type: ignore[union-attr]
    migrate(each_store)
    assert each_store.ref(THREADS + A).tags["completedAt"] == str(written)  # type: ignore[union-attr]


def test_thread_under_both_prefixes_stays_and_is_reported(each_store: Store) -> None:
    store = each_store
    kept = entry(store, THREADS, A, "living", status="idle")
    dropped = entry(store, OLD_THREADS, A, "old", reason="completed")
    entry(store, OLD_THREADS, B)
    before = store.ref(THREADS + A), store.ref(OLD_THREADS + A)
    assert migrate(store) == Migration(1, 1, (Clash(A, kept, dropped),))
    assert (store.ref(THREADS + A), store.ref(OLD_THREADS + A)) == before


def test_migrating_again_moves_nothing(each_store: Store) -> None:
    store = each_store
    entry(store, THREADS, A, "living", status="idle")
    for id in (A, B, C):
        entry(store, OLD_THREADS, id)
    first = migrate(store)
    before = everything(store)
    again = migrate(store)
    assert (first.moved, again.moved) == (2, 0)
    assert again.conflicts == first.conflicts
    assert everything(store) == before


def test_dry_run_tells_the_same_and_changes_nothing(each_store: Store) -> None:
    store = each_store
    entry(store, THREADS, A, "living", status="idle")
    for id in (A, B, C):
        entry(store, OLD_THREADS, id)
    before = everything(store)
    planned = migrate(store, dry_run=True)
    assert everything(store) == before
    assert migrate(store) == planned


def test_both_names_have_it_in_their_log(each_store: Store) -> None:
    entry(each_store, OLD_THREADS, A)
    migrate(each_store)
    assert [move.why for move in each_store.moves(OLD_THREADS + A)][
        -1
    ] == f"migrated to {THREADS}{A}"
    assert [move.why for move in each_store.moves(THREADS + A)] == ["migrated from history"]


def test_store_that_fails_on_the_way_has_moved_nothing(
    each_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for id in (A, B, C):
        entry(each_store, OLD_THREADS, id)
    before = everything(each_store)
    moved: list[str] = []
    plain = history._move

    def fail_at_the_last(tx: object, old: object, id: str) -> None:
        moved.append(id)
        if len(moved) == 3:
            raise OSError(28, "No space left on device")
        plain(tx, old, id)  # type: ignore[arg-type]

    monkeypatch.setattr(history, "_move", fail_at_the_last)
    with pytest.raises(OSError, match="No space left"):
        migrate(each_store)
    assert everything(each_store) == before


def test_an_entry_in_the_older_place_is_left_until_it_is_moved(each_store: Store) -> None:
    assert history.left(each_store) is None
    entry(each_store, OLD_THREADS, A)
    assert history.left(each_store) == Unmigrated(A, clashes=False)
    migrate(each_store)
    assert history.left(each_store) is None


def test_an_entry_to_move_is_told_before_one_that_clashes(each_store: Store) -> None:
    entry(each_store, THREADS, A, "living", status="idle")
    entry(each_store, OLD_THREADS, A)
    assert history.left(each_store) == Unmigrated(A, clashes=True)
    entry(each_store, OLD_THREADS, B)
    assert history.left(each_store) == Unmigrated(B, clashes=False)
    migrate(each_store)
    assert history.left(each_store) == Unmigrated(A, clashes=True)


def test_many_entries_are_moved_at_once(each_store: Store) -> None:
    with each_store.transaction("test") as tx:
        node = tx.put("old-step", {"id": "many"})
        for n in range(1_000):
            tx.set_ref(f"{OLD_THREADS}01HF7YAT00000000000{n:07d}", node, tags={}, why="test")
    assert migrate(each_store) == Migration(1_000, 0, ())
    assert each_store.count_refs(THREADS, tags={"status": "completed"}) == 1_000
    assert each_store.count_refs(OLD_THREADS) == 0


def chained(rig: Rig, prefix: str, id: str = A, **tags: str) -> str:
    """A thread of the older layout at a whole chain; its head."""
    head = rig.head(rig.start())
    with rig.store.transaction("test") as tx:
        tx.set_ref(prefix + id, head, tags=tags, why="test")
    return head


def test_a_migrated_thread_has_the_name_of_its_workflow(rig: Rig) -> None:
    chained(rig, OLD_THREADS, reason="completed", completedAt="5")
    chained(rig, OLD_THREADS, B, reason="completed", completedAt="5", workflow="kept")
    migrate(rig.store)
    assert rig.ref(A).tags == {"status": "completed", "completedAt": "5", "workflow": "pair"}
    assert rig.ref(B).tags["workflow"] == "kept"


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ({}, {"status": "idle"}),
        ({"label.repo": "shop"}, {"status": "idle", "label.repo": "shop"}),
        (
            {"suspendedRole": "writer", "suspendMessage": "Which?"},
            {"status": "suspended", "suspendedRole": "writer", "suspendMessage": "Which?"},
        ),
        ({"reason": "suspended"}, {"status": "suspended", "suspendMessage": "suspended"}),
    ],
    ids=str,
)
def test_a_living_thread_without_a_status_gets_one(
    rig: Rig, old: dict[str, str], today: dict[str, str]
) -> None:
    head = chained(rig, THREADS, **old)
    with pytest.raises(StoreError) as error:
        rig.thread(A)
    assert error.value.hint == "uwf migrate history"
    assert migrate(rig.store, dry_run=True).stated == 1
    assert migrate(rig.store) == Migration(0, 0, (), (), 1)
    assert (rig.head(A), rig.ref(A).tags) == (head, {"workflow": "pair", **today})
    assert rig.row(A)["status"] == today["status"]
    assert migrate(rig.store) == Migration(0, 0, ())


def test_what_has_the_name_of_no_thread_stays_and_is_named(each_store: Store) -> None:
    entry(each_store, OLD_THREADS, "release-2024", reason="done")
    entry(each_store, OLD_THREADS, "9" * 26)
    entry(each_store, THREADS, "mine")
    before = everything(each_store)
    unnamed = (f"{OLD_THREADS}{'9' * 26}", f"{OLD_THREADS}release-2024", f"{THREADS}mine")
    assert migrate(each_store) == Migration(0, 3, (), unnamed)
    assert everything(each_store) == before
    assert history.left(each_store) is None, "nothing is left to do"


NAMES = {"x", "01ABC", "ü"}
IDS_OR_NAMES = st.sampled_from([A, B, C, *NAMES])
IDS = st.sets(IDS_OR_NAMES)
REASONS = st.sampled_from(["", "completed", "cancelled", "merged", "done"])


@given(living=IDS, old=st.dictionaries(IDS_OR_NAMES, REASONS))
@settings(max_examples=50)
def test_nothing_is_lost_and_every_tag_is_legal(living: set[str], old: dict[str, str]) -> None:
    store = open_in_memory()
    for id in living:
        entry(store, THREADS, id, "living", status="idle")
    heads = {id: entry(store, OLD_THREADS, id, reason=reason) for id, reason in old.items()}
    report = migrate(store)
    assert report.moved + report.skipped == len(old)
    assert {clash.thread for clash in report.conflicts} == living & (old.keys() - NAMES)
    assert set(report.unnamed) == {OLD_THREADS + name for name in old.keys() & NAMES}
    for id, head in heads.items():
        ref = store.ref((OLD_THREADS if id in living | NAMES else THREADS) + id)
        assert ref is not None
        assert ref.id == head
    for ref in store.refs(THREADS):
        assert ref.tags["status"] in ("idle", "completed", "cancelled")
        assert ("completedAt" in ref.tags) == (ref.tags["status"] != "idle")
    assert verify(store, deep=True).problems == ()
