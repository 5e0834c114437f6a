"""What a guard is: something that may say "not now" to a step that is about to begin.

A guard is entered with a `Request` and either lets it pass, perhaps handing back something to release, or
raises `Refused` with its reason code. It changes nothing that outlives the request. `chain` enters all guards
in order; the engine builds the request and says afterwards how the step went.
"""

from __future__ import annotations

from uwf import clock
from uwf.errors import Refused
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeAlias

    Release: TypeAlias = Callable[[], None]
    """Lets go of what a guard holds. May be called twice."""
else:
    Protocol = object


class Request(Record):
    """A step that wants to run: whose it is, what it may cost, and how long it may wait for its turn.

    `person` is the layer that nothing overtakes: a person's resume, or an event marked urgent; `fresh` says that the
    person added something new just now. `tries` counts the attempts in a row that failed at this step since then,
    `repeats` how often in the thread's life it failed as it did last. `spent` is what the thread has used over its
    whole life (`tokens`, `usd`, `steps`, `time` in seconds) and `visits` how often this role was visited; `budget` is
    what the thread may use, by the same names and `visits`. `replaces` says that the step takes the place of one that
    is counted already: it adds none to `steps` and `visits`.
    """

    thread: str
    workflow: str
    role: str
    agent: str
    cwd: str
    labels: dict[str, str]
    priority: int
    person: bool
    fresh: bool
    wait_s: float
    tries: int
    repeats: int
    spent: dict[str, float]
    visits: int
    budget: dict[str, float]
    replaces: bool = False


class Guard(Protocol):
    """One reason not to run now. `name` is how it is called when it breaks."""

    name: str

    def enter(self, request: Request) -> Release | None:
        """Let the request pass, with what is to be released after the step, or raise `Refused`."""
        ...


def refuse(
    reason: str, message: str, *, retry_at_ms: int | None = None, hint: str | None = None
) -> Refused:
    """The refusal to raise: `message` says what is in the way and what would have to change.

    `retry_at_ms` is told in whole seconds, so that whoever comes then does not come too early.
    """
    if retry_at_ms is not None:
        message += f"; try again at {clock.iso(retry_at_ms + 999)}"
    return Refused(message, reason=reason, hint=hint, retry_at_ms=retry_at_ms)
