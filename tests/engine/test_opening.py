"""The beginning of a try: beside the store while it may come to a step, in the store once it is to be kept."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
from msgpack import packb, unpackb

from tests.helpers.dying import die, lives
from tests.helpers.fake_agent import Said, crash
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.agent.process import platform
from uwf.engine.chain.nodes import ATTEMPTS, THREADS, Plan, prompt_text
from uwf.engine.chain.opening import Draft, Opening, load_draft, process_now
from uwf.engine.chain.thread import INTERRUPTED, TRYING
from uwf.engine.upkeep import doctor
from uwf.record import replace
from uwf.store import check, gc


def put_back(rig: Rig, id: str, draft: bytes) -> None:
    """As if the process had died before it could drop its draft."""
    rig.store.keep_draft(id, draft)


def kinds(rig: Rig) -> list[str]:
    return sorted(rig.store.get(id).kind for id in rig.store.ids())


def test_beginning_of_a_step_is_in_no_store(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    before = kinds(rig)
    die(rig, id, "exec")
    assert kinds(rig) == before
    assert (rig.attempt(id), rig.store.moves(ATTEMPTS + id)) == (None, [])
    attempt = rig.thread(id).attempt
    assert attempt is not None
    assert (attempt.state, attempt.number, attempt.agent) == (TRYING, 1, "fake")
    assert (attempt.plan.role, attempt.plan.expect) == ("writer", rig.head(id))
    assert attempt.runner == os.getpid()


def test_step_leaves_no_draft_and_no_attempt(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    assert (rig.store.drafts(), rig.store.moves(ATTEMPTS + id)) == ([], [])
    assert "attempt" not in kinds(rig)
    assert check.verify(rig.store, deep=True).problems == ()
    (turn,) = rig.view.step(rig.head(id))["turns"]
    assert turn["text"] == APPROVED
    assert rig.steps(id)[1].prompt and "Your role" in prompt_text(
        rig.store, rig.steps(id)[1].prompt
    )


def test_dead_beginning_is_kept_as_an_attempt_with_its_prompt(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec")
    asked = rig.prompt
    settled = rig.settle(id)
    assert settled is not None and rig.store.drafts() == []
    attempt = rig.thread(id).attempt
    assert attempt is not None and attempt.state == INTERRUPTED
    begun = rig.store.get(attempt.begun).payload
    assert prompt_text(rig.store, begun["prompt"]) == asked
    assert check.verify(rig.store, deep=True).problems == ()
    rig.exec(id, WROTE)
    assert rig.steps(id)[0].attempts == (settled.attempt,)


@pytest.mark.parametrize("answer", [crash(), Said("no front matter")], ids=["crash", "bad"])
def test_failed_try_is_in_the_store_and_its_draft_is_gone(each_rig: Rig, answer: Said) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, *[answer] * (1 if answer.ended != "exit" or answer.text == "" else 3), count=1)
    attempt = rig.thread(id).attempt
    assert attempt is not None and attempt.begun and rig.store.drafts() == []
    assert rig.store.moves(ATTEMPTS + id)[0].why == "agent starts"


def test_stopped_try_leaves_no_draft(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.stopped(id)
    assert rig.store.drafts() == [] and rig.attempt(id) is not None


@pytest.mark.parametrize("words", [None, "use tabs"])
def test_words_of_a_person_are_never_in_a_draft_alone(each_rig: Rig, words: str | None) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec", supplement=words)
    assert (rig.attempt(id) is None) == (words is None) == (rig.store.drafts() == [id])


def test_next_round_begins_in_the_store(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    die(rig, id, "resume")
    assert rig.store.drafts() == [] and rig.state(id) == {"status": "idle"}
    assert rig.attempt(id) is not None


def test_draft_is_void_once_the_head_has_moved(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec")
    draft = rig.store.draft(id)
    assert draft is not None
    rig.exec(id, WROTE)
    put_back(rig, id, draft)
    assert rig.thread(id).attempt is None
    before = rig.ref(id)
    assert rig.settle(id) is None
    assert (rig.store.drafts(), rig.ref(id)) == ([], before)


def test_draft_is_void_once_the_store_says_more(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec", "half")  # the turn has brought it into the store
    draft = rig.store.draft(id)
    assert draft is not None
    rig.settle(id)
    put_back(rig, id, draft)
    attempt = rig.thread(id).attempt
    assert attempt is not None and attempt.state == INTERRUPTED
    assert rig.settle(id) is None and rig.store.drafts() == []


def test_processes_of_a_void_draft_are_ended(
    rig: Rig, leave_running: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Somebody has moved the head by hand while the agent of a dead run lives."""
    id = rig.start()
    die(rig, id, "exec")
    rig.exec(id, WROTE)
    agent = leave_running(UWF_RUN="mine")
    draft = Draft(
        opening=Opening(id, plan_at(rig, id), 1, "fake", "mine", None),
        prompt=rig.steps(id)[0].prompt,
        began_ms=1,
        process={**process_now(agent.pid, platform.start_time(agent.pid)), "runner": 1},
        nodes=[rig.store.raw(rig.steps(id)[0].prompt)],
    )
    draft.keep(rig.store)
    assert rig.thread(id).attempt is None and agent.poll() is None
    rig.settle(id)
    assert not lives(agent)
    assert rig.store.drafts() == []


