"""A second `exec --wait` on a thread that runs joins that run: one step answers all that have asked for one.

What it adds waits to be told from then on (see `chain/told`), and the next step of the thread reads it, whoever makes
that. It is answered by a step that was made since it came, and was told what it adds; a run that was to go on to the
end, also by the end of the thread. One that adds nothing is answered as well by the failure that has suspended the
thread since. Else it runs the thread itself, as soon as that is free. One that leaves without an answer takes its words
along, unless an attempt was told them. Other commands (`resume`, `poke`, `exec --workflow`) ask for something that no
other run does for them: they only wait. See `guard/capacity/joined` for what stands on record meanwhile.
"""

from __future__ import annotations

from functools import partial

from uwf import clock
from uwf.agent.process import platform
from uwf.engine.chain import thread as threads
from uwf.engine.chain import told
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.tags import COMPLETED, SUSPENDED
from uwf.engine.chain.thread import is_alive
from uwf.engine.chain.word import said_by
from uwf.engine.progress import FailureJoined, StepDone
from uwf.engine.run.order import EXEC
from uwf.guard.capacity.queue import Queue
from uwf.guard.capacity.slot_guard import Slots
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Reader
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.word import Word
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import Order
    from uwf.store.protocols import Transaction

LOOK_S = 0.1
"""How often one that waits looks for its answer."""


class Joiner:
    """One command that may have to wait for thread `id`: it joins once another is found running it, until its exit."""

    def __init__(self, ctx: RunContext, id: str, order: Order) -> None:
        self._ctx = ctx
        self._id = id
        self._order = order
        self._shares = order.verb == EXEC and order.rebind is None
        self._since = threads.current(ctx.store, ctx.cache, id)
        self._name: str | None = None
        self._next_look_s = 0.0
        self._answer: StepDone | FailureJoined | None = None
        self._word: Word | None = None
        """What it adds, once that waits to be told."""
        self._has_told = False
        """Whether that waits because of it, and not because of another that adds the same."""

    def __enter__(self) -> Joiner:
        return self

    def __exit__(self, *_error: object) -> None:
        self._leave()

    def is_answered(self) -> bool:
        """Asked again and again while another runs the thread. Raises `Refused` where the queue has no room for it."""
        now_s = clock.monotonic_s()
        if self._name is None:
            self._join()
        if self._answer is None and now_s >= self._next_look_s:
            self._next_look_s = now_s + LOOK_S
            self._answer = self.answer()
        return self._answer is not None

    def answer(self) -> StepDone | FailureJoined | None:
        """The step that answers this command, or the failure, if one does."""
        if self._name is None or self._answer is not None or not self._shares:
            return self._answer
        store = self._ctx.store
        if self._word is not None and (self._waits(store) or self._is_read(store)):
            return None
        thread = threads.current(store, self._ctx.cache, self._id)
        at, since = thread.position, self._since.position
        is_made = at.step not in (None, since.step) and at.index >= since.index
        if is_made and (self._order.count == 1 or _has_ended(thread)):
            assert at.role is not None and at.step is not None, "there was a step"
            return StepDone(thread, at.role, at.step, is_joined=True)
        return None if self._word is not None else self._failure(thread)

    def _failure(self, thread: Thread) -> FailureJoined | None:
        """That which has suspended the thread since this command came."""
        attempt, before = thread.pending, self._since.attempt
        if thread.status != SUSPENDED or attempt is None or attempt.failure is None:
            return None
        if before is not None and before.last == attempt.last:
            return None
        return FailureJoined(thread, attempt.plan.role, attempt.failure, attempt.last)

    def goes_on(self) -> Order:
        """What is left of the order for this command, which has got hold of the thread: nothing is told twice."""
        is_told = self._leave()
        return replace(self._order, supplement=None) if is_told else self._order

    def _join(self) -> None:
        store, rules = self._ctx.store, self._ctx.config.rules(Slots.Rules)
        queue = Queue(store, rules.max_queue, rules.overflow, partial(is_alive, store))
        owner = replace(platform.this_process(), host=store.leases.host)
        self._name = queue.join_run(self._id, owner, self._tell)

    def _tell(self, tx: Transaction) -> None:
        text, speaker = self._order.supplement, self._order.speaker
        if text is None or not self._shares:
            return
        alike = [word for word in told.waiting(tx, self._id) if word.is_same(text, speaker)]
        self._has_told = not alike
        self._word = alike[0] if alike else said_by(speaker, text, clock.now_ms())
        if self._has_told:
            told.tell(tx, self._id, self._word)

    def _leave(self) -> bool:
        """Wait no longer. Whether what it adds was told; else that is taken along."""
        name, self._name = self._name, None
        if name is None:
            return False
        with self._ctx.store.transaction("run leave", durable=False) as tx:
            tx.set_counter(name, None)
            if self._word is None:
                return False
            is_told = self._is_read(tx) or not self._waits(tx)
            if self._has_told and not is_told:
                told.take(tx, self._id, [self._word], "whoever said it has left")
        return is_told

    def _waits(self, reader: Reader) -> bool:
        return self._word in told.waiting(reader, self._id)

    def _is_read(self, reader: Reader) -> bool:
        """Whether an attempt that is no step yet was told what this adds: then it will be told until it is one."""
        attempt = read_attempt(reader, self._id)
        return attempt is not None and self._word in attempt.plan.told


def _has_ended(thread: Thread) -> bool:
    """Whether a run that was to go on to the end has nothing more to do. What has failed is told as such."""
    if thread.status == SUSPENDED:
        return thread.pending is None or not thread.pending.has_failed
    return thread.status == COMPLETED
