"""What is said of a thread on a line: its state, what it asks, of what it failed, when it wakes, what it has used."""

from __future__ import annotations

from uwf import quantities
from uwf.cli.screen.cells import Cell, short
from uwf.display import threads
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import FailureView, ThreadView
    from uwf.display.times import Times


LONGEST = 400
"""A text may be a book. Of it a line has so many characters, whole sentences of any question."""
FAILURE = 200
"""And so many of what has failed."""


def marked(thread: ThreadView) -> Cell:
    """Its state with its look, for a terminal."""
    return Cell(thread.state, threads.look(thread))


def about(thread: ThreadView, times: Times) -> str:
    """What one wants to know of it first: what it asks, of what it failed, when it wakes; then what it is for.

    Where it is due, as when it was answered, that comes before what it has asked.
    """
    is_asking = thread.status == "suspended" and not threads.has_failed(thread)
    asks = thread.suspend_message if is_asking else ""
    state, waits = asks or _trouble(thread), _waits(thread, times)
    if thread.wake_at is not None and times.has_come(thread.wake_at):
        state, waits = waits, state
    parts = (state, waits, thread.title or thread.prompt)
    return " \u00b7 ".join(short(part, LONGEST) for part in parts if part)


def _trouble(thread: ThreadView) -> str:
    if thread.error is None or thread.running is not None:
        return ""
    often = "" if thread.failed is None else _often(thread.failed)
    return f"{thread.error.code}{often}: {thread.error.message}"


def _often(last: FailureView) -> str:
    return f" ({last.number} attempts)" if last.number > 1 else ""


def _waits(thread: ThreadView, times: Times) -> str:
    if thread.waiting is not None:
        return f"number {thread.waiting.position} in the queue"
    if thread.wake_at is None:
        return ""
    if thread.is_postponed:
        return f"next try {times.due(thread.wake_at)}"
    return f"{times.wakes(thread.wake_at)}: {thread.wake_why}"


def failed(thread: ThreadView, times: Times, more: str = "") -> str:
    """Of what the last attempt at the next step failed, how often that was tried, and when. A question is none."""
    last = thread.failed
    if last is None or last.is_question:
        return ""
    when = f", {times.moment(last.at)}" if last.at else ""
    return f"{last.code}{_often(last)}{more}{when}: {short(last.message, FAILURE)}"


def failed_and_next(thread: ThreadView, times: Times) -> str:
    """The same, and when it is tried again without a person."""
    more = f", next try {times.due(thread.wake_at)}" if thread.wake_at else ""
    return failed(thread, times, more)


def wakes(thread: ThreadView, times: Times) -> str:
    """When it wakes, and what for."""
    return "" if thread.wake_at is None else f"{times.due(thread.wake_at)}: {thread.wake_why}"


def left_behind(thread: ThreadView) -> str:
    """What a killed uwf has left of an attempt, and what ends it."""
    left = thread.left_behind
    if left is None:
        return ""
    where = f" on {left.host}" if left.host else ""
    what = f"an attempt of {left.role}, whose uwf (process {left.runner}{where}) is gone"
    if left.pids:
        what += f", and {left.in_words}"
    return f"{what}; the next step ends that, or uwf thread stop {thread.thread}"


def superseded(thread: ThreadView, times: Times) -> str:
    """What was done in runs that had lost the thread by then."""
    if not thread.superseded:
        return ""
    last, count = thread.superseded[-1], counted(len(thread.superseded), "attempt")
    when = f", {times.moment(last.at)}" if last.at else ""
    return f"{count} that came too late, the last by {last.role}{when}: uwf step show {last.attempt[:12]}"


def labels(thread: ThreadView) -> str:
    return ", ".join(f"{key}={value}" for key, value in thread.labels.items())


def allowed(thread: ThreadView) -> str:
    """What a thread may use, as one types it."""
    return quantities.format_budget(thread.budget or {})


def spent_of(thread: ThreadView, name: str) -> str:
    """What a thread has used of that alone."""
    from uwf.display import numbers

    value = (thread.spent or {}).get(name)
    return numbers.amount(name, value) if value else ""


def used(thread: ThreadView) -> str:
    """What a thread has used, as far as its agents say it."""
    from uwf.display import numbers

    unseen = thread.unseen or {}
    known = {name: used for name, used in threads.amounts(thread).items() if name not in unseen}
    return numbers.amounts(known)
