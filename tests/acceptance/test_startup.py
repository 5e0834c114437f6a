"""What makes the commands that look quick: they import nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import REVIEW, WRITTEN, Project

HEAVY = set(
    "argparse asyncio dataclasses enum filelock hashlib inspect json jsonschema_rs liquid logging "
    "pathlib random re rich ruamel secrets shlex shutil signal subprocess tempfile threading tomlkit tomllib "
    "typer typing".split()
)


def imported(project: Project, *words: str) -> set[str]:
    """The top-level modules that a command line imports, beside those that Python itself does."""

    def run(*command: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *command],
            capture_output=True,
            text=True,
            cwd=project.cwd,
            env=project.environ,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
        return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}

    return run(PROGRAM, *words) - run("-c", "pass")


@pytest.fixture
def started(project: Project) -> Project:
    """A project with a thread that has made a step, and an agent in its config."""
    agent = project.agent(WRITTEN)
    project("config", "set", "agents.mine.command", agent.command)
    project("config", "set", "default_agent", "mine")
    project("workflow", "add", project.file("review.yaml", REVIEW))
    project("thread", "exec", project.begin(REVIEW))
    return project


@pytest.mark.parametrize(
    "line",
    [
        "--version",
        "config path --json",
        "thread list",
        "thread list --json",
        "thread show @last",
        "thread show @last --json",
        "ref get @uwf/registry/review --json",
        "cas get @last --json",
    ],
)
def test_commands_that_look_import_nothing_heavy(started: Project, line: str) -> None:
    assert imported(started, *line.split()) & HEAVY == set()


@pytest.mark.parametrize("line", ["thread start review -p task", "thread exec @last"])
def test_commands_that_work_do_without_what_takes_longest_to_import(
    started: Project, line: str
) -> None:
    started("thread", "start", "review", "-p", "task")
    assert imported(started, *line.split()) & {"liquid", "rich", "typer"} == set()


def test_what_is_heavy_would_be_seen(started: Project) -> None:
    assert {"typer", "re", "typing"} <= imported(started, "thread", "list", "--help") & HEAVY
