"""`uwf thread exec`, `resume`, `retry` and `poke`: the commands that run agents."""

from __future__ import annotations

from functools import partial

from uwf.cli.command import THREAD, VERBOSE, command, opt
from uwf.cli.thread import run_one
from uwf.cli.thread.selection import (
    DETACH,
    DRY_RUN,
    JOBS,
    LABEL,
    OF_SEVERAL,
    THREADS,
    WHERE,
    Chosen,
)
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.app.values import RunView
    from uwf.cli.context import Context

COUNT = opt("-c", "--count", help="Take this many steps. [default: 1]", low=1)
UNTIL_DONE = opt("--until-done", help="Go on until it completes, suspends or fails.")
AGENT = opt("--agent", complete="agent", help="A configured agent, or a command line in quotes.")
WAIT = opt(
    "--wait",
    metavar="DURATION",
    low=0,
    is_time=True,
    help="Wait this long, in seconds or as in 2h: for another process that runs it, for a slot, for what time alone "
    "cures.",
)

INTERACTIVE = opt(
    "--interactive",
    help="A person waits for it: there are limits.seats slots more. [default: at a terminal]",
)


class How(Record):
    """How the threads are run, whatever verb runs them."""

    detach: bool
    waits: bool
    interactive: bool
    verbose: bool


@command(
    "thread exec",
    help="Run the next step of a thread, or more of them.",
    detail=f"{OF_SEVERAL} With --wait it joins a process that runs the thread: what it adds is told to the next step, "
    "and one step answers all that have asked for one.",
    example="uwf thread exec @last --until-done",
    thread=THREADS,
    where=WHERE,
    label=LABEL,
    dry_run=DRY_RUN,
    jobs=JOBS,
    detach=DETACH,
    count=COUNT,
    until_done=UNTIL_DONE,
    agent=AGENT,
    supplement=opt(
        "--supplement",
        metavar="TEXT",
        help="What a person adds to the next prompt; resumes a suspended or completed thread.",
    ),
    wait=WAIT,
    interactive=INTERACTIVE,
    verbose=VERBOSE,
    workflow=opt(
        "--workflow",
        complete="workflow",
        help="Go on with this workflow instead, on the record.",
    ),
    due=opt(
        "--due",
        help="Only if it is due: go on by itself, also where it is suspended or completed.",
    ),
)
def exec_(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
    dry_run: bool = False,
    jobs: int | None = None,
    detach: bool = False,
    count: int | None = None,
    until_done: bool = False,
    agent: str | None = None,
    supplement: str | None = None,
    wait: float = 0.0,
    interactive: bool = False,
    verbose: bool = False,
    workflow: str | None = None,
    due: bool = False,
) -> int:
    how = How(detach, wait > 0, interactive, verbose)
    chosen = Chosen(
        "exec", thread, where, dry_run, jobs, labels=label, statuses="all" if due else ("idle",)
    )
    if due:
        if supplement is not None or workflow is not None:
            raise InputError(
                "--due goes on with what there is: without --supplement and --workflow",
                hint=f"{chosen.typed} --due --until-done",
                code="usage",
            )
        steps = run_one.steps(count, until_done, chosen.typed)
        go_on = partial(ctx.app.wakes.run, count=steps, agent=agent, wait_s=wait)
        return _run(ctx, chosen, go_on, how)
    said = run_one.said(supplement, f"{chosen.typed} --supplement")
    run = partial(
        ctx.app.exec,
        count=run_one.steps(count, until_done, chosen.typed),
        agent=agent,
        supplement=said,
        workflow=workflow,
        wait_s=wait,
    )
    return _run(ctx, chosen, run, how, said)


