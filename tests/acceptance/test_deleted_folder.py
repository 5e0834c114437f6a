"""The folder that a shell stands in may be deleted by another: told where it is needed, in nobody's way elsewhere."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import ONE, Project


@pytest.mark.parametrize(
    ("words", "expect", "hint"),
    [
        (("thread", "start", "{file}", "-p", "x"), 2, "--cwd DIR"),
        (("thread", "start", "{file}", "-p", "x", "--cwd", "{there}"), 0, ""),
        (("thread", "start", "one.yaml", "-p", "x", "--cwd", "{there}"), 4, ""),
        (("workflow", "validate", "one.yaml"), 2, ""),
        (("workflow", "list"), 0, ""),
        (("thread", "list"), 0, ""),
    ],
)
def test_a_current_folder_that_was_deleted_is_named_where_it_is_needed(
    project: Project, tmp_path: Path, words: tuple[str, ...], expect: int, hint: str
) -> None:
    file, gone = project.file("one.yaml", ONE), tmp_path / "gone"
    gone.mkdir()
    typed = [word.format(file=file, there=tmp_path) for word in words]
    line = f"cd {gone} && rmdir {gone} && exec {shlex.join([PROGRAM, *typed])}"
    env = {**os.environ, "UWF_HOME": str(project.home)}
    done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True)
    assert done.returncode == expect, done
    assert "internal fault" not in done.stderr and "system call" not in done.stderr
    assert hint in done.stderr
