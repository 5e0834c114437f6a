"""`uwf thread start`."""

from __future__ import annotations

from functools import partial

from uwf import quantities
from uwf.cli import exits
from uwf.cli.command import arg, command, opt
from uwf.cli.line.arguments import label_pair, text_arg
from uwf.cli.thread import run_one
from uwf.cli.thread.due import WHO_RUNS
from uwf.cli.thread.run import AGENT, INTERACTIVE, WAIT
from uwf.cli.thread.selection import DETACH
from uwf.errors import InputError
from uwf.jsontext import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context


@command(
    "thread start",
    help="Begin a thread: one run of a workflow.",
    detail="Nothing runs until `thread exec`. With -c or --until-done it is run at once, and what follows is "
    "printed, and is the exit code, as by "
    "`thread exec`; --json is JSON Lines then, the new thread first. With --worktree it works on a branch of its own, "
    "in a copy of the repository's files as they were committed last: `uwf thread merge` brings its work in.",
    example="uwf thread start review -p @task.md --label repo=shop --until-done",
    workflow=arg("An object id, a YAML path, or a workflow's name.", complete="workflow"),
    prompt=opt("-p", "--prompt", metavar="TEXT", help="The task; @FILE or - (stdin) to read it."),
    cwd=opt(
        "--cwd", metavar="DIR", complete="folders", help="Where its agents work. [default: here]"
    ),
    worktree=opt(
        "--worktree",
        metavar="[BRANCH]",
        bare=True,
        complete="branches",
        help="In a git worktree of its own. [default: config workspace.kind]",
    ),
    label=opt("--label", metavar="K=V", help="A label to find it by; may be repeated."),
    priority=opt("--priority", help="Higher goes first when threads wait for a slot."),
    place=opt(
        "--place",
        metavar="PLACE",
        help="Where it may run, of many machines: host:NAME or label:NAME.",
    ),
    budget=opt(
        "--budget",
        metavar="K=N[,K=N...]",
        help="What it may use: tokens=2M,usd=5,steps=40,time=2h.",
    ),
    count=opt("-c", "--count", help="Run it, this many steps.", low=1),
    until_done=opt("--until-done", help="Run it until it completes, suspends or fails."),
    agent=AGENT,
    wait=WAIT,
    interactive=INTERACTIVE,
    detach=DETACH,
    wake=opt("--wake", help="Let it be due at once: a daemon, or `thread run --due`, runs it."),
)
def start(
    ctx: Context,
    workflow: str,
    *,
    prompt: str,
    cwd: str | None = None,
    worktree: str | None = None,
    label: tuple[str, ...] = (),
    priority: int = 0,
    place: str | None = None,
    budget: tuple[str, ...] = (),
    count: int | None = None,
    until_done: bool = False,
    agent: str | None = None,
    wait: float = 0.0,
    interactive: bool = False,
    detach: bool = False,
    wake: bool = False,
) -> int:
    steps = run_one.steps(count, until_done, "uwf thread start WORKFLOW -p TEXT")
    is_run = until_done or count is not None
    if not is_run and (agent is not None or wait or detach or interactive):
        raise InputError(
            "--agent, --wait, --detach and --interactive say how it is run: say how far as well",
            hint="uwf thread start WORKFLOW -p TEXT --until-done",
            code="usage",
        )
    if is_run and wake:
        raise InputError(
            "--wake leaves the running to others: without -c and --until-done",
            hint="uwf thread start WORKFLOW -p TEXT --wake",
            code="usage",
        )
    if detach:
        from uwf.cli.thread import detached, respawn

        detached.check(ctx)
    thread = ctx.app.start(
        workflow,
        text_arg(prompt),
        cwd=cwd,
        labels=dict(
            label_pair(word, "uwf thread start WORKFLOW -p TEXT --label ") for word in label
        ),
        priority=priority,
        budget=quantities.parse_budget(",".join(budget)) if budget else {},
        wakes=wake,
        worktree=worktree,
        place=place,
    )
    id = thread.thread
    begun: dict[str, Any] = document(thread.begun)
    drawn = f"{id}  {thread.workflow_name}, idle"
    if thread.worktree is not None:
        ctx.out.note(f"worktree {thread.worktree.path} on branch {thread.worktree.branch}")
    if not is_run:
        ctx.out.answer(begun, ids=[id], draw=f"{drawn}, due now" if wake else drawn)
        if not wake:
            ctx.out.hint(f"uwf thread exec {id}")
        elif ctx.app.daemon.of_all() is None:
            ctx.out.hint(WHO_RUNS)
        return exits.DONE
    if not detach:
        ctx.out.line(begun, id=id, draw=drawn)
        run = partial(ctx.app.exec, id, count=steps, agent=agent, wait_s=wait)
        return run_one.run(ctx, run, interactive=interactive)
    options = {
        "count": count,
        "until_done": until_done,
        "agent": agent,
        "wait": wait,
        "interactive": interactive,
    }
    words = partial(respawn.exec_words, {name: given for name, given in options.items() if given})
    code = detached.run(ctx, [id], words, waits=wait > 0, begun=begun)
    if code:  # the thread is there all the same
        ctx.out.line(begun, id=id, draw=drawn)
    return code
