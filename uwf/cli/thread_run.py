"""`uwf thread exec`, `resume` and `poke`: the commands that run agents."""

from __future__ import annotations

from functools import partial

from uwf import quantities
from uwf.cli import exits
from uwf.cli.arguments import text_arg
from uwf.cli.command import THREAD, command, opt
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.app.values import RunView
    from uwf.cli.context import Context

    Run = Callable[..., Iterator[RunView]]
    """A verb of the app that runs a thread, with all but its `stop` and `on_event`."""

SUSPENDED = "suspended"

_COUNT = opt("-c", "--count", help="Take this many steps. [default: 1]", low=1)
_UNTIL_DONE = opt("--until-done", help="Go on until it completes, suspends or fails.")
_AGENT = opt("--agent", complete="agent", help="A configured agent, or a command line in quotes.")
_WAIT = opt(
    "--wait",
    metavar="SECONDS",
    low=0,
    help="Wait this long: for another process that runs it, for a slot, for a pause that ends.",
)


@command(
    "thread exec",
    help="Run the next step of a thread, or several.",
    example="uwf thread exec @last --until-done",
    thread=THREAD,
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
    steps = _steps(count, until_done)
    said = _said(supplement, f"uwf thread exec {thread} --supplement")
    return _run(
        ctx,
        partial(
            ctx.app.exec,
            thread,
            count=steps,
            agent=agent,
            supplement=said,
            workflow=workflow,
            wait_s=wait,
        ),
    )


@command(
    "thread resume",
    help="Go on with a suspended or completed thread, with what a person adds.",
    example="uwf thread resume @last --supplement 'use the second option' --until-done",
    thread=THREAD,
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
    steps = _steps(count, until_done)
    said = _said(supplement, f"uwf thread resume {thread} --supplement")
    more = _budget(budget)
    return _run(
        ctx,
        partial(
            ctx.app.resume,
            thread,
            count=steps,
            agent=agent,
            supplement=said,
            budget=more,
            wait_s=wait,
        ),
    )


@command(
    "thread poke",
    help="Run the head step's role again with a remark; the new step replaces the head.",
    detail="The role sees the reply it is to improve, and goes on in the same session if its agent keeps sessions.",
    example="uwf thread poke @last -p 'shorter, and name the files'",
    thread=THREAD,
    prompt=opt("-p", "--prompt", metavar="TEXT", help="The remark; @FILE or - to read it."),
    agent=_AGENT,
    wait=_WAIT,
)
def poke(
    ctx: Context, thread: str, *, prompt: str, agent: str | None = None, wait: float = 0.0
) -> int:
    remark = _said(prompt, f"uwf thread poke {thread} -p") or ""
    return _run(ctx, partial(ctx.app.poke, thread, remark, agent=agent, wait_s=wait))


def _run(ctx: Context, run: Run) -> int:
    """Run the thread: a line for each step, and a live line meanwhile."""
    from uwf.app.events import Stop
    from uwf.cli.live import Live, signals_to

    stop = Stop()
    code = exits.DONE
    is_warned = False
    with signals_to(stop), Live(ctx.out) as live:
        for line in run(stop=stop, on_event=live.on_event):
            live.pause()
            ctx.out.line(line, id=line.step or "", draw=_sentence(line))
            code = exits.after_step(line)
            if line.step and line.uncounted and not is_warned:
                is_warned = True
                names = ", ".join(line.uncounted)
                ctx.out.warning(f"the usage of {line.role} has {names}; counted are tokens and usd")
            if line.error is not None:
                ctx.out.error(line.error.code, line.error.message, ctx.app.way_on(line.thread))
                ctx.out.note(
                    f"what it said is kept: uwf step show {(line.error.attempt or '')[:16]}"
                )
            elif line.status == SUSPENDED:
                ctx.out.hint(ctx.app.way_on(line.thread))
    return code


def _sentence(line: RunView) -> str:
    """A step for a reader: what was done, and what comes next."""
    if line.error is not None:  # why stands on stderr, once
        return f"{line.role} failed  {(line.error.attempt or '')[:12]}  ({line.status})"
    if line.step is None:
        done = "the graph has ended" if line.role is None else f"{line.role} was ended"
    else:
        done = f"{line.role} → {line.step_status}  {line.step[:12]}"
    if line.status == SUSPENDED:
        return f"{done}\nsuspended: {line.suspend_message}"
    after = f"next: {line.current_role}" if line.current_role else line.status
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
