"""The files of a worktree as a commit, and back: each kind of file, and everything an agent may have done to git."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers.repository import commit, made, typed
from uwf.errors import WorkspaceError
from uwf.workspace import snapshot
from uwf.workspace.git import Git
from uwf.workspace.snapshot import FilesSnapshot

LARGE = 1 << 20


@pytest.fixture
def work(repo: Path, tmp_path: Path) -> Path:
    made(repo, tmp_path / "tree")
    return tmp_path / "tree"


def git(work: Path) -> Git:
    return Git(str(work), {"PATH": os.environ["PATH"]})


def take(work: Path, label: str = "1", before: str | None = None) -> FilesSnapshot:
    return snapshot.take(git(work), "T", label, before, LARGE)


def files(work: Path, name: str) -> list[str]:
    return typed(work, "ls-tree", "-r", "--name-only", name).splitlines()


def test_it_has_tracked_and_untracked_and_no_ignored_files(work: Path) -> None:
    (work / "a").write_text("changed\n")
    (work / "deep" / "b").unlink()
    (work / "new").write_text("new\n")
    (work / "built").write_text("built\n")
    status = typed(work, "status", "--porcelain")
    kept = take(work)
    assert files(work, kept.commit) == [".gitignore", "a", "deep/er/c", "link", "new", "run"]
    assert typed(work, "show", f"{kept.commit}:a") == "changed"
    assert kept.head == typed(work, "rev-parse", "HEAD")
    assert typed(work, "status", "--porcelain") == status


def test_what_is_staged_stays_staged(work: Path) -> None:
    (work / "a").write_text("staged\n")
    typed(work, "add", "a")
    (work / "a").write_text("and more\n")
    kept = take(work)
    assert typed(work, "show", f"{kept.commit}:a") == "and more"
    assert typed(work, "show", ":a") == "staged"


def test_every_kind_of_file_comes_back(work: Path) -> None:
    (work / "run").chmod(0o644)
    (work / "link").unlink()
    (work / "link").symlink_to("/nonexistent")
    (work / "empty").write_text("")
    (work / "new run").write_text("x")
    (work / "new run").chmod(0o755)
    odd = os.fsencode(work) + b"/caf\xe9\n\ttab"
    with open(odd, "w") as file:
        file.write("odd")
    kept = take(work)
    first = typed(work, "rev-parse", "HEAD")
    snapshot.put_back(git(work), kept, first, "uwf/work")
    assert typed(work, "status", "--porcelain") == ""
    assert not os.path.exists(odd)
    snapshot.put_back(git(work), take(work, "2"), kept.commit, "uwf/work")
    assert not os.access(work / "run", os.X_OK)
    assert os.access(work / "new run", os.X_OK)
    assert os.readlink(work / "link") == "/nonexistent"
    with open(odd) as file:
        assert file.read() == "odd"


def test_a_file_and_a_folder_may_change_places(work: Path) -> None:
    (work / "a").unlink()
    (work / "a").mkdir()
    (work / "a" / "inside").write_text("x")
    (work / "deep" / "er" / "c").unlink()
    (work / "deep" / "er").rmdir()
    (work / "deep" / "er").write_text("a file")
    kept = take(work)
    assert "a/inside" in files(work, kept.commit)
    assert "deep/er" in files(work, kept.commit)
    snapshot.put_back(git(work), kept, kept.head, "uwf/work")
    assert typed(work, "status", "--porcelain") == ""
    snapshot.put_back(git(work), take(work, "2"), kept.commit, "uwf/work")
    assert (work / "deep" / "er").read_text() == "a file"


def test_a_link_in_the_place_of_a_folder_is_not_followed(work: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_text("not ours")
    for name in ("b", "er/c"):
        (work / "deep" / name).unlink()
    (work / "deep" / "er").rmdir()
    (work / "deep").rmdir()
    (work / "deep").symlink_to(outside)
    kept = take(work)
    assert [name for name in files(work, kept.commit) if "deep" in name] == ["deep"]
    snapshot.put_back(git(work), kept, kept.head, "uwf/work")
    assert (work / "deep" / "b").read_text() == "b\n"
    assert (outside / "b").read_text() == "not ours"


def test_nothing_new_is_kept_where_nothing_has_changed(work: Path) -> None:
    first = take(work)
    assert take(work, "2", before=first.commit) == first
    (work / "a").write_text("x\n")
    assert take(work, "3", before=first.commit).commit != first.commit
    base = typed(work, "rev-parse", "HEAD")
    assert take(work, "4", before=base).commit != base
    assert take(work, "5", before="0" * 40).head == base


def test_a_file_that_changes_without_its_size_or_time_is_seen(work: Path) -> None:
    stat = (work / "a").stat()
    (work / "a").write_text("9\n8\n7\n6\n5\n")
    os.utime(work / "a", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert typed(work, "show", f"{take(work).commit}:a").startswith("9")


def test_large_files_and_repositories_inside_are_left_out_and_named(work: Path) -> None:
    (work / "large").write_bytes(b"x" * (LARGE + 1))
    (work / "inner").mkdir()
    typed(work / "inner", "init", "-q")
    (work / "a").write_bytes(b"y" * (LARGE + 1))
    kept = take(work)
    assert set(kept.left_out) == {"large", "inner/"}
    assert "large" not in files(work, kept.commit)
    assert typed(work, "cat-file", "-s", f"{kept.commit}:a") == str(LARGE + 1)
    snapshot.put_back(git(work), kept, kept.head, "uwf/work")
    assert (work / "large").exists()


def test_commits_of_the_agent_and_another_branch_are_no_matter(work: Path) -> None:
    first = take(work)
    mine = commit(work, "mine", a="mine\n")
    (work / "more").write_text("x")
    second = take(work, "2")
    assert second.head == mine
    typed(work, "checkout", "-q", "-b", "elsewhere")
    other = commit(work, "elsewhere", b="b\n")
    third = take(work, "3")
    assert third.head == other
    snapshot.put_back(git(work), third, second.commit, "uwf/work")
    assert typed(work, "status", "--porcelain", "--branch") == "## uwf/work\n?? more"
    assert typed(work, "rev-parse", "HEAD", "elsewhere").split() == [mine, other]
    snapshot.put_back(git(work), take(work, "4"), first.commit, "uwf/work")
    assert typed(work, "rev-parse", "HEAD") == first.head


def test_git_gc_takes_no_snapshot_away(work: Path) -> None:
    commit(work, "lost", a="lost\n")
    (work / "new").write_text("kept")
    kept = take(work)
    typed(work, "reset", "-q", "--hard", "HEAD~1")
    typed(work, "reflog", "expire", "--expire=now", "--all")
    typed(work, "gc", "-q", "--prune=now")
    assert typed(work, "show", f"{kept.commit}:new") == "kept"
    assert typed(work, "show", f"{kept.head}:a") == "lost"


def test_a_merge_that_stopped_in_a_conflict_is_kept_and_forgotten(work: Path, repo: Path) -> None:
    commit(work, "mine", a="mine\n")
    commit(repo, "theirs", a="theirs\n")
    git(work).ask("merge", "main")
    kept = take(work)
    assert "<<<<<<<" in typed(work, "show", f"{kept.commit}:a")
    snapshot.put_back(git(work), kept, kept.head, "uwf/work")
    assert typed(work, "status", "--porcelain") == ""
    assert git(work).commit_of("MERGE_HEAD") is None


def test_intended_files_and_unborn_folders_are_in_it(work: Path) -> None:
    (work / "soon").write_text("soon")
    typed(work, "add", "-N", "soon")
    assert typed(work, "show", f"{take(work).commit}:soon") == "soon"


def test_a_submodule_is_kept_as_the_commit_that_it_is_at(work: Path, repo: Path) -> None:
    typed(work, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "sub")
    typed(work, "commit", "-qm", "sub")
    typed(work / "sub", "config", "user.name", "Ann")
    typed(work / "sub", "config", "user.email", "ann@x")
    inner = commit(work / "sub", "inner", x="x")
    kept = take(work)
    assert typed(work, "rev-parse", f"{kept.commit}:sub") == inner


def test_a_snapshot_whose_ref_was_deleted_is_said_to_be_gone(work: Path) -> None:
    with pytest.raises(WorkspaceError, match="not in") as error:
        snapshot.put_back(git(work), take(work), "1" * 40, "uwf/work")
    assert error.value.code == "no_commit"


def test_an_ignored_file_in_the_way_can_be_kept_with_the_rest(work: Path) -> None:
    first = take(work)
    (work / ".gitignore").write_text("built\na\n")
    typed(work, "rm", "-q", "--cached", "a")
    typed(work, "commit", "-qam", "ignored")
    (work / "a").write_text("nowhere else\n")
    second = take(work, "2")
    ways = snapshot.in_the_way(git(work), second, first.commit)
    assert ways == [b"a"]
    third = snapshot.take(git(work), "T", "3", None, LARGE, ways)
    snapshot.put_back(git(work), third, first.commit, "uwf/work")
    assert (work / "a").read_text().startswith("1\n2")
    assert typed(work, "show", f"{third.commit}:a") == "nowhere else"


def test_without_its_git_file_no_repository_above_is_taken_for_it(
    work: Path, tmp_path: Path
) -> None:
    """As where the home is in a repository of its own, of dotfiles perhaps."""
    typed(tmp_path, "init", "-q")
    (work / ".git").unlink()
    with pytest.raises(WorkspaceError, match=r"\.git is gone") as error:
        take(work)
    assert error.value.code == "no_worktree"
    assert git(work).commit_of("HEAD") is None
    assert git(work).ask("status").code != 0


def test_many_untracked_files_are_bounded_together(work: Path) -> None:
    for number in range(snapshot.ALL_TIMES + 2):
        (work / f"part{number:02}").write_bytes(b"x" * LARGE)
    (work / "small").write_text("x")
    kept = take(work)
    assert len(kept.left_out) == 3
    assert "small" in files(work, kept.commit)
