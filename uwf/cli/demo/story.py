"""The story that `uwf demo` tells: its parts in order, each a sentence or two and the commands that show it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

from uwf.cli.exits import DONE, SUSPENDED
from uwf.demo.folder import AGENT, PROJECT, WORKFLOW
from uwf.demo.project import listed
from uwf.quantities import counted

if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context
    from uwf.cli.demo.tour import Tour
    from uwf.demo.folder import DemoFolder

TASK = "Tidy the Python project in this folder."
ANSWER_PANTRY = "Yes, use the unsafe fixes, and ignore E722 and E741."
ANSWER_ANY = "Use the unsafe fixes, and leave the rest as it is."
ANSWER_SETTINGS = "Put the project's settings aside."
ANSWER_LAST = "Leave the rest as it is."
CHANGE = "Something new: sort the imports, too, and use modern syntax."

MAX_ANSWERS = 4
READ_CHARS = 2000


def welcome(tour: Tour, folder: DemoFolder, linter: str, own_project: str | None) -> None:
    """What is about to happen, and where. `own_project` is None for the project that comes with uwf."""
    what = typed(own_project) if own_project else "a small untidy project that comes with uwf"
    files = counted(folder.copied.files, "file")
    tour.text(
        f"A workflow named tidy works on a copy of {what} ({files}).\n"
        f"Small programs around {linter} play its roles survey, fix and review: no model, no key.\n\n"
        "Every line after a `$` is a command that you could have typed. They run in this folder:\n\n"
        f"$ cd {typed(folder.path)}"
    )
    if folder.copied.left_out:
        tour.text(f"\nCould not be read, and is left out: {listed(folder.copied.left_out)}.")


def play(ctx: Context, tour: Tour, *, is_pantry: bool) -> str:
    """All the parts. Returns the thread's id; raises `UnexpectedExit` when a command does not do what it should."""
    thread = _begin(tour)
    name = ctx.short_ids([thread])[thread] if tour.is_read else thread
    _first_round(ctx, tour, name, ANSWER_PANTRY if is_pantry else ANSWER_ANY)
    _second_round(ctx, tour, name)
    _look_back(tour, name)
    return thread


def _begin(tour: Tour) -> str:
    tour.part(
        "A thread begins",
        f"A thread is one run of a workflow; {WORKFLOW} says who works and who is next. Nothing runs yet.",
    )
    done = tour.run("thread", "start", WORKFLOW, "--cwd", PROJECT, "-p", TASK, keep=True)
    return done.out.split()[0] if tour.is_read else str(json.loads(done.out)["thread"])


def _first_round(ctx: Context, tour: Tour, thread: str, answer: str) -> None:
    tour.part(
        "It runs",
        "Each role gets a prompt and gives a reply, and each step is stored when it is done.\n"
        "`--agent` names the program that plays the roles.",
    )
    if not _run(tour, "exec", thread):
        tour.text("\nNothing took a person here, so there is no question to answer.")
        return
    tour.part(
        "It asks",
        "A decision takes a person, so the thread is suspended (exit code 3). It may stay so for days.",
    )
    tour.run("inbox")
    tour.run("thread", "show", thread)
    tour.part(
        "It goes on with the answer",
        "What a person adds is a supplement. The role that asked runs again, with it in its prompt.",
    )
    _answer(ctx, tour, thread, answer)


def _second_round(ctx: Context, tour: Tour, thread: str) -> None:
    tour.part(
        "After the end, something new",
        "The thread is completed, and a requirement changes. Resuming it begins a second\n"
        "round; the chain goes on, and what was agreed in the first round still holds.",
    )
    if _run(tour, "resume", thread, CHANGE):
        tour.text("\nIt asks again. This answer leaves nothing open.")
        _answer(ctx, tour, thread, ANSWER_LAST)


def _answer(ctx: Context, tour: Tour, thread: str, answer: str) -> None:
    """Answer until nothing is asked any more: `answer` first, then what leaves nothing open."""
    for _ in range(MAX_ANSWERS):
        linter_failed = ctx.app.show(thread).suspended_role == "survey"
        if not _run(tour, "resume", thread, ANSWER_SETTINGS if linter_failed else answer):
            return
        answer = answer if linter_failed else ANSWER_LAST
    tour.give_up()


def _run(tour: Tour, verb: str, thread: str, supplement: str = "") -> bool:
    """Run the thread until it stops. Whether it is suspended now."""
    added = ["--supplement", supplement] if supplement else []
    words = ("thread", verb, thread, *added, "--until-done", "--agent", AGENT)
    return tour.run(*words, expect=(DONE, SUSPENDED)).code == SUSPENDED


def _look_back(tour: Tour, thread: str) -> None:
    tour.part("What happened", "A thread reads as Markdown; within a quota, the newest steps.")
    tour.run("thread", "read", thread, "--quota", str(READ_CHARS))
    tour.part("The way it took", "The workflow, and how often this thread went each way.")
    tour.run("workflow", "graph", WORKFLOW, "--format", "text", "--thread", thread)
    tour.part("Is it all there?", "Every object in the store is read and compared with its hash.")
    tour.run("store", "verify")


def farewell(home: str, document: dict[str, Any]) -> str:
    """What came of it, and what to type next."""
    lines = [""]
    for each in document["rounds"]:
        before, after = counted(each["findings"]["before"], "finding"), each["findings"]["after"]
        lines.append(f"Round {each['round']}: {before} before, {after} after ({each['agreed']}).")
    lines += [
        f"{counted(document['steps'], 'step')} in {document['seconds']:.1f} s. "
        "What they changed: diff -ru before project",
        "",
        "What to try next. The thread is still there:",
        "",
    ]
    if shutil.which("uwf") is None:
        lines.append(f'$ export PATH="{os.path.dirname(sys.executable)}:$PATH"')
    if home != os.path.expanduser("~/.uwf"):
        lines.append(f"$ export UWF_HOME={typed(home)}")
    thread = document["threads"][0]
    lines += [
        f"$ cd {typed(document['folder'])}",
        f"$ uwf thread resume {thread} --supplement 'line length 79' --until-done --agent '{AGENT}'",
        "",
        "And with an agent of your own: any program that reads a prompt and prints a reply, here Claude Code.",
        "It works on YOUR-PROJECT itself, so name one that is under version control.",
        "",
        "$ uwf config set agents.mine.command 'claude -p --allowedTools Bash(ruff:*) Edit'",
        f"$ uwf thread start {WORKFLOW} --cwd YOUR-PROJECT -p 'Tidy this project.'",
        "$ uwf thread exec @last --until-done --agent mine",
    ]
    return "\n".join(lines)


def typed(path: str) -> str:
    """`path` as one types it into a shell, with `~` for one's own folder."""
    own = os.path.join(os.path.expanduser("~"), "")
    return f"~/{shlex.quote(path.removeprefix(own))}" if path.startswith(own) else shlex.quote(path)
