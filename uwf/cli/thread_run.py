"""`uwf thread exec`, `resume` and `poke`: the commands that run agents."""

from __future__ import annotations

from uwf import quantities
from uwf.agent.stop import Stop
from uwf.cli import exits, wiring
from uwf.cli.command import arg, command, opt
from uwf.cli.text_arg import text_arg
from uwf.engine.chain import thread as threads
from uwf.engine.chain import usage
from uwf.engine.chain.tags import SUSPENDED
from uwf.engine.events import StepDone, StepFailed
from uwf.engine.run import plan, runner
from uwf.errors import InputError, StateError
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from uwf.cli.context import Context
    from uwf.engine.events import StepResult
    from uwf.engine.query.threads import View
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.plan import Order

PATIENCE_S = 60.0
"""For what an agent did is not to be lost because hundreds of others write to the store, too."""

_THREAD = arg("A ULID, 4+ characters of it, or @last.", complete="thread")
_COUNT = opt("-c", "--count", help="Take this many steps. [default: 1]", low=1)
_UNTIL_DONE = opt("--until-done", help="Go on until it completes, suspends or fails.")
_AGENT = opt("--agent", complete="agent", help="A configured agent, or a command line in quotes.")
_WAIT = opt(
    "--wait",
    metavar="SECONDS",
    low=0,
    help="Wait this long: for who runs it, for a place, for a pause that ends.",
)


@command(
    "thread exec",
    help="Run the next step of a thread, or several.",
    example="uwf thread exec @last --until-done",
    thread=_THREAD,
    count=_COUNT,
    until_done=_UNTIL_DONE,
    agent=_AGENT,
    supplement=opt(
        "--supplement",
        metavar="TEXT",
        help="What a person adds to the next prompt; resumes a suspended or completed thread.",
    ),
    wait=_WAIT,
    workflow=opt(
        "--workflow",
        complete="workflow",
        help="Go on with this workflow instead, on the record.",
    ),
)
def exec_(
    ctx: Context,
    thread: str,
    *,
    count: int | None = None,
    until_done: bool = False,
    agent: str | None = None,
    supplement: str | None = None,
    wait: float = 0.0,
    workflow: str | None = None,
) -> int:
    order = plan.Order(
        verb=plan.EXEC,
        count=_steps(count, until_done),
        agent=agent,
        supplement=_said(supplement, f"uwf thread exec {thread} --supplement"),
        wait_s=wait,
    )
    return _run(ctx, thread, order, workflow)


@command(
    "thread resume",
    help="Go on with a suspended or completed thread, with what a person adds.",
    example="uwf thread resume @last --supplement 'use the second option' --until-done",
    thread=_THREAD,
    supplement=opt("--supplement", metavar="TEXT", help="What a person adds to the next prompt."),
    count=_COUNT,
    until_done=_UNTIL_DONE,
    agent=_AGENT,
    wait=_WAIT,
    budget=opt(
        "--budget",
        metavar="[+]K=N[,[+]K=N…]",
        help="Change what the thread may use: +usd=2 adds, usd=7 sets.",
    ),
)
def resume(
    ctx: Context,
    thread: str,
    *,
    supplement: str | None = None,
    count: int | None = None,
    until_done: bool = False,
    agent: str | None = None,
    wait: float = 0.0,
    budget: tuple[str, ...] = (),
) -> int:
    order = plan.Order(
        verb=plan.RESUME,
        count=_steps(count, until_done),
        agent=agent,
        supplement=_said(supplement, f"uwf thread resume {thread} --supplement"),
        budget=_budget(budget),
        wait_s=wait,
    )
    return _run(ctx, thread, order)


@command(
    "thread poke",
    help="Run the head step's role again with a remark; the new step replaces the head.",
    detail="The role sees the reply it is to improve, and goes on in the same session if its agent keeps sessions.",
    example="uwf thread poke @last -p 'shorter, and name the files'",
    thread=_THREAD,
    prompt=opt("-p", "--prompt", metavar="TEXT", help="The remark; @FILE or - to read it."),
    agent=_AGENT,
    wait=_WAIT,
)
def poke(
    ctx: Context, thread: str, *, prompt: str, agent: str | None = None, wait: float = 0.0
) -> int:
    remark = _said(prompt, f"uwf thread poke {thread} -p")
    order = plan.Order(verb=plan.POKE, agent=agent, supplement=remark, wait_s=wait)
    return _run(ctx, thread, order)


