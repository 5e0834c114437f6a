"""`uwf thread stop`, `cancel`, `fork` and `undo`: what a person does to a thread."""

from __future__ import annotations

from uwf import points
from uwf.cli import wiring
from uwf.cli.command import arg, command, opt
from uwf.cli.text_arg import text_arg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context
    from uwf.engine.chain.nodes import Plan
    from uwf.engine.events import Event
    from uwf.store.protocols import Ref

_THREAD = arg("A ULID, 4+ characters of it, or @last.", complete="thread")


@command(
    "thread stop",
    help="End what runs on a thread now; the thread stays as it is.",
    detail="The agent gets SIGTERM, limits.grace later SIGKILL. Its unfinished attempt is kept. What a killed run has "
    "left behind is ended as well.",
    example="uwf thread stop @last",
    thread=_THREAD,
)
def stop(ctx: Context, thread: str) -> None:
    from uwf.cli.thread_show import answer

    ref = wiring.thread_ref(ctx, thread)
    pid = _end_run(ctx, ref)
    left = _end_what_was_left(ctx, ref)
    if pid is not None:
        ctx.out.note(f"stopped process {pid}")
    elif left:
        ctx.out.note(f"stopped what a killed run had left behind ({', '.join(map(str, left))})")
    else:
        ctx.out.note("nothing was running")
    answer(ctx, _fresh(ctx, ref))


@command(
    "thread cancel",
    help="End a thread for good. What runs is stopped first.",
    example="uwf thread cancel @last --reason 'the issue was closed'",
    thread=_THREAD,
    reason=opt("--reason", metavar="TEXT", help="Why; kept with the thread."),
)
def cancel(ctx: Context, thread: str, *, reason: str | None = None) -> None:
    from uwf.cli.thread_show import answer
    from uwf.engine.actions import lifecycle
    from uwf.engine.chain import thread as threads
    from uwf.engine.run import lock, recovery

    said = None if reason is None else wiring.redactor(ctx).text(text_arg(reason).strip())
    ref = wiring.thread_ref(ctx, thread)
    engine = wiring.engine(ctx, lambda event: None)
    id = ref.name.rpartition("/")[2]
    lifecycle.refuse_ended(threads.current(engine.store, engine.cache, id))
    _end_run(ctx, ref)
    points.at("cancel: run ended")
    with lock.hold(engine, id, wait_s=1.0):
        recovery.recover(engine, id)
        lifecycle.cancel(engine.store, threads.current(engine.store, engine.cache, id), said)
    answer(ctx, _fresh(ctx, ref))


@command(
    "thread fork",
    help="Begin a new thread that shares all history up to a step.",
    detail="What a person added at a thread's head, for a step that has not come about, is told in its fork as well.",
    example="uwf thread fork @last~2 -p 'try it without the cache'",
    step=arg("A step, or a thread, which stands for its head.", metavar="STEP", complete="step"),
    prompt=opt("-p", "--prompt", metavar="TEXT", help="What a person adds to the next prompt."),
)
def fork(ctx: Context, step: str, *, prompt: str | None = None) -> None:
    from uwf.engine.actions import fork
    from uwf.engine.chain.tags import FORKED_STEP, FORKED_THREAD
    from uwf.engine.query import resolve

    node, source = resolve.forkable(ctx.reader(), step)
    said = None if prompt is None else wiring.redactor(ctx).text(text_arg(prompt))
    thread = fork.fork(ctx.store(), node, source, said or None)
    origin = {
        "thread": thread.tags[FORKED_THREAD],
        "step": thread.tags[FORKED_STEP],
    }
    ctx.out.answer(
        {"thread": thread.id, "forkedFrom": origin, "head": thread.head, "status": thread.status},
        ids=[thread.id],
        draw=f"{thread.id}  {thread.status}, forked from {origin['thread']} "
        f"at {origin['step'][:12]}",
    )
    if thread.plan is not None and thread.plan.supplement != said:
        _tell_waiting(ctx, thread.plan)
    verb = "exec" if thread.status == "idle" else "resume"
    ctx.out.hint(f"uwf thread {verb} {thread.id}")


@command(
    "thread undo",
    help="Move a thread's head back to where it was before; a cancelled thread becomes what it was.",
    detail="Undoing again goes back further. The steps that were left stay in the store: see `uwf ref log`. What a "
    "person added for a step that has not come about waits for the one that is next then. What was used stays spent.",
    example="uwf thread undo @last",
    thread=_THREAD,
)
def undo(ctx: Context, thread: str) -> None:
    from uwf.cli.thread_show import answer
    from uwf.engine.actions import undo
    from uwf.engine.chain import thread as threads
    from uwf.engine.run import lock, recovery

    ref = wiring.thread_ref(ctx, thread)
    engine = wiring.engine(ctx, lambda event: None)
    id = ref.name.rpartition("/")[2]
    with lock.hold(engine, id):
        recovery.recover(engine, id)
        lost = undo.undo(engine.store, threads.current(engine.store, engine.cache, id))
        plan = threads.current(engine.store, engine.cache, id).plan
    if lost is not None:
        ctx.out.warning(f"nothing can run here, so this waits for no step any more: {lost}")
        ctx.out.hint(f"uwf thread exec {id} --workflow FILE --supplement TEXT")
    elif plan is not None and plan.supplement is not None:
        _tell_waiting(ctx, plan)
    answer(ctx, _fresh(ctx, ref))


def _tell_waiting(ctx: Context, plan: Plan) -> None:
    """Say what a person had added, and to whom it will be told."""
    from uwf.cli.columns import short

    ctx.out.note(
        f"{plan.role} will be told what was added before: {short(plan.supplement or '', 200)}"
    )


def _end_run(ctx: Context, ref: Ref) -> int | None:
    """Stop what runs the thread, with time for the agent's ladder. The pid that ran it, None if nobody did."""
    from uwf.engine.actions import stop as control

    patience_s = ctx.config.limits.grace_s + 5.0
    return control.stop(ctx.home, ref.name.rpartition("/")[2], patience_s=patience_s)


def _end_what_was_left(ctx: Context, ref: Ref) -> tuple[int, ...]:
    """Settle what a killed run left behind, unless the thread is run again already. The pids that were ended."""
    from uwf.engine.events import Recovered
    from uwf.engine.run import lock, recovery
    from uwf.errors import Busy

    ended: list[int] = []

    def note(event: Event) -> None:
        if isinstance(event, Recovered):
            ended.extend(event.ended_pids)

    engine = wiring.engine(ctx, note)
    id = ref.name.rpartition("/")[2]
    try:
        with lock.hold(engine, id):
            recovery.recover(engine, id)
    except Busy:
        return ()
    return tuple(ended)


def _fresh(ctx: Context, ref: Ref) -> Ref:
    return wiring.thread_ref(ctx, ref.name.rpartition("/")[2])
