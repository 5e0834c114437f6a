"""A reply that has come while the store of many machines was away: what to do with it while the thread is still held.

A database that is begun anew is away for some seconds. The reply is kept on this machine's disk then, and another one,
which has the thread as soon as the store is back, would not know of it: its agent would do the same work again. So the
run keeps the thread, and takes the reply in when it can. It waits no longer than its lease lasts for sure.

One that recovers from the end of its machine may have forgotten the beginning of the attempt, which did not wait for
the disk: then the reply is one to an attempt that is not there, and taken in at once.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.progress import Waiting
from uwf.engine.run.lock import raise_if_stopped, sleeper
from uwf.engine.run.recovery.intake import take_in
from uwf.errors import Conflict, ReplyKept, StoreAway, UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.stop import Stop
    from uwf.engine.progress import StepResult
    from uwf.engine.run.context import RunContext

PAUSE_S = 0.5


def taken_in(ctx: RunContext, id: str, lost: ReplyKept, stop: Stop) -> StepResult | None:
    """What has come of the step whose reply was `lost`, once the store has it; None where the run is to end with that.

    Raises `lost` where waiting is of no use, or was in vain.
    """
    lasts_s = ctx.store.leases.lasts_s
    if lasts_s is None or lost.path is None:
        raise lost
    if lost.code == Conflict.default_code:
        taken = take_in(ctx, id)
        if taken is None:
            raise lost
        return taken.result
    if lost.code != StoreAway.default_code:
        raise lost
    sleep, until_s = sleeper(stop, id), clock.monotonic_s() + lasts_s
    ctx.on_progress(Waiting(id, lost.message, lasts_s))
    while clock.monotonic_s() < until_s:
        try:
            sleep(PAUSE_S)
        except UwfError:  # told to end, or nobody can tell any more who has the thread
            raise lost from None
        try:
            taken = take_in(ctx, id)
        except StoreAway:
            continue
        except ReplyKept as again:
            if again.code != lost.code:
                raise
            continue
        raise_if_stopped(stop, id)
        return None if taken is None else taken.result
    raise lost
