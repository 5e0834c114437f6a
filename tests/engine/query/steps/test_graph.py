"""The path a thread took through its graph, and two threads side by side."""

from __future__ import annotations

from tests.helpers.fake_agent import crash, reply, suspend
from tests.helpers.flows import LOOP, OLDER, PAIR
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.query.steps import diff, graph
from uwf.record import replace
from uwf.workflow.model import Edge

START = "$START"


def visited(rig: Rig, id: str) -> tuple[dict[tuple[str, str], int], str | None]:
    return graph.path(rig.store, rig.ref(id))


def test_fresh_thread_stands_before_its_first_role(rig: Rig) -> None:
    assert visited(rig, rig.start()) == ({}, "writer")


def test_every_edge_taken_is_counted(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES, WROTE, CHANGES, WROTE)
    assert visited(rig, id) == (
        {(START, "new"): 1, ("writer", "done"): 3, ("reviewer", "changes"): 2},
        "reviewer",
    )


def test_rounds_enter_at_new_and_then_at_resume(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    for _ in range(2):
        rig.resume(id, WROTE, APPROVED)
    edges, at = visited(rig, id)
    assert at == "$END"
    assert (edges[START, "new"], edges[START, "resume"]) == (1, 2)
    assert edges["reviewer", "approved"] == 3


def test_workflow_without_resume_enters_at_new_again(rig: Rig) -> None:
    id = rig.start(LOOP)
    rig.exec(id, reply("off"))
    rig.resume(id, reply("on"))
    assert visited(rig, id)[0][START, "new"] == 2


def test_older_any_edges_are_the_ones_taken(rig: Rig) -> None:
    flow = replace(
        LOOP, graph={START: {"_": Edge("walker", "Walk.")}, "walker": {"_": Edge("$END", "")}}
    )
    id = rig.start(flow)
    rig.exec(id, reply("on"))
    assert visited(rig, id)[0] == {(START, "_"): 1, ("walker", "_"): 1}


def test_role_that_asked_has_taken_no_edge(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, suspend("which?"))
    assert visited(rig, id) == ({(START, "new"): 1}, "writer")
    rig.resume(id, WROTE)
    assert visited(rig, id)[0] == {(START, "new"): 1, ("writer", "done"): 1}


def test_older_suspend_edge_was_taken(rig: Rig) -> None:
    id = rig.start(OLDER)
    rig.exec(id, reply("question", text="how?"))
    assert visited(rig, id) == ({(START, "_"): 1, ("asker", "question"): 1}, "asker")


def test_thread_stands_where_its_attempt_failed(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, crash())
    assert visited(rig, id)[1] == "reviewer"
    rig.cancel(id)
    assert visited(rig, id)[1] is None


def test_edges_of_an_earlier_workflow_still_count(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.rebind(id, rig.put_workflow(replace(PAIR, name="other")))
    assert visited(rig, id)[0] == {(START, "new"): 1, ("writer", "done"): 1}


def test_thread_and_its_fork_share_their_steps(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    fork = rig.fork(rig.steps(id)[0].id, id)
    rig.exec(fork, APPROVED)
    found = diff.compare(rig.store, rig.ref(id), rig.ref(fork))
    assert (found.left.thread, found.right.thread) == (id, fork)
    assert (found.shared, found.fork) == (1, rig.steps(id)[0].id)
    assert [step.status for step in found.left.steps] == ["changes"]
    assert [step.status for step in found.right.steps] == ["approved"]


def test_difference_is_told_line_by_line(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    fork = rig.fork(rig.head(id), id)
    rig.exec(id, reply("changes", "Not yet.\nIt is long.", remarks="shorten it"))
    rig.exec(fork, reply("changes", "Not yet.\nIt is short.", remarks="shorten it"), WROTE)
    told = diff.text(rig.store, diff.compare(rig.store, rig.ref(id), rig.ref(fork))).splitlines()
    assert told[:3] == [f"--- {id}", f"+++ {fork}", "1 step in common"]
    assert "- It is long." in told
    assert "+ It is short." in told
    assert "  remarks: shorten it" in told
    assert "+ step 3 writer → done" in told


def test_thread_is_no_different_from_itself(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    found = diff.compare(rig.store, rig.ref(id), rig.ref(id))
    assert (found.shared, found.left.steps, found.right.steps) == (1, (), ())
    assert diff.text(rig.store, found).endswith("the two are the same")


def test_threads_of_their_own_share_nothing(rig: Rig) -> None:
    one, other = rig.start(), rig.start()
    rig.exec(one, WROTE)
    rig.exec(other, WROTE)
    found = diff.compare(rig.store, rig.ref(one), rig.ref(other))
    assert (found.shared, found.fork) == (0, None)
    assert (len(found.left.steps), len(found.right.steps)) == (1, 1)
