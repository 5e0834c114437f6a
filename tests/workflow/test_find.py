"""A word names a file: as a path, or as a name in the nearest workflow folder of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from uwf.workflow.find import find_file, names


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for path in (
        "outside/.workflows/far.yaml",
        "outside/repo/.workflows/one.yaml",
        "outside/repo/.workflows/two.yml",
        "outside/repo/.workflows/three/index.yaml",
        "outside/repo/.workflows/notes.txt",
        "outside/repo/.workflows/empty/other.yaml",
        "outside/repo/.workflow/one.yaml",
        "outside/repo/.workflow/old.yaml",
        "outside/repo/sub/.workflows/one.yaml",
        "outside/repo/sub/deep/local.yaml",
    ):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "outside" / "repo" / ".git").mkdir()
    return tmp_path / "outside" / "repo"


@pytest.mark.parametrize(
    ("word", "cwd", "expected"),
    [
        ("one", ".", ".workflows/one.yaml"),
        ("two", ".", ".workflows/two.yml"),
        ("three", ".", ".workflows/three/index.yaml"),
        ("old", ".", ".workflow/old.yaml"),
        ("one", "sub/deep", "sub/.workflows/one.yaml"),
        ("two", "sub/deep", ".workflows/two.yml"),
        ("local.yaml", "sub/deep", "sub/deep/local.yaml"),
        ("./local.yaml", "sub/deep", "sub/deep/./local.yaml"),
        (".workflows/three", ".", ".workflows/three/index.yaml"),
        ("local", "sub/deep", None),
        ("far", "sub", None),
        ("notes", ".", None),
        ("empty", ".", None),
        ("../.workflows/one", "sub", None),
        ("none", ".", None),
        ("", ".", None),
        ("a\0b", ".", None),
        (".", ".", None),
    ],
)
def test_a_word_finds_its_file(repository: Path, word: str, cwd: str, expected: str | None) -> None:
    found = find_file(word, str(repository / cwd))
    assert found == (None if expected is None else f"{repository}/{expected}")


def test_an_absolute_path_is_taken_as_it_is(repository: Path) -> None:
    path = str(repository / ".workflow" / "one.yaml")
    assert find_file(path, "/") == path


def test_without_a_repository_only_the_current_folder_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    for folder, name in ((tmp_path, "top"), (tmp_path / "a", "above"), (inner, "here")):
        (folder / ".workflows").mkdir(parents=True)
        (folder / ".workflows" / f"{name}.yaml").touch()
    assert list(names(str(inner))) == ["here"]
    assert find_file("above", str(inner)) is None
    assert find_file("../.workflows/above.yaml", str(inner)) is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
@pytest.mark.parametrize("how", ["folder", "inner folder", "link"])
def test_a_folder_of_another_user_is_named_and_passed_over(repository: Path, how: str) -> None:
    folder = repository / ".workflows"
    if how == "link":
        folder.rename(repository / "kept")
        folder.symlink_to("kept")
    os.chown(folder / "three" if how == "inner folder" else folder, 4711, -1, follow_symlinks=False)
    told: list[str] = []
    assert find_file("three", str(repository / "sub"), told.append) is None
    assert told == [str(folder)]
    assert "three" not in names(str(repository))
    told.clear()
    mine = find_file("one", str(repository), told.append)
    nearest = ".workflows" if how == "inner folder" else ".workflow"
    assert mine == str(repository / nearest / "one.yaml")
    assert find_file(".workflows/three", str(repository)) is not None  # its path was typed


def test_a_worktree_whose_git_is_a_file_is_a_repository_too(repository: Path) -> None:
    tree = repository / "tree"
    (tree / "in").mkdir(parents=True)
    (tree / ".git").touch()
    assert find_file("one", str(tree / "in")) is None


def test_names_lists_what_can_be_found_and_the_nearest_wins(repository: Path) -> None:
    assert names(str(repository / "sub" / "deep")) == {
        "one": f"{repository}/sub/.workflows/one.yaml",
        "three": f"{repository}/.workflows/three/index.yaml",
        "two": f"{repository}/.workflows/two.yml",
        "old": f"{repository}/.workflow/old.yaml",
    }
