"""What the keys do to a thread. Each act is a verb of the app and answers with one line.

A run is a process of its own, as ever: `go_on` types what the app names as the way on, with `--detach`, so that it
outlives this screen, waits for its slot, and is logged as any other.
"""

from __future__ import annotations

import os
import shlex

from uwf.app.thread import detached
from uwf.errors import StateError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app import App

TEXT = "TEXT"
"""Stands in a command for what a person has to say."""
SUPPLEMENT = "--supplement"
SLOT_WAIT = "1h"
"""How long a run that was begun here waits in the queue: one sees it there."""


class WayOn(Record):
    """The command that lets a thread go on, and whether a person has to say something for it."""

    words: tuple[str, ...]
    needs_text: bool

    @property
    def line(self) -> str:
        return shlex.join(("uwf", *self.words))


def answer(app: App, thread: str, text: str) -> str:
    app.answer(thread, text)
    return "answered" + _who_runs_it(app)


def tell(app: App, thread: str, text: str) -> str:
    app.tell(thread, text)
    return "told: its next step reads it"


def stop(app: App, thread: str) -> str:
    done = app.stop(thread)
    if done.ran is not None:
        return f"stopped {done.ran.in_words}"
    if done.is_recorded:
        return "it stops when its step has ended"
    return "ended what a killed run had left" if done.left_behind else "nothing was running"


def folder(app: App, thread: str) -> str:
    """Where its agents work: its worktree, or the folder it was begun in. StateError where that is gone."""
    view = app.show(thread)
    path = view.cwd if view.worktree is None else view.worktree.path
    if path is None or not os.path.isdir(path):
        raise StateError(
            f"there is no folder {path or ''}", hint=f"uwf thread show {thread}", code="no_folder"
        )
    return path


def way_on(app: App, thread: str) -> WayOn:
    """How the thread goes on. StateError where it runs, or asks for a yes that only a person can say."""
    view = app.show(thread)
    if view.running is not None:
        raise StateError("it runs already; s stops it", code="running")
    words = shlex.split(app.way_on(thread))[1:]
    if words[0] == "answer":
        raise StateError("it asks to be permitted something; a answers it", code="asks")
    needs_text = words[-2:] == [SUPPLEMENT, TEXT]
    if needs_text:
        words[-2:] = [f"{SUPPLEMENT}=-"]
    waits = () if "--wait" in words else ("--wait", SLOT_WAIT)
    return WayOn((*words, "--until-done", *waits, "--detach"), needs_text)


def go_on(app: App, way: WayOn, text: str | None) -> str:
    """Run it. StateError says what the command said where it could not begin."""
    try:
        begun = detached.begin(app.home, way.words, text or "")
    except detached.RunRefused as error:
        said = error.report
        raise StateError(said.message, hint=said.hint, code=said.code) from None
    return f"runs on in process {begun['pid']}"


def _who_runs_it(app: App) -> str:
    return "" if app.daemon.of_all() is not None else "; no daemon runs it: press r"