def plan_at(rig: Rig, id: str) -> Plan:
    """A plan for a head that the thread does not have any more."""
    place = rig.thread(id).place
    return Plan("writer", 1, "Write.", "/", place.start, place.start, place.workflow)


@pytest.mark.parametrize(
    "change",
    [
        {"process": None},
        {"process": {}},
        {"nodes": None},
        {"nodes": [b"junk"]},
        {"nodes": []},
        {"prompt": "zz"},
        {"opening": {}},
        {"more": 1},
    ],
    ids=str,
)
def test_draft_with_a_wrong_field_is_none(each_rig: Rig, change: dict[str, object]) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec")
    kept = rig.store.draft(id)
    assert kept is not None and load_draft(rig.store, id) is not None
    rig.store.keep_draft(id, packb({**unpackb(kept), **change}))
    assert load_draft(rig.store, id) is None
    assert rig.thread(id).attempt is None
    rig.exec(id, WROTE)
    assert rig.store.drafts() == []


def test_thread_with_a_name_of_its_own_begins_in_the_store(each_rig: Rig) -> None:
    rig = each_rig
    ref = rig.ref(rig.start())
    with rig.store.transaction() as tx:
        tx.set_ref(THREADS + "é" * 60, ref.id, tags=ref.tags, why="by hand")
    die(rig, "é" * 60, "exec")
    assert rig.store.drafts() == [] and rig.attempt("é" * 60) is not None
    rig.exec("é" * 60, WROTE)


def test_undo_does_not_bring_an_old_draft_back(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec")
    draft = rig.store.draft(id)
    assert draft is not None
    rig.settle(id)
    rig.exec(id, WROTE)
    put_back(rig, id, draft)  # about the head that the undo goes back to
    rig.undo(id)
    assert rig.thread(id).attempt is None and rig.store.drafts() == []


def test_doctor_finds_what_only_a_draft_tells(rig: Rig) -> None:
    id = rig.start()
    die(rig, id, "exec")
    (finding,) = doctor.examine(rig.engine, repair=False)
    assert (finding.kind, finding.thread, finding.repaired) == ("attempt", id, False)
    (finding,) = doctor.examine(rig.engine, repair=True)
    assert finding.repaired and rig.store.drafts() == []
    assert doctor.examine(rig.engine, repair=False) == []


def test_doctor_takes_a_void_draft_away(rig: Rig) -> None:
    id = rig.start()
    die(rig, id, "exec")
    draft = rig.store.draft(id)
    assert draft is not None
    rig.exec(id, WROTE)
    put_back(rig, id, draft)
    (finding,) = doctor.examine(rig.engine, repair=True)
    assert (finding.kind, finding.thread, finding.repaired) == ("file", id, True)
    assert rig.store.drafts() == [] and len(rig.steps(id)) == 1


def test_gc_leaves_what_a_draft_will_need(each_rig: Rig) -> None:
    """Sections of a prompt that are not in the draft, since a step of the same run has stored them already."""
    rig = each_rig
    id = rig.start()
    collected: list[int] = []

    def collect(_event: object) -> None:
        collected.append(gc.collect(rig.store, grace_ms=-1).removed)

    rig.engine = replace(rig.engine, on_event=collect)
    rig.exec(id, WROTE, CHANGES, WROTE, APPROVED)
    assert len(collected) > 3
    assert check.verify(rig.store, deep=True).problems == ()


def test_foreign_draft_is_none(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    for data in (b"", b"\xc1", b"\x80", b"\x81\xa7opening\x80", b"\x93\x01\x02\x03"):
        rig.store.keep_draft(id, data)
        assert load_draft(rig.store, id) is None
        assert rig.thread(id).attempt is None
    rig.exec(id, WROTE)
    assert rig.store.drafts() == []
