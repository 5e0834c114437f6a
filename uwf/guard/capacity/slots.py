"""Slots: at most so many agents at once, on the machine and in each smaller pool.

A slot is a file under an flock, taken through a descriptor that the agent inherits. The lock belongs to the open
file, so the slot is free only when uwf *and* the agent, and whatever the agent left with the descriptor, are
gone. Counting is right whatever is killed: nothing has to be given back.

Slots are taken under one more flock, that of the folder, so that no process finds a pool full only because another
had a slot in hand that it gave back at once. A process that only looks asks each slot for a shared lock, which is in
no other looker's way and which a taker waits for: hundreds may look and find nothing.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import contextmanager

from uwf import clock, owned
from uwf.errors import StoreBusy, StoreError
from uwf.guard.counters import hashed
from uwf.quantities import counted
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Protocol

    from uwf.store.owner import Owner

    class Places(Protocol):
        """Which threads have places of the pools that threads hold: see `places`."""

        def holders(self, pool: Pool) -> list[str]: ...

        def take(self, pools: Sequence[Pool], thread: str) -> None: ...


MACHINE = "machine"
THREADS = "threads/"
"""Before the label of a pool whose places are held by threads: see `places`."""
SHARED = "shared/"
"""Before the name of a pool that all machines have together, whose places threads hold for one step."""
PATIENCE_S = 5.0
"""The folder is held for a fraction of a millisecond. Who has it for this long was stopped in the middle."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.001, 0.064
"""Between two attempts to hold it: twice as long each time, for hundreds that ask every millisecond leave the
holder no time to go on.
"""
A_LOOK_S, MOST_LOOKS = 0.0002, 50
"""How long a look takes, and for how many a taker waits before it takes another slot."""
MANY_POOLS = 100
"""From here on a new pool has unused ones removed: label values may come without end."""

_MUTEX = "taking"


class Pool(Record):
    """At most `limit` at once of what `name` says: `machine`, `agent/x`, `workflow/x`, `label/repo=shop`; and of
    threads under way `threads/repo=shop`."""

    name: str
    limit: int

    @property
    def is_of_threads(self) -> bool:
        """Whether threads hold it, and not processes."""
        return self.name.startswith((THREADS, SHARED))

    @property
    def is_shared(self) -> bool:
        """Whether it is one of all machines that share the store."""
        return self.name.startswith(SHARED)

    @property
    def words(self) -> str:
        """What a person calls it: this machine, agent x, label repo=shop."""
        name = self.name.removeprefix(SHARED).replace("/", " ", 1)
        return "this machine" if name == MACHINE else name + " on all machines" * self.is_shared

    @property
    def full(self) -> str:
        """What is said when no slot is left."""
        if self.name.startswith(THREADS):
            label = self.name.removeprefix(THREADS)
            limit = f"limits.threads_per_label.{label.partition('=')[0]}"
            return f"{counted(self.limit, 'thread')} with label {label} began before, as many as {limit} allows"
        if self.limit == 1:
            return f"the only slot of {self.words} is taken"
        return f"all {self.limit} slots of {self.words} are taken"


