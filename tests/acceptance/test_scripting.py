"""The scripts of docs/scripting.md, as they stand there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers.project import APPROVED, ASKS, REVIEW, WRITTEN, Project

GUIDE = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text()
SCRIPTS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def sh(project: Project, script: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a script; it ends at the first command that fails."""
    return subprocess.run(
        ["sh", "-ec", script],
        cwd=project.cwd,
        env=project.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def reviewed(project: Project) -> Project:
    """A project with the workflow, the task and the agent that the guide speaks of."""
    project.file(".workflows/review.yaml", REVIEW)
    project.file("task.md", "Write about a fence.")
    agent = project.agent(WRITTEN, APPROVED, WRITTEN, ASKS)
    project("config", "set", "agents.mine.command", agent.command)
    project("config", "set", "default_agent", "mine")
    return project


def test_one_thread_to_its_end(reviewed: Project) -> None:
    done = sh(reviewed, SCRIPTS[0])
    assert (done.returncode, done.stdout) == (0, "done\n"), done
    lines = (reviewed.cwd / "lines.jsonl").read_text().splitlines()
    assert len(lines) == 3, "the thread and two steps"


def test_one_that_goes_on_without_the_script(reviewed: Project) -> None:
    sh(reviewed, SCRIPTS[0])
    done = sh(reviewed, SCRIPTS[1])
    assert done.returncode == 3, done
    assert reviewed.show("@last")["suspendMessage"] == "Which colour?"


def test_several_threads(reviewed: Project) -> None:
    thread = reviewed("thread", "start", "review", "-p", "x", "--label", "batch=7", "-q").out
    reviewed("thread", "exec", thread.strip(), "--until-done")
    done = sh(reviewed, SCRIPTS[2])
    assert (done.returncode, done.stdout) == (0, ""), done
