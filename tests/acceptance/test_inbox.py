"""`uwf inbox`: a person's morning."""

from __future__ import annotations

from tests.helpers.project import ASKS, Project, reply
from tests.helpers.terminal import Terminal


def test_an_empty_home_has_an_empty_inbox(project: Project) -> None:
    done = project("inbox")
    assert (done.out, done.err) == ("", "nothing waits for you\n")
    assert project("inbox", "--json").json == []


def test_it_shows_the_question_and_the_command_that_answers(project: Project) -> None:
    asks = project.agent(ASKS)
    thread = project.begin()
    project.step(thread, asks, expect=3)
    [item] = project("inbox", "--json").json
    assert item["thread"] == thread
    assert (item["role"], item["question"], item["kind"]) == ("worker", "Which colour?", "question")
    assert item["since"] > 0
    shown = project("inbox").out
    assert "Which colour?" in shown
    assert f"uwf answer {thread} TEXT" in shown
    assert project("inbox", "-q").out == f"{thread}\n"
    project.step(thread, project.agent(reply()), "--supplement", "Red.")
    assert project("inbox", "--json").json == []


def test_a_thread_that_was_answered_is_due_and_does_not_look_as_if_it_asked(
    project: Project,
) -> None:
    thread = project.begin()
    project.step(thread, project.agent(ASKS), expect=3)
    project("answer", thread, "Red.")
    terminal = Terminal(project, "thread", "list")
    assert terminal.end() == 0
    assert "due" in terminal.written and "it was answered \u00b7 Wh" in terminal.written
