"""A worktree is whole or not there, whatever was killed, deleted or moved."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.helpers.repository import ENVIRON, commit, made, place, typed
from uwf.errors import WorkspaceError
from uwf.workspace import snapshot, tree
from uwf.workspace.git import Git, own_git_folder

LARGE = 1 << 20


def head(folder: Path, name: str = "HEAD") -> str:
    return typed(folder, "rev-parse", name)


def test_it_has_the_files_of_the_commit_and_nothing_is_changed(repo: Path, tmp_path: Path) -> None:
    git, there = made(repo, tmp_path / "tree")
    assert tree.is_whole(there.path)
    assert os.access(tmp_path / "tree" / "run", os.X_OK)
    assert os.readlink(tmp_path / "tree" / "link") == "a"
    assert typed(tmp_path / "tree", "status", "--porcelain", "--branch") == "## uwf/work"
    assert git.commit_of("HEAD") == head(repo)


def test_what_was_not_finished_is_made_again(repo: Path, tmp_path: Path) -> None:
    git, there = place(repo, tmp_path / "tree")

    def fails() -> None:
        (tmp_path / "tree" / "half").write_text("x")
        raise WorkspaceError("the setup failed")

    with pytest.raises(WorkspaceError, match="the setup failed"):
        tree.make(git, there, head(repo), fails)
    assert not tree.is_whole(there.path)
    assert tree.make(git, there, head(repo), lambda: None).aside is None
    assert not (tmp_path / "tree" / "half").exists()
    assert tree.is_whole(there.path)


@pytest.mark.parametrize("left", ["folder", "git's folder", "nothing"])
def test_one_that_was_deleted_by_hand_is_made_again(repo: Path, tmp_path: Path, left: str) -> None:
    git, there = made(repo, tmp_path / "tree")
    own = own_git_folder(there.path)
    assert own is not None
    if left != "git's folder":
        shutil.rmtree(own)
    if left != "folder":
        shutil.rmtree(there.path)
    found = tree.make(git, there, head(repo), lambda: None)
    assert tree.is_whole(there.path)
    if left == "folder":  # somebody may have worked in it
        assert found.aside == f"{there.path}.aside-1"
        assert (Path(found.aside) / "a").exists()


def test_made_of_a_snapshot_it_has_what_was_not_committed(repo: Path, tmp_path: Path) -> None:
    git, there = made(repo, tmp_path / "tree")
    (tmp_path / "tree" / "new").write_text("new")
    (tmp_path / "tree" / "a").unlink()
    kept = snapshot.take(git, "T", "1", None, LARGE)
    tree.remove(git, there)
    assert not os.path.exists(there.path)
    assert "uwf/work" in typed(repo, "branch", "--list", "uwf/work")
    tree.make(git, there, kept.commit, lambda: None)
    assert typed(tmp_path / "tree", "status", "--porcelain") == " D a\n?? new"
    assert git.commit_of("HEAD") == head(repo)


def test_a_branch_that_was_moved_meanwhile_keeps_its_commits(repo: Path, tmp_path: Path) -> None:
    git, there = made(repo, tmp_path / "tree")
    (tmp_path / "tree" / "new").write_text("new")
    kept = snapshot.take(git, "T", "1", None, LARGE)
    tree.remove(git, there)
    moved = commit(repo, "on", a="9\n")
    typed(repo, "branch", "-f", "uwf/work", moved)
    tree.make(git, there, kept.commit, lambda: None)
    assert git.commit_of("HEAD") == moved
    assert typed(tmp_path / "tree", "status", "--porcelain") == "?? new"
    assert (tmp_path / "tree" / "a").read_text() == "9\n"


def test_what_does_not_fit_the_moved_branch_is_told_and_kept(repo: Path, tmp_path: Path) -> None:
    git, there = made(repo, tmp_path / "tree")
    (tmp_path / "tree" / "a").write_text("mine\n")
    kept = snapshot.take(git, "T", "1", None, LARGE)
    tree.remove(git, there)
    typed(repo, "branch", "-f", "uwf/work", commit(repo, "on", a="theirs\n"))
    with pytest.raises(WorkspaceError, match=kept.commit[:12]) as error:
        tree.make(git, there, kept.commit, lambda: None)
    assert error.value.code == "branch_moved"


def test_a_branch_that_was_deleted_is_begun_again(repo: Path, tmp_path: Path) -> None:
    git, there = made(repo, tmp_path / "tree")
    typed(repo, "update-ref", "-d", "refs/heads/uwf/work")
    tree.mend_head(git, there, head(repo))
    assert typed(tmp_path / "tree", "status", "--porcelain", "--branch") == "## uwf/work"


def test_a_branch_that_is_checked_out_elsewhere_is_not_taken(repo: Path, tmp_path: Path) -> None:
    git, there = place(repo, tmp_path / "tree", "main")
    with pytest.raises(WorkspaceError, match="already"):
        tree.make(git, there, head(repo), lambda: None)
    assert not tree.is_whole(there.path)
    assert typed(repo, "status", "--porcelain", "--branch") == "## main"


def test_git_finds_a_worktree_whose_home_was_moved(repo: Path, tmp_path: Path) -> None:
    made(repo, tmp_path / "tree")
    os.rename(tmp_path / "tree", tmp_path / "moved")
    git, there = place(repo, tmp_path / "moved")
    tree.repair(git, there)
    assert f"worktree {tmp_path / 'moved'}" in typed(repo, "worktree", "list", "--porcelain")


def test_a_copied_home_does_not_take_the_worktree_away(repo: Path, tmp_path: Path) -> None:
    made(repo, tmp_path / "tree")
    shutil.copytree(tmp_path / "tree", tmp_path / "copy", symlinks=True)
    git, there = place(repo, tmp_path / "copy")
    with pytest.raises(WorkspaceError, match="is a copy"):
        tree.repair(git, there)


def test_a_repository_that_has_gone_is_named(repo: Path, tmp_path: Path) -> None:
    git, there = made(repo, tmp_path / "tree")
    os.rename(repo, tmp_path / "elsewhere")
    with pytest.raises(WorkspaceError, match="not there any more"):
        tree.make(git, there, "HEAD", lambda: None)
    with pytest.raises(WorkspaceError, match=r"not there any more|is it whole"):
        tree.repair(git, there)


def test_what_may_only_be_read_can_be_removed(repo: Path, tmp_path: Path) -> None:
    git, there = made(repo, tmp_path / "tree")
    locked = tmp_path / "tree" / "built"
    locked.mkdir()
    (locked / "file").write_text("x")
    locked.chmod(0o500)
    tree.remove(git, there)
    assert not os.path.exists(there.path)
    assert str(tmp_path / "tree") not in typed(repo, "worktree", "list")


def test_a_filter_of_the_user_runs(repo: Path, tmp_path: Path) -> None:
    typed(repo, "config", "filter.rot.clean", "tr a-z b-za")
    typed(repo, "config", "filter.rot.smudge", "tr b-za a-z")
    commit(repo, "filtered", **{".gitattributes": "secret filter=rot\n", "secret": "abc\n"})
    git, there = made(repo, tmp_path / "tree")
    assert (tmp_path / "tree" / "secret").read_text() == "abc\n"
    (tmp_path / "tree" / "secret").write_text("xyz\n")
    kept = snapshot.take(git, "T", "1", None, LARGE)
    assert git.line("show", f"{kept.commit}:secret") == "yza"
    tree.remove(git, there)
    tree.make(Git(there.path, ENVIRON), there, kept.commit, lambda: None)
    assert (tmp_path / "tree" / "secret").read_text() == "xyz\n"


def test_a_home_behind_a_link_is_no_copy(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    git, there = made(repo, tmp_path / "link" / "tree")
    tree.repair(git, there)
    assert tree.is_whole(there.path)
    assert snapshot.take(git, "T", "1", None, LARGE).left_out == ()


def test_paths_that_git_keeps_as_relative_ones_are_understood(repo: Path, tmp_path: Path) -> None:
    git, there = made(repo, tmp_path / "tree")
    own = Path(str(own_git_folder(there.path)))
    (tmp_path / "tree" / ".git").write_text(f"gitdir: {os.path.relpath(own, tmp_path / 'tree')}\n")
    (own / "gitdir").write_text(f"{os.path.relpath(tmp_path / 'tree' / '.git', own)}\n")
    assert tree.is_whole(there.path)
    tree.repair(git, there)


def test_a_git_that_trusts_no_bare_repository_works_all_the_same(
    repo: Path, tmp_path: Path
) -> None:
    config = tmp_path / ".gitconfig"
    config.write_text("[safe]\n\tbareRepository = explicit\n")
    git = Git(str(tmp_path / "tree"), {**ENVIRON, "HOME": str(tmp_path)})
    there = place(repo, tmp_path / "tree")[1]
    tree.make(git, there, head(repo), lambda: None)
    tree.remove(git, there)
    assert git.at(there.common).line("symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_lock_that_a_killed_git_has_left_goes(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "LOCK_S", 0.05)
    git, there = made(repo, tmp_path / "tree")
    (Path(str(own_git_folder(there.path))) / "index.lock").write_text("")
    tree.let_go_of_index(there)
    git.run("add", "-A")


def test_what_git_could_not_fill_takes_no_room(repo: Path, tmp_path: Path) -> None:
    commit(repo, "filtered", **{".gitattributes": "b filter=full\n", "b": "x"})
    typed(repo, "config", "filter.full.smudge", "false")
    typed(repo, "config", "filter.full.required", "true")
    git, there = place(repo, tmp_path / "tree")
    with pytest.raises(WorkspaceError, match="git read-tree failed"):
        tree.make(git, there, head(repo), lambda: None)
    assert not os.path.exists(there.path)
    assert "tree" not in typed(repo, "worktree", "list").replace(str(repo), "")