@command(
    "thread resume",
    help="Go on with a suspended or completed thread.",
    detail=OF_SEVERAL,
    example="uwf thread resume @last --supplement 'use the second option' --until-done",
    thread=THREADS,
    where=WHERE,
    label=LABEL,
    dry_run=DRY_RUN,
    jobs=JOBS,
    detach=DETACH,
    supplement=opt("--supplement", metavar="TEXT", help="What a person adds to the next prompt."),
    count=COUNT,
    until_done=UNTIL_DONE,
    agent=AGENT,
    wait=WAIT,
    interactive=INTERACTIVE,
    verbose=VERBOSE,
    budget=opt(
        "--budget",
        metavar="[+]K=N[,[+]K=N...]",
        help="Change what the thread may use: +usd=2 adds, usd=7 sets.",
    ),
    cwd=opt("--cwd", metavar="DIR", complete="folders", help="Where its agents work from now on."),
)
def resume(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
    dry_run: bool = False,
    jobs: int | None = None,
    detach: bool = False,
    supplement: str | None = None,
    count: int | None = None,
    until_done: bool = False,
    agent: str | None = None,
    wait: float = 0.0,
    interactive: bool = False,
    verbose: bool = False,
    budget: tuple[str, ...] = (),
    cwd: str | None = None,
) -> int:
    how = How(detach, wait > 0, interactive, verbose)
    chosen = Chosen("resume", thread, where, dry_run, jobs, labels=label, statuses=("suspended",))
    said = run_one.said(supplement, f"{chosen.typed} --supplement")
    run = partial(
        ctx.app.resume,
        count=run_one.steps(count, until_done, chosen.typed),
        agent=agent,
        supplement=said,
        budget=run_one.budget(budget),
        cwd=cwd,
        wait_s=wait,
    )
    return _run(ctx, chosen, run, how, said)


@command(
    "thread retry",
    help="Try a step again that has failed.",
    detail="Only threads whose last attempt has failed are tried again; all others are refused. "
    + OF_SEVERAL,
    example="uwf thread retry --where class=network --until-done --jobs 3",
    thread=THREADS,
    where=WHERE,
    label=LABEL,
    dry_run=DRY_RUN,
    jobs=JOBS,
    detach=DETACH,
    count=COUNT,
    until_done=UNTIL_DONE,
    agent=AGENT,
    wait=WAIT,
    interactive=INTERACTIVE,
    verbose=VERBOSE,
)
def retry(
    ctx: Context,
    thread: tuple[str, ...] = (),
    *,
    where: tuple[str, ...] = (),
    label: tuple[str, ...] = (),
    dry_run: bool = False,
    jobs: int | None = None,
    detach: bool = False,
    count: int | None = None,
    until_done: bool = False,
    agent: str | None = None,
    wait: float = 0.0,
    interactive: bool = False,
    verbose: bool = False,
) -> int:
    how = How(detach, wait > 0, interactive, verbose)
    chosen = Chosen(
        "retry",
        thread,
        where,
        dry_run,
        jobs,
        labels=label,
        statuses=("idle", "suspended"),
        failed=True,
    )
    steps = run_one.steps(count, until_done, chosen.typed)
    run = partial(ctx.app.retry, count=steps, agent=agent, wait_s=wait)
    return _run(ctx, chosen, run, how)


@command(
    "thread poke",
    help="Run the head step's role again with a remark.",
    detail="The new step replaces the head. The role sees the reply it is to improve, and goes on in the same "
    "session if its agent keeps sessions.",
    example="uwf thread poke @last -p 'shorter, and name the files'",
    thread=THREAD,
    prompt=opt("-p", "--prompt", metavar="TEXT", help="The remark; @FILE or - to read it."),
    agent=AGENT,
    wait=WAIT,
    interactive=INTERACTIVE,
    verbose=VERBOSE,
)
def poke(
    ctx: Context,
    thread: str,
    *,
    prompt: str,
    agent: str | None = None,
    wait: float = 0.0,
    interactive: bool = False,
    verbose: bool = False,
) -> int:
    remark = run_one.said(prompt, f"uwf thread poke {thread} -p") or ""
    run = partial(ctx.app.poke, thread, remark, agent=agent, wait_s=wait)
    return run_one.run(ctx, run, interactive=interactive, verbose=verbose)


def _run(
    ctx: Context,
    chosen: Chosen,
    run: Callable[..., Iterator[RunView]],
    how: How,
    text: str | None = None,
) -> int:
    """Run each of the threads that were chosen; `run` takes one of them. `text` is what was said."""
    if how.detach and chosen.jobs is not None:
        raise InputError(
            "--detach and --jobs exclude each other: what is detached runs on at once",
            hint=f"{chosen.typed} --detach --wait 3600",
            code="usage",
        )

    def go_on_alone(ids: list[str]) -> int:
        from uwf.cli.thread import detached, respawn

        return detached.run(ctx, ids, partial(respawn.words, ctx), waits=how.waits, text=text)

    def run_here(id: str) -> int:
        return run_one.run(ctx, partial(run, id), interactive=how.interactive, verbose=how.verbose)

    return chosen.each(ctx, run_here, text, go_on_alone if how.detach else None)
