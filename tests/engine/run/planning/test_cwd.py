"""Another folder for a thread: where its roles work from then on, whatever they were in the middle of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.fake_agent import crash, suspend
from tests.helpers.flows import PAIR, REVIEWER, WRITER, workflow
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain.tags import THREADS
from uwf.errors import StateError
from uwf.workflow.model import Edge

BELOW = workflow(
    "below",
    [WRITER, REVIEWER],
    {
        "$START": {"new": Edge("writer", "Write it.", "src")},
        "writer": {"done": Edge("reviewer", "Review {{ file }}.", "{{ file }}.d")},
        "reviewer": {"approved": ("$END", ""), "changes": Edge("writer", "Mend it.", "/abs")},
    },
)
"""Each role works in a folder of its own, one of them in the same wherever the thread is."""


@pytest.fixture
def old(tmp_path: Path) -> str:
    return made(tmp_path, "old")


@pytest.fixture
def new(tmp_path: Path) -> str:
    return made(tmp_path, "new")


def made(tmp_path: Path, name: str) -> str:
    for folder in ("src", "a.py.d"):
        (tmp_path / name / folder).mkdir(parents=True)
    return str(tmp_path / name)


def last_cwd(rig: Rig) -> str:
    return rig.agent.asks[-1].cwd


def test_failed_step_is_tried_again_in_the_new_folder(rig: Rig, old: str, new: str) -> None:
    id = rig.start(BELOW, cwd=old)
    rig.exec(id, crash())
    assert last_cwd(rig) == f"{old}/src"
    rig.resume(id, WROTE, cwd=new)
    assert last_cwd(rig) == f"{new}/src"
    rig.exec(id, APPROVED)
    assert last_cwd(rig) == f"{new}/a.py.d"
    assert rig.row(id)["cwd"] == new
    assert [move.why for move in rig.store.moves(THREADS + id)][2] == f"works in {new}"


def test_role_that_asked_is_answered_in_the_new_folder(rig: Rig, old: str, new: str) -> None:
    id = rig.start(BELOW, cwd=old)
    rig.exec(id, WROTE)
    rig.exec(id, suspend("Which one?"))
    assert last_cwd(rig) == f"{old}/a.py.d"
    rig.resume(id, APPROVED, cwd=new, supplement="the first")
    assert last_cwd(rig) == f"{new}/a.py.d"


def test_next_round_and_a_poke_are_in_the_new_folder(rig: Rig, old: str, new: str) -> None:
    id = rig.start(cwd=old)
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, WROTE, cwd=new)
    assert last_cwd(rig) == new
    rig.poke(id, "Again.", WROTE)
    assert last_cwd(rig) == new


def test_poke_of_a_step_that_was_made_elsewhere(rig: Rig, old: str, new: str) -> None:
    id = rig.start(BELOW, cwd=old)
    rig.exec(id, WROTE)
    fork = rig.fork(rig.head(id), id, cwd=new)
    rig.poke(fork, "Again.", WROTE)
    assert last_cwd(rig) == f"{new}/src"


def test_folder_that_does_not_hang_on_the_threads_stays(rig: Rig, old: str, new: str) -> None:
    id = rig.start(BELOW, cwd=old)
    rig.exec(id, WROTE, CHANGES)
    with pytest.raises(Exception, match="/abs does not exist"):
        rig.exec(id)
    with pytest.raises(Exception, match="/abs does not exist"):
        rig.run(id, "resume", cwd=new)


def test_fork_works_elsewhere_and_its_source_where_it_did(rig: Rig, old: str, new: str) -> None:
    id = rig.start(BELOW, cwd=old)
    rig.exec(id, WROTE)
    rig.exec(id, crash())
    fork = rig.fork(rig.head(id), id, cwd=new, supplement="Be kind.")
    rig.exec(fork, APPROVED)
    assert last_cwd(rig) == f"{new}/a.py.d"
    rig.resume(id, APPROVED)
    assert last_cwd(rig) == f"{old}/a.py.d"
    grandchild = rig.fork(rig.head(fork), fork)
    assert (rig.row(grandchild)["cwd"], rig.row(id)["cwd"]) == (new, old)


def test_idle_thread_whose_folder_is_gone_goes_on_in_another_one(
    rig: Rig, tmp_path: Path, new: str
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    id = rig.start(PAIR, cwd=str(gone))
    gone.rmdir()
    with pytest.raises(StateError, match="is idle"):
        rig.run(id, "resume")
    rig.resume(id, WROTE, cwd=new)
    assert last_cwd(rig) == new


def test_refused_resume_moves_no_thread(rig: Rig, old: str, new: str) -> None:
    id = rig.start(cwd=old)
    rig.exec(id, crash())
    before = rig.ref(id)
    rig.no_agent = True
    with pytest.raises(Exception, match="no agent"):
        rig.run(id, "resume", cwd=new)
    assert rig.ref(id) == before
