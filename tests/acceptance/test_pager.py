"""What is long or drawn, on a terminal: Markdown, differences in colours, the pager. A pipe gets what it got before."""

from __future__ import annotations

import pytest

from tests.helpers.project import ONE, REVIEW, WRITTEN, Project, reply
from tests.helpers.terminal import Terminal

LONG = "# Title\n\n" + "".join(f"- point **{n}**\n" for n in range(60))
PAGER = "echo PAGED; head -n 5"
"""One that has seen enough after five lines."""


@pytest.fixture
def thread(project: Project) -> str:
    """A thread with a short step and a long one."""
    thread = project.begin(ONE)
    agent = project.agent(reply(body="Short."), reply(body=LONG))
    project.step(thread, agent)
    project.step(thread, agent, verb="resume")
    return thread


def shown(project: Project, *words: str, **env: str) -> list[str]:
    terminal = Terminal(project, *words, env=env)
    assert terminal.end() == 0
    assert "Traceback" not in terminal.written
    return [line.rstrip() for line in terminal.screen]


@pytest.mark.parametrize(
    "words", [("thread", "read"), ("step", "read"), ("step", "show"), ("step", "turns")]
)
def test_a_long_text_goes_through_the_pager_of_the_reader(
    project: Project, thread: str, words: tuple[str, ...]
) -> None:
    pager = project.program("pager", PAGER)
    lines = shown(project, *words, thread, PAGER=pager)
    assert lines[0] == "PAGED" and len(lines) <= 8
    lines = shown(project, *words, thread, "--no-pager", PAGER=pager)
    assert "PAGED" not in lines and any("point" in line and "59" in line for line in lines)
    assert "PAGED" not in project(*words, thread, env={"PAGER": pager}).out


@pytest.mark.parametrize("pager", ["", "no-such-program --here", "'not closed"])
def test_a_pager_that_is_not_there_is_no_error(project: Project, thread: str, pager: str) -> None:
    assert " • point 59" in shown(project, "step", "read", thread, PAGER=pager)


def test_what_fits_the_screen_is_not_paged(project: Project, thread: str) -> None:
    pager = project.program("pager", PAGER)
    lines = shown(project, "step", "show", f"{thread}~1", PAGER=pager)
    assert "PAGED" not in lines
    assert lines[0].startswith("step ") and lines[-4:] == ["Body", "", "Short.", ""]


def test_the_default_pager_shows_colours_and_all_of_it(project: Project, thread: str) -> None:
    less = project.program("less", 'echo "$@"; cat')
    path = f"{less.rpartition('/')[0]}:{project.environ['PATH']}"
    terminal = Terminal(project, "step", "read", thread, env={"PATH": path})
    assert terminal.end() == 0
    assert terminal.written.startswith("-FRX\r\n") and "\x1b[1m59" in terminal.written


def test_a_pipe_gets_the_markdown_itself(project: Project, thread: str) -> None:
    assert LONG.rstrip("\n") in project("step", "read", thread).out
    assert "\nbody         Short.\n" in project("step", "show", f"{thread}~1").out


def test_differences_are_coloured_on_a_terminal_alone(project: Project) -> None:
    thread = project.begin(REVIEW)
    project.step(thread, project.agent(WRITTEN))
    other = project.begin(REVIEW)
    project.step(other, project.agent(reply("written", "Now.\x1b[2J", title="A tale")))
    words = ("thread", "diff", thread, other)
    terminal = Terminal(project, *words)
    assert terminal.end() == 0
    assert "\x1b[38;5;160m- Once upon a time.\x1b[0m\r\n" in terminal.written
    assert "\x1b[38;5;28m+ Now.\\u001b[2J\x1b[0m\r\n" in terminal.written
    assert f"\x1b[1m--- {thread}\x1b[0m\r\n" in terminal.written
    plain = Terminal(project, *words, env={"NO_COLOR": "1"})
    assert plain.end() == 0 and "\x1b" not in plain.written
    assert "+ Now.\x1b[2J\n" in project(*words).out
