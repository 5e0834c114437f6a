"""Runs that end before the thread does: stopped by a person, or by the limit of steps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.fake_agent import Said
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig, everything
from uwf.errors import Interrupted


def test_stop_between_steps_ends_the_run_at_a_whole_step(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()

    def write_and_stop(ask: object) -> str:
        rig.stop.request(2)
        return WROTE

    with pytest.raises(Interrupted) as ended:
        rig.run(id, "exec", write_and_stop, count=None)
    assert ended.value.signum == 2
    assert [step.role for step in rig.steps(id)] == ["writer"]
    assert rig.state(id) == {"status": "idle"}
    assert rig.attempt(id) is None


def test_stop_before_the_first_step_changes_nothing(rig: Rig) -> None:
    id = rig.start()
    before = everything(rig.store)
    rig.stop.request()
    with pytest.raises(Interrupted):
        rig.exec(id)
    assert everything(rig.store) == before


def test_stop_that_came_before_the_agent_was_spawned_leaves_a_completed_thread_alone(
    rig: Rig,
) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    before = rig.ref(id)
    rig.agent.process = None  # the gate is never reached
    with pytest.raises(Interrupted):
        rig.resume(id, Said(ended="stopped"), supplement="more")
    assert rig.ref(id) == before


def test_stopped_attempt_keeps_its_turns(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    with pytest.raises(Interrupted):
        rig.exec(id, Said(text="half a reply", ended="stopped", turns=("half a",)))
    rig.stop.signum = None
    assert rig.row(id)["error"] is None
    rig.exec(id, WROTE)
    (kept,) = rig.failed_attempts(id)
    assert kept["error"]["code"] == "stopped"
    assert [turn["text"] for turn in kept["turns"]] == ["half a", " reply"]


def test_until_done_is_suspended_after_max_steps(make_rig: Any) -> None:
    rig = make_rig(max_steps=3)
    id = rig.start()
    results = rig.run(id, "exec", WROTE, CHANGES, WROTE, count=None)
    assert len(results) == 3
    assert results[-1].thread.status == "suspended"
    assert rig.state(id) == {
        "status": "suspended",
        "suspendedRole": "reviewer",
        "suspendMessage": "stopped after 3 steps without an end (limits.max_steps)",
    }
    rig.resume(id, CHANGES)
    assert rig.prompt.endswith("Review a.py. The writer says: I wrote it.")


def test_run_that_ends_with_its_last_allowed_step_is_not_suspended(make_rig: Any) -> None:
    rig = make_rig(max_steps=2)
    id = rig.start()
    rig.run(id, "exec", WROTE, APPROVED, count=None)
    assert rig.state(id)["status"] == "completed"


def test_count_is_not_bound_by_max_steps(make_rig: Any) -> None:
    rig = make_rig(max_steps=1)
    id = rig.start()
    rig.run(id, "exec", WROTE, CHANGES, count=2)
    assert rig.state(id) == {"status": "idle"}
