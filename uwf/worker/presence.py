"""How a worker stands among the others: it says that it is there, and hears what it is asked for."""

from __future__ import annotations

import os
import random

from uwf import clock
from uwf.errors import StateError
from uwf.jobs.workers import Workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.loop.wakeups import Wakeups
    from uwf.daemon.news import News, Say
    from uwf.errors import StoreTooNew
    from uwf.jobs.link import QueueLink
    from uwf.jobs.workers import WorkerFacts

BEAT_S = 5.0
NAMESAKE_LOOK_S = 1.0


class Presence:
    """`facts` are what the worker says of itself, `unfit` what its home lacks: meanwhile it is to take nothing."""

    def __init__(
        self,
        link: QueueLink,
        facts: WorkerFacts,
        queues: list[str],
        unfit: News,
        wakeups: Wakeups,
        say: Say,
    ) -> None:
        self._facts = facts
        self.number: int | None = None
        """By which the queue knows it, once it has said that it is there."""
        self._table, self._queues, self._unfit = Workers(link), queues, unfit
        self._wakeups, self._say = wakeups, say
        self._told: frozenset[str] | None = None
        self._beats_s = 0.0

    @property
    def is_fit(self) -> bool:
        return not self._unfit.words

    @property
    def left_s(self) -> float:
        """In how many seconds it is to say so again, whatever happens."""
        return max(0.0, self._beats_s - clock.monotonic_s())

    def is_due(self, running: frozenset[str]) -> bool:
        """Whether it is to say so now: when it runs other threads than it has said, too."""
        return running != self._told or not self.left_s

    def beat_at_once(self) -> None:
        """The queue may not know it any more, or what it has said is not true: it says so with the next round."""
        self._beats_s = 0.0

    def heed_home(self) -> None:
        """Look whether its home can take what a run writes; what it finds is said once, and seen from all machines."""
        said = self._unfit.taken()
        if said is not None:
            takes = "" if self.is_fit else ": it takes nothing until that is over"
            self._say(f"{said}{takes}", what="unfit" if takes else "fit")
            self.beat_at_once()

    def beat(self, running: frozenset[str]) -> str | None:
        """Say that it is there and runs these threads; what it is asked for. Where nobody knows it, it begins anew."""
        if self.number is None:
            self._need_own_name()
            self.number = self._table.register(self._facts)
            self._forget_earlier(self.number)
            taken = ", ".join(self._queues)
            self._say(f"worker {self.number} takes from {taken}", what="worker")
        told = self._facts, sorted(running), self._unfit.words
        is_known, asked = self._table.beat(self.number, *told)
        if not is_known:
            self.number = self._table.register(self._facts)
            self._table.beat(self.number, *told)
            self._say(f"the queue did not know it: it is worker {self.number} now", what="worker")
        self._told = running
        self._beats_s = clock.monotonic_s() + BEAT_S * random.uniform(0.8, 1.0)
        return asked

    def store_too_new(self) -> StoreTooNew | None:
        """See `Workers.store_too_new`."""
        return self._table.store_too_new()

    def leave(self) -> None:
        if self.number is not None:
            self._table.leave(self.number)

    def _need_own_name(self) -> None:
        """Raise where a worker of another machine beats under the name of this one: what is for a machine, and what one
        has, is told by its name. One that was here before a boot, or in an earlier container, beats no more: it is
        waited for.
        """
        host, first = self._facts.host, self._table.namesakes(self._facts)
        if first:
            said = f"worker {min(first)} was heard of as {host} on another machine just now"
            self._say(f"{said}; waits until that is gone", what="namesake")
        now = first
        while now:
            if any(seen > first.get(worker, 0) for worker, seen in now.items()):
                raise StateError(
                    f"worker {min(now)} is on another machine, or in another container, that is called "
                    f"{host}, too: each needs a name of its own",
                    hint=f"export UWF_HOST={host}-2",
                    code="host_taken",
                )
            self._wakeups.until(NAMESAKE_LOOK_S)
            now = self._table.namesakes(self._facts)

    def _forget_earlier(self, number: int) -> None:
        """Take the workers of this home out of the table that died without a word: their jobs are free."""
        for worker, pid in self._table.earlier(self._facts, number).items():
            if not _is_alive(pid):
                self._table.leave(worker)
                self._say(f"worker {worker} died here: its jobs are free", what="worker_gone")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True
