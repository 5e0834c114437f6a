"""Slots: at most so many agents at once, on the machine and in each smaller pool.

A slot is a file under an flock, taken through a descriptor that the agent inherits. The lock belongs to the open
file, so the slot is free only when uwf *and* the agent, and whatever the agent left with the descriptor, are
gone. Counting is right whoever is killed: nobody has to give anything back.
"""

from __future__ import annotations

import fcntl
import os

from uwf.guard.keys import key
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MACHINE = "machine"


class Pool(Record):
    """At most `limit` at once of what `name` says: `machine`, `agent/x`, `workflow/x`, `label/repo=shop`."""

    name: str
    limit: int


class Full(Exception):
    """Every slot of `pool` is taken."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(f"all {pool.limit} slots of {pool.name} are taken")
        self.pool = pool


class Held:
    """Slots that are held. `descriptors` are for the agent to inherit."""

    def __init__(self) -> None:
        self.descriptors: list[int] = []

    def release(self) -> None:
        """Let go of this process's side. May be called twice."""
        descriptors, self.descriptors = self.descriptors, []
        for descriptor in descriptors:
            os.close(descriptor)


def take(folder: str, pools: Sequence[Pool], owner: str) -> Held:
    """A slot of each of `pools`, or none at all. Raises `Full` for the first pool that has none left.

    `folder` keeps the files; `owner` is noted in them for people to read.
    """
    held = Held()
    try:
        for pool in pools:
            held.descriptors.append(_take_one(folder, pool, owner))
    except BaseException:
        held.release()
        raise
    return held


def count(folder: str, pool: Pool) -> int:
    """How many slots of `pool` are taken now. Touches no lock of a holder, so it may be asked at any time."""
    taken = 0
    for number in range(pool.limit):
        try:
            descriptor = os.open(_path(folder, pool, number), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            # A shared lock of a free slot is held for two system calls; whoever meets it there tries again.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            taken += 1
        finally:
            os.close(descriptor)
    return taken


def _take_one(folder: str, pool: Pool, owner: str) -> int:
    os.makedirs(os.path.dirname(_path(folder, pool, 0)), 0o700, exist_ok=True)
    for number in range(pool.limit):
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(_path(folder, pool, number), flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{pool.name} {owner}\n".encode(), 0)
        return descriptor
    raise Full(pool)


def _path(folder: str, pool: Pool, number: int) -> str:
    return os.path.join(folder, key(pool.name), str(number))
