"""Which threads a listing shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.fake_agent import crash
from tests.helpers.flows import LOOP, PAIR
from tests.helpers.rig import APPROVED, WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf.agent.process import platform
from uwf.engine.chain.tags import ACTIVE, HISTORY, STATUSES, THREADS
from uwf.engine.query import listing
from uwf.engine.query.listing import ThreadFilter
from uwf.engine.query.thread_view import ThreadView
from uwf.engine.query.threads import ThreadViews
from uwf.engine.run import lock
from uwf.errors import InputError
from uwf.guard.capacity import queue
from uwf.guard.capacity.queue import QueueEntry
from uwf.store.values import Ref

ALL = (*STATUSES, "running", "waiting", "corrupt")


def listed(rig: Rig, *, limit: int | None = None, offset: int = 0, **wanted: Any) -> list[str]:
    rows = listing.rows(rig.store, rig.views, ThreadFilter(**wanted), limit=limit, offset=offset)
    return [row.thread for row in rows]


@pytest.fixture
def zoo(each_rig: Rig) -> Iterator[dict[str, str]]:
    """One thread of every status; one runs while the test does, and another one's process waits for a slot."""
    rig = each_rig
    found = {
        name: rig.start(LOOP if name == "idle" else PAIR)
        for name in ("idle", "suspended", "completed", "cancelled", "running", "waiting", "corrupt")
    }
    rig.exec(found["suspended"], crash())
    rig.exec(found["completed"], WROTE, APPROVED)
    rig.cancel(found["cancelled"])
    with rig.store.transaction("test") as tx:
        broken = tx.put("start", {"thread": "cut short"})
        ref = rig.ref(found["corrupt"])
        tx.set_ref(ref.name, broken, tags=ref.tags, why="test")
    with lock.hold(rig.engine, found["running"]), lock.hold(rig.engine, found["waiting"]):
        with rig.store.transaction("test") as tx:
            me = platform.this_process()
            queue.put(tx, QueueEntry(found["waiting"], "a", (), 0, False, 0.0, me))
        yield found


@pytest.mark.parametrize(
    ("statuses", "names"),
    [
        (ACTIVE, ("idle", "suspended", "running", "waiting", "corrupt")),
        (HISTORY, ("completed", "cancelled")),
        (ALL, ("idle", "suspended", "completed", "cancelled", "running", "waiting", "corrupt")),
        (("idle",), ("idle",)),
        (("suspended",), ("suspended",)),
        (("suspended", "cancelled"), ("suspended", "cancelled")),
        (("running",), ("running", "waiting")),
        (("waiting",), ("waiting",)),
        (("waiting", "idle"), ("waiting", "idle")),
        (("running", "completed"), ("running", "waiting", "completed")),
        (("corrupt",), ("corrupt",)),
        (("corrupt", "idle"), ("corrupt", "idle")),
    ],
    ids="+".join,
)
def test_threads_are_listed_by_the_status_they_show(
    each_rig: Rig, zoo: dict[str, str], statuses: tuple[str, ...], names: tuple[str, ...]
) -> None:
    expected = sorted((zoo[name] for name in names), reverse=True)
    for offset in range(len(expected) + 1):
        assert listed(each_rig, statuses=statuses, offset=offset) == expected[offset:]


def test_groups_of_statuses_have_names(rig: Rig) -> None:
    for name, statuses in (("active", ACTIVE), ("history", HISTORY), ("all", ALL)):
        assert listing.wanted(rig.store, name).statuses == statuses


@pytest.mark.parametrize("word", ["done", "Idle", "active"])
def test_word_that_is_no_status_is_refused(rig: Rig, word: str) -> None:
    with pytest.raises(InputError) as refused:
        listing.wanted(rig.store, ("idle", word))
    assert refused.value.hint


def test_newest_comes_first(each_rig: Rig) -> None:
    ids = [each_rig.start() for _ in range(5)]
    assert listed(each_rig) == ids[::-1]


