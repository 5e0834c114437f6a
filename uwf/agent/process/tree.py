"""Which processes belong to a run: its leader and whatever came of it, wherever that went.

Two views. `Family` is that of any program: it knows pid, start time and mark of a run and searches the whole process
table. `OwnFamily` is that of the program that runs the agent: being the adoptive parent of its descendants it finds
them all below itself, also those in sessions of their own and those forked twice; with one thread, without a search.

Corpses are never members. Ending the members is left to `ladder`.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from uwf.agent.process import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.agent.process.platform import Process

MARK_NAME = "UWF_RUN"
_LOOKS_IN_VAIN = 3


class Family:
    """The processes of the run whose leader `pid` began at `start`, and which carries `mark`.

    Members are the leader; every process that carries the mark, in its environment or as the name of a descriptor;
    and what shares a session with a member or descends from one. A session cannot be joined from outside, so it
    proves kinship even where the rest was wiped. Neither this program nor its ancestors are members, whatever they
    carry. What cannot be found is a process that has wiped its environment, closed what it inherited, left for a
    session of its own and lost its ancestors, all before the first look.
    """

    def __init__(self, pid: int, start: str, mark: str) -> None:
        self._pid, self._start = pid, start
        self._setting = f"{MARK_NAME}={mark}".encode()
        self._known: set[tuple[int, str]] = set()

    def living(self) -> list[Process]:
        """All members that live now."""
        # A member can slip through one look: forked when the table was listed already, by one that was gone before
        # the look came to it.
        for _ in range(_LOOKS_IN_VAIN):
            if members := self._look():
                return self._remember(members)
        return []

    def _look(self) -> list[Process]:
        table = platform.processes()
        own_line = _own_line({process.pid: process.parent for process in table})
        kin = {each.pid for each in table if (each.pid, each.start) in self._known}
        kin |= {each.pid for each in table if (each.pid, each.start) == (self._pid, self._start)}
        candidates = [each for each in table if not platform.is_older(each, self._start)]
        kin |= platform.carriers(candidates, self._setting)
        kin |= platform.holders(candidates, self._setting)
        kin -= own_line
        size = 0
        while size < len(kin):
            size = len(kin)
            sessions = self._sessions_of(each for each in table if each.pid in kin)
            kin |= {each.pid for each in table if each.parent in kin or each.session in sessions}
            kin -= own_line
        return [each for each in table if each.pid in kin and not each.dead]

    def _sessions_of(self, members: Iterable[Process]) -> set[int]:
        """The sessions that began within the family. A leader that is being forked is still in that of its parent."""
        return {
            each.session for each in members if each.pid != self._pid or each.session == each.pid
        }

    def _remember(self, members: list[Process]) -> list[Process]:
        self._known.update((member.pid, member.start) for member in members)
        return members


class Adoption:
    """While it is open, orphaned descendants of this program become its children (where the platform can).

    May be open several times at once; the last one to close ends it.
    """

    _lock = allocate_lock()
    _open = 0

    def __enter__(self) -> Adoption:
        cls = type(self)
        with cls._lock:
            if not cls._open:
                platform.adopt(True)
            cls._open += 1
        # Whoever appears among our children then can only have come from the agent; but init is given everybody's.
        own = os.getpid()
        self.is_only_source = own != 1 and not platform.children(own) and platform.is_alone()
        return self

    def __exit__(self, *_error: object) -> None:
        cls = type(self)
        with cls._lock:
            cls._open -= 1
            if not cls._open:
                platform.adopt(False)


class OwnFamily(Family):
    """The family of an agent that this program has started, within `adoption`, and not collected yet.

    A child of this program is kin when it carries the mark, shares a session with a member, was seen as a descendant
    before, or when nobody else in this program could have started it. Other children are never touched; so a corpse
    that cannot be placed any more stays until this program ends.
    """

    def __init__(self, pid: int, start: str, mark: str, adoption: Adoption) -> None:
        super().__init__(pid, start, mark)
        self._adoption = adoption
        self._sessions = {pid}
        self._leader_is_dead = False
        self.peak_memory_bytes = 0
        """The most that one of those took who were collected here, and not by who had started them."""

    def loses_nobody(self) -> bool:
        """Whether all children of this program are kin, so that nobody gets lost by the end of who started them."""
        return platform.adopts() and self._adoption.is_only_source and platform.is_alone()

    def is_childless(self) -> bool:
        """Whether nothing was left behind by a leader that ended. Costs two small reads.

        Without adoption this only sees its process group; what left that is found by recovery.
        """
        if platform.adopts():
            return platform.is_alone() and platform.own_children() == [self._pid]
        try:
            os.killpg(self._pid, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return False

    def living(self) -> list[Process]:
        """All members that live now. Collects the corpses of strays on the way."""
        if not platform.adopts():
            return super().living()
        own = os.getpid()
        if self.loses_nobody():
            thorough, children = True, self._not_ended()
            if not children:
                return []
        else:
            thorough, children = platform.is_alone(), platform.children(own)
        while True:
            members, met_corpse = self._below(children)
            if members or (thorough and not met_corpse):
                return self._remember(members)
            if met_corpse:  # its children became ours, perhaps after ours were listed
                children = platform.children(own)
            else:  # while other threads collect children of theirs, that list may skip some of ours
                children = [each.pid for each in platform.processes() if each.parent == own]
                thorough = True

    def _not_ended(self) -> list[int]:
        """Our children, all of them kin, but those that have ended: these are collected. Does not look at any."""
        leader_lives = not platform.can_peek or not platform.has_ended(self._pid)
        while True:
            children = platform.own_children()
            living = [
                pid
                for pid in children
                if (leader_lives if pid == self._pid else not self._collect(pid))
            ]
            # What one of them leaves behind is ours once it is a corpse, but may not have been when they were listed.
            if living or children in ([], [self._pid]):
                return living

    def _below(self, children: list[int]) -> tuple[list[Process], bool]:
        """The members among these children of ours and below; and whether new corpses were met, and collected."""
        members: list[Process] = []
        met_corpse = False
        waiting = self._kin_among(children)
        while waiting:
            process = waiting.pop()
            if not process.dead:
                members.append(process)
                below = (platform.look(pid) for pid in platform.children(process.pid))
                waiting += [each for each in below if each]
            elif process.pid == self._pid:
                met_corpse |= not self._leader_is_dead
                self._leader_is_dead = True
            elif process.parent == os.getpid():
                met_corpse |= self._collect(process.pid)
        return members, met_corpse

    def _kin_among(self, pids: list[int]) -> list[Process]:
        looks = (platform.look(pid) for pid in pids)
        children = [each for each in looks if each]
        if self.loses_nobody():
            return children
        known = [each for each in children if (each.pid, each.start) in self._known]
        known += [each for each in children if each.pid == self._pid]
        unknown = [each for each in children if each not in known]
        marked = platform.carriers(unknown, self._setting)
        known += [each for each in unknown if each.pid in marked]
        self._sessions |= self._sessions_of(known)
        return [each for each in children if each in known or each.session in self._sessions]

    def _collect(self, corpse: int) -> bool:
        try:
            collected, _, usage = os.wait4(corpse, os.WNOHANG)
        except ChildProcessError:
            return False  # somebody else in this program was faster
        if collected == corpse:
            bytes_taken = usage.ru_maxrss * platform.maxrss_unit_bytes
            self.peak_memory_bytes = max(self.peak_memory_bytes, bytes_taken)
        return collected == corpse

    def _remember(self, members: list[Process]) -> list[Process]:
        self._sessions |= self._sessions_of(members)
        return super()._remember(members)


def _own_line(parents: dict[int, int]) -> set[int]:
    """This program and its ancestors."""
    line: set[int] = set()
    pid = os.getpid()
    while pid and pid not in line:
        line.add(pid)
        pid = parents.get(pid, 0)
    return line
