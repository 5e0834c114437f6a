"""What an agent is told of uwf: an agent that does what stands there gets what it was promised."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.helpers.project import Project, program, reply
from uwf.app import guides
from uwf.cli import index
from uwf.workflow import parse


def blocks(topic: str, language: str) -> list[str]:
    text = guides.prompt(topic).text
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell(project: Project, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a script, ended by the first command that fails."""
    return subprocess.run(
        ["sh", "-ec", script],
        cwd=project.cwd,
        env={**project.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def written(project: Project) -> Project:
    """A project whose agent has written the workflow that the prompt shows."""
    [workflow] = blocks("workflow", "yaml")
    project.file(".workflows/review.yaml", workflow)
    return project


def test_every_topic_is_printed(project: Project) -> None:
    topics = index.load("prompt").params[0].spec.choices
    assert sorted(topics) == [each.topic for each in guides.prompts()]
    for topic in topics:
        found = guides.prompt(topic)
        assert project("prompt", topic).out == found.text
        assert project("prompt", topic, "--json").json["text"] == found.text
        assert len(found.text) < 6000, "it stands in every prompt of whoever uses it"


def test_the_workflow_of_the_prompt_is_valid_and_every_edge_is_walked(written: Project) -> None:
    [script] = blocks("workflow", "sh")
    done = shell(written, script)
    assert done.returncode == 0, done
    assert "0 errors, 0 warnings" in done.stderr


def test_the_prompt_names_every_key_of_the_language() -> None:
    words = set(re.findall(r"\w+", guides.prompt("workflow").text))
    assert {*parse.TOP, *parse.ROLE, *parse.EDGE} <= words


def test_the_commands_of_the_prompt_run_a_thread(written: Project) -> None:
    agent = written.agent(
        *(reply("written", summary="Short"), reply("good")),
        *(reply("written", summary="Shorter"), reply("good")),
    )
    written("config", "set", "agents.mine.command", agent.command)
    written("config", "set", "default_agent", "mine")
    [script] = blocks("usage", "sh")
    done = shell(written, script)
    assert done.returncode == 0, done
    assert [step["status"] for step in written.steps("@last")] == ["written", "good"] * 2
    assert agent.prompt(3).count("Shorter.") == 1


def test_the_agent_of_the_prompt_runs_a_role(written: Project) -> None:
    [source] = blocks("adapter", "python")
    [setting] = blocks("adapter", "sh")
    path = written.file("my-agent", source)
    path.chmod(0o755)
    folder = written.home.parent
    client = program(folder / "client", WRITES)
    done = shell(written, setting, CLIENT=program(folder / "probe", PROBED))
    assert done.returncode == 0, done
    thread = written("thread", "start", "review", "-p", "x", "-q").out.strip()
    written("thread", "exec", thread, env={"CLIENT": client})
    assert written.show(thread)["usage"]["tokens"] == 3
    assert [turn["text"].count("A text.") for turn in written.turns(thread)] == [1]
    broken = program(folder / "broken", "echo 'status 401: not logged in' >&2; exit 3")
    failed = written("thread", "exec", thread, env={"CLIENT": broken}, expect=6)
    assert "not logged in" in failed.err


WRITES = "cat >/dev/null; printf -- '---\\n$status: written\\nsummary: S\\nusage: {tokens: 3}\\n---\\nA text.\\n'"
PROBED = "cat >/dev/null; printf -- '---\\n$status: done\\n---\\nI have written nothing.\\n'"
