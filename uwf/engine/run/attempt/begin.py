"""The beginning of an attempt, on record before its agent may run: one transaction, which does not wait for the disk
unless it holds a person's words.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.chain import told, usage, wake
from uwf.engine.chain.tags import AGENT, COMPLETED, CWD, HOST, IDLE, WORKFLOW, ThreadState
from uwf.engine.chain.thread import into, move_head
from uwf.engine.progress import TaskDispatched
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.chain.recorder import AttemptRecorder
    from uwf.engine.chain.thread import Thread
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep
    from uwf.engine.run.planning.rebind import Rebind
    from uwf.engine.run.prompt import Prompt
    from uwf.guard.contract import Request
    from uwf.store.owner import Owner
    from uwf.store.protocols import Transaction
    from uwf.store.values import Ref


def begin(
    ctx: RunContext,
    step: NextStep,
    thread: Thread,
    recorder: AttemptRecorder,
    sections: Prompt,
    agent: Owner | None,
    request: Request | None,
) -> Thread:
    """Put on record that the agent is asked, and its process. Returns the thread as it is then.

    The first ask is the start of the attempt, with all that it changes of its thread: what is said with it, another
    workflow, a raised budget, another folder, the next round of a completed thread, a timer that is over. What an
    earlier attempt at the step has changed is not changed again. With the `request` of an agent that is to run goes
    what its step is expected to use; raises `Refused` where others have set that down since the guards were asked.
    """
    is_first, ref = recorder.begun is None, thread.ref
    rebind = step.rebind if is_first and ref.id != step.plan.expect else None
    # What was said is not to be lost to a power cut.
    has_words = bool(step.said) or step.plan.is_poke or step.plan.remark is not None
    durable = is_first and (has_words or rebind is not None)
    with recorder.following(ctx.store.transaction("attempt", durable=durable)) as tx:
        prompt = recorder.prompt or sections.put(tx, ctx.cache.links)
        if rebind is not None:
            ref = rebound(tx, thread, rebind)
        recorder.started(tx, prompt, agent)
        points.at("attempt: objects written")
        if is_first:
            if request is not None:
                ctx.admission.budget.begins(tx, request)
            ref = _reopen(tx, step, ref, ctx.host)
            for word in step.said:
                told.tell(tx, step.thread.id, word)
    if is_first:
        start, attempt = recorder.start, recorder.begun
        assert attempt is not None, "it has started"
        ctx.on_progress(
            TaskDispatched(start.thread, start.plan.role, start.agent, attempt, start.number)
        )
    return replace(thread, ref=ref, tags=ref.tags, updated_ms=ref.updated_ms)


def _reopen(tx: Transaction, step: NextStep, ref: Ref, host: str | None) -> Ref:
    """A raised budget, another folder, agent and machine are set, a completed thread becomes idle in a new round, its
    timer is over.
    """
    id, plan, changed = step.thread.id, step.plan, step.changed
    if host is not None and ref.tags.get(HOST) != host:
        changed = {**changed, HOST: host}
    if changed and (why := _change(ref.tags, changed)):
        ref = move_head(tx, id, ref.id, lambda tags: {**tags, **changed}, expect=ref, why=why)

    has_news = wake.WAKE_AT in ref.tags and not set(plan.told).issuperset(told.waiting(tx, id))

    def after_timer(tags: Mapping[str, str]) -> dict[str, str]:
        return wake.run_began(
            tags,
            step.thread.tags,
            clock.now_ms(),
            is_first=step.is_first,
            is_woken=step.is_woken,
            has_news=has_news,
        )

    if step.thread.status == COMPLETED:
        reopened = into(ThreadState(IDLE, plan.role))
        why = f"resumed for round {plan.round}"
        ref = move_head(
            tx, id, ref.id, lambda tags: reopened(after_timer(tags)), expect=ref, why=why
        )
        points.at("attempt: thread reopened")
    elif after_timer(ref.tags) != ref.tags:
        ref = move_head(tx, id, ref.id, after_timer, expect=ref, why=_woke(step, ref))
    return ref


def _woke(step: NextStep, ref: Ref) -> str:
    """Why a timer is over, for the log."""
    if step.is_woken:
        return f"woken for {ref.tags.get(wake.WAKE_WHY, '')}"
    return "its timer is over: it runs"


def _change(tags: Mapping[str, str], changed: Mapping[str, str]) -> str:
    """What is another with the tags `changed`, in words for the log; "" when nothing is."""
    raised = usage.change(tags, {**tags, **changed})
    parts = [raised]
    if changed.get(CWD, tags.get(CWD)) != tags.get(CWD):
        parts.append(f"works in {changed[CWD]}")
    if changed.get(AGENT, tags.get(AGENT)) != tags.get(AGENT):
        parts.append(f"run with {changed[AGENT] or 'the agents of the config'}")
    if changed.get(HOST, tags.get(HOST)) != tags.get(HOST):
        parts.append(f"is on {changed[HOST]}")
    return ", ".join(filter(None, parts))


def rebound(tx: Transaction, thread: Thread, rebind: Rebind) -> Ref:
    """Put a rebind into the chain of `thread`, whose ref is still at the node before it."""
    tx.put_raw(rebind.workflow_data)
    head = tx.put_raw(rebind.data)
    why = f"rebound to workflow {rebind.name} {rebind.workflow[:12]}"
    name = rebind.name
    ref = move_head(
        tx, thread.id, head, lambda tags: {**tags, WORKFLOW: name}, expect=thread.ref, why=why
    )
    points.at("rebind: head moved")
    return ref
