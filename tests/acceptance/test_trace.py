"""`scripts/trace` follows one step through the house."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

MOST = {"files entered": 136, "calls across files": 948, "greatest depth": 28}
"""What one step costs a reader at most. Raise it for something that is worth it, and say what.

The last 38 files: the face in three, what is looked at, done and held together; what a run needs of a home, apart from
the opening of one; which threads have places; the day of a
home, what an agent asks of its own thread, which session it goes on in, what others add to a run that they have joined;
on the command line the threads that a command is for, and how a run is shown, which two commands share; the values of a
run and the beginning of an attempt, each apart so that no two files import each other; and so that no reply is lost,
the room that is kept for it, and the look for one that is to be taken in; what of an example is left in a reply, apart
from how its values are read; the timer of a thread, which a run that begins takes away; the poke that wakes a daemon at
the end of a run; the log, and what a run writes to it; what a thread was told, in two: where it waits, and what its
prompt says of it; what comes of an answer, apart from how it is asked for; what is measured, a sample a step; the pipe
for what a command says beside its reply, its lines, its bursts, what is shared by clients that speak so; whether the
thread has a worktree, in two: what its tags say, and what a run makes of that; the guard of what those take; how times
are said to a person, at every front door; what a command says beside its answer; the fence around what is written
while a thread is held; and what is SQLite's own of a transaction and of a store, apart from what all databases share.
The last calls: what hides secrets
is told the words of the workflow, and finds a folder by what its name hides; lines of the log; the looks for what
waits; how its role is run, and by whom meanwhile; what of the environment is handed on; whether an event has begun the
thread of a first word; what a request means for a program, and why that cannot be run, which the kinds of agents share;
what of the address of a store is a secret; on which machine a process is; and what is recorded is so once written.
"""

SCRIPT = Path(__file__).parents[2] / "scripts" / "trace.py"


def figures_in(lines: list[str]) -> dict[str, int]:
    found = (re.match(r"(.+?) +(\d+)$", line) for line in lines[-7:])
    return {each[1]: int(each[2]) for each in found if each}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of three steps the one with the shortest way: an agent that is slow to end after its last word adds rounds of
    waiting to it, and its reply a turn."""
    steps = (trace(tmp_path_factory.mktemp("trace")) for _ in range(3))
    return min(steps, key=lambda lines: figures_in(lines)["calls across files"])


def trace(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--files", "--tree"],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_figures_agree_with_the_lists(lines: list[str]) -> None:
    figures = figures_in(lines)
    listed = [
        found for line in lines if (found := re.match(r".+ (\d+) functions +(\d+) calls", line))
    ]
    assert figures["files entered"] == len(listed)
    assert figures["functions"] == sum(int(found[1]) for found in listed)
    assert figures["calls"] == sum(int(found[2]) for found in listed) > 100
    assert figures["files entered"] <= figures["modules of uwf imported"]
    tree = lines[: lines.index("")]
    assert figures["greatest depth"] == max(len(line) - len(line.lstrip()) for line in tree) / 2 + 1


def test_the_way_grows_no_longer(lines: list[str]) -> None:
    figures = figures_in(lines)
    assert {name: figures[name] for name, most in MOST.items() if figures[name] > most} == {}


def test_the_way_begins_at_the_command_line_and_leads_to_the_disk(lines: list[str]) -> None:
    assert lines[0] == "cli/main.py: main"
    files = [line.split()[0] for line in lines if " functions " in line]
    assert files[0] == "cli/main.py"
    assert any(file.startswith("store/") for file in files)
    assert any(file.startswith("agent/") for file in files)


def test_nothing_in_it_depends_on_where_the_project_stands(lines: list[str]) -> None:
    assert [line for line in lines if "/uwf/" in line or line.lstrip().startswith("/")] == []
