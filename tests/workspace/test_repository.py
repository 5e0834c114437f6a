"""What a folder is part of, and every folder in which no worktree can begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.repository import ENVIRON, commit, typed
from uwf.errors import InputError, WorkspaceError
from uwf.workspace import repository
from uwf.workspace.git import Git


def git(folder: Path) -> Git:
    return Git(str(folder), ENVIRON)


def test_a_checkout_says_where_it_stands(repo: Path) -> None:
    found = repository.checkout_at(git(repo / "deep" / "er"))
    head = typed(repo, "rev-parse", "HEAD")
    assert found == repository.Checkout(str(repo / ".git"), str(repo), "deep/er", head, "main")
    typed(repo, "checkout", "-q", "--detach")
    assert repository.checkout_at(git(repo)).branch is None


def test_a_worktree_of_a_repository_is_a_checkout_of_it(repo: Path, tmp_path: Path) -> None:
    typed(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    found = repository.checkout_at(git(tmp_path / "side"))
    assert (found.common, found.branch) == (str(repo / ".git"), "side")


def test_where_no_worktree_can_begin(repo: Path, tmp_path: Path) -> None:
    def code_at(folder: Path) -> str:
        with pytest.raises(InputError) as error:
            repository.checkout_at(git(folder))
        assert error.value.hint
        return error.value.code

    (tmp_path / "plain").mkdir()
    assert code_at(tmp_path / "plain") == "no_repository"
    typed(tmp_path, "init", "-q", "--bare", "bare")
    assert code_at(tmp_path / "bare") == "no_checkout"
    assert code_at(repo / ".git") == "no_checkout"
    typed(tmp_path, "init", "-q", "empty")
    assert code_at(tmp_path / "empty") == "no_commit"


def test_without_git_it_is_said_what_is_missing(repo: Path) -> None:
    with pytest.raises(WorkspaceError, match="no git") as error:
        repository.checkout_at(Git(str(repo), {"PATH": "/nonexistent"}))
    assert error.value.code == "no_git"
    with pytest.raises(WorkspaceError, match="is not there"):
        repository.checkout_at(git(repo / "nowhere"))


def test_neither_hooks_nor_what_is_set_for_another_git_have_a_part(
    repo: Path, tmp_path: Path
) -> None:
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    typed(repo, "config", "core.hooksPath", str(hook.parent))
    typed(repo, "config", "core.fsmonitor", str(hook))
    env = {**ENVIRON, "GIT_INDEX_FILE": "/nonexistent/index", "GIT_WORK_TREE": "/"}
    here = Git(str(repo), env)
    assert here.line("rev-parse", "--show-toplevel") == str(repo)
    here.run("checkout", "-q", "-b", "other")
    here.run("status")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["-x", "a..b", "HEAD", "a b", "x.lock", "a\nb", ""])
def test_what_cannot_be_a_branch_is_refused(repo: Path, name: str) -> None:
    with pytest.raises(InputError) as error:
        repository.check_branch_name(git(repo), name)
    assert error.value.code == "bad_branch"


def test_the_holder_of_a_branch_is_found_also_while_it_is_rebased(
    repo: Path, tmp_path: Path
) -> None:
    typed(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert repository.holder(git(repo), "side") == repository.Holder(str(tmp_path / "side"))
    assert repository.holder(git(repo), "none") is None
    commit(repo, "here", a="x\n")
    commit(tmp_path / "side", "there", a="y\n")
    git(tmp_path / "side").ask("rebase", "main")  # stops in a conflict
    found = repository.holder(git(repo), "side")
    assert found == repository.Holder(str(tmp_path / "side"), is_busy=True)


def test_branches_begin_as_typed(repo: Path, tmp_path: Path) -> None:
    typed(repo, "branch", "uwf/one")
    assert repository.branches(git(repo)) == ["main", "uwf/one"]
    assert repository.branches(git(repo), "uw") == ["uwf/one"]
    assert repository.branches(git(tmp_path)) == []
