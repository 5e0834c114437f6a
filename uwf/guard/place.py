"""`queue_full`, `dropped`: a place in the line of those who wait, taken, lost, and given back.

What the line is and whose turn it is, is in `line`.
"""

from __future__ import annotations

from contextlib import contextmanager

from uwf import clock, points
from uwf.guard import queue
from uwf.guard.contract import refuse
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.guard.queue import Entry
    from uwf.store.protocols import Store, Transaction

REFUSE, DROP_OLDEST = "refuse", "drop-oldest"


class Line:
    """The line as one process meets it: `most` may stand in it, and `overflow` says what becomes of one more."""

    def __init__(
        self, store: Store, most: int, overflow: str, is_alive: Callable[[int, str], bool]
    ) -> None:
        self._store = store
        self._most = most
        self._overflow = overflow
        self._is_alive = is_alive
        self._ahead = self._gone = 0  # how many stood before this process, when so many had gone
        self._next: Entry | None = None
        """Who stood right before it."""

    @contextmanager
    def joined_by(self, entry: Entry) -> Iterator[None]:
        """Stand in line, and out of it again whatever happens; no fault then hides what did. Raises `Refused` when
        the line is full.

        Who waits holds the lock of his thread: a second request waits for that, and nobody living is replaced here.
        """
        with self._store.transaction(durable=False) as tx:
            self._stand_in_line(tx, entry)
        points.at("line: joined")
        try:
            yield
        except BaseException as error:
            try:
                self.remove([entry])
            except Exception as fault:
                error.add_note(f"and thread {entry.thread} could not leave the line: {fault}")
            raise
        self.remove([entry])
        points.at("line: left")

    def _stand_in_line(self, tx: Transaction, entry: Entry) -> None:
        waiting = [other for other in queue.everybody(tx) if other.thread != entry.thread]
        # Only now: in a long line it takes a while, and writers wait meanwhile.
        if len(waiting) >= self._most:
            waiting = self._without_the_dead(tx, waiting)
        while len(waiting) >= self._most:
            dropped = self._to_drop(waiting, entry)
            queue.remove(tx, dropped.thread)
            waiting.remove(dropped)
        queue.put(tx, entry)
        self._note_place(queue.gone(tx), waiting, entry, lambda _: True)

    def _without_the_dead(self, tx: Transaction, waiting: list[Entry]) -> list[Entry]:
        living = []
        for other in waiting:
            if self._is_alive(other.pid, other.started):
                living.append(other)
            else:
                queue.remove(tx, other.thread)
        return living

    def look(self, entry: Entry, competes: Callable[[Entry], bool]) -> list[Entry]:
        """Everybody in the line, in no order. Those who do not compete for a place are not `ahead`."""
        gone, waiting = queue.gone(self._store), queue.everybody(self._store)
        self._note_place(gone, waiting, entry, competes)
        return waiting

    def ahead(self) -> int:
        """How many stand before this process, as far as it knows. Costs one small read."""
        return max(0, self._ahead - (queue.gone(self._store) - self._gone))

    def has_lost_sight(self) -> bool:
        """Whether who stood right before this process has died: he and others before him may block the line."""
        return self._next is not None and not self._is_alive(self._next.pid, self._next.started)

    def _note_place(
        self, gone: int, waiting: list[Entry], entry: Entry, competes: Callable[[Entry], bool]
    ) -> None:
        ahead = [
            other for other in queue.ahead(waiting, entry, clock.monotonic_s()) if competes(other)
        ]
        self._gone, self._ahead = gone, len(ahead)
        self._next = ahead[-1] if ahead else None

    def _to_drop(self, waiting: list[Entry], entry: Entry) -> Entry:
        """Who has to make room for `entry` in a line that is full; a person only for a person."""
        if self._overflow == DROP_OLDEST and waiting:
            oldest = min(waiting, key=lambda one: (one.person, one.since_s, one.thread))
            if entry.person or not oldest.person:
                return oldest
        raise refuse(
            "queue_full",
            f"the line has {counted(len(waiting), 'thread')} already, as many as limits.max_queue allows; try again "
            "when it is shorter",
            hint="uwf queue list",
        )

    def check(self, entry: Entry) -> None:
        """Raise when this process is not the one that waits for the thread any more."""
        if not queue.stands(self._store, entry):
            raise refuse(
                "dropped",
                f"thread {entry.thread} was dropped from the line of waiting threads",
                hint=f"uwf thread exec {entry.thread} --wait 600",
            )

    def remove(self, entries: list[Entry]) -> None:
        """Take these out of the line, but for those whose place another process has by now."""
        if entries:
            with self._store.transaction(durable=False) as tx:
                for entry in entries:
                    queue.leave(tx, entry)
