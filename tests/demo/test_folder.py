"""What of a folder is copied, and what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from uwf.demo import folder as demo_folder
from uwf.errors import InputError

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def write(folder: Path, *paths: str, text: str = "import os\n") -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def copied(folder: Path, target: Path, home: Path) -> set[str]:
    chosen = demo_folder.chosen_files(str(folder), str(home), dict(os.environ))
    done = demo_folder.copy(str(folder), chosen, [str(target)])
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert done.files == len(found)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def test_python_and_the_linters_settings_are_copied(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.py", "in/b.pyi", "in/ruff.toml", "pyproject.toml", "data.csv", "in/photo.jpg")
    assert copied(folder, tmp_path / "copy", tmp_path / "home") == {
        *("a.py", "in/b.pyi", "in/ruff.toml", "pyproject.toml")
    }


def test_environments_and_what_tools_make_are_left_out(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.py", ".venv/x.py", "node_modules/x.py", "__pycache__/x.py", "env/x.py")
    write(folder, "env/pyvenv.cfg")
    assert copied(folder, tmp_path / "copy", tmp_path / "home") == {"a.py"}


def test_links_are_left_out(folder: Path, tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/secret.py")
    write(folder, "a.py")
    (folder / "file.py").symlink_to(tmp_path / "elsewhere/secret.py")
    (folder / "inside").symlink_to(tmp_path / "elsewhere")
    assert copied(folder, tmp_path / "copy", tmp_path / "home") == {"a.py"}


def test_what_is_no_file_is_left_out(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.py")
    os.mkfifo(folder / "pipe.py")
    assert copied(folder, tmp_path / "copy", tmp_path / "home") == {"a.py"}


def test_the_home_is_left_out(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.py", "home/demo/1/project/old.py")
    assert copied(folder, tmp_path / "copy", folder / "home") == {"a.py"}


@needs_git
def test_in_a_repository_git_says_what_belongs_to_it(folder: Path, tmp_path: Path) -> None:
    write(folder, "tracked.py", "changed.py", "ignored.py")
    write(folder, ".gitignore", text="ignored.py\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    write(folder, "new.py")
    write(folder, "changed.py", text="import sys\n")
    found = copied(folder, tmp_path / "copy", tmp_path / "home")
    assert found == {"tracked.py", "changed.py", "new.py"}
    assert (tmp_path / "copy/changed.py").read_text() == "import sys\n"


@needs_git
def test_an_ignored_folder_of_a_repository_can_be_tidied(folder: Path, tmp_path: Path) -> None:
    write(folder, "out/a.py")
    write(folder, ".gitignore", text="out/\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    assert copied(folder / "out", tmp_path / "copy", tmp_path / "home") == {"a.py"}


@needs_git
def test_a_program_that_the_repository_names_is_not_run(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.py")
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    spy.chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "config", "core.fsmonitor", str(spy)], cwd=folder, check=True)
    assert copied(folder, tmp_path / "copy", tmp_path / "home") == {"a.py"}
    assert not (tmp_path / "was-run").exists()


def test_what_cannot_be_read_is_named(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.py")
    done = demo_folder.copy(str(folder), ["a.py", "gone.py"], [str(tmp_path / "copy")])
    assert (done.files, done.left_out) == (1, ("gone.py",))


def test_too_much_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "a.py", "b.py")
    monkeypatch.setattr(demo_folder, "MAX_BYTES", 15)
    with pytest.raises(InputError, match="larger than") as caught:
        copied(folder, tmp_path / "copy", tmp_path / "home")
    assert caught.value.code == "too_large"
    monkeypatch.setattr(demo_folder, "MAX_ENTRIES", 1)
    with pytest.raises(InputError, match="more than 1 files"):
        copied(folder, tmp_path / "copy", tmp_path / "home")


@pytest.mark.parametrize(("name", "why"), [("none", "not there"), ("file", "a file")])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str, why: str) -> None:
    write(tmp_path, "file")
    with pytest.raises(InputError, match=why):
        demo_folder.chosen_files(str(tmp_path / name), str(tmp_path / "home"), {})
