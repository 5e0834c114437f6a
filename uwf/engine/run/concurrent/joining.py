"""A second `exec --wait` on a thread that runs joins that run: one step answers all that have asked for one.

What it adds is told to the next step of the thread, whoever makes it. It is answered by a step that was made since it
came, and was told what it adds; a run that was to go on to the end, also by the end of the thread. One that adds
nothing is answered as well by the failure that has suspended the thread since. Else it runs the thread itself, as soon
as that is free. Other commands (`resume`, `poke`, `exec --workflow`) ask for something that no
other run does for them: they only wait. See `guard/capacity/joined` for what stands on record meanwhile.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent.process import platform
from uwf.engine.chain import thread as threads
from uwf.engine.chain.tags import COMPLETED, IDLE, SUSPENDED
from uwf.engine.progress import FailureJoined, StepDone
from uwf.engine.run.order import EXEC, POKE, Order
from uwf.engine.run.planning.transitions import both
from uwf.guard.capacity import joined
from uwf.guard.capacity.queue import Queue
from uwf.guard.capacity.slot_guard import Slots
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from uwf.engine.chain.thread import Thread
    from uwf.engine.run.context import RunContext
    from uwf.store.protocols import Store

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

    def __enter__(self) -> Joiner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
        told_in = 0
        if self._order.supplement is not None:
            found = joined.find(self._ctx.store, self._name)
            if found is None or found.told_in is None:
                return None
            told_in = found.told_in
        thread = threads.current(self._ctx.store, self._ctx.cache, self._id)
        at, since = thread.position, self._since.position
        is_made = at.step not in (None, since.step) and at.index >= max(since.index, told_in)
        if is_made and (self._order.count == 1 or _has_ended(thread)):
            assert at.role is not None and at.step is not None, "there was a step"
            return StepDone(thread, at.role, at.step, is_joined=True)
        return None if self._order.supplement is not None else self._failure(thread)

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
        if self._name is None or not self._shares:
            self._leave()
            return self._order
        found = joined.find(self._ctx.store, self._name)
        self._leave()
        is_told = found is not None and found.told_in is not None
        return replace(self._order, supplement=None) if is_told else self._order

    def _join(self) -> None:
        store, rules = self._ctx.store, self._ctx.config.rules(Slots.Rules)
        queue = Queue(store, rules.max_queue, rules.overflow, platform.is_alive)
        owner = platform.this_process()
        said = self._order.supplement if self._shares else None
        self._name = queue.join_run(self._id, owner, said)

    def _leave(self) -> None:
        name, self._name = self._name, None
        if name is not None:
            with self._ctx.store.transaction("run leave", durable=False) as tx:
                tx.set_counter(name, None)


def _has_ended(thread: Thread) -> bool:
    """Whether a run that was to go on to the end has nothing more to do. What has failed is told as such."""
    if thread.status == SUSPENDED:
        return thread.pending is None or not thread.pending.has_failed
    return thread.status == COMPLETED


def with_words(store: Store, thread: Thread, order: Order) -> tuple[Order, tuple[str, ...]]:
    """The order with what others have added meanwhile, and the names under which they wait.

    What a poke says is about a step that was made, and an `exec` begins no next round because of another's words.
    """
    waiting = joined.all_of(store, thread.id)
    if not waiting or order.verb == POKE:
        return order, ()
    if order.verb == EXEC and thread.status != IDLE and order.supplement is None:
        return order, ()
    said, names = order.supplement, []
    for one in waiting:
        if one.text is not None and one.told_in is None and platform.is_alive(one.owner):
            said = both(said, one.text)
            names.append(one.name)
    return replace(order, supplement=said), tuple(names)
