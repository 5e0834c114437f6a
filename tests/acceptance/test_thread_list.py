"""`thread list` as a person sees it: short ids, signs and times from now at a terminal, all of it exactly in a pipe."""

from __future__ import annotations

import pytest

from tests.helpers.gate import Gate, configure, ended
from tests.helpers.project import ASKS, REVIEW, Project, reply
from tests.helpers.terminal import Terminal
from uwf.cli.screen.table import width
from uwf.cli.thread.columns import COLUMNS
from uwf.engine.query.listing import SORTS

TASK = "Paint the fence, the gate, the house and whatever else is made of wood around here."


@pytest.fixture
def three(project: Project) -> dict[str, str]:
    """A thread that asks, one whose agent failed and one that has ended, by what became of it; the oldest first."""
    asks = project.begin(task=TASK)
    project.step(asks, project.agent(ASKS), expect=3)
    fails = project.begin(task="Fail.")
    broken = project.program("broken", "echo no luck >&2; exit 3")
    project("thread", "exec", fails, "--agent", broken, expect=6)
    ended = project.begin(task="End.")
    project.step(ended, project.agent(reply()))
    return {"asks": asks, "fails": fails, "ended": ended}


def seen(project: Project, *more: str, columns: int = 80, **env: str) -> tuple[list[str], str]:
    """The lines a person sees of all threads, and everything that was written."""
    terminal = Terminal(project, "thread", "list", "--all", *more, columns=columns, env=env)
    assert terminal.end() == 0
    return [line for line in terminal.screen if line], terminal.written


def test_a_terminal_shows_what_can_be_typed_the_state_and_the_question(
    project: Project, three: dict[str, str]
) -> None:
    (head, ended, fails, asks), written = seen(project)
    assert head.split() == "thread status workflow next updated about".split()
    for line, name in ((ended, "ended"), (fails, "fails"), (asks, "asks")):
        short = line.split()[0]
        assert f"\x1b[1m{short}\x1b[0m" in written
        assert project("thread", "show", short, "-q").out.strip() == three[name]
        assert len(short) < 10 and (" ago" in line or " now" in line)
    assert "✓ completed" in ended and "\x1b[38;5;28m✓ completed\x1b[0m" in written
    assert "✗ suspended" in fails and "  exit_code: agent /" in fails
    assert "? suspended" in asks and "Which colour? · Paint the fe" in asks


@pytest.mark.parametrize("columns", [120, 80, 60, 40])
def test_every_row_is_one_line_and_keeps_what_matters(
    project: Project, three: dict[str, str], columns: int
) -> None:
    lines, _ = seen(project, columns=columns)
    assert len(lines) == 4
    assert max(map(width, lines)) <= columns
    assert "? suspended" in lines[-1] and "Which colour?" in lines[-1]
    assert columns > 60 or lines[0].split() == ["thread", "status", "about"]


def test_a_pipe_gets_whole_ids_exact_times_and_no_sign(
    project: Project, three: dict[str, str]
) -> None:
    *_, row = project("thread", "list").out.splitlines()
    updated = row.split()[5]
    assert row.split()[:5] == [three["asks"], "suspended", "one", "1", "worker"]
    assert updated.endswith("Z") and updated[:2] == "20" and row.endswith(f"· {TASK}")
    assert "✗" not in project("thread", "list").out


def test_a_person_may_have_exact_times_as_well(project: Project, three: dict[str, str]) -> None:
    lines, _ = seen(project, "--utc", columns=120)
    assert all(line.split()[6].endswith("Z") for line in lines[1:])


def test_without_utf8_or_colour_a_sign_of_ascii_says_the_state(
    project: Project, three: dict[str, str]
) -> None:
    for env in ({"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}):
        lines, written = seen(project, NO_COLOR="1", **env)
        assert written.isascii() and "\x1b[" not in written
        signs = [line.split()[1] for line in lines[1:]]
        assert signs == ["+", "x", "?"]


def test_threads_of_a_group_stand_together(project: Project, three: dict[str, str]) -> None:
    project.begin(REVIEW)
    found = project("thread", "list", "--all", "--group", "status").out.splitlines()
    titles = [line for line in found[1:] if line and len(line.split()) == 2]
    assert titles == ["suspended (2)", "idle (1)", "completed (1)"]
    listed = project("thread", "list", "--all", "--group", "workflow", "--json").json
    assert [row["workflowName"] for row in listed] == ["review", "one", "one", "one"]


def test_columns_are_called_alike_in_the_table_and_in_json(
    project: Project, three: dict[str, str]
) -> None:
    words = ("thread", "list", "--columns", "thread,currentRole,about,steps")
    assert project(*words).out.split()[:4] == ["THREAD", "NEXT", "ABOUT", "STEP"]
    row = project(*words, "--json").json[-1]
    about = f"Which colour? · {TASK}"
    assert row == {"thread": three["asks"], "currentRole": "worker", "about": about, "steps": 1}
    by_field = project("thread", "list", "--sort", "-steps", "-q").out
    assert by_field.split() == [three["fails"], three["asks"]]
    assert project("thread", "list", "--sort", "-step", "-q").out == by_field


@pytest.mark.parametrize(
    ("option", "word", "meant"),
    [
        ("--columns", "stauts", "status"),
        ("--group", "workflw", "workflow"),
        ("--sort", "-updatd", "updated"),
    ],
)
def test_a_word_that_there_is_not_is_answered_with_the_nearest(
    project: Project, option: str, word: str, meant: str
) -> None:
    error = project("thread", "list", f"{option}={word}", "--json", expect=2).error
    assert error["hint"] == f"uwf thread list {option} {meant}"
    assert f"did you mean {meant}?" in error["message"]


def test_what_waits_for_a_slot_is_asked_for_as_it_is_shown(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    gate = Gate(project)
    first, second = project.begin(), project.begin()
    processes = [gate.running(first), gate.waiting(second)]
    assert project("thread", "list", "--columns", "status,thread").out.split()[2:] == [
        *("waiting", second),
        *("running", first),
    ]
    assert project("thread", "list", "--status", "waiting", "-q").out.split() == [second]
    assert project("thread", "list", "--status", "running", "-q").out.split() == [second, first]
    asked = project("thread", "stop", "--where", "waiting", "--dry-run", "-q").out.split()
    assert asked == [second]
    gate.open()
    for process in processes:
        ended(process)


def test_what_threads_are_sorted_by_are_columns(project: Project) -> None:
    thread = project.begin()
    project.step(thread, project.agent(reply(usage={"usd": 0.314, "tokens": 12345})))
    names = "thread,usd,tokens"
    row = project("thread", "list", "--all", "--columns", names, "--sort", "usd").out.split()[3:]
    assert row == [thread, "$0.31", "12k", "tokens"]
    [found] = project("thread", "list", "--all", "--columns", names, "--json").json
    assert found == {"thread": thread, "usd": 0.314, "tokens": 12345}


def test_whatever_threads_are_sorted_by_can_be_shown() -> None:
    assert SORTS.keys() <= COLUMNS.keys()
