"""Workflow files that other people wrote: each validates, and each runs to its end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.helpers.project import Project

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "workflows"
FILES = sorted(FOLDER.glob("**/*.yaml"))
SCRIPTED = Path(__file__).resolve().parents[1] / "helpers" / "agents" / "scripted.py"

pytestmark = pytest.mark.skipif(not FILES, reason="the shared workflow files are not here")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_it_validates_and_runs_to_its_end_twice(
    project: Project, tmp_path: Path, file: Path
) -> None:
    checked = project("workflow", "validate", file, "--json").json
    assert checked["valid"] is True
    is_older = file.parent.name == "older"
    assert is_older == any(each["code"].startswith("old_") for each in checked["problems"])
    thread = project("thread", "start", file, "-p", "the task", "--json").json["thread"]
    memory = tmp_path / "memory"
    memory.mkdir()
    agent = ("--agent", f"{sys.executable} -S -E {SCRIPTED} {memory}")
    verb = "exec"
    for round in (1, 2):
        for _ in range(10):
            words = ("thread", verb, thread, *agent, "--until-done", "--json")
            lines = project(*words, expect=None)
            assert lines.code in (0, 3), lines
            verb = "resume"
            if lines.code == 0:
                break
        shown = project.show(thread)
        assert (shown["status"], shown["round"]) == ("completed", round)
    roles = project("workflow", "show", file, "--json").json["roles"]
    assert {row["role"] for row in project.steps(thread)} <= set(roles)
    assert "{{" not in "".join(
        project("step", "show", row["step"], "--json").json["instruction"]
        for row in project.steps(thread)[:5]
    )
    for words in (("thread", "read", thread), ("workflow", "graph", str(file), "--thread", thread)):
        assert project(*words).out
