"""Publishing a step when others write too, or when the store fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.fake_agent import Said, crash, suspend
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.actions import lifecycle, undo
from uwf.engine.chain.thread import Thread
from uwf.engine.query.steps import turns
from uwf.engine.run import publish, runner
from uwf.engine.run.order import Order
from uwf.errors import Busy, ReplyKept, StoreError
from uwf.record import replace
from uwf.store.protocols import Store
from uwf.store.sqlite import writing

IDS = ("steps", "asks", "fails")
WRITES = ("put", "put_raw", "set_ref", "delete_ref", "set_counter")


class DiskFull(StoreError):
    """What the store raises in these tests."""


class Failing:
    """Makes write number `at` of a store raise."""

    def __init__(self, store: Store, patch: pytest.MonkeyPatch, at: int) -> None:
        self.left = at
        kind: Any = writing.SqliteTransaction
        for name in WRITES:
            patch.setattr(kind, name, self.counted(getattr(kind, name)))

    def counted(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise DiskFull("the disk is full")
            return plain(*args, **named)

        return write


@pytest.mark.parametrize("state", ["idle", "completed"])
@pytest.mark.parametrize(
    "answer", [Said(WROTE, turns=("---\n",)), suspend("tabs?"), crash()], ids=IDS
)
def test_store_that_fails_at_any_write_leaves_the_thread_as_it_was(
    each_rig: Rig, monkeypatch: pytest.MonkeyPatch, state: str, answer: Any
) -> None:
    rig = Rig(each_rig.store, each_rig.engine.home, lenient=True)
    ended: dict[str, Any] = {}
    for at in range(1, 100):
        id = rig.start()
        if state == "completed":
            rig.exec(id, WROTE, APPROVED)
        before, steps = rig.ref(id), len(rig.steps(id))
        verb = "exec" if state == "idle" else "resume"
        try:
            with monkeypatch.context() as patch:
                failing = Failing(rig.store, patch, at)
                rig.run(id, verb, answer)
        except ReplyKept:
            assert rig.head(id) == before.id
            rig.run(id, "exec")  # without another word of the agent
        except DiskFull:
            assert rig.head(id) == before.id
            rig.agent.forget()
            if rig.ref(id) != before:  # its next round had begun before the agent was asked
                assert rig.state(id) == {"status": "idle"}
                verb = "exec"
            rig.run(id, verb, WROTE)
            assert len(rig.steps(id)) == steps + 1
            continue
        assert outcome_of(rig, id) == ended.setdefault("as", outcome_of(rig, id))
        if failing.left > 0:
            break
    assert at > 6


def outcome_of(rig: Rig, id: str) -> Any:
    """Where a thread stands, and all that was said since its head before."""
    said = "".join(row.text for row in turns.of_thread(rig.store, rig.ref(id)))
    return {**rig.state(id), "completedAt": None}, len(rig.steps(id)), said


def test_busy_thread_is_refused_and_says_who_has_it(rig: Rig) -> None:

    id = rig.start()

    def second(ask: object) -> str:
        with pytest.raises(Busy) as busy:
            list(runner.run(rig.engine, id, Order("exec"), rig.stop))
        assert "(writer, since 20" in busy.value.message
        assert busy.value.hint
        return WROTE

    rig.exec(id, second)


def label(rig: Rig, id: str, **more: str) -> None:
    """What `uwf ref set` does, which no lock of a thread keeps away."""
    with rig.store.transaction("test") as tx:
        tags = {**rig.ref(id).tags, "label.team": "red", **more}
        tx.set_ref(f"@uwf/thread/{id}", rig.head(id), tags=tags, why="labelled")


@pytest.mark.parametrize("answer", [WROTE, crash(), "bad"])
def test_tag_set_while_the_agent_runs_is_kept(each_rig: Rig, answer: Any) -> None:
    rig = each_rig
    id = rig.start()

    def meanwhile(ask: object) -> Any:
        label(rig, id)
        return answer

    rig.run(id, "exec", meanwhile, *(["bad", "bad"] if answer == "bad" else []))
    assert rig.row(id)["labels"] == {"team": "red"}


@pytest.mark.parametrize("budget", [None, "usd=5"])
@pytest.mark.parametrize("state", ["idle", "completed"])
def test_tag_set_while_a_step_waits_for_its_turn_is_kept(
    each_rig: Rig, state: str, budget: str | None
) -> None:
    rig = each_rig
    id = rig.start()
    if state == "completed":
        rig.exec(id, WROTE, APPROVED)
    agent_for = rig.engine.agent_for

    def late(*words: Any) -> Any:
        label(rig, id, **{"budget.tokens": "7"})
        return agent_for(*words)

    rig.engine = replace(rig.engine, agent_for=late)
    rig.run(id, "exec" if state == "idle" else "resume", WROTE, budget=budget)
    tags = rig.ref(id).tags
    assert (tags["label.team"], tags["budget.tokens"]) == ("red", "7")
    assert tags.get("budget.usd") == (None if budget is None else "5")


def move_on(rig: Rig, thread: Thread) -> None:
    publish.suspend(rig.engine, thread, "writer", "later")


def cancel(rig: Rig, thread: Thread) -> None:
    lifecycle.cancel(rig.store, thread, "done with it")


def go_back(rig: Rig, thread: Thread) -> None:
    undo.undo(rig.store, thread)


@pytest.mark.parametrize("change", [move_on, cancel, go_back])
def test_tag_set_since_the_thread_was_read_is_kept(
    each_rig: Rig, change: Callable[[Rig, Thread], None]
) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    thread = rig.thread(id)
    label(rig, id)
    before = rig.ref(id)
    change(rig, thread)
    assert rig.ref(id).version > before.version
    assert rig.ref(id).tags["label.team"] == "red"


def test_tag_set_just_before_a_failure_is_kept(
    each_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = each_rig
    id = rig.start()
    publishing = publish.publish

    def late(*words: Any) -> Thread:
        label(rig, id)
        return publishing(*words)

    monkeypatch.setattr(publish, "publish", late)
    rig.exec(id, crash())
    assert rig.state(id)["status"] == "suspended"
    assert rig.row(id)["labels"] == {"team": "red"}


def test_head_moved_by_somebody_else_meanwhile_is_not_overwritten(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    start = rig.thread(id).position.start

    def move(ask: object) -> str:
        with rig.store.transaction("test") as tx:
            tx.set_ref(f"@uwf/thread/{id}", start, why="by hand")
        return CHANGES

    with pytest.raises(ReplyKept) as lost:
        rig.exec(id, move)
    assert lost.value.code == "conflict"
    assert rig.head(id) == start
    rig.exec(id, WROTE)
    assert rig.steps(id)[0].attempts == ()


def test_priority_that_is_no_number_is_told_and_not_run(rig: Rig) -> None:
    id = rig.start()
    with rig.store.transaction("test") as tx:
        tags = {**rig.ref(id).tags, "priority": "high"}
        tx.set_ref(f"@uwf/thread/{id}", rig.head(id), tags=tags, why="by hand")
    with pytest.raises(StoreError) as refused:
        rig.exec(id)
    assert refused.value.code == "bad_tag"
