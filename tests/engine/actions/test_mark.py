"""Labels, priority and title of a thread, on record."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.rig import APPROVED, WROTE, Rig
from uwf.engine.actions.mark import Marks, mark
from uwf.engine.chain.tags import THREADS
from uwf.errors import InputError


def marks(labels: dict[str, str] | None = None, **more: Any) -> Marks:
    return Marks(labels or {}, **more)


def last_move(rig: Rig, id: str) -> str:
    return rig.store.moves(THREADS + id)[-1].why


def test_what_is_set_is_shown_and_in_the_log(rig: Rig) -> None:
    id = rig.start(labels={"repo": "shop"})
    mark(rig.store, id, marks({"pr": "42"}, priority=3, title="the slow parser"))
    row = rig.row(id)
    assert row["labels"] == {"repo": "shop", "pr": "42"}
    assert (row["priority"], row["title"], row["status"]) == (3, "the slow parser", "idle")
    assert last_move(rig, id) == "set label pr=42, priority=3, title=the slow parser"


def test_empty_value_takes_it_away_and_what_does_not_differ_is_no_move(rig: Rig) -> None:
    id = rig.start(labels={"repo": "shop"}, priority=2)
    mark(rig.store, id, marks({"repo": ""}, priority=0))
    row = rig.row(id)
    assert (row["labels"], row["priority"], row["title"]) == ({}, 0, None)
    assert last_move(rig, id) == "set no label repo, no priority"
    before = rig.ref(id)
    mark(rig.store, id, marks({"repo": ""}, priority=0, title=""))
    assert rig.ref(id) == before


def test_run_that_goes_on_meanwhile_keeps_what_was_set(rig: Rig) -> None:
    id = rig.start()

    def while_it_works(_request: object) -> str:
        mark(rig.store, id, marks({"pr": "7"}))
        return WROTE

    rig.exec(id, while_it_works)
    assert rig.row(id)["labels"] == {"pr": "7"}
    assert len(rig.steps(id)) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"labels": {"a=b": "c"}}, {"labels": {"a": "b\n"}}, {"title": "a\nb"}, {"title": "x" * 201}],
)
def test_what_no_thread_can_have_is_refused(rig: Rig, wrong: dict[str, Any]) -> None:
    id = rig.start()
    before = rig.ref(id)
    with pytest.raises(InputError):
        mark(rig.store, id, marks(**wrong))
    assert rig.ref(id) == before


def test_undo_goes_past_what_was_set_and_keeps_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    head = rig.head(id)
    rig.exec(id, APPROVED)
    mark(rig.store, id, marks(title="done"))
    rig.undo(id)
    assert (rig.head(id), rig.state(id), rig.row(id)["title"]) == (head, {"status": "idle"}, "done")


def test_undo_of_a_cancellation_is_one_also_after_something_was_set(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    head = rig.head(id)
    rig.cancel(id)
    mark(rig.store, id, marks(title="a"))
    mark(rig.store, id, marks(title="b"))
    rig.undo(id)
    assert (rig.head(id), rig.state(id), rig.row(id)["title"]) == (head, {"status": "idle"}, "b")


def test_fork_has_what_its_source_was_given(rig: Rig) -> None:
    id = rig.start()
    mark(rig.store, id, marks({"pr": "7"}, title="parser"))
    row = rig.row(rig.fork(rig.head(id), id))
    assert (row["labels"], row["title"]) == ({"pr": "7"}, "parser")


def test_a_place_is_kept_checked_and_taken_away(rig: Rig) -> None:
    id = rig.start()
    mark(rig.store, id, marks({}, place="label:gpu"))
    assert rig.ref(id).tags["place"] == "label:gpu"
    assert last_move(rig, id) == "set place=label:gpu"
    with pytest.raises(InputError):
        mark(rig.store, id, marks({}, place="gpu"))
    mark(rig.store, id, marks({}, place=""))
    assert "place" not in rig.ref(id).tags
