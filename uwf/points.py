"""Named points of the protocols, at which a test may have the process killed.

A point is named by what has just happened. `UWF_CRASH_AT=<point>` (the first time) or `<point>:<n>` (the n-th) arms
one, and the process that comes to it ends there by SIGKILL: nothing is cleaned up, as when the machine's memory
runs out. Not armed, which is always outside tests, a point costs one comparison. What must hold afterwards is
said in tests/crash.
"""

from __future__ import annotations

NAMES = (
    # a store is made: the first command of a home
    "store: filled",
    # any file that appears whole or not at all: a new store, a backup, an export
    "file: synced",
    "file: linked",
    "backup: copied",
    "backup: done",
    # transactions that are a command by themselves
    "start: begun",
    "start: written",
    "start: done",
    "fork: written",
    "fork: plan held",
    "fork: done",
    "cancel: run ended",
    "cancel: written",
    "cancel: done",
    "undo: head moved",
    "undo: attempt dropped",
    "undo: done",
    "import: written",
    "import: done",
    "migrate: entry moved",
    "migrate: written",
    "migrate: done",
    "gc: marked",
    "gc: object removed",
    "gc: written",
    "gc: done",
    # a run of a thread: the lock, what a dead predecessor left, another workflow
    "run: locked",
    "settle: processes ended",
    "settle: written",
    "run: settled",
    "rebind: head moved",
    "rebind: written",
    "rebind: done",
    # one step of it
    "step: decided",
    "line: joined",
    "line: left",
    "guards: passed",
    "agent: at the gate",
    "attempt: objects written",
    "attempt: thread reopened",
    "attempt: recorded",
    "agent: let go",
    "turn: written",
    "turn: kept",
    "agent: told to end",
    "agent: ended",
    "reply: refused",
    "step: judged",
    "step: objects written",
    "step: head moved",
    "step: written",
    "step: done",
    "step: told",
    # a step that does not come about
    "failure: judged",
    "failure: objects written",
    "failure: written",
    "failure: done",
    "aside: judged",
    "aside: written",
    "aside: done",
    # a thread whose standing changes while its head stays: the step limit, an end without a step
    "move: written",
    "move: done",
)

_armed = ""
_left = 0


def at(name: str) -> None:
    """The process has come to the point `name`. It ends here when this is the one that is armed."""
    if name == _armed:
        _come()


def arm(text: str) -> None:
    """Arm `<point>` or `<point>:<n>`; "" arms none. Raises InputError when there is no such point."""
    global _armed, _left
    name, _, count = text.rpartition(":")
    if not count.isdigit():
        name, count = text, "1"
    if text and (name not in NAMES or int(count) == 0):
        from uwf.errors import InputError

        raise InputError(f"UWF_CRASH_AT names no point: {text!r}", hint="see uwf/points.py")
    _armed, _left = name, int(count)


def _come() -> None:
    global _left
    _left -= 1
    if _left == 0:
        import os

        os.kill(os.getpid(), 9)
