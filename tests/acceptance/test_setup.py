"""`uwf setup`: from nothing to a thread that has run; what is there stays."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.helpers.project import Project
from tests.helpers.terminal import Terminal

ROOT = Path(__file__).parents[2]

AGENT = r"""
cat > /dev/null
case $UWF_ROLE in
    writer) printf -- '---\n$status: written\ngreeting: Welcome!\n---\n' ;;
    judge) printf -- '---\n$status: kind\n---\n' ;;
esac
"""

CLAUDE = r"""
case $1 in
    --version) echo '2.1.197 (Claude Code)'; exit ;;
    auth) echo '{"loggedIn": false}'; exit 1 ;;
esac
exit 1
"""

CODEX = r"""
case "$1 $2" in
    '--version ') echo 'codex-cli 0.171.0'; exit ;;
    'login status') echo 'Logged in using ChatGPT' >&2; exit ;;
esac
cat > /dev/null
say() { printf '%s\n' "$1"; }
say '{"type":"thread.started","thread_id":"t1"}'
text() { say '{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"'"$1"'"}}'; }
case $UWF_ROLE in
    writer) text '---\n$status: written\ngreeting: Welcome!\n---\n' ;;
    judge) text '---\n$status: kind\n---\n' ;;
esac
say '{"type":"turn.completed","usage":{"input_tokens":10,"cached_input_tokens":0,"output_tokens":2}}'
"""


@pytest.fixture
def bare(project: Project) -> Project:
    """A project with no client on PATH."""
    project.environ["PATH"] = f"{project.home.parent}/bin:/usr/bin:/bin"
    return project


def test_the_workflow_that_is_written_is_that_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    shown = re.search(r"<<'YAML'\n(.*?)^YAML$", readme, re.MULTILINE | re.DOTALL)
    assert shown is not None and shown[1] == (ROOT / "uwf/demo/greet.yaml").read_text()


def test_the_client_that_is_logged_in_is_taken_and_a_thread_has_run(bare: Project) -> None:
    bare.program("claude", CLAUDE)
    bare.program("codex", CODEX)
    done = bare("setup", "--yes", "--json").json
    assert done["agent"]["name"] == "codex"
    assert done["agent"]["settings"]["default_agent"] == "codex"
    assert done["workflow"] == {"how": "written", "path": ".workflows/greet.yaml"}
    assert (done["thread"]["how"], done["thread"]["status"]) == ("run", "completed")
    before = bare.home.joinpath("config.toml").read_text()
    again = bare("setup", "--yes", "--json").json
    assert [again[step]["how"] for step in ("agent", "workflow", "thread")] == ["there"] * 3
    assert again["thread"]["thread"] == done["thread"]["thread"]
    assert bare.home.joinpath("config.toml").read_text() == before
    assert bare("setup", "--yes", "-q").out.strip() == done["thread"]["thread"]


def test_a_command_of_ones_own_is_an_agent(bare: Project) -> None:
    done = bare("setup", "--yes", "--agent", bare.program("mine", AGENT))
    assert "agent: mine, written to" in done.out
    assert "thread: judge → kind" in done.out
    assert done.out.endswith("\nuwf agent try mine\n")
    assert bare("config", "get", "default_agent", "-q").out == "mine\n"


def test_each_step_can_be_left_out(bare: Project) -> None:
    skip = [word for step in ("agent", "workflow", "thread") for word in ("--skip", step)]
    done = bare("setup", "--yes", "--json", *skip).json
    assert done == {step: {"how": "skipped"} for step in ("agent", "workflow", "thread")}
    assert not bare.home.exists() and not (bare.cwd / ".workflows").exists()


def test_where_no_workflow_can_be_written_that_is_told(bare: Project) -> None:
    bare.file(".workflows", "")
    error = bare("setup", "--yes", "--skip", "agent", "--json", expect=2).error
    assert (error["code"], error["hint"]) == ("not_written", "ls -ld .workflows")


def test_a_thread_that_failed_is_gone_on_with(bare: Project) -> None:
    agent = bare.program("mine", "exit 1")
    first = bare("setup", "--yes", "--json", "--agent", agent, expect=6)
    assert first.json["thread"]["status"] == "suspended"
    bare.program("mine", AGENT)
    second = bare("setup", "--yes", "--json").json
    assert second["thread"]["thread"] == first.json["thread"]["thread"]
    assert second["thread"]["status"] == "completed"


def test_without_a_client_and_without_a_person_it_says_what_to_type(bare: Project) -> None:
    error = bare("setup", "--yes", "--json", expect=5).error
    assert (error["reason"], error["hint"]) == (
        "no_agent",
        "uwf setup --yes --agent 'COMMAND'",
    )
    error = bare("setup", "--json", expect=2).error
    assert error["hint"] == "uwf setup --yes"


def test_a_person_is_asked_at_each_step(bare: Project) -> None:
    bare.program("claude", CLAUDE)
    bare.program("codex", CODEX)
    terminal = Terminal(bare, "setup")
    terminal.read_until("which one shall run your roles?")
    terminal.type("3\n")
    terminal.read_until("(Enter: none) [1-2] 3")
    terminal.read_until("which one shall run your roles?")
    terminal.type("2\n")
    terminal.read_until("as .workflows/greet.yaml: go on?")
    terminal.type("y\n")
    terminal.read_until("two short prompts to the agent: go on?")
    terminal.type("\n")
    assert terminal.end() == 0
    assert bare("config", "get", "default_agent", "-q").out == "codex\n"
    assert bare("thread", "list", "--all", "--json").json == []


def test_who_declines_the_agent_or_the_workflow_is_asked_for_no_thread(bare: Project) -> None:
    bare.program("claude", CLAUDE)
    terminal = Terminal(bare, "setup")
    terminal.read_until("which one shall run your roles?")
    terminal.type("\n")
    terminal.read_until("as .workflows/greet.yaml: go on?")
    terminal.type("n\n")
    terminal.read_until("thread: none, without an agent")
    assert terminal.end() == 0
    assert not bare.home.exists()


def test_a_client_on_path_that_cannot_run_is_named_with_the_reason(bare: Project) -> None:
    bare.program("claude-agent-acp", "exit 1")
    blocked = bare.file("sitecustomize.py", "import sys\nsys.modules['acp'] = None\n")
    error = bare(
        "setup", "--yes", "--json", expect=5, env={"PYTHONPATH": str(blocked.parent)}
    ).error
    assert error["message"].startswith("Claude Code over ACP: an agent of kind acp needs a library")


def test_detect_asks_before_it_writes(bare: Project) -> None:
    bare.program("claude", CLAUDE)
    for answer, found in (("\n", False), ("y\n", True)):
        terminal = Terminal(bare, "agent", "detect")
        terminal.read_until("config.toml? [y/N]")
        terminal.type(answer)
        assert terminal.end() == 0
        assert (bare.home / "config.toml").exists() == found
    assert json.loads(bare("agent", "list", "--json").out)[0]["name"] == "claude"
