"""How a state looks: a sign that says it without colour, another one where there is no UTF-8 (see `plain`), a colour.

The word of a state is always beside its sign, so nobody has to see either of them. What stands for the name of a
colour, each front door knows: one that can be read on dark and on light. "" is that of text.
"""

from __future__ import annotations

from uwf.record import Record


class Look(Record):
    """The `sign` of a state, its `ascii` form and its `colour`; the `rank` says which states come first: what waits for
    a person, what is broken, what runs, what will run, what has ended.
    """

    sign: str
    ascii: str
    colour: str
    rank: int


ASKS = Look("?", "?", "yellow", 0)
FAILED = Look("\u2717", "x", "red", 1)
CORRUPT = Look("!", "!", "red", 2)
RUNNING = Look("\u25cf", "*", "cyan", 3)
QUEUED = Look("\u25cc", "%", "cyan", 4)
POSTPONED = Look("\u21bb", "~", "yellow", 5)
IDLE = Look("\u25cb", "o", "", 6)
COMPLETED = Look("\u2713", "+", "green", 7)
CANCELLED = Look("\u2212", "-", "", 8)
UNKNOWN = Look(" ", " ", "", 9)

_LOOKS = {
    **{"suspended": ASKS, "question": ASKS, "approval": ASKS, "budget": ASKS},
    "unserved": ASKS,
    **{"corrupt": CORRUPT, "broken": CORRUPT, "running": RUNNING, "waiting": QUEUED, "idle": IDLE},
    **{"failed": FAILED, "failure": FAILED, "completed": COMPLETED, "cancelled": CANCELLED},
}


def of(word: str) -> Look:
    """The look of what that word says, of a thread or of something else."""
    return _LOOKS.get(word, UNKNOWN)


def of_thread(state: str, *, has_failed: bool = False, is_postponed: bool = False) -> Look:
    """The look of a thread. Suspended because its agent `has_failed` is another thing than a question; an idle one that
    `is_postponed` tries again by itself.
    """
    if state == "suspended" and has_failed:
        return FAILED
    return POSTPONED if state == "idle" and is_postponed else of(state)
