"""What a run makes of its thread's timer: whether it is due, and what becomes of it when the run is refused.

Nobody watches a run that a timer has begun. So when time cures what refuses it, it is put off to then; and where only
a person can, its thread is left to one, who finds it among those that wait.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain import hosts, told, wake
from uwf.engine.chain.tags import COMPLETED, IDLE
from uwf.engine.chain.wake import Wake
from uwf.engine.run import publish
from uwf.engine.run.order import WOKEN
from uwf.engine.run.planning import transitions
from uwf.errors import NotHere, PersonNeeded, StoreError
from uwf.guard.contract import AGAIN
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.thread import Thread
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import Order
    from uwf.errors import Refused

LOOK_MS = 30 * 60_000
"""After how long it is tried again where nobody knows when."""


def is_due(ctx: RunContext, thread: Thread) -> bool:
    """Whether `thread` is to be run now. It is not where its time has not come, or another run came first; a timer for
    words that have been told since is over.
    """
    timer = wake.due(thread.tags, thread.id, thread.updated_ms, clock.now_ms())
    if timer is None or not timer.for_words or told.are_waiting(ctx.store, thread.id):
        return timer is not None
    publish.has_nothing_to_run_for(ctx, thread)
    return False


def refused(
    ctx: RunContext, thread: Thread, order: Order, refusal: Refused, *, has_begun: bool
) -> None:
    """Let the timer of `thread` be as `refusal` says, in which its run as `order`ed ends. A command that has made no
    step yet changes nothing. Never raises for a store that cannot be written: the refusal is what is told, and a timer
    that is due stays due.
    """
    try:
        if order.verb == WOKEN:
            _put_off(ctx, thread, refusal)
        elif has_begun and refusal.retry_at_ms is not None:
            later = Wake(refusal.retry_at_ms, wake.RECOVERY, _why(refusal))
            if wake.wish(thread.tags, later) != thread.tags:
                publish.wakes_later(ctx, thread, later)
    except StoreError as fault:
        refusal.add_note(f"and its timer could not be set: {fault}")


def _put_off(ctx: RunContext, thread: Thread, refusal: Refused) -> None:
    now_ms = clock.now_ms()
    timer = wake.due_timer(thread.tags, thread.id, thread.updated_ms, now_ms)
    woken_for, is_over = wake.cut_off(thread.tags, now_ms) or timer, timer is not None
    if ctx.host is not None and isinstance(refusal, NotHere):
        if woken_for is not None:
            _left_to_another(ctx, thread, ctx.host, refusal, woken_for, is_over=is_over)
    elif isinstance(refusal, PersonNeeded) and thread.status != COMPLETED:
        role = None
        if thread.status == IDLE:
            role = transitions.next_role(thread, ctx.cache.workflow(thread.position.workflow))
        publish.left_to_a_person(ctx, thread, role, refusal.message, is_over=is_over)
    elif woken_for is not None:
        later = _later(woken_for, refusal.retry_ms(now_ms) or now_ms + LOOK_MS, _why(refusal))
        publish.put_off(ctx, thread, later, is_over=is_over, unserved_ms=None, not_on=())


def _left_to_another(
    ctx: RunContext, thread: Thread, host: str, refusal: NotHere, woken_for: Wake, *, is_over: bool
) -> None:
    """What the machine `host` lacks is no reason to ask a person, nor to wait, while another has not been asked. When
    it is the turn of `host` once more, all were: it is looked again after a while.
    """
    refusal.reason = refusal.code = hosts.NOT_HERE
    now_ms, asked = clock.now_ms(), wake.not_on(thread.tags)
    all_asked = host in asked
    at_ms = now_ms + hosts.PREFERRED_MS if all_asked else now_ms
    publish.put_off(
        ctx,
        thread,
        _later(woken_for, at_ms, f"{_why(refusal)}, on {host}"),
        is_over=is_over,
        unserved_ms=now_ms,
        not_on=(host,) if all_asked else (*asked, host),
    )


def _later(woken_for: Wake, at_ms: int, why: str) -> Wake:
    why = woken_for.why.partition(wake.PUT_OFF)[0] + wake.PUT_OFF + why
    return replace(woken_for, at_ms=at_ms, why=why)


def _why(refusal: Refused) -> str:
    """What refuses, in words; when to try again is what the timer says."""
    return refusal.message.partition(AGAIN)[0]
