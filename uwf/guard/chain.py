"""The guards, asked in order. The first "no" wins, and what was held by then is let go again, in reverse.

A guard that breaks refuses too, with the reason `guard_error` and its name: the chain fails closed. One that cannot
let go keeps nobody else from doing so, and never hides how the step went.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

from uwf import clock
from uwf.errors import Busy, Interrupted, Refused, UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uwf.guard.contract import Guard, Release, Request

LONG_S = 0.02
"""A guard that took this long may have waited, and what those before it said may not be true any more. Less than
one look at the slots takes (`turn.POLL_S`), so that no waiting is missed.
"""


@contextmanager
def entered(guards: Sequence[Guard], request: Request) -> Iterator[None]:
    """Enter all `guards` for as long as the step runs. Raises `Refused`, or `Busy` for a thread that runs.

    What a guard could not let go of is noted on the error that ends the step; where there is none it is an
    error by itself, after the step.
    """
    faults: list[str] = []
    try:
        with ExitStack() as held:
            _enter_all(guards, request, held, faults)
            yield
    except BaseException as error:
        for fault in faults:
            error.add_note(fault)
        raise
    if faults:
        message = "; ".join(faults) + "; what ran meanwhile is kept"
        raise UwfError(message, code="guard_error", hint="uwf guard status")


def broken(name: str, error: Exception) -> Refused:
    """The refusal of a guard that could not be asked."""
    return Refused(
        f"guard {name} broke and therefore refuses: {_words(error)}",
        reason="guard_error",
        hint=(isinstance(error, UwfError) and error.hint) or "uwf guard status",
    )


def _enter_all(
    guards: Sequence[Guard], request: Request, held: ExitStack, faults: list[str]
) -> None:
    """Enter each; after one that waited, those before it that hold nothing once more."""

    def enter(guard: Guard) -> bool:
        release = _ask(guard, request)
        if release is not None:
            held.callback(_let_go, guard.name, release, faults)
        return release is not None

    free_handed: list[Guard] = []
    for guard in guards:
        began_s = clock.monotonic_s()
        holds = enter(guard)
        if clock.monotonic_s() - began_s >= LONG_S:
            free_handed = [earlier for earlier in free_handed if not enter(earlier)]
        if not holds:
            free_handed.append(guard)


def _ask(guard: Guard, request: Request) -> Release | None:
    try:
        return guard.enter(request)
    except (Refused, Busy, Interrupted):
        raise
    except Exception as error:  # whatever it was: nobody runs because a guard could not be asked
        raise broken(guard.name, error) from error


def _let_go(name: str, release: Release, faults: list[str]) -> None:
    try:
        release()
    except Exception as error:  # told in the end: the others have to let go, too
        faults.append(f"guard {name} could not let go: {_words(error)}")


def _words(error: Exception) -> str:
    return error.message if isinstance(error, UwfError) else f"{type(error).__name__}: {error}"
