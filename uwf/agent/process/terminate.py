"""Ending processes: ask with SIGTERM, wait, SIGKILL, and confirm that they are gone.

Which processes these are is asked of their `Family` again at every step, since they may go on making new ones. With
SIGTERM everybody is told once, as some programs take a second one for "at once". Who is born into a group that was
told is not told: it may be what its parent needs to tidy up. SIGKILL goes to whoever is found, until nobody is.
"""

from __future__ import annotations

import os
import time

from uwf import clock, points
from uwf.agent.process.platform import SIGKILL, SIGTERM, send
from uwf.agent.process.tree import Family
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.process.platform import Process

CONFIRM_S = 2.0  # after SIGKILL; what is not gone by then hangs in the kernel, and is named
_SHORTEST_LOOK_S, _LONGEST_LOOK_S = 0.0002, 0.025


class Ending(Record):
    """`escalation` is the most that was needed: "" (nothing lived), "term" or "kill". `survivors` could not be ended.

    `ended` are those that were seen alive and then no more; one that is gone before the first look is not seen.
    """

    escalation: str
    ended: tuple[int, ...]
    survivors: tuple[int, ...]


def end(
    family: Family,
    *,
    group: int | None,
    at_once: bool = False,
    grace_s: float,
    wait: Callable[[float], None],
    hurry: Callable[[], bool],
) -> Ending:
    """End every member of `family`. Returns when all are gone, at the latest `CONFIRM_S` after SIGKILL.

    `group` is the process group to signal as one, when its number is certain; members outside it are signalled one
    by one. `at_once`: its leader lives, and the family loses nobody who ends unseen, so the group is told to end
    before anybody is looked up. (Who answers by leaving the group before that first look is told again.)
    `wait(seconds)` passes the time, or less of it when all seem to be gone. As soon as `hurry()` is true the rest of
    the grace is not waited for.
    """
    escalation, seen = "", set[int]()
    living: list[Process] = []
    for name, signum, patience_s in (("term", SIGTERM, grace_s), ("kill", SIGKILL, CONFIRM_S)):
        deadline, look_s = clock.monotonic_s() + patience_s, _SHORTEST_LOOK_S
        call = _Call(signum, group)
        unseen = group if at_once and signum == SIGTERM else None
        while unseen is not None or (living := family.living()):
            now = clock.monotonic_s()
            seen.update(member.pid for member in living)
            if now >= deadline or (signum == SIGTERM and hurry()):
                break
            escalation = name
            if unseen is not None:
                call.to_group(unseen)
                seen.add(unseen)  # its leader
                unseen = None
            else:
                call.to_members(living)
            points.at("agent: told to end")
            wait(min(look_s, deadline - now))
            look_s = min(look_s * 1.5, _LONGEST_LOOK_S)
        else:
            break
    survivors = {member.pid for member in living}
    return Ending(escalation, tuple(sorted(seen - survivors)), tuple(sorted(survivors)))


def end_orphans(pid: int, start: str, mark: str, grace_s: float) -> Ending:
    """End every process of the run whose leader was `pid`, began at `start`, and was given `mark`.

    A pid that belongs to another process by now is left alone. Finding nothing is the usual case and costs one look
    through the process table. May be called twice, also by two programs at once.
    """
    return end(
        Family(pid, start, mark),
        group=None,
        grace_s=grace_s,
        wait=time.sleep,
        hurry=lambda: False,
    )


class _Call:
    """One signal to a family, and who has had it. SIGTERM comes to everybody once, any other at every call."""

    def __init__(self, signum: int, group: int | None) -> None:
        self._signum, self._group = signum, group
        self._is_repeated = signum != SIGTERM
        self._group_told = False
        self._told: set[tuple[int, str]] = set()

    def to_group(self, group: int) -> None:
        """Signal the whole group at one moment, so that nobody in it slips through by forking."""
        try:
            os.killpg(group, self._signum)
        except ProcessLookupError:
            return  # it is gone, or its leader has not made it yet: then the next look shows that one
        except PermissionError:
            pass  # all of it is another user's
        self._group_told = True

    def to_members(self, living: list[Process]) -> None:
        """Signal those of them that have not had it: the group as one, the others one by one."""
        outside = [member for member in living if member.group != self._group]
        is_due = self._is_repeated or not self._group_told
        if self._group is not None and is_due and len(outside) < len(living):
            self.to_group(self._group)
        for member in outside:
            if self._is_repeated or (member.pid, member.start) not in self._told:
                send(member, self._signum)
        # Those in the group, too: should they leave it, they have had it all the same.
        self._told.update((member.pid, member.start) for member in living)
