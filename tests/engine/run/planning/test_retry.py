"""`thread retry`: a failed step again, and nothing else."""

from __future__ import annotations

import pytest

from tests.helpers.fake_agent import crash, suspend
from tests.helpers.rig import APPROVED, WROTE, Rig, everything
from uwf.errors import StateError


def test_failed_step_is_tried_again_with_what_it_was_told(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash(), supplement="Use short words.")
    done = rig.run(id, "retry", WROTE)[-1]
    assert (done.role, done.thread.status, done.thread.plan) == ("writer", "idle", None)
    assert "Use short words." in rig.prompt
    assert [end["error"]["code"] for end in rig.failed_attempts(id)] == ["exit_code"]


def test_retry_goes_on_after_the_step_when_it_is_told_to(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash())
    results = rig.run(id, "retry", WROTE, APPROVED, count=None)
    assert [result.role for result in results] == ["writer", "reviewer"]
    assert results[-1].thread.status == "completed"


@pytest.mark.parametrize("state", ["new", "asked", "completed", "stopped", "cancelled"])
def test_retry_of_a_thread_that_has_not_failed_changes_nothing(rig: Rig, state: str) -> None:
    id = rig.start()
    if state == "asked":
        rig.exec(id, suspend("Which one?"))
    elif state == "completed":
        rig.exec(id, WROTE, APPROVED)
    elif state == "stopped":
        rig.stopped(id)
    elif state == "cancelled":
        rig.exec(id, crash())
        rig.cancel(id)
    before = everything(rig.store)
    with pytest.raises(StateError) as refused:
        rig.run(id, "retry")
    assert refused.value.code == ("cancelled" if state == "cancelled" else "not_failed")
    verb = {"new": "exec", "stopped": "exec", "cancelled": "fork"}.get(state, "resume")
    assert refused.value.hint is not None
    assert refused.value.hint.startswith(f"uwf thread {verb} {id}")
    assert everything(rig.store) == before
