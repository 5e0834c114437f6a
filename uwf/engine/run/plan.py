"""The next step that an order makes of a thread: pure, so a refusal has changed nothing.

Which role is next is decided in `transitions`, what another workflow makes of the thread in `rebind`.
"""

from __future__ import annotations

from contextlib import suppress

from uwf import clock
from uwf.engine.chain import told
from uwf.engine.chain.attempt import new_to
from uwf.engine.chain.nodes import Plan, Position
from uwf.engine.chain.tags import AGENT, CWD, IDLE, WORKTREE_LEFT, WORKTREE_REPO, ThreadState
from uwf.engine.chain.word import Word, in_order, said_by
from uwf.engine.run import budget
from uwf.engine.run.order import EXEC, POKE, RESUME, RETRY, WOKEN, GraphEnded, NextStep
from uwf.engine.run.planning import agents, rebind, transitions
from uwf.errors import PersonNeeded, Refused
from uwf.record import replace
from uwf.workflow.route import RouteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.protocol import Agent
    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import Order
    from uwf.workflow.model import Workflow


def plan_next(ctx: RunContext, thread: Thread, order: Order) -> NextStep | GraphEnded:
    """What comes next, without secrets. Raises `StateError`, and `Refused` when nothing can follow."""
    bound_by = None
    if order.supplement is not None:
        order = replace(order, supplement=ctx.redactor.text(order.supplement))
    waiting = told.waiting(ctx.store, thread.id)
    said = _said(thread, order, waiting)
    words = in_order(waiting, said) if said else waiting
    moved = _moved(thread, order.cwd)
    if moved:
        thread = replace(thread, tags={**thread.tags, **moved})
    if order.rebind is not None:
        # What the state of the thread forbids is raised first. That the old workflow knows no way on is no reason: a
        # rebind may mend that.
        with suppress(Refused):
            _decide(ctx, thread, order, words)
        thread, bound_by = rebind.bound(ctx.cache, thread, order.rebind)
    found = _decide(ctx, thread, order, words)
    if isinstance(found, ThreadState):
        return GraphEnded(thread, found, bound_by)
    workflow = ctx.cache.workflow(thread.position.workflow)
    changed = budget.raised(ctx, thread, workflow, found.role, order.budget)
    if changed:
        thread = replace(thread, tags={**thread.tags, **changed})
    changed |= moved
    changed |= _named(ctx, thread, order)
    agent, line = _agent_for(ctx, thread, workflow, found.role, order)
    base = thread.position
    if found.base != thread.head:
        base = Position.read(ctx.cache, found.base)
    return NextStep(
        thread,
        workflow,
        _telling(found, words),
        base,
        agent,
        bound_by,
        changed,
        said,
        is_first=not order.has_begun,
        is_woken=order.verb == WOKEN,
        line=line,
    )


def _moved(thread: Thread, cwd: str | None) -> dict[str, str]:
    """The tags of a thread that is to work in the folder `cwd`, and in its worktree no more."""
    if cwd is None:
        return {}
    repo = thread.tags.get(WORKTREE_REPO)
    return {CWD: cwd, **({WORKTREE_REPO: "", WORKTREE_LEFT: repo} if repo else {})}


def _named(ctx: RunContext, thread: Thread, order: Order) -> dict[str, str]:
    """The tag that a command leaves with a thread that it runs: the agent that it names, which the thread's timer then
    repeats wherever it is run. A command line with a secret in it is not kept.
    """
    if order.has_begun or order.verb == WOKEN:
        return {}
    word = order.agent or ""
    if word and word not in ctx.config.agents:
        import shlex

        word = shlex.join(agents.words_of(word))
    if word and ctx.redactor.text(word) != word:
        word = ""
    return {} if word == thread.tags.get(AGENT, "") else {AGENT: word}


def with_what_waits(ctx: RunContext, step: NextStep) -> NextStep:
    """`step`, telling what was said to its thread since it was planned as well."""
    waiting = told.waiting(ctx.store, step.thread.id)
    return replace(step, plan=_telling(step.plan, waiting)) if waiting else step


def _telling(plan: Plan, words: tuple[Word, ...]) -> Plan:
    return replace(plan, told=in_order(plan.told, words)) if words else plan


def _said(thread: Thread, order: Order, waiting: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words of the order: none where they wait already, and are typed again. What its agent was told before it has
    asked a person is no answer to that, though it be the same words.
    """
    text, speaker, pending = order.supplement, order.speaker, thread.pending
    if pending is not None and pending.question is not None:
        waiting = new_to(pending, waiting)
    if text is None or order.verb == POKE or any(word.is_same(text, speaker) for word in waiting):
        return ()
    return (said_by(speaker, text, clock.now_ms()),)


def _decide(
    ctx: RunContext, thread: Thread, order: Order, words: tuple[Word, ...]
) -> Plan | ThreadState:
    """The plan that the order makes, where all these `words` are told; the state that the thread gets where its graph
    has ended.
    """
    clean, workflow = ctx.redactor.text, ctx.cache.workflow(thread.position.workflow)
    try:
        found = _decided(ctx.cache, thread, workflow, order, words)
    except RouteError as error:
        raise PersonNeeded(error.message, reason="preflight_failed", hint=error.hint) from error
    if isinstance(found, ThreadState):
        return found
    return replace(found, instruction=clean(found.instruction), cwd=clean(found.cwd))


def _decided(
    nodes: Nodes, thread: Thread, workflow: Workflow, order: Order, words: tuple[Word, ...]
) -> Plan | ThreadState:
    verb = order.verb
    if verb == POKE:
        poke = transitions.for_poke(nodes, thread, order.supplement or "", order.speaker)
        return poke if CWD not in thread.tags else rebind.placed(nodes, thread, poke, workflow)
    if verb == RETRY:
        transitions.refuse_unfailed(thread)
    changes_it = order.budget is not None or order.cwd is not None
    if verb in (RETRY, WOKEN) or (verb == RESUME and changes_it):
        verb = EXEC if thread.status == IDLE else RESUME
    if verb == RESUME:
        found = transitions.for_resume(nodes, thread, workflow)
    else:
        is_told = order.supplement is not None or bool(new_to(thread.pending, words))
        found = transitions.for_exec(nodes, thread, workflow, is_told=is_told)
    is_same_round = isinstance(found, Plan) and found.round == thread.position.round
    if is_same_round and rebind.is_outdated(nodes, thread, workflow):
        assert isinstance(found, Plan)
        return rebind.replan(nodes, thread, found, workflow)
    if CWD in thread.tags and isinstance(found, Plan):
        return rebind.placed(nodes, thread, found, workflow)
    return found


def again(ctx: RunContext, step: NextStep, thread: Thread) -> NextStep:
    """`step` once more, of the thread as the attempt before has left it: by another agent, if its own must wait."""
    role = step.workflow.roles[step.plan.role]
    agent = agents.first_free(ctx, thread, role, step.agent, step.line)
    return replace(step, thread=thread, agent=agent, said=(), is_first=False)


def _agent_for(
    ctx: RunContext, thread: Thread, workflow: Workflow, role: str, order: Order
) -> tuple[Agent, tuple[str, ...]]:
    """The agent that runs the step now, and those that may run it while one before has reached its limit: none where
    the command has named it. Where there is no agent, one that refuses once the guards before that were asked.
    """
    found = workflow.roles[role]
    try:
        agent = ctx.agent_for(workflow.name, found, order.agent)
        line = agents.line(ctx.config, agent.name) if order.agent is None else ()
        return agents.first_free(ctx, thread, found, agent, line), line
    except Refused as refusal:
        return agents.NoAgent(refusal), ()
