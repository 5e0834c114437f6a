"""`uwf audit`, and answering a thread without a daemon."""

from __future__ import annotations

from tests.helpers.project import ASKS, Project, reply
from tests.helpers.terminal import Terminal


def test_an_empty_home_has_promised_nothing(project: Project) -> None:
    done = project("audit")
    assert done.out == ""
    assert "0 promises" in done.err
    assert project("audit", "--json").json == []


def test_a_timer_is_pending_and_a_run_keeps_it(project: Project) -> None:
    thread = project.begin()
    project("thread", "wake", thread, "--in", "1h")
    [promise] = project("audit", "--json").json
    assert (promise["kind"], promise["of"], promise["state"]) == ("timer", thread, "pending")
    terminal = Terminal(project, "audit")
    assert terminal.end() == 0
    row = next(line for line in terminal.screen if line.startswith("pending"))
    assert "  in 60m " in row and thread not in row and thread[-4:] in row
    project("thread", "wake", thread)
    project.step(thread, project.agent(reply()))
    [promise] = project("audit", "--json").json
    assert promise["state"] == "kept"


def test_an_answer_is_told_and_due_and_the_inbox_is_empty(project: Project) -> None:
    asks = project.agent(ASKS, reply())
    project("config", "set", "agents.it.command", asks.command)
    project("config", "set", "default_agent", "it")
    thread = project.begin()
    project.step(thread, asks, expect=3)
    done = project("answer", thread, "Blue.", "--json").json
    assert done["thread"] == thread
    assert project("inbox", "--json").json == []
    project("thread", "run", "--due")
    assert "Blue." in asks.prompt(2)
    assert project.show(thread)["status"] == "completed"


def test_only_what_asks_is_answered(project: Project) -> None:
    thread = project.begin()
    done = project("answer", thread, "Blue.", "--json", expect=5)
    assert done.error["code"] == "not_asking"
    assert done.error["hint"] == f"uwf thread tell {thread} TEXT"
