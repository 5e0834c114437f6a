"""A word names a file: as a path, or as a name in the nearest workflow folder of the repository."""

from __future__ import annotations

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


def test_without_a_repository_the_search_goes_up_to_the_root(tmp_path: Path) -> None:
    (tmp_path / ".workflows").mkdir()
    (tmp_path / ".workflows" / "top.yaml").touch()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_file("top", str(tmp_path / "a" / "b")) == str(tmp_path / ".workflows" / "top.yaml")


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