def test_page_is_a_slice_of_the_whole(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_PAGE", 4)
    ids = [rig.start() for _ in range(11)][::-1]
    for offset in (0, 1, 3, 4, 5, 10, 11, 20):
        for limit in (1, 2, 4, 7, 11, 12, None):
            end = None if limit is None else offset + limit
            assert listed(rig, limit=limit, offset=offset) == ids[offset:end]


def test_a_thread_before_the_page_is_not_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [rig.start() for _ in range(5)]
    read: list[str] = []
    look_at = ThreadViews.thread

    def noted(views: ThreadViews, ref: Ref) -> ThreadView:
        read.append(ref.name.removeprefix(THREADS))
        return look_at(views, ref)

    monkeypatch.setattr(ThreadViews, "thread", noted)
    assert listed(rig, limit=1, offset=3) == [ids[1]] == read


def test_page_counts_only_what_fits(rig: Rig) -> None:
    ids = [rig.start() for _ in range(6)]
    with lock.hold(rig.engine, ids[4]):
        assert listed(rig, statuses=("idle",), limit=2, offset=1) == [ids[3], ids[2]]


def test_rows_are_read_as_they_are_taken(rig: Rig) -> None:
    ids = [rig.start() for _ in range(3)]
    rows = listing.rows(rig.store, rig.views, ThreadFilter(), limit=None, offset=0)
    assert next(rows).thread == ids[2]


def test_labels_must_all_match(each_rig: Rig) -> None:
    rig = each_rig
    both = rig.start(labels={"repo": "shop", "team": "red"})
    one = rig.start(labels={"repo": "shop"})
    rig.start(labels={"repo": "bank", "team": "red"})
    assert listed(rig, labels={"repo": "shop"}) == [one, both]
    assert listed(rig, labels={"repo": "shop", "team": "red"}) == [both]
    assert listed(rig, labels={"repo": "none"}) == []


def test_workflow_is_given_by_name_or_object(each_rig: Rig) -> None:
    rig = each_rig
    pair, loop = rig.start(PAIR), rig.start(LOOP)
    assert listed(rig, workflow="pair") == [pair]
    assert listed(rig, workflow_id=rig.put_workflow(LOOP)) == [loop]


def test_since_and_until_look_at_the_beginning(each_rig: Rig, now: Ticking) -> None:
    rig = each_rig
    ids = []
    for day in range(4):
        now.ms = 1_700_000_000_000 + day * 86_400_000
        ids.append(rig.start())
    second, fourth = (rig.row(ids[n])["startedAt"] for n in (1, 3))
    assert listed(rig, since_ms=second - 1_000) == [ids[3], ids[2], ids[1]]
    assert listed(rig, since_ms=second + 1_000) == [ids[3], ids[2]]
    assert listed(rig, until_ms=fourth - 1_000) == [ids[2], ids[1], ids[0]]
    assert listed(rig, since_ms=second - 1_000, until_ms=fourth - 1_000, limit=1) == [ids[2]]
    assert listing.count(rig.store, ThreadFilter(since_ms=second - 1_000)) == 3
    assert listing.count(rig.store, ThreadFilter(until_ms=fourth - 1_000)) == 3


@pytest.mark.parametrize("at_ms", [-1, 1 << 48])
def test_time_that_no_id_has_is_refused(rig: Rig, at_ms: int) -> None:
    with pytest.raises(InputError):
        listed(rig, since_ms=at_ms)


def test_count_is_that_of_the_listing(each_rig: Rig) -> None:
    rig = each_rig
    for n in range(4):
        rig.start(labels={"even": str(n % 2 == 0)})
    assert listing.count(rig.store, ThreadFilter()) == 4
    assert listing.count(rig.store, ThreadFilter(labels={"even": "True"})) == 2
    assert listing.count(rig.store, ThreadFilter(statuses=HISTORY)) == 0


@pytest.mark.parametrize(
    ("statuses", "number"),
    [
        (ACTIVE, 5),
        ((*ACTIVE, "running"), 5),
        (ALL, 7),
        (HISTORY, 2),
        (("running",), None),
        (("waiting",), None),
        (("corrupt",), None),
        (("corrupt", "idle"), None),
        (("running", "completed"), None),
    ],
    ids=str,
)
def test_count_is_right_or_not_given(
    each_rig: Rig, zoo: dict[str, str], statuses: tuple[str, ...], number: int | None
) -> None:
    assert listing.count(each_rig.store, ThreadFilter(statuses=statuses)) == number
    assert number is None or number == len(listed(each_rig, statuses=statuses))
    of_one = ThreadFilter(statuses=statuses, workflow_id=each_rig.put_workflow(LOOP))
    assert listing.count(each_rig.store, of_one) is None


def test_ref_that_is_no_thread_is_listed_as_corrupt_among_all(rig: Rig) -> None:
    with rig.store.transaction("test") as tx:
        tx.set_ref(THREADS + "01ABC", tx.put("note", "x"), tags={"status": "done"}, why="test")
        tx.set_ref(THREADS + "01ABD", tx.put("note", "x"), why="test")
    assert listed(rig) == []
    assert listed(rig, statuses=ALL) == ["01ABD", "01ABC"]
    assert listed(rig, statuses=("corrupt",)) == ["01ABD", "01ABC"]


def sorted_by(rig: Rig, sort: str, **page: Any) -> list[str]:
    wanted = ThreadFilter(statuses=ALL)
    page = {"limit": None, **page}
    found = listing.look(rig.store, rig.views, wanted, sort=sort, **page)
    return [thread.thread for thread in found.threads]


@pytest.fixture
def three(rig: Rig) -> tuple[str, str, str]:
    """Threads that differ in all that they can be sorted by."""
    one, two, three = rig.start(priority=1), rig.start(priority=3), rig.start(LOOP, priority=2)
    rig.exec(one, WROTE)
    rig.exec(two, WROTE, APPROVED)
    return one, two, three


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("begun", (2, 1, 0)),
        ("-begun", (0, 1, 2)),
        ("priority", (1, 2, 0)),
        ("updated", (1, 0, 2)),
        ("step", (1, 0, 2)),
        ("-step", (2, 0, 1)),
        ("completed", (1, 2, 0)),
        ("-completed", (1, 2, 0)),
        ("workflow", (2, 1, 0)),
        ("-workflow", (1, 0, 2)),
        ("status", (1, 2, 0)),
    ],
)
def test_threads_are_sorted_and_what_lacks_a_value_comes_last(
    rig: Rig, three: tuple[str, str, str], sort: str, order: tuple[int, ...]
) -> None:
    assert sorted_by(rig, sort) == [three[at] for at in order]


def test_page_of_a_sorted_listing_is_a_slice_of_the_whole(
    rig: Rig, three: tuple[str, str, str]
) -> None:
    whole = sorted_by(rig, "priority")
    assert sorted_by(rig, "priority", limit=1, offset=1) == whole[1:2]
    found = listing.look(rig.store, rig.views, ThreadFilter(), limit=1, offset=0, sort="priority")
    assert found.is_cut


def test_what_nothing_can_be_sorted_by_is_refused(rig: Rig) -> None:
    with pytest.raises(InputError, match="cannot be sorted by 'colour'"):
        sorted_by(rig, "-colour")


def test_class_of_failure_is_that_of_the_last_attempt(rig: Rig) -> None:
    fine, failed = rig.start(), rig.start()
    rig.exec(fine, WROTE)
    rig.exec(failed, crash())
    assert listed(rig, classes=("exit_code",)) == [failed]
    assert listed(rig, classes=("network", "quota")) == []
    rig.resume(failed, WROTE)
    assert listed(rig, classes=("exit_code",)) == []
    assert listing.count(rig.store, ThreadFilter(classes=("exit_code",))) is None
    with pytest.raises(InputError, match="no class of failure 'bad'"):
        listing.wanted(rig.store, "all", classes=["bad"])
