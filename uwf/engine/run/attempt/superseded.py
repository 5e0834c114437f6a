"""What becomes of an attempt whose run finds its thread taken over: it is kept beside the chain, and published nowhere.

It stands apart from the attempt beside the head, which is that of the run that has the thread now.
"""

from __future__ import annotations

from uwf.engine.chain.attempt import SUPERSEDED, AttemptEnd, Failure
from uwf.errors import Superseded
from uwf.guard.contract import AttemptStopped
from uwf.store.fenced import unfenced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.kept import Came
    from uwf.engine.run.step import StepRun


def kept(run: StepRun, came: Came) -> Superseded:
    """Keep what the agent has said and used. The error for its run."""
    id, role = run.thread.id, run.step.plan.role
    store = unfenced(run.ctx.store)
    holder = store.leases.holder(id)
    now = "nobody runs it now" if holder is None else f"{holder.in_words} runs it now"
    taken = f"its run did not renew its hold on thread {id} in time, and lost it: {now}"
    gone = run.gone(came)
    end = AttemptEnd(
        failure=Failure(SUPERSEDED, taken),
        duration_ms=gone["duration_ms"],
        process=gone["process"],
        stderr=gone["stderr"],
        session=gone["session"],
        usage=gone["usage"],
    )
    with run.recorder.following(store.transaction("superseded")) as tx:
        answer = came.answer
        last = run.recorder.superseded(
            tx, end, answer.tail, answer.text, lambda: run.sections.put(tx, {})
        )
        run.ticket.ended(tx, AttemptStopped(end.usage or {}, came.duration_ms, is_superseded=True))
    return Superseded(
        f"nothing of {role} was published: {taken}; what its agent did is kept as attempt {last[:12]}",
        hint=f"uwf step show {last[:12]}",
    )
