"""The guards, and how they are asked: in order. The first "no" wins, and what was held by then is let go in reverse.

A guard that breaks refuses too, with the reason `guard_error` and its name: the chain fails closed. Where the store
does not answer, that is what is said: it is no fault of a guard. One that cannot let go keeps no other from doing so,
and never hides how the step went.

A new guard is one file and one line here.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

from uwf.errors import Busy, GuardBroken, Interrupted, Refused, StoreAway, UwfError
from uwf.guard.attempts import Attempts
from uwf.guard.breaker import Breaker
from uwf.guard.capacity.resources import Resources
from uwf.guard.capacity.slot_guard import Slots
from uwf.guard.pause import AgentPaused, Draining, Paused
from uwf.guard.preflight import Preflight, Startable
from uwf.guard.spending.budget import Budget
from uwf.guard.success_rate import SuccessRate
from uwf.guard.worktrees import WorktreeQuota

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uwf.guard.contract import Guard, Host, Release, Request

GUARDS: tuple[type[Guard], ...] = (
    Draining,
    Paused,
    Budget,
    AgentPaused,
    Breaker,
    SuccessRate,
    Attempts,
    Preflight,
    Startable,
    WorktreeQuota,
    Resources,
    Slots,
)
"""All of them, in the order of their reason codes. The last may wait; what holds nothing is asked again then."""


def of(host: Host) -> list[Guard]:
    """The guards of `host`, in their order."""
    return [guard(host) for guard in GUARDS]


@contextmanager
def entered(guards: Sequence[Guard], request: Request) -> Iterator[tuple[int, ...]]:
    """Enter all `guards` for as long as the step runs; the descriptors are for its agent to inherit.

    Raises `Refused`, or `Busy` for a thread that runs. What a guard could not let go of is noted on the error that ends
    the step; where there is none it is an error by itself, after the step.
    """
    faults: list[str] = []
    try:
        with ExitStack() as held:
            yield _enter_all(guards, request, held, faults)
    except BaseException as error:
        for fault in faults:
            error.add_note(fault)
        raise
    if faults:
        message = "; ".join(faults) + "; what ran meanwhile is kept"
        raise UwfError(message, code="guard_error", hint="uwf guard status")


def _enter_all(
    guards: Sequence[Guard], request: Request, held: ExitStack, faults: list[str]
) -> tuple[int, ...]:
    """Enter each; after one that waited, those before it that hold nothing once more."""
    descriptors: list[int] = []

    def enter(guard: Guard) -> Release | None:
        release = _ask(guard, request)
        if release is not None:
            held.callback(_let_go, guard.name, release, faults)
            descriptors.extend(release.descriptors)
        return release

    free_handed: list[Guard] = []
    for guard in guards:
        release = enter(guard)
        if release is not None and release.has_waited:
            free_handed = [earlier for earlier in free_handed if enter(earlier) is None]
        if release is None:
            free_handed.append(guard)
    return tuple(descriptors)


def _ask(guard: Guard, request: Request) -> Release | None:
    try:
        return guard.enter(request)
    except (Refused, Busy, Interrupted, StoreAway):
        raise
    except Exception as error:  # whatever it was: nothing runs because a guard could not be asked
        raise GuardBroken(
            f"guard {guard.name} broke and therefore refuses: {_words(error)}",
            reason="guard_error",
            hint=(isinstance(error, UwfError) and error.hint) or "uwf guard status",
        ) from error


def _let_go(name: str, release: Release, faults: list[str]) -> None:
    try:
        release()
    except Exception as error:  # told in the end: the others have to let go, too
        faults.append(f"guard {name} could not let go: {_words(error)}")


def _words(error: Exception) -> str:
    return error.message if isinstance(error, UwfError) else f"{type(error).__name__}: {error}"
