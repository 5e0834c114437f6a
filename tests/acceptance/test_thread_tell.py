"""`uwf thread tell`: words for a thread, at any time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.project import (
    APPROVED,
    ASKS,
    ONE,
    REJECTED,
    REVIEW,
    WRITTEN,
    Project,
    reply,
    until,
)


def tell(project: Project, thread: str, *words: str, input: str = "") -> dict[str, Any]:
    told: dict[str, Any] = project("thread", "tell", thread, *words, "--json", input=input).json
    return told


def test_words_wait_until_a_step_reads_them(project: Project) -> None:
    thread = project.begin(REVIEW)
    first = tell(project, thread, "dates in ISO form")
    (project.cwd / "note.md").write_text("from a file\n## Your instruction now\n")
    second = tell(project, thread, "@note.md", "--from", "the owner")
    third = tell(project, thread, "-", input="from stdin")
    assert (first["thread"], first["status"], first["who"]) == (thread, "idle", "a person")
    waiting = project.show(thread)["told"]
    assert [each["text"] for each in waiting] == [
        "dates in ISO form",
        "from a file\n## Your instruction now\n",
        "from stdin",
    ]
    assert [each["word"] for each in waiting] == [first["word"], second["word"], third["word"]]
    assert {key: waiting[1][key] for key in ("who", "trust", "event")} == {
        "who": "the owner",
        "trust": "owner",
        "event": None,
    }
    assert "dates in ISO form; the owner," in project("thread", "show", thread).out
    assert "Waits to be told" in project("thread", "read", thread).out
    agent = project.agent(WRITTEN, APPROVED)
    project.step(thread, agent, "--until-done")
    prompt = agent.prompt(1)
    assert "### From a person," in prompt and "\n\ndates in ISO form\n\n" in prompt
    assert "### From the owner," in prompt and "\n> ## Your instruction now\n" in prompt
    assert "## New information" not in agent.prompt(2)
    assert project.show(thread)["told"] == []
    step = project("step", "show", f"{thread}~1", "--json").json
    assert step["told"] == waiting
    assert "the owner added:\n\n> from a file" in project("step", "read", f"{thread}~1").out
    assert "from stdin" in project("step", "show", f"{thread}~1").out
    assert project("thread", "list", "--all", "--json").json[0].get("told") is None


@pytest.mark.parametrize("last", [APPROVED, ASKS])
def test_exec_goes_on_with_what_was_told_something(project: Project, last: str) -> None:
    thread = project.begin(REVIEW)
    code = 0 if last == APPROVED else 3
    project.step(thread, project.agent(WRITTEN, last), "--until-done", expect=code)
    assert "hint: uwf thread resume" in project("thread", "exec", thread, expect=5).err
    said = project("thread", "tell", thread, "Blue.")
    assert f"hint: uwf thread exec {thread}" in said.err
    agent = project.agent(WRITTEN if last == APPROVED else APPROVED)
    project.step(thread, agent)
    assert "Blue." in agent.prompt(1)


def test_words_for_a_thread_that_runs_are_for_its_next_step(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, APPROVED)
    go = project.cwd / "go"
    waits = project.program("waits", f'while [ ! -e "{go}" ]; do sleep 0.05; done\n{agent.command}')
    running = project.start("thread", "exec", thread, "-c", "2", "--agent", waits)
    until(lambda: project.show(thread)["running"] and project.show(thread)["running"]["role"])
    told = project("thread", "tell", thread, "while it runs", "--json")
    assert (told.json["status"], told.err) == ("running", "")
    go.touch()
    assert running.wait(timeout=60) == 0
    assert "while it runs" not in agent.prompt(1)
    assert "while it runs" in agent.prompt(2)


def test_processes_that_tell_at_once_lose_nothing_while_the_thread_runs(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, REJECTED, WRITTEN, APPROVED)
    running = project.start("thread", "exec", thread, "-c", "3", "--agent", agent.command)
    said = [f"<word {number}>" for number in range(12)]
    tellers = [project.start("thread", "tell", thread, text) for text in said]
    for teller in tellers:
        _, err = teller.communicate(timeout=60)
        assert teller.returncode == 0, err
    assert running.wait(timeout=60) == 0
    project.step(thread, agent)
    told = [
        word["text"]
        for row in project.steps(thread)
        for word in project("step", "show", row["step"], "--json").json["told"]
    ]
    assert sorted(told) == sorted(said)
    assert project.show(thread)["told"] == []


@pytest.mark.parametrize("text", ["", "  \n "])
def test_empty_words_are_refused(project: Project, text: str) -> None:
    thread = project.begin()
    found = project("thread", "tell", thread, text, expect=2)
    assert "there is nothing to tell" in found.err and "hint: uwf thread tell" in found.err


@pytest.mark.parametrize("who", ["", " ", "a\nb"])
def test_a_name_is_on_one_line(project: Project, who: str) -> None:
    thread = project.begin()
    assert "hint: uwf" in project("thread", "tell", thread, "x", "--from", who, expect=2).err


def test_a_cancelled_thread_is_told_nothing(project: Project) -> None:
    thread = project.begin()
    project("thread", "cancel", thread)
    found = project("thread", "tell", thread, "too late", expect=5)
    assert f"hint: uwf thread fork {thread}" in found.err


def test_no_such_thread(project: Project) -> None:
    project.begin()
    project("thread", "tell", "ZZZZZZZZ", "x", expect=4)


def test_what_waits_travels_along(project: Project, tmp_path: Path) -> None:
    thread = project.begin(ONE)
    tell(project, thread, "mind this")
    project("thread", "export", thread, "-o", "thread.uwf")
    other = Project(tmp_path / "other-home", project.cwd)
    other("thread", "import", "thread.uwf")
    assert other.show(thread)["told"] == project.show(thread)["told"]
    agent = other.agent(reply())
    other.step(thread, agent)
    assert "mind this" in agent.prompt(1)
    assert other("store", "verify", "--deep").code == 0


def test_an_agent_that_tells_another_thread_is_named(project: Project) -> None:
    other, thread = project.begin(ONE), project.begin(ONE)
    tells = f"uwf thread tell {other} 'done with mine' >&2"
    program = project.program("teller", f"{tells}\nprintf -- '---\\n$status: done\\n---\\n'\n")
    project.step(thread, program)
    [word] = project.show(other)["told"]
    assert (word["who"], word["text"]) == (f"thread {thread}", "done with mine")
