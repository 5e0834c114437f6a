"""The guards, asked in order. The first "no" wins, and what was held by then is let go again, in reverse.

A guard that breaks refuses too, with the reason `guard_error` and its name: the chain fails closed.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

from uwf.errors import Interrupted, Refused, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uwf.guard.contract import Guard, Request


@contextmanager
def entered(guards: Sequence[Guard], request: Request) -> Iterator[None]:
    """Enter all `guards` for as long as the step runs. Raises `Refused`, or `StateError` for a busy thread."""
    with ExitStack() as held:
        for guard in guards:
            try:
                release = guard.enter(request)
            except (Refused, StateError, Interrupted):
                raise
            except (
                Exception
            ) as error:  # whatever broke, nobody may run because a guard could not be asked
                raise broken(guard.name, error) from error
            if release is not None:
                held.callback(release)
        yield


def broken(name: str, error: Exception) -> Refused:
    """The refusal of a guard that could not be asked."""
    return Refused(
        f"guard {name} broke and therefore refuses: {error}",
        reason="guard_error",
        hint="uwf guard status",
    )
