"""Named points of the protocols, at which a test may have the process killed.

A point is named by what has just happened. `UWF_CRASH_AT=<point>` (the first time) or `<point>:<n>` (the n-th) arms
one, and the process that comes to it ends there by SIGKILL: nothing is cleaned up, as when the machine's memory
runs out. Not armed, which is always outside tests, a point costs one comparison. What must hold afterwards is
said in tests/crash.

Every transaction of the store has three points by its name: `begun`, `written` (all of it, before the commit) and
`done` (the commit is on disk, or with the system). Inner points stand where something happens in between: within a
transaction under its name, outside of one under the name of what it happens to (`run`, `guards`, `agent`, `reply`, a
`file`).
"""

from __future__ import annotations

TRANSACTIONS = (
    # of a command by itself
    "start",
    "worktree",
    "worktree port",
    "mark",
    "tell",
    "wake",
    "unserved",
    "lifted",
    "stopped",
    "reminded",
    "fork",
    "cancel",
    "undo",
    "import",
    "copy objects",
    "keep near",
    "copy",
    "migrate",
    "gc",
    "gc done",
    "workflow add",
    "put",
    "ref set",
    "ref delete",
    "queue drop",
    "switch on",
    "switch off",
    "breaker reset",
    # of events: taken, taken and decided at once, decided, decided for nobody, a run interrupted, crowded or not,
    # noticed, forgotten
    "event",
    "event sent",
    "event decide",
    "event ignored",
    "event interrupt",
    "event crowded",
    "event noticed",
    "event prune",
    # of sources: what a poll gave and where it goes on, a switch, what was looked up before a thread wakes
    "source",
    "source pause",
    "source resume",
    "event dropped",
    "event looked up",
    # of the doctor
    "doctor counters",
    "doctor waiter",
    "doctor note",
    "doctor entry",
    "backup drill",
    "figures",
    "health verify",
    "health clock",
    "health skew",
    "alert",
    "alert prune",
    "absence seen",
    "triggers good",
    # of a run of a thread: a workflow to bind it to, what a dead predecessor left, a state that changes alone
    "workflow",
    "settle",
    "move",
    "wake later",
    "put off",
    # of one step of it, and of one that does not come about
    "attempt",
    "turn",
    "permitted",
    "step",
    "failure",
    "aside",
    "superseded",
    # of guards, before it and after it
    "queue join",
    "queue leave",
    "place",
    "place back",
    "run join",
    "run leave",
    "probe",
    "probe back",
    "pause probe",
    "rate probe",
    "rate probe back",
    "refusal",
    # of schedules: times that are due, what becomes of them, what a person does with a schedule
    "claim",
    "claim by hand",
    "occurrence",
    "occurrence news",
    "schedule",
    "prune",
    # of the daemon that leads those of many machines: it may write what they share
    "lead",
)
MOMENTS = ("begun", "written", "done")

INNER = (
    # a store is made: the first command of a home
    "store: filled",
    # any file that appears whole or not at all: a new store, a backup, an export
    "file: synced",
    "file: linked",
    "backup: copied",
    "backup: verified",
    "backup: done",
    # a backup takes the place of the store
    "drill: restored",
    "restore: checked",
    "restore: kept",
    "restore: cleared",
    "restore: swapped",
    "restore: done",
    # commands
    "fork: thread made",
    "fork: told as well",
    "cancel: run ended",
    "undo: head moved",
    "undo: told again",
    "migrate: entry moved",
    "gc: marked",
    "gc: object removed",
    # an event is decided
    "event: told",
    "event: woken",
    "event: thread made",
    # a run of a thread
    "run: locked",
    "settle: processes ended",
    "run: settled",
    "rebind: head moved",
    # one step of it
    "step: decided",
    "guards: passed",
    "agent: at the gate",
    "attempt: objects written",
    "attempt: thread reopened",
    "agent: let go",
    "agent: told to end",
    "agent: ended",
    "reply: refused",
    "step: objects written",
    "step: head moved",
    "step: words taken",
    "step: told",
    # an occurrence of a schedule begins
    "occurrence: thread made",
    # the daemon
    "dispatch: decided",
    "dispatch: begun",
    "reap: seen",
    "lead: taken",
    # a worker
    "job: taken",
    "job: begun",
    "job: over",
    "job: paid",
    # a step that does not come about
    "failure: objects written",
    # a reply that cannot be stored is written beside the store, and taken in later
    "kept: synced",
    "kept: taken in",
    # a worktree is made, kept, put back, removed, and its work brought in
    "worktree: added",
    "worktree: filled",
    "worktree: given up",
    "snapshot: made",
    "snapshot: put back",
    "merge: committed",
    "merge: made",
    "merge: base moved",
)

_armed = ""
_left = 0


def names() -> tuple[str, ...]:
    """All points there are."""
    return (*INNER, *(f"{name}: {moment}" for name in TRANSACTIONS for moment in MOMENTS))


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
    if text and (name not in names() or int(count) == 0):
        from uwf.errors import InputError

        raise InputError(f"UWF_CRASH_AT names no point: {text!r}", hint="see uwf/points.py")
    _armed, _left = name, int(count)


def _come() -> None:
    global _left
    _left -= 1
    if _left == 0:
        import os

        os.kill(os.getpid(), 9)
