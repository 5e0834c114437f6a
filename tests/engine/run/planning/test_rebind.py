"""Rebinding: a thread goes on with another workflow, and its chain says so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.states import STATES
from tests.helpers.fake_agent import Said, crash, reply, suspend
from tests.helpers.flows import PAIR, TEXT, WRITER, role, schema, workflow
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig, everything
from uwf import clock
from uwf.engine.query.steps import diff
from uwf.engine.run.admission import Admission, Ticket
from uwf.errors import Refused, StateError
from uwf.guard import pause as switch
from uwf.jsontext import document
from uwf.record import replace
from uwf.store.whole import gc
from uwf.workflow.model import Edge, Workflow

KINDER = replace(
    PAIR,
    description="A kinder pair.",
    graph={
        **PAIR.graph,
        "writer": {"done": Edge("reviewer", "Review kindly: {{ file }}")},
    },
)
ALONE = workflow(
    "alone", [WRITER], {"$START": {"new": ("writer", "Write.")}, "writer": {"done": ("$END", "")}}
)


def bind(rig: Rig, id: str, flow: Workflow) -> str:
    other = rig.put_workflow(flow)
    rig.rebind(id, other)
    return other


def test_rebind_is_an_event_in_the_chain(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    before = rig.head(id)
    other = bind(rig, id, KINDER)
    node = rig.store.get(rig.head(id))
    assert node.kind == "rebind"
    assert node.payload["prev"] == before
    assert node.payload["workflow"] == other
    assert node.payload["from"] == rig.put_workflow(PAIR)
    assert len(rig.steps(id)) == 1


def test_next_step_follows_the_new_workflow(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    other = bind(rig, id, KINDER)
    rig.exec(id, APPROVED)
    assert rig.prompt.endswith("Review kindly: a.py")
    assert [step.workflow for step in rig.steps(id)] == [rig.put_workflow(PAIR), other]
    assert rig.steps(id)[-1].index == 2


def test_order_to_exec_may_name_the_workflow(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.exec(id, APPROVED, rebind=rig.put_workflow(KINDER))
    assert rig.prompt.endswith("Review kindly: a.py")


def test_tag_names_the_new_workflow(rig: Rig) -> None:
    id = rig.start()
    bind(rig, id, replace(KINDER, name="kinder"))
    assert rig.ref(id).tags["workflow"] == "kinder"
    assert rig.row(id)["workflowName"] == "kinder"


def test_binding_to_the_same_workflow_changes_nothing(rig: Rig) -> None:
    id = rig.start()
    before = everything(rig.store)
    bind(rig, id, PAIR)
    assert everything(rig.store) == before


def test_workflow_without_the_next_role_is_refused(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    before = everything(rig.store)
    with pytest.raises(StateError) as refused:
        bind(rig, id, ALONE)
    assert refused.value.code == "role_gone"
    assert "reviewer" in refused.value.message
    assert everything(rig.store) == before


def test_workflow_without_an_edge_for_the_last_status_is_refused(rig: Rig) -> None:
    flow = replace(
        PAIR,
        roles={**PAIR.roles, "writer": role("writer", schema(written={"file": TEXT}))},
        graph={**PAIR.graph, "writer": {"written": Edge("reviewer", "Review.")}},
    )
    id = rig.start()
    rig.exec(id, WROTE)
    before = everything(rig.store)
    with pytest.raises(StateError) as refused:
        bind(rig, id, flow)
    assert refused.value.code == "no_edge"
    assert everything(rig.store) == before


def test_object_that_is_no_workflow_is_refused(rig: Rig) -> None:
    id = rig.start()
    with pytest.raises(StateError) as refused:
        rig.rebind(id, rig.head(id))
    assert refused.value.code == "not_a_workflow"


def test_new_workflow_may_end_where_the_old_one_went_on(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    bind(rig, id, replace(KINDER, graph={**PAIR.graph, "writer": {"done": Edge("$END", "")}}))
    result = rig.exec(id)
    assert (result.role, result.step) == (None, None)
    assert rig.state(id)["status"] == "completed"
    assert document(rig.views.result(result.event))["done"] is True


def test_pending_try_goes_on_with_its_supplement_its_tries_and_its_session(
    each_rig: Rig,
) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    first = rig.exec(id, crash("no network"), supplement="use tabs")
    second = rig.resume(id, Said(ended="timeout", session="s-1"))
    bind(rig, id, KINDER)
    assert rig.state(id)["status"] == "suspended"
    assert rig.row(id)["currentRole"] == "reviewer"
    rig.resume(id, APPROVED)
    step = rig.steps(id)[-1]
    assert step.supplement == "use tabs"
    assert step.attempts == (first.attempt, second.attempt)
    assert rig.agent.asks[-1].session == "s-1"
    assert rig.agent.asks[-1].env["UWF_ATTEMPT"] == "3"


@pytest.mark.parametrize("how", ["failed", "stopped", "held"])
def test_pending_try_is_told_what_the_new_workflow_says(each_rig: Rig, how: str) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    if how == "failed":
        rig.exec(id, crash())
    elif how == "stopped":
        rig.stopped(id)
    else:
        id = rig.fork(rig.head(id), id, "use tabs")
    rig.exec(id, APPROVED, rebind=rig.put_workflow(KINDER), supplement="kindly")
    assert rig.prompt.endswith("Review kindly: a.py")
    assert rig.steps(id)[-1].instruction == "Review kindly: a.py"


def test_pending_try_goes_where_the_edge_of_the_new_workflow_says(rig: Rig, tmp_path: Path) -> None:
    there = Edge("reviewer", "Review.", location=str(tmp_path))
    id = rig.start()
    rig.exec(id, WROTE, crash())
    bind(rig, id, replace(KINDER, graph={**PAIR.graph, "writer": {"done": there}}))
    rig.resume(id, APPROVED)
    assert rig.steps(id)[-1].cwd == str(tmp_path)


@pytest.mark.parametrize("resumed", [False, True])
def test_try_that_begins_a_round_is_told_what_the_new_workflow_says(
    rig: Rig, resumed: bool
) -> None:
    id = rig.start()
    if resumed:
        rig.exec(id, WROTE, APPROVED)
        rig.resume(id, crash())
    else:
        rig.exec(id, crash())
    bind(rig, id, replace(PAIR, graph={**PAIR.graph, "$START": {"new": Edge("writer", "Anew.")}}))
    rig.resume(id, WROTE)
    assert rig.prompt.endswith("Anew.")
    assert rig.steps(id)[-1].round == 1 + resumed


def test_pending_try_keeps_its_instruction_where_no_edge_leads_to_its_role(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, crash())
    for out in (
        {"done": Edge("writer", "Write {{ more }}.")},
        {"written": Edge("reviewer", "Go.")},
    ):
        bind(rig, id, replace(PAIR, graph={**PAIR.graph, "writer": out}))
    rig.resume(id, APPROVED)
    assert rig.prompt.endswith("Review a.py. The writer says: I wrote it.")


def test_fork_at_a_rebind_without_an_edge_for_the_last_status_is_shown_and_mended(
    each_rig: Rig,
) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, crash())
    bind(
        rig, id, replace(PAIR, graph={**PAIR.graph, "writer": {"written": Edge("reviewer", "Go.")}})
    )
    fork = rig.fork(rig.head(id), id)
    row = rig.row(fork)
    assert (row["status"], row["currentRole"], row["error"]) == ("idle", None, None)
    before = everything(rig.store)
    with pytest.raises(Refused) as refused:
        rig.exec(fork)
    assert refused.value.reason == "preflight_failed"
    assert everything(rig.store) == before
    rig.exec(fork, APPROVED, rebind=rig.put_workflow(KINDER))
    assert rig.prompt.endswith("Review kindly: a.py")
    assert rig.state(fork)["status"] == "completed"


def test_fork_at_a_rebind_without_an_edge_is_not_bound_to_another_without_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, crash())
    bind(
        rig, id, replace(PAIR, graph={**PAIR.graph, "writer": {"written": Edge("reviewer", "Go.")}})
    )
    fork = rig.fork(rig.head(id), id)
    before = everything(rig.store)
    with pytest.raises(StateError) as refused:
        bind(
            rig, fork, replace(PAIR, graph={**PAIR.graph, "writer": {"other": Edge("writer", "")}})
        )
    assert refused.value.code == "no_edge"
    assert everything(rig.store) == before


def test_new_instruction_that_cannot_be_rendered_refuses_the_rebind(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, crash())
    before = everything(rig.store)
    silent = {"done": Edge("reviewer", "{{ nothing }}")}
    with pytest.raises(StateError):
        bind(rig, id, replace(PAIR, graph={**PAIR.graph, "writer": silent}))
    assert everything(rig.store) == before


def test_failing_poke_is_told_what_the_new_workflow_says(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    rig.poke(id, "kinder", crash())
    bind(rig, id, KINDER)
    rig.resume(id, APPROVED)
    assert rig.prompt.endswith("Review kindly: a.py")


@pytest.mark.parametrize("failed", [False, True])
def test_role_that_asked_is_told_what_the_new_workflow_says(rig: Rig, failed: bool) -> None:
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    rig.resume(id, suspend("really?"), supplement="that one")
    if failed:
        rig.resume(id, crash(), supplement="yes")
    bind(rig, id, KINDER)
    rig.resume(id, APPROVED, supplement="go")
    assert rig.prompt.endswith("Review kindly: a.py")


def test_failing_poke_goes_on_after_a_rebind(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    poked = rig.head(id)
    rig.poke(id, "kinder", crash())
    bind(rig, id, KINDER)
    rig.resume(id, APPROVED)
    step = rig.steps(id)[-1]
    assert step.prev == rig.steps(id)[0].id
    assert rig.store.get(str(step.replaces)).payload["prev"] == poked
    assert step.workflow == rig.put_workflow(KINDER)


def test_role_that_asked_is_asked_under_the_new_workflow(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, suspend("which?"))
    bind(rig, id, KINDER)
    rig.resume(id, WROTE, supplement="that one")
    rig.exec(id, CHANGES)
    assert rig.prompt.endswith("Review kindly: a.py")


def test_completed_thread_begins_its_next_round_in_the_new_workflow(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    bind(rig, id, KINDER)
    assert rig.state(id)["status"] == "completed"
    rig.resume(id, WROTE)
    rig.exec(id, CHANGES)
    assert rig.prompt.endswith("Review kindly: a.py")
    assert [step.round for step in rig.steps(id)] == [1, 1, 2, 2]


OTHER_WORDS = replace(
    PAIR,
    name="other words",
    roles={**PAIR.roles, "reviewer": role("reviewer", schema(fine={}))},
    graph={**PAIR.graph, "reviewer": {"fine": Edge("$END", "")}},
)
"""It has no edge for what the reviewer of `PAIR` says."""


def test_completed_thread_goes_on_where_its_last_status_has_no_edge(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.exec(id, WROTE, rebind=rig.put_workflow(OTHER_WORDS), supplement="a review came")
    assert rig.steps(id)[-1].round == 2
    assert rig.row(id)["workflowName"] == "other words"
    rig.exec(id, reply("fine"))
    assert rig.state(id)["status"] == "completed"


def test_completed_thread_is_not_bound_to_what_cannot_begin(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    before = everything(rig.store)
    silent = {"new": Edge("writer", "{{ nothing }}")}
    with pytest.raises(StateError):
        bind(rig, id, replace(OTHER_WORDS, graph={**OTHER_WORDS.graph, "$START": silent}))
    assert everything(rig.store) == before


def test_fork_of_a_completed_thread_that_was_rebound_stands_at_its_end(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    bind(rig, id, OTHER_WORDS)
    fork = rig.fork(rig.head(id), id)
    assert rig.state(fork)["status"] == "completed"
    rig.resume(fork, WROTE)
    rig.undo(fork)
    assert rig.state(fork)["status"] == "completed"
    again = rig.fork(rig.head(id), id, "once more")
    rig.exec(again, WROTE)
    assert (rig.steps(again)[-1].round, rig.steps(again)[-1].supplement) == (2, "once more")


def test_story_and_counts_go_on_across_a_rebind(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    bind(rig, id, KINDER)
    bind(rig, id, PAIR)
    bind(rig, id, KINDER)
    rig.exec(id, CHANGES)
    assert "### Step 1: writer → done" in rig.prompt
    assert rig.row(id)["steps"] == 2
    same = diff.compare(rig.store, rig.ref(id), rig.ref(id))
    assert same.shared == 2


@pytest.mark.parametrize("state", ["asked", "failed", "completed", "cancelled"])
def test_order_that_the_state_forbids_does_not_rebind_first(rig: Rig, state: str) -> None:
    id = STATES[state](rig)
    other = rig.put_workflow(KINDER)
    before = everything(rig.store)
    with pytest.raises(StateError):
        rig.exec(id, rebind=other)
    assert everything(rig.store) == before


def drain(rig: Rig) -> None:
    switch.turn_on(rig.store, switch.DRAIN, "drain", until_ms=None, why="")


def fill(rig: Rig) -> None:
    config = replace(rig.engine.config, settings={"limits": {"max_running": 0}})
    admission = Admission(rig.store, rig.engine.home, config, "/bin")
    rig.engine = replace(rig.engine, config=config, admission=admission)


def take_agent_away(rig: Rig) -> None:
    rig.no_agent = True


@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize(
    ("hinder", "reason"),
    [(drain, "draining"), (fill, "server_overloaded"), (take_agent_away, "no_agent")],
)
def test_order_that_a_guard_refuses_does_not_rebind_first(
    rig: Rig, hinder: Callable[[Rig], None], reason: str, pending: bool
) -> None:
    id = rig.start()
    rig.exec(id, WROTE, *([crash()] if pending else []))
    other = rig.put_workflow(KINDER)
    hinder(rig)
    before = everything(rig.store)
    with pytest.raises(Refused) as refused:
        rig.exec(id, rebind=other, supplement="as the new file says")
    assert refused.value.reason == reason
    assert everything(rig.store) == before


def test_workflow_that_a_collection_takes_while_the_run_waits_is_stored_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    other = rig.put_workflow(KINDER)
    admit = Admission.admit

    def admit_late(self: Admission, *asked: Any) -> AbstractContextManager[Ticket]:
        monkeypatch.setattr(clock, "now_ms", lambda: 2_000_000_000_000)
        assert gc.collect(rig.store, 0).removed > 0
        monkeypatch.undo()
        assert not rig.store.has(other)
        return admit(self, *asked)

    monkeypatch.setattr(Admission, "admit", admit_late)
    rig.exec(id, APPROVED, rebind=other)
    assert rig.steps(id)[-1].workflow == other
    assert rig.store.has(other)


def test_guards_are_asked_about_the_new_workflow(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    before = everything(rig.store)
    nowhere = {"done": Edge("reviewer", "Review.", location="/no/such/folder")}
    other = rig.put_workflow(replace(PAIR, graph={**PAIR.graph, "writer": nowhere}))
    with pytest.raises(Refused, match="/no/such/folder"):
        rig.exec(id, rebind=other)
    assert everything(rig.store) == before


def test_order_that_leads_to_the_end_rebinds(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    other = rig.put_workflow(
        replace(KINDER, graph={**PAIR.graph, "writer": {"done": Edge("$END", "")}})
    )
    drain(rig)
    assert rig.exec(id, rebind=other).step is None
    assert rig.state(id)["status"] == "completed"
    assert rig.row(id)["workflow"] == other


@pytest.mark.parametrize("state", ["fresh", "idle", "asked", "failed", "completed"])
def test_order_with_a_word_rebinds_in_every_living_state(rig: Rig, state: str) -> None:
    id = STATES[state](rig)
    other = rig.put_workflow(KINDER)
    answer = WROTE if state in ("fresh", "completed") else CHANGES
    rig.exec(id, answer, rebind=other, supplement="as the new file says")
    assert rig.row(id)["workflow"] == other
    assert rig.steps(id)[-1].supplement == "as the new file says"


def test_workflow_with_no_way_on_is_mended_by_a_rebind(rig: Rig) -> None:
    silent = replace(PAIR, graph={**PAIR.graph, "$START": {"new": Edge("writer", "{{ nothing }}")}})
    id = rig.start(silent)
    with pytest.raises(Refused) as refused:
        rig.exec(id)
    assert refused.value.reason == "preflight_failed"
    rig.exec(id, WROTE, rebind=rig.put_workflow(PAIR))
    assert rig.prompt.endswith("Write it.")
