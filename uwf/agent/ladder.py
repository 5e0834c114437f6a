"""Ending processes: ask with SIGTERM, wait, SIGKILL, and confirm that they are gone.

Which processes these are is asked of their `Family` again at every step, since they may go on making new ones.
"""

from __future__ import annotations

import os

from uwf import clock, points
from uwf.agent.platform import SIGKILL, SIGTERM, send
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.family import Family
    from uwf.agent.platform import Process

CONFIRM_S = 2.0  # after SIGKILL; what is not gone by then hangs in the kernel, and is named
_SHORTEST_LOOK_S, _LONGEST_LOOK_S = 0.0002, 0.025


class Ending(Record):
    """`rung` is the highest that was needed: "" (nothing lived), "term" or "kill". `survivors` could not be ended."""

    rung: str
    ended: tuple[int, ...]
    survivors: tuple[int, ...]


def end(
    family: Family,
    *,
    group: int | None,
    grace_s: float,
    wait: Callable[[float], None],
    hurry: Callable[[], bool],
) -> Ending:
    """End every member of `family`. Returns when all are gone, at the latest `CONFIRM_S` after SIGKILL.

    `group` is the process group to signal as one, when its number is certain; members outside it are signalled one
    by one. `wait(seconds)` passes the time. As soon as `hurry()` is true the rest of the grace is not waited for.
    """
    rung, seen = "", set[int]()
    living: list[Process] = []
    for name, signum, patience_s in (("term", SIGTERM, grace_s), ("kill", SIGKILL, CONFIRM_S)):
        deadline, look_s = clock.monotonic_s() + patience_s, _SHORTEST_LOOK_S
        told: set[tuple[int, str]] = set()
        while living := family.living():
            seen.update(member.pid for member in living)
            now = clock.monotonic_s()
            if now >= deadline or (signum == SIGTERM and hurry()):
                break
            rung = name
            untold = [member for member in living if (member.pid, member.start) not in told]
            _tell(untold, signum, None if told else group)
            points.at("agent: told to end")
            told.update((member.pid, member.start) for member in untold)
            wait(min(look_s, deadline - now))
            look_s = min(look_s * 1.5, _LONGEST_LOOK_S)
        else:
            break
    survivors = {member.pid for member in living}
    return Ending(rung, tuple(sorted(seen - survivors)), tuple(sorted(survivors)))


def _tell(members: list[Process], signum: int, group: int | None) -> None:
    if group is not None and any(member.group == group for member in members):
        try:
            os.killpg(group, signum)
        except ProcessLookupError:
            return  # gone since the look; the next one shows what is left
        members = [member for member in members if member.group != group]
    for member in members:
        send(member, signum)
