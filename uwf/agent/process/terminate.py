"""Ending processes: ask with SIGTERM, wait, SIGKILL, and confirm that they are gone.

Which processes these are is asked of their `ProcessTree` again at every step, since they may go on making new ones.
Every member gets SIGTERM once, as some programs take a second one for "at once". A process that is born into a group
that had it does not get it: it may be what its parent needs to tidy up. SIGKILL goes to all that are found, until none
is.
"""

from __future__ import annotations

import os
import time

from uwf import clock, points
from uwf.agent.process.platform import SIGKILL, SIGTERM, send
from uwf.agent.process.tree import ProcessTree
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.process.platform import Process
    from uwf.store.owner import Owner

CONFIRM_S = 2.0  # after SIGKILL; what is not gone by then hangs in the kernel, and is named
_SHORTEST_LOOK_S, _LONGEST_LOOK_S = 0.0002, 0.025


class Termination(Record):
    """`escalation` is the most that was needed: "" (nothing lived), "term" or "kill". `survivors` could not be ended.

    `ended` are those that were seen alive and then no more; one that is gone before the first look is not seen.
    """

    escalation: str = ""
    ended: tuple[int, ...] = ()
    survivors: tuple[int, ...] = ()


def terminate(
    tree: ProcessTree,
    *,
    group: int | None,
    group_first: bool = False,
    grace_s: float,
    wait: Callable[[float], None],
    is_hurried: Callable[[], bool],
) -> Termination:
    """End every member of `tree`. Returns when all are gone, at the latest `CONFIRM_S` after SIGKILL.

    `group` is the process group to signal as one, when its number is certain; members outside it are signalled one
    by one. `group_first`: its leader lives, and the tree loses no member that ends unseen, so the group gets SIGTERM
    before any member is looked up. (One that answers by leaving the group before that first look gets it again.)
    `wait(seconds)` passes the time, or less of it when all seem to be gone. As soon as `is_hurried()` the rest of the
    grace is not waited for.
    """
    escalation, seen = "", set[int]()
    living: list[Process] = []
    for name, signum, patience_s in (("term", SIGTERM, grace_s), ("kill", SIGKILL, CONFIRM_S)):
        deadline, look_s = clock.monotonic_s() + patience_s, _SHORTEST_LOOK_S
        round_ = _Round(signum, group)
        unseen = group if group_first and signum == SIGTERM else None
        while unseen is not None or (living := tree.living()):
            now = clock.monotonic_s()
            seen.update(member.pid for member in living)
            if now >= deadline or (signum == SIGTERM and is_hurried()):
                break
            escalation = name
            if unseen is not None:
                round_.signal_group(unseen)
                seen.add(unseen)  # its leader
                unseen = None
            else:
                round_.signal_members(living)
            points.at("agent: told to end")
            wait(min(look_s, deadline - now))
            look_s = min(look_s * 1.5, _LONGEST_LOOK_S)
        else:
            break
    survivors = {member.pid for member in living}
    return Termination(escalation, tuple(sorted(seen - survivors)), tuple(sorted(survivors)))


def end_orphans(leader: Owner, mark: str, grace_s: float) -> Termination:
    """End what a killed `uwf` left running: every process of the run of `leader`, which was given `mark`.

    A pid that belongs to another process by now is left alone. Finding nothing is the usual case and costs one look
    through the process table. May be called twice, also by two programs at once.
    """
    return terminate(
        ProcessTree(leader, mark),
        group=None,
        grace_s=grace_s,
        wait=time.sleep,
        is_hurried=lambda: False,
    )


class _Round:
    """One signal to a tree, and which members have had it. SIGTERM comes to each once, any other at every call."""

    def __init__(self, signum: int, group: int | None) -> None:
        self._signum, self._group = signum, group
        self._is_repeated = signum != SIGTERM
        self._group_had_it = False
        self._had_it: set[Owner] = set()

    def signal_group(self, group: int) -> None:
        """Signal the whole group at one moment, so that no member slips through by forking."""
        try:
            os.killpg(group, self._signum)
        except ProcessLookupError:
            return  # it is gone, or its leader has not made it yet: then the next look shows that one
        except PermissionError:
            pass  # all of it is another user's
        self._group_had_it = True

    def signal_members(self, living: list[Process]) -> None:
        """Signal those of them that have not had it: the group as one, the others one by one."""
        outside = [member for member in living if member.group != self._group]
        is_due = self._is_repeated or not self._group_had_it
        if self._group is not None and is_due and len(outside) < len(living):
            self.signal_group(self._group)
        for member in outside:
            if self._is_repeated or member.owner not in self._had_it:
                send(member.owner, self._signum)
        # Those in the group, too: should they leave it, they have had it all the same.
        self._had_it.update(member.owner for member in living)
