"""The start of an attempt is on record before its agent may run, and is part of no chain once it became a step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.helpers.dying import die
from tests.helpers.fake_agent import Said, crash
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain.attempt import INTERRUPTED
from uwf.engine.chain.nodes import prompt_text
from uwf.engine.chain.tags import ATTEMPTS, THREADS
from uwf.engine.progress import TaskDispatched
from uwf.record import replace
from uwf.store.whole import check, gc

if TYPE_CHECKING:
    from uwf.engine.progress import Progress


def test_agent_runs_only_once_its_attempt_is_on_record(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec")
    attempt = rig.thread(id).attempt
    assert attempt is not None and attempt.running is not None
    assert (attempt.number, attempt.agent, attempt.failure) == (1, "fake", None)
    assert (attempt.plan.role, attempt.plan.expect) == ("writer", rig.head(id))
    assert attempt.running.runner.pid == os.getpid()


def test_step_leaves_no_attempt_beside_its_head(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    assert rig.attempt(id) is None
    assert [move.why for move in rig.store.moves(ATTEMPTS + id)] == [
        "task_dispatched: writer",
        "became a step",
        "task_dispatched: reviewer",
        "became a step",
    ]
    assert check.verify(rig.store, deep=True).problems == ()
    (turn,) = rig.step(rig.head(id))["turns"]
    assert turn["text"] == APPROVED
    assert "Your role" in prompt_text(rig.store, rig.steps(id)[1].prompt)


def test_a_dispatch_is_on_record_when_it_is_told_and_told_once_an_attempt(rig: Rig) -> None:
    id = rig.start()
    told: list[tuple[TaskDispatched, str]] = []
    rig.engine = replace(rig.engine, on_progress=lambda event: note(rig, id, event, told))
    rig.exec(id, "no front matter", WROTE, crash(), count=2)
    assert [(event.role, event.agent, event.number, why) for event, why in told] == [
        ("writer", "fake", 1, "task_dispatched: writer"),
        ("reviewer", "fake", 1, "task_dispatched: reviewer"),
    ]
    assert all(rig.store.get(event.attempt).payload["agent"] == "fake" for event, _ in told)


def note(rig: Rig, id: str, event: Progress, told: list[tuple[TaskDispatched, str]]) -> None:
    if isinstance(event, TaskDispatched):
        told.append((event, rig.store.moves(ATTEMPTS + id)[-1].why))


def test_dead_start_is_kept_as_an_attempt_with_its_prompt(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec")
    asked = rig.prompt
    settled = rig.settle(id)
    assert settled is not None
    attempt = rig.thread(id).attempt
    assert attempt is not None and attempt.failure is not None
    assert (attempt.failure.code, attempt.running) == (INTERRUPTED, None)
    begun = rig.store.get(attempt.begun).payload
    assert prompt_text(rig.store, begun["prompt"]) == asked
    assert check.verify(rig.store, deep=True).problems == ()
    rig.exec(id, WROTE)
    assert rig.steps(id)[0].attempts == (settled.attempt,)


@pytest.mark.parametrize("answer", [crash(), Said("no front matter")], ids=["crash", "bad"])
def test_failed_attempt_stands_beside_the_head(each_rig: Rig, answer: Said) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, *[answer] * (1 if answer.text == "" else 3), count=1)
    attempt = rig.thread(id).attempt
    assert attempt is not None and attempt.has_failed
    assert rig.store.moves(ATTEMPTS + id)[0].why == "task_dispatched: writer"


def test_words_of_a_person_are_on_record_with_the_start(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec", supplement="use tabs")
    plan = rig.thread(id).plan
    assert plan is not None and plan.supplement == "use tabs"


def test_next_round_is_on_record_with_the_start(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    die(rig, id, "resume")
    assert rig.state(id) == {"status": "idle"}
    assert rig.attempt(id) is not None


def test_thread_with_a_name_that_is_no_ulid_can_step(each_rig: Rig) -> None:
    rig = each_rig
    ref = rig.ref(rig.start())
    with rig.store.transaction("test") as tx:
        tx.set_ref(THREADS + "é" * 60, ref.id, tags=ref.tags, why="by hand")
    die(rig, "é" * 60, "exec")
    assert rig.attempt("é" * 60) is not None
    rig.exec("é" * 60, WROTE)


def test_doctor_finds_a_start_whose_uwf_is_dead(rig: Rig) -> None:
    id = rig.start()
    die(rig, id, "exec")
    (finding,) = rig.doctor(repair=False)
    assert (finding.kind, finding.thread, finding.repaired) == ("attempt", id, False)
    (finding,) = rig.doctor(repair=True)
    assert finding.repaired
    assert rig.doctor(repair=False) == []


def test_gc_leaves_what_a_running_step_will_need(each_rig: Rig) -> None:
    """Sections of a prompt that a step of the same run has stored already."""
    rig = each_rig
    id = rig.start()
    collected: list[int] = []

    def collect(_event: object) -> None:
        collected.append(gc.collect(rig.store, grace_ms=-1).removed)

    rig.engine = replace(rig.engine, on_progress=collect)
    rig.exec(id, WROTE, CHANGES, WROTE, APPROVED)
    assert len(collected) > 3
    assert check.verify(rig.store, deep=True).problems == ()
