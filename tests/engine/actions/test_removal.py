"""A worktree is removed where nothing is lost by it, and made again where its thread goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.helpers.in_tree import TreeRig, writes
from tests.helpers.repository import commit, copied, typed
from tests.helpers.rig import APPROVED, WROTE
from uwf.agent.protocol import AgentRequest
from uwf.errors import WorkspaceError


@pytest.fixture
def rig(tmp_path: Path) -> TreeRig:
    return TreeRig(tmp_path / "home", copied(tmp_path / "repo"))


def commits(request: AgentRequest) -> str:
    commit(Path(request.cwd), "mine", a="mine\n")
    return WROTE


def test_what_is_nowhere_else_stays(rig: TreeRig) -> None:
    id = rig.begin()
    rig.whole(id)
    assert rig.why_not(id) == "its thread is idle"
    rig.exec(id, writes(WROTE, new="new\n"), APPROVED)
    assert rig.why_not(id) == "it has changes that are not committed"


def test_a_clean_one_goes_and_its_commits_stay(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, commits, APPROVED)
    branch, tip = rig.tree(id).branch, typed(rig.path(id), "rev-parse", "HEAD")
    assert rig.why_not(id) is None
    done = rig.remove(id)
    assert (done.removed, done.branch) == (True, branch)
    assert typed(rig.repo, "rev-parse", branch) == tip
    assert list((Path(rig.engine.home) / "worktrees").iterdir()) == []
    assert str(rig.path(id)) not in typed(rig.repo, "worktree", "list")


def test_a_branch_with_nothing_of_its_own_goes_as_well(rig: TreeRig) -> None:
    typed(rig.repo, "branch", "named")
    for branch, stays in ((None, None), ("named", "named")):
        id = rig.begin(branch)
        rig.exec(id, WROTE, APPROVED)
        assert rig.remove(id).branch == stays
    assert typed(rig.repo, "branch", "--format=%(refname:short)").split() == ["main", "named"]


def test_a_thread_that_goes_on_has_it_again(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, commits, APPROVED)
    port = rig.tree(id).port
    rig.remove(id)
    assert rig.tree(id).port is None
    rig.resume(id, WROTE, supplement="and more")
    assert (rig.path(id) / "a").read_text() == "mine\n"
    assert rig.tree(id).port == port
    assert rig.tree(id).kept is None


def test_brought_in_it_goes_on_from_the_newest_base(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, commits, APPROVED)
    rig.merge(id)
    assert not rig.path(id).exists()
    newest = commit(rig.repo, "later", later="later\n")
    rig.resume(id, WROTE, supplement="and more")
    assert (rig.path(id) / "later").exists()
    assert typed(rig.path(id), "rev-parse", "HEAD") == newest


def test_teardown_runs_before_and_one_that_fails_keeps_it(rig: TreeRig, tmp_path: Path) -> None:
    code = (
        f"import os, sys; open('{tmp_path}/torn', 'a').write(os.environ['UWF_PORT']); sys.exit(%s)"
    )
    id = rig.begin()
    rig.exec(id, WROTE, APPROVED)
    port = rig.tree(id).port
    rig.set(teardown=(sys.executable, "-c", code % 3))
    with pytest.raises(WorkspaceError, match="code 3"):
        rig.remove(id)
    assert rig.path(id).exists()
    rig.set(teardown=(sys.executable, "-c", code % 0))
    rig.remove(id)
    assert (tmp_path / "torn").read_text() == 2 * str(port)


def test_commits_in_a_submodule_are_not_lost(rig: TreeRig, tmp_path: Path) -> None:
    allow = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    typed(rig.repo, *allow, "add", str(copied(tmp_path / "module")), "sub")
    typed(rig.repo, "commit", "-qm", "sub")
    rig.set(setup=("git", *allow, "update", "--init"))
    id = rig.begin()

    def commits_inside(request: AgentRequest) -> str:
        for key, value in (("user.name", "Ann"), ("user.email", "ann@x")):
            typed(Path(request.cwd, "sub"), "config", key, value)
        commit(Path(request.cwd, "sub"), "inside", a="inside\n")
        commit(Path(request.cwd), "mine")
        return WROTE

    rig.exec(id, commits_inside, APPROVED)
    assert str(rig.why_not(id)).startswith("a submodule in it has commits")
    typed(rig.path(id) / "sub", "push", "-q", "origin", "HEAD:refs/heads/pushed")
    assert rig.why_not(id) is None
    assert rig.remove(id).removed