class Full(Exception):
    """Every slot of `pool` is taken."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool.full)
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


class SlotTable:
    """All slots. Made by `taking`, what is free stays free; made otherwise, it is as it was at the first look.

    Of pools that threads hold, the places are with `places`.
    """

    def __init__(self, folder: str, places: Places | None = None) -> None:
        self._folder = folder
        self._places = places
        self._free: dict[Pool, int] = {}

    def free(self, pool: Pool) -> int:
        """How many slots of `pool` are left; none, or less than none, after its limit was lowered."""
        if pool not in self._free:
            if self._places is not None and pool.is_of_threads:
                taken = len(self._places.holders(pool))
            else:
                taken = count(self._folder, pool)
            self._free[pool] = pool.limit - taken
        return self._free[pool]

    def young(self, pool: Pool, age_s: float) -> int:
        """How many slots of `pool` are taken, and were so less than `age_s` seconds ago."""
        # A file's time has more digits than ours: one that was written just now may seem to come from the future.
        return sum(
            -1 < clock.own_ms() / 1000 - _written_s(path) < age_s and _is_taken(path)
            for path in _files(self._folder, pool)
        )

    def take(self, pools: Sequence[Pool], thread: str, owner: Owner) -> Held:
        """A slot of each of `pools`, or none at all. Raises `Full` for the first pool that has none left: of those that
        threads hold another machine may have taken the last meanwhile.

        For which thread, and in which process, is noted in the files: see `holders`.
        """
        held = Held()
        of_threads = [pool for pool in pools if pool.is_of_threads]
        try:
            for pool in pools:
                if self.free(pool) <= 0:
                    raise Full(pool)
                if pool in of_threads:
                    continue
                held.descriptors.append(self._lock_one(pool))
                _note(held.descriptors[-1], f"{pool.name} {thread} {owner.pid}\n")
                del self._free[pool]
            if self._places is not None and of_threads:
                self._places.take(of_threads, thread)
        except BaseException:
            held.release()
            raise
        return held

    def _lock_one(self, pool: Pool) -> int:
        """The first free slot. There is one: no other process takes any."""
        path = self._path(pool)
        self._make(path)
        number = looks = 0
        while True:
            descriptor = _opened(os.path.join(path, str(number)))
            try:
                if _lock(descriptor, fcntl.LOCK_EX):
                    return descriptor
                is_looked_at = _lock(descriptor, fcntl.LOCK_SH)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            if is_looked_at and looks < MOST_LOOKS:
                looks += 1
                time.sleep(A_LOOK_S)
            else:
                number += 1

    def _make(self, path: str) -> None:
        try:
            os.mkdir(path, owned.FOLDER_MODE)
        except FileExistsError:
            return
        owned.give(path)
        pools = [entry.path for entry in os.scandir(self._folder) if entry.is_dir()]
        if len(pools) > MANY_POOLS:
            for other in pools:
                if other != path:
                    _remove_if_unused(other)

    def _path(self, pool: Pool) -> str:
        return os.path.join(self._folder, hashed(pool.name))


def _opened(path: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreError(
            f"cannot use the slot {path}: it is not a regular file", hint=f"ls -l {path}"
        )
    owned.give(path)
    return descriptor


@contextmanager
def taking(folder: str, places: Places | None = None) -> Iterator[SlotTable]:
    """The slots of `folder`, which is made when it is not there. Raises `StoreBusy` when they cannot be had."""
    owned.make_folder(folder)
    mutex = _opened(os.path.join(folder, _MUTEX))
    try:
        _wait_for(mutex, folder)
        yield SlotTable(folder, places)
    finally:
        os.close(mutex)


def count(folder: str, pool: Pool) -> int:
    """How many slots of `pool` are taken now. Makes nothing, waits for nothing, and is in no process's way.

    Those above the limit count too: an agent may run under a higher one.
    """
    return sum(map(_is_taken, _files(folder, pool)))


def holders(folder: str, pool: Pool) -> list[str]:
    """The threads that have a slot of `pool` now, as they were noted."""
    taken = filter(_is_taken, _files(folder, pool))
    notes = (_noted(path).removeprefix(pool.name).split() for path in taken)
    return [words[0] for words in notes if words]


def names_taken(folder: str, prefix: str) -> list[str]:
    """Names of the pools that begin with `prefix` and have a slot taken now, sorted, as they were noted.

    For pools of which there is no list: there may be one for every value of a label.
    """
    try:
        pools = [entry.path for entry in os.scandir(folder) if entry.is_dir()]
    except FileNotFoundError:
        return []
    taken = (path for pool in pools for path in _slots_in(pool) if _is_taken(path))
    found = {_name_in(_noted(path), os.path.basename(os.path.dirname(path))) for path in taken}
    return sorted(name for name in found if name is not None and name.startswith(prefix))


def first_full(folder: str, pools: Sequence[Pool]) -> Pool | None:
    """The first of `pools` that has no slot left now; None while there is one of each."""
    return next((pool for pool in pools if count(folder, pool) >= pool.limit), None)


def _wait_for(mutex: int, folder: str) -> None:
    deadline_s, pause_s = clock.monotonic_s() + PATIENCE_S, FIRST_PAUSE_S
    while not _lock(mutex, fcntl.LOCK_EX):
        if clock.monotonic_s() >= deadline_s:
            raise StoreBusy(
                f"another process has been looking at the slots in {folder} for {PATIENCE_S:g} s; it was stopped",
                hint=f"fuser {os.path.join(folder, _MUTEX)}",
            )
        time.sleep(pause_s * (1 + os.urandom(1)[0] / 255) / 2)  # not all at the same time
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _files(folder: str, pool: Pool) -> list[str]:
    return _slots_in(os.path.join(folder, hashed(pool.name)))


def _slots_in(path: str) -> list[str]:
    try:
        return [os.path.join(path, name) for name in os.listdir(path)]
    except FileNotFoundError:
        return []


def _written_s(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return 0.0  # the pool was unused, and removed


def _is_taken(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # the pool was unused, and removed
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _note(descriptor: int, text: str) -> None:
    # Written over, then cut: a file that is cut to nothing first is flushed to the disk when it is closed (ext4).
    data = text.encode(errors="backslashreplace")
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))


def _noted(path: str) -> str:
    try:
        with open(path, errors="replace", opener=_not_waiting) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _not_waiting(path: str, flags: int) -> int:
    """Opening a pipe waits for its writer otherwise."""
    return os.open(path, flags | os.O_NONBLOCK)


def _name_in(note: str, wanted: str) -> str | None:
    """The name of the pool whose key is `wanted`, which the note begins with; the owner after it may have spaces."""
    ends = (number for number, letter in enumerate(note) if letter == " ")
    return next((note[:end] for end in ends if hashed(note[:end]) == wanted), None)


def _remove_if_unused(path: str) -> None:
    slots = [entry.path for entry in os.scandir(path)]
    if not any(map(_is_taken, slots)):
        for slot in slots:
            os.unlink(slot)
        os.rmdir(path)
