"""An agent asks what a person has to permit: from its question to what it did, also where uwf is killed on the way."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.helpers.program import Uwf
from tests.helpers.project import Project

PROGRAM = Path(__file__).parents[1] / "helpers" / "agents" / "protocol.py"
CALL = {
    "toolCallId": "t1",
    "kind": "execute",
    "title": "touch x",
    "rawInput": {"command": "touch x", "token": "sk-secret-1234567890"},
}
OPTIONS = [
    {"kind": "allow_once", "name": "Allow", "optionId": "once"},
    {"kind": "reject_once", "name": "Reject", "optionId": "no"},
]
REPLY = "---\n$status: done\n---\nWell."


@pytest.fixture
def thread(project: Project, tmp_path: Path) -> str:
    """A thread whose agent asks for something before it replies."""
    content = {"type": "text", "text": REPLY}
    says = {"sessionUpdate": "agent_message_chunk", "content": content}
    asks = {"sessionId": "s1", "options": OPTIONS, "toolCall": CALL}
    can = {"sessionCapabilities": {"resume": {}}}
    (tmp_path / "does.json").write_text(
        json.dumps(
            {
                "initialize": {"result": {"protocolVersion": 1, "agentCapabilities": can}},
                "session/new": {"result": {"sessionId": "s1"}},
                "session/prompt": {
                    "updates": [says],
                    "asks": [asks],
                    "result": {"stopReason": "end_turn"},
                },
                "does": str(tmp_path / "did"),
            }
        )
    )
    project("config", "set", "agents.a.command", f"{sys.executable} {PROGRAM} {tmp_path}/does.json")
    project("config", "set", "agents.a.kind", "acp")
    project("config", "set", "agents.a.on_permission", "ask")
    project("config", "set", "agents.a.env.MY_TOKEN", "sk-secret-1234567890")
    project("config", "set", "default_agent", "a")
    return project.begin()


def did(tmp_path: Path) -> list[str]:
    file = tmp_path / "did"
    return file.read_text().splitlines() if file.exists() else []


def test_a_yes_permits_it_once_and_a_no_denies_it(
    project: Project, thread: str, tmp_path: Path
) -> None:
    asked = project("thread", "exec", thread, expect=3)
    assert "touch x" in asked.out and "sk-secret" not in asked.out
    [item] = project("inbox", "--json").json
    assert (item["kind"], item["code"], item["thread"]) == ("approval", "approval", thread)
    assert "sk-secret" not in item["question"]
    assert item["answer"] in asked.err
    assert project("thread", "exec", thread, "--json", expect=5).error["hint"] == item["answer"]
    shown = project("thread", "show", thread).out
    assert f"answer     {item['answer']}" in shown and "failed" not in shown
    assert "failed" not in project("thread", "list").out
    assert f"answer: {item['answer']}" in project("step", "list", thread).err
    words = item["answer"].partition("'")[2].rstrip("'")
    project("answer", thread, words)
    assert project("inbox", "--json").json == []
    project("thread", "run", "--due")
    assert did(tmp_path) == ["once"]
    assert project("step", "list", thread, "--json").json[0]["denied"] == []

    project("thread", "resume", thread, expect=3)
    project("thread", "resume", thread, "--supplement", "no, leave it")
    assert did(tmp_path) == ["once", "no"]
    [denied] = project("step", "list", thread, "--json").json[1]["denied"]
    assert "touch x" in denied and "sk-secret" not in denied


@pytest.mark.parametrize("command", ["thread resume T --supplement yes", "answer T yes"])
def test_the_agent_of_another_thread_cannot_say_yes(
    project: Project, thread: str, tmp_path: Path, command: str
) -> None:
    project("thread", "exec", thread, expect=3)
    words = command.replace("T", thread).split()
    inside = {"UWF_THREAD": "01OTHER", "UWF_RUN": "0" * 32}
    Uwf.__call__(project, *words, env=inside, expect=3 if words[0] == "thread" else 0)
    if words[0] == "answer":
        project("thread", "run", "--due", expect=None)
    assert did(tmp_path) == []
    assert project.show(thread)["status"] == "suspended"
    assert "thread 01OTHER" in project("thread", "show", thread).out
    project("thread", "resume", thread, "--supplement", "yes")
    assert did(tmp_path) == ["once"]


@pytest.mark.parametrize("at", ["permitted: begun", "permitted: written", "permitted: done"])
def test_whatever_is_killed_a_yes_is_never_used_twice(
    project: Project, thread: str, tmp_path: Path, at: str
) -> None:
    project("thread", "exec", thread, expect=3)
    project("answer", thread, "yes")
    Uwf.__call__(project, "thread", "exec", thread, expect=-9, env={"UWF_CRASH_AT": at})
    assert did(tmp_path) == [], "the agent was not told yet"
    is_used = at == "permitted: done"
    project("thread", "resume", thread, expect=3 if is_used else 0)
    assert did(tmp_path) == ([] if is_used else ["once"])