def _run(ctx: Context, word: str, order: Order, workflow: str | None = None) -> int:
    """Carry out `order` on the thread that `word` names, bound to `workflow` first if one is given."""
    from uwf.cli.live import Live, signals_to

    ctx.patience_s = PATIENCE_S  # before anything opens the store
    if workflow is not None:
        order = replace(order, rebind=_workflow_id(ctx, workflow))
    id = wiring.thread_ref(ctx, word).name.rpartition("/")[2]
    stop = Stop()
    code = exits.DONE
    is_warned = False
    with signals_to(stop), Live(ctx.out) as live:
        engine = wiring.engine(ctx, live.on_event)
        view = wiring.view(ctx)
        for result in _results(engine, id, order, stop, view):
            live.pause()
            line = view.result(result)
            ctx.out.line(
                line, id=result.step if isinstance(result, StepDone) else "", draw=_sentence(line)
            )
            code = _exit_code(result)
            if isinstance(result, StepDone) and not is_warned and usage.says_nothing(line["usage"]):
                is_warned = True
                names = ", ".join(line["usage"])
                ctx.out.warning(
                    f"the usage of {result.role} has {names}; counted are tokens and usd"
                )
            if isinstance(result, StepFailed):
                _tell_failure(ctx, line, view.way_on(result.thread))
            elif result.thread.status == SUSPENDED:
                ctx.out.hint(view.way_on(result.thread))
    return code


def _results(
    engine: RunContext, id: str, order: Order, stop: Stop, view: View
) -> Iterator[StepResult]:
    """`advance.run`; a suspended thread has the same hint here as when it was suspended."""
    try:
        yield from runner.run(engine, id, order, stop)
    except StateError as error:
        if error.code == SUSPENDED:
            error.hint = view.way_on(threads.current(engine.store, engine.cache, id))
        raise


def _exit_code(result: StepResult) -> int:
    if isinstance(result, StepFailed):
        return exits.AGENT_FAILED
    return exits.SUSPENDED if result.thread.status == SUSPENDED else exits.DONE


def _tell_failure(ctx: Context, line: dict[str, Any], way_on: str) -> None:
    error = line["error"]
    ctx.out.error(error["code"], error["message"], way_on)
    ctx.out.note(f"what it said is kept: uwf step show {error['attempt'][:16]}")


def _sentence(line: dict[str, Any]) -> str:
    """A step for a reader: what was done, and what comes next."""
    if line["error"] is not None:  # why stands on stderr, once
        return f"{line['role']} failed  {line['error']['attempt'][:12]}  ({line['status']})"
    if line["step"] is None:
        done = "the graph has ended" if line["role"] is None else f"{line['role']} was ended"
    else:
        done = f"{line['role']} → {line['stepStatus']}  {line['step'][:12]}"
    if line["status"] == SUSPENDED:
        return f"{done}\nsuspended: {line['suspendMessage']}"
    after = f"next: {line['currentRole']}" if line["currentRole"] else line["status"]
    return f"{done}  ({after})"


def _steps(count: int | None, until_done: bool) -> int | None:
    if until_done and count is not None:
        raise InputError(
            "--count and --until-done exclude each other",
            hint="uwf thread exec THREAD --until-done",
            code="usage",
        )
    return None if until_done else count or 1


def _said(supplement: str | None, typed: str) -> str | None:
    """The text of an option; `typed` is the command up to it."""
    if supplement is None:
        return None
    text = text_arg(supplement)
    if not text.strip():
        raise InputError("the text is empty: there is nothing to add", hint=f"{typed} 'TEXT'")
    return text


def _budget(parts: tuple[str, ...]) -> str | None:
    """What was said about the budget, once it is certain that it can be read."""
    if not parts:
        return None
    text = ",".join(parts)
    quantities.raised_budget(dict.fromkeys(quantities.NAMES, 1.0), text)
    return text


def _workflow_id(ctx: Context, word: str) -> str:
    from uwf.engine.query import workflows
    from uwf.workflow import model

    store = ctx.store()
    found = workflows.find(store, word, wiring.folder(None))
    for warning in found.warnings:
        ctx.out.warning(warning.plain)
    with store.transaction() as tx:
        return tx.put("workflow", model.to_payload(found.workflow))
