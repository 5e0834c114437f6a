"""A run that is asked to stop: where it looks for that, how it sleeps until then, and the error it ends in."""

from __future__ import annotations

import select

from uwf import clock
from uwf.agent.stop import SIGTERM
from uwf.errors import Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.stop import Stop

LONGEST_SLEEP_S = 86_400.0
"""How long to sleep at once: `poll` counts milliseconds in a C int, which is less than 25 days."""


def raise_if_stopped(stop: Stop, id: str) -> None:
    """Raise `Interrupted` when `stop` was asked for."""
    if stop.signum is not None:
        raise interrupted(stop, id)


def interrupted(stop: Stop, id: str) -> Interrupted:
    """The error for a run that was asked to stop."""
    return Interrupted(
        f"stopped; thread {id} is at a whole step",
        signum=stop.signum or SIGTERM,
        hint=f"uwf thread show {id}",
    )


def sleeper(stop: Stop, id: str) -> Callable[[float], None]:
    """A sleep that a stop ends in `Interrupted`."""

    def sleep(seconds: float) -> None:
        poll = select.poll()
        poll.register(stop.fileno(), select.POLLIN)
        end_s = clock.monotonic_s() + seconds
        while (left_s := end_s - clock.monotonic_s()) > 0:
            poll.poll(min(left_s, LONGEST_SLEEP_S) * 1000)
            raise_if_stopped(stop, id)
        raise_if_stopped(stop, id)

    return sleep
