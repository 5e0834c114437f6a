"""Which processes belong to a run: its leader and all that came of it, wherever that went.

Two views. `ProcessTree` is that of any program: it knows the leader and the mark of a run and searches the whole
process table. `OwnProcessTree` is that of the program that runs the agent: being the subreaper of its descendants it
finds them all below itself, also those in sessions of their own and those forked twice; with one thread, without a
search.

Zombies are never members. Ending the members is left to `terminate`.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from uwf.agent.process import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from uwf.agent.process.platform import Process
    from uwf.store.owner import Owner

MARK_NAME = "UWF_RUN"
_EMPTY_LOOKS = 3  # in a row, until a tree counts as ended


class ProcessTree:
    """The processes of the run of `leader`, which carries `mark`.

    Members are the leader; every process that carries the mark, in its environment or as the name of a descriptor;
    and what shares a session with a member or descends from one. A session cannot be joined from outside, so it
    proves kinship even where the rest was wiped. Neither this program nor its ancestors are members, whatever they
    carry. What cannot be found is a process that has wiped its environment, closed what it inherited, left for a
    session of its own and lost its ancestors, all before the first look.
    """

    def __init__(self, leader: Owner, mark: str) -> None:
        self._leader = leader
        self._setting = f"{MARK_NAME}={mark}".encode()
        self._known: set[Owner] = set()

    def living(self) -> list[Process]:
        """All members that live now."""
        # A member can slip through one look: forked when the table was listed already, by one that was gone before
        # the look came to it.
        for _ in range(_EMPTY_LOOKS):
            if members := self._look():
                return self._remember(members)
        return []

    def _look(self) -> list[Process]:
        table = platform.processes()
        ancestors = {*_ancestors({process.pid: process.parent for process in table})}
        kin = {each.pid for each in table if each.owner in self._known}
        kin |= {each.pid for each in table if each.owner == self._leader}
        candidates = [each for each in table if not platform.is_older(each, self._leader.started)]
        kin |= platform.carriers(candidates, self._setting)
        kin |= platform.holders(candidates, self._setting)
        kin -= ancestors
        size = 0
        while size < len(kin):
            size = len(kin)
            sessions = self._sessions_of(each for each in table if each.pid in kin)
            kin |= {each.pid for each in table if each.parent in kin or each.session in sessions}
            kin -= ancestors
        return [each for each in table if each.pid in kin and not each.is_zombie]

    def _sessions_of(self, members: Iterable[Process]) -> set[int]:
        """The sessions that began within the tree. A leader that is being forked is still in that of its parent."""
        leader = self._leader.pid
        return {each.session for each in members if each.pid != leader or each.session == each.pid}

    def _remember(self, members: list[Process]) -> list[Process]:
        self._known.update(member.owner for member in members)
        return members


class Subreaper:
    """While it is open, orphaned descendants of this program become its children (where the platform can).

    May be open several times at once; the last one to close ends it.
    """

    _lock = allocate_lock()
    _open = 0

    def __enter__(self) -> Subreaper:
        cls = type(self)
        with cls._lock:
            if not cls._open:
                platform.set_subreaper(True)
            cls._open += 1
        # A new child of ours can then only have come from the agent; but init is given the orphans of all.
        own = os.getpid()
        self.is_only_source = own != 1 and not platform.children(own) and platform.is_alone()
        return self

    def __exit__(self, *_error: object) -> None:
        cls = type(self)
        with cls._lock:
            cls._open -= 1
            if not cls._open:
                platform.set_subreaper(False)

    @classmethod
    def reap_adopted(cls, own: Collection[int]) -> None:
        """Reap what became a child of ours while one was open and has ended since, but for `own`: the children that
        the thread that asks has started. Nothing while one is open, whose agent is a child of ours as well.
        """
        with cls._lock:
            if cls._open:
                return
            for pid in {*platform.children(os.getpid())} - {*own}:
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    continue


class OwnProcessTree(ProcessTree):
    """The tree of an agent that this program has started, under `subreaper`, and not reaped yet.

    A child of this program is kin when it carries the mark, shares a session with a member, was seen as a descendant
    before, or when nothing else in this program could have started it. Other children are never touched; so a zombie
    that cannot be placed any more stays until this program ends.
    """

    def __init__(self, leader: Owner, mark: str, subreaper: Subreaper) -> None:
        super().__init__(leader, mark)
        self._subreaper = subreaper
        self._sessions = {leader.pid}
        self._leader_has_ended = False
        self.peak_memory_bytes = 0
        """The most that one of those took that were reaped here, and not by their parent."""

    def loses_none(self) -> bool:
        """Whether all children of this program are kin, so that none gets lost when its parent ends."""
        return platform.is_subreaper() and self._subreaper.is_only_source and platform.is_alone()

    def is_childless(self) -> bool:
        """Whether nothing was left behind by a leader that ended. Costs two small reads.

        Without a subreaper this only sees its process group; what left that is found by recovery.
        """
        leader = self._leader.pid
        if platform.is_subreaper():
            return platform.is_alone() and platform.own_children() == [leader]
        try:
            os.killpg(leader, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return False

    def living(self) -> list[Process]:
        """All members that live now. Reaps the zombies of strays on the way."""
        if not platform.is_subreaper():
            return super().living()
        own = os.getpid()
        if self.loses_none():
            thorough, children = True, self._not_ended()
            if not children:
                return []
        else:
            thorough, children = platform.is_alone(), platform.children(own)
        while True:
            members, met_zombie = self._below(children)
            if members or (thorough and not met_zombie):
                return self._remember(members)
            if met_zombie:  # its children became ours, perhaps after ours were listed
                children = platform.children(own)
            else:  # while other threads reap children of theirs, that list may skip some of ours
                children = [each.pid for each in platform.processes() if each.parent == own]
                thorough = True

    def _not_ended(self) -> list[int]:
        """Our children, all of them kin, but those that have ended: these are reaped. Does not look at any."""
        leader = self._leader.pid
        leader_lives = not platform.can_peek or not platform.has_ended(leader)
        while True:
            children = platform.own_children()
            living = [
                pid for pid in children if (leader_lives if pid == leader else not self._reap(pid))
            ]
            # What one of them leaves behind is ours once it is a zombie, but may not have been when they were listed.
            if living or children in ([], [leader]):
                return living

    def _below(self, children: list[int]) -> tuple[list[Process], bool]:
        """The members among these children of ours and below; and whether new zombies were met, and reaped."""
        members: list[Process] = []
        met_zombie = False
        waiting = self._kin_among(children)
        while waiting:
            process = waiting.pop()
            if not process.is_zombie:
                members.append(process)
                below = (platform.look(pid) for pid in platform.children(process.pid))
                waiting += [each for each in below if each]
            elif process.pid == self._leader.pid:
                met_zombie |= not self._leader_has_ended
                self._leader_has_ended = True
            elif process.parent == os.getpid():
                met_zombie |= self._reap(process.pid)
        return members, met_zombie

    def _kin_among(self, pids: list[int]) -> list[Process]:
        looks = (platform.look(pid) for pid in pids)
        children = [each for each in looks if each]
        if self.loses_none():
            return children
        known = [each for each in children if each.owner in self._known]
        known += [each for each in children if each.pid == self._leader.pid]
        unknown = [each for each in children if each not in known]
        marked = platform.carriers(unknown, self._setting)
        known += [each for each in unknown if each.pid in marked]
        self._sessions |= self._sessions_of(known)
        return [each for each in children if each in known or each.session in self._sessions]

    def _reap(self, zombie: int) -> bool:
        try:
            reaped, _, usage = os.wait4(zombie, os.WNOHANG)
        except ChildProcessError:
            return False  # something else in this program was faster
        if reaped == zombie:
            bytes_taken = usage.ru_maxrss * platform.maxrss_unit_bytes
            self.peak_memory_bytes = max(self.peak_memory_bytes, bytes_taken)
        return reaped == zombie

    def _remember(self, members: list[Process]) -> list[Process]:
        self._sessions |= self._sessions_of(members)
        return super()._remember(members)


def ancestors() -> list[int]:
    """The processes that this program descends from, its parent first. None where parents cannot be read."""
    try:
        table = platform.processes()
    except OSError:
        return []
    return _ancestors({process.pid: process.parent for process in table})[1:]


def _ancestors(parents: dict[int, int]) -> list[int]:
    """This program and those it descends from, one after the other."""
    found: list[int] = []
    pid = os.getpid()
    while pid and pid not in found:
        found.append(pid)
        pid = parents.get(pid, 0)
    return found
