"""A small repository, made once and copied for each test, and git in it as a user has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from uwf.workspace import repository, tree
from uwf.workspace.git import Git
from uwf.workspace.tree import Place

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_DIR": "/nonexistent"}
"""What no call of ours may be led astray by."""


@cache
def _template() -> Path:
    folder = Path(mkdtemp(prefix="uwf-repository-"))
    (folder / "deep" / "er").mkdir(parents=True)
    files = {"a": "1\n2\n3\n4\n5\n", "deep/b": "b\n", "deep/er/c": "c\n", ".gitignore": "built\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("a")
    typed(folder, "init", "-q", "-b", "main")
    for key, value in (("user.name", "Ann"), ("user.email", "ann@x")):
        typed(folder, "config", key, value)
    typed(folder, "add", "-A")
    typed(folder, "commit", "-qm", "begin")
    return folder


def typed(folder: Path, *words: str) -> str:
    """What a user's git says."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_EDITOR": "true"}
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout.rstrip("\n")


def commit(folder: Path, message: str, **files: str) -> str:
    """Write files and commit all there is; the commit."""
    for name, text in files.items():
        (folder / name).write_text(text)
    typed(folder, "add", "-A")
    typed(folder, "commit", "-q", "--allow-empty", "-m", message)
    return typed(folder, "rev-parse", "HEAD")


def copied(folder: Path) -> Path:
    """The repository, in a new folder."""
    shutil.copytree(_template(), folder, symlinks=True)
    return folder


def place(folder: Path, path: Path, branch: str = "uwf/work") -> tuple[Git, Place]:
    """Where a worktree of the repository is to be, and git in it."""
    found = repository.checkout_at(Git(str(folder), ENVIRON))
    return Git(str(path), ENVIRON), Place(found.common, str(path), branch)


def made(folder: Path, path: Path, branch: str = "uwf/work") -> tuple[Git, Place]:
    """A worktree of the repository as it is."""
    git, there = place(folder, path, branch)
    tree.make(git, there, typed(folder, "rev-parse", "HEAD"), lambda: None)
    return git, there
