"""The scripts of docs/scripting.md, as they stand there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers.project import APPROVED, ASKS, REVIEW, WRITTEN, Project

GUIDE = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text()
SCRIPTS = dict(re.findall(r"^## ([^\n]+)\n\n```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))
"""The script that each part of the guide begins with, by its heading."""


def sh(project: Project, heading: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of the script below a heading; it ends at the first command that fails."""
    return subprocess.run(
        ["sh", "-ec", SCRIPTS[heading]],
        cwd=project.cwd,
        env={**project.environ, **variables},
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
    done = sh(reviewed, "One thread, to its end")
    assert (done.returncode, done.stdout) == (0, "done\n"), done
    lines = (reviewed.cwd / "lines.jsonl").read_text().splitlines()
    assert len(lines) == 3, "the thread and two steps"


def test_one_that_goes_on_without_the_script(reviewed: Project) -> None:
    sh(reviewed, "One thread, to its end")
    done = sh(reviewed, "One that goes on without the script")
    assert done.returncode == 3, done
    assert reviewed.show("@last")["suspendMessage"] == "Which colour?"


def test_several_scripts_with_one_thread(reviewed: Project) -> None:
    thread = reviewed("thread", "start", "review", "-p", "x", "-q").out.strip()
    done = sh(reviewed, "Several scripts, one thread", thread=thread)
    assert done.returncode == 0, done
    assert [step["role"] for step in reviewed.steps(thread)] == ["writer"]


def test_several_threads(reviewed: Project) -> None:
    thread = reviewed("thread", "start", "review", "-p", "x", "--label", "batch=7", "-q").out
    reviewed("thread", "exec", thread.strip(), "--until-done")
    done = sh(reviewed, "Several threads")
    assert (done.returncode, done.stdout) == (0, ""), done
