"""Bringing in the work of a worktree: on the newest base, checked, one at a time, and never over anybody's changes."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

import pytest

from tests.helpers.in_tree import TreeRig, writes
from tests.helpers.repository import commit, copied, typed
from tests.helpers.rig import APPROVED, CHANGES, WROTE
from uwf.agent.protocol import AgentRequest
from uwf.engine.actions import removal
from uwf.engine.chain import wake
from uwf.engine.run.worktree import worktree as trees
from uwf.errors import Crowded, InputError, StateError, WorkspaceError
from uwf.workspace import merging


@pytest.fixture
def rig(tmp_path: Path) -> TreeRig:
    return TreeRig(tmp_path / "home", copied(tmp_path / "repo"))


def worked(rig: TreeRig, **files: str | None) -> str:
    """A thread that has completed, and whose agent has committed nothing."""
    id = rig.begin(task="Mend the parser.\n\nIt is slow.")
    rig.exec(id, writes(WROTE, **files), APPROVED)
    return id


def refused(rig: TreeRig, id: str, code: str) -> StateError:
    with pytest.raises(StateError) as error:
        rig.merge(id)
    assert error.value.code == code
    assert error.value.hint
    return error.value


def test_what_is_not_committed_is_committed_and_the_checkout_goes_along(rig: TreeRig) -> None:
    id = worked(rig, new="new\n", a=None)
    done = rig.merge(id)
    assert (rig.repo / "new").read_text() == "new\n"
    assert not (rig.repo / "a").exists()
    assert typed(rig.repo, "status", "--porcelain") == ""
    assert typed(rig.repo, "log", "-1", "--format=%an: %s") == "Ann: Mend the parser."
    assert id in typed(rig.repo, "log", "-1", "--format=%b")
    assert (done.onto, done.checkout, done.was_in) == ("main", str(rig.repo), False)
    assert done.commit == typed(rig.repo, "rev-parse", "main") == rig.tree(id).merged


def test_its_worktree_and_branch_go_once_its_thread_has_ended(rig: TreeRig) -> None:
    id = worked(rig, new="new\n")
    done = rig.merge(id)
    assert done.removal is not None
    assert done.removal.removed
    assert not rig.path(id).exists()
    assert typed(rig.repo, "branch", "--format=%(refname:short)") == "main"


def test_a_thread_that_goes_on_keeps_it(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, new="new\n"))
    assert rig.merge(id).removal is None
    rig.exec(id, writes(CHANGES, more="more\n"))
    rig.merge(id)
    assert (rig.repo / "more").exists()


def test_both_sides_are_merged_on_the_newest_base(rig: TreeRig) -> None:
    id = worked(rig, new="new\n")
    theirs = commit(rig.repo, "theirs", a="theirs\n")
    rig.merge(id)
    assert (rig.repo / "a").read_text() == "theirs\n"
    assert (rig.repo / "new").exists()
    assert typed(rig.repo, "log", "-1", "--format=%P").split()[0] == theirs
    assert typed(rig.repo, "log", "-1", "--format=%s").startswith("Merge uwf/pair-")


def test_it_may_be_typed_again(rig: TreeRig) -> None:
    id = worked(rig, new="new\n")
    first = rig.merge(id)
    again = rig.merge(id)
    assert (again.was_in, again.commit) == (True, first.commit)


def test_a_base_that_nobody_has_checked_out_is_moved(rig: TreeRig) -> None:
    id = worked(rig, new="new\n")
    typed(rig.repo, "checkout", "-q", "-b", "elsewhere")
    done = rig.merge(id)
    assert done.checkout is None
    assert "new" in typed(rig.repo, "ls-tree", "--name-only", "main").split()
    assert not (rig.repo / "new").exists()


def test_a_checkout_with_changes_is_left_alone(rig: TreeRig) -> None:
    id = worked(rig, new="new\n")
    (rig.repo / "a").write_text("mine, not committed\n")
    before = typed(rig.repo, "rev-parse", "main")
    error = refused(rig, id, "base_checked_out")
    assert typed(rig.repo, "rev-parse", "main") == before
    assert (rig.repo / "a").read_text() == "mine, not committed\n"
    assert error.hint == f"git -C {rig.repo} merge --ff-only {error.hint.rpartition(' ')[2]}"
    typed(rig.repo, "checkout", "-q", "a")
    typed(rig.repo, *error.hint.split()[3:])  # what it says works
    assert rig.merge(id).was_in


def test_an_untracked_file_in_the_way_is_left_alone(rig: TreeRig) -> None:
    id = worked(rig, new="new\n")
    (rig.repo / "new").write_text("mine\n")
    refused(rig, id, "base_checked_out")
    assert (rig.repo / "new").read_text() == "mine\n"


def test_a_conflict_is_what_the_thread_is_told_and_wakes_for(rig: TreeRig) -> None:
    id = worked(rig, a="ours\n")
    base = commit(rig.repo, "theirs", a="theirs\n")
    refused(rig, id, "merge_conflict")
    refused(rig, id, "merge_conflict")
    [words] = rig.waiting(id)  # once
    assert "git merge main" in words
    assert "Merge conflict in a" in words
    timer = wake.of(rig.ref(id).tags, id)
    assert timer is not None
    assert (timer.kind, timer.for_words) == (wake.COLLABORATION, True)
    assert typed(rig.repo, "rev-parse", "main") == base
    assert typed(rig.path(id), "status", "--porcelain") == ""
    assert removal.why_not(rig.engine, rig.thread(id)) == "its thread is to go on"

    def solves(request: AgentRequest) -> str:
        work = Path(request.cwd)
        with pytest.raises(AssertionError):
            typed(work, "merge", "main")
        (work / "a").write_text("ours and theirs\n")
        return WROTE  # it has forgotten to commit

    rig.exec(id, solves, APPROVED)
    assert "Merge conflict in a" in rig.agent.asks[-2].prompt
    rig.merge(id)
    assert (rig.repo / "a").read_text() == "ours and theirs\n"
    assert typed(rig.repo, "merge-base", "--is-ancestor", base, "main") == ""


def test_conflicts_that_are_left_are_not_brought_in(rig: TreeRig) -> None:
    id = worked(rig, a="ours\n")
    commit(rig.repo, "theirs", a="theirs\n")
    refused(rig, id, "merge_conflict")
    with pytest.raises(AssertionError):
        typed(rig.path(id), "merge", "main")
    with pytest.raises(WorkspaceError, match="conflicts are left"):
        rig.merge(id)


def test_a_rebase_that_has_not_ended_is_not_brought_in(rig: TreeRig) -> None:
    id = worked(rig, a="ours\n")
    commit(rig.repo, "theirs", a="theirs\n")
    refused(rig, id, "merge_conflict")
    with pytest.raises(AssertionError):
        typed(rig.path(id), "rebase", "main")
    with pytest.raises(WorkspaceError, match="rebase has begun"):
        rig.merge(id)


def test_a_cancelled_thread_is_told_nothing(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, a="ours\n"))
    rig.cancel(id)
    commit(rig.repo, "theirs", a="theirs\n")
    assert "fork" in str(refused(rig, id, "merge_conflict").hint)
    assert rig.waiting(id) == []


def test_the_check_sees_both_sides_and_may_refuse(rig: TreeRig) -> None:
    code = "import os, sys; sys.exit('not together' if os.path.exists('new') and os.path.exists('theirs') else 0)"
    rig.set(check_=(sys.executable, "-c", code))
    id = worked(rig, new="new\n")
    base = commit(rig.repo, "theirs", theirs="theirs\n")
    refused(rig, id, "check_failed")
    assert typed(rig.repo, "rev-parse", "main") == base
    [words] = rig.waiting(id)
    assert "not together" in words
    rig.exec(id, writes(WROTE, new=None), APPROVED)
    rig.merge(id)
    assert not (rig.repo / "new").exists()


def test_a_base_that_moves_during_the_check_is_merged_again(
    rig: TreeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = worked(rig, new="new\n")
    plain, moves = merging.advance, [1, 2]

    def advance(*args: object) -> object:
        if moves:
            commit(rig.repo, "moves", **{f"m{moves.pop()}": "m\n"})
        return plain(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(merging, "advance", advance)
    rig.merge(id)
    assert {"m1", "m2", "new"} <= {path.name for path in rig.repo.iterdir()}


def test_another_merge_of_the_repository_is_waited_for(rig: TreeRig) -> None:
    id = worked(rig, new="new\n")
    with open(rig.repo / ".git" / merging.LOCK, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Crowded, match="another merge"):
            rig.merge(id)
    rig.merge(id)


def test_what_it_is_for_can_be_said(rig: TreeRig) -> None:
    typed(rig.repo, "checkout", "-q", "--detach")
    id = worked(rig, new="new\n")
    with pytest.raises(InputError) as error:
        rig.merge(id)
    assert error.value.code == "no_base"
    with pytest.raises(StateError, match="no branch nowhere"):
        rig.merge(id, "nowhere")
    assert rig.merge(id, "main").onto == "main"


def test_an_agent_on_another_branch_loses_nothing(rig: TreeRig) -> None:
    id = rig.begin()

    def wanders(request: AgentRequest) -> str:
        work = Path(request.cwd)
        commit(work, "mine", first="x")
        typed(work, "checkout", "-q", "-b", "its-own", "main")
        commit(work, "elsewhere", second="x")
        return WROTE

    rig.exec(id, wanders)
    assert "merge" in str(refused(rig, id, "branch_elsewhere").hint)
    typed(rig.path(id), "merge", "-q", rig.tree(id).branch)
    rig.merge(id)
    assert {"first", "second"} <= {path.name for path in rig.repo.iterdir()}


def test_an_ignored_file_that_the_base_brings_is_kept(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, built="mine\n", new="new\n"))
    (rig.repo / "built").write_text("theirs\n")
    typed(rig.repo, "add", "-f", "built")
    typed(rig.repo, "commit", "-qm", "built")
    rig.merge(id)
    refs = typed(rig.repo, "for-each-ref", "--format=%(refname)", f"refs/uwf/{id}").split()
    kept = [
        ref for ref in refs if "built" in typed(rig.repo, "ls-tree", "--name-only", ref).split()
    ]
    assert "mine" in [typed(rig.repo, "show", f"{ref}:built") for ref in kept]


def test_without_a_worktree_there_is_nothing_to_bring_in(rig: TreeRig) -> None:
    id = rig.start()
    assert "--worktree" in str(refused(rig, id, "no_worktree").hint)


def test_the_files_of_a_running_thread_do_not_change_under_it(rig: TreeRig) -> None:
    base = rig.begin()
    rig.exec(base, writes(WROTE, base="base\n"))
    typed(rig.path(base), "add", "-A")
    typed(rig.path(base), "commit", "-qm", "base")
    asked = trees.asked_for(rig.engine.environ, rig.engine.home, str(rig.path(base)), None)
    above = rig.start(cwd=str(rig.path(base)), worktree=asked)
    rig.exec(above, writes(WROTE, new="new\n"))
    assert rig.tree(above).onto == rig.tree(base).branch

    def meanwhile(request: AgentRequest) -> str:
        assert "is running" in refused(rig, above, "base_checked_out").message
        return CHANGES

    rig.exec(base, meanwhile)
    assert not (rig.path(base) / "new").exists()
    assert rig.merge(above).checkout == str(rig.path(base))
    assert (rig.path(base) / "new").exists()
