"""A thread at a glance: a line for each thing that can be said of it, what matters first."""

from __future__ import annotations

from uwf.cli.screen.cells import Cell, number, short
from uwf.cli.thread.words import FAILURE, failed, labels, left_behind, marked, superseded, wakes
from uwf.display.threads import spent
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import Path, ThreadView
    from uwf.cli.context import Context
    from uwf.display.times import Times

MOST_TOLD = 3
"""Of the words that wait as many are shown to a reader; --json has all."""


def draw(ctx: Context, thread: ThreadView, *, verbose: bool) -> None:
    """Print it; where it is `verbose`, with the ids of objects."""
    has_way = thread.is_readable and (thread.steps or thread.failed is not None)
    way = ctx.app.path(thread.thread) if has_way else None
    used = max(_shares(thread), default=None)
    ctx.out.fields(
        _fields(ctx, thread, way, verbose=verbose), None if used is None else {"spent": used}
    )


def kept_reply(thread: ThreadView) -> str:
    """Where the reply of the thread is that could not be stored, and whether that is all of it."""
    if not thread.kept_reply_is_cut:
        return thread.kept_reply or ""
    return f"{thread.kept_reply}, only its beginning: there was no room for all, and its agent will be asked again"


def next_try(ctx: Context, thread: ThreadView) -> str:
    """When the step whose attempts failed is tried again, or what a person has to type for that."""
    if thread.failed is None or thread.failed.is_question:
        return ""
    if thread.running is not None:
        return f"now, in {thread.running.process}"
    if thread.wake_at is not None:
        return f"{ctx.times.due(thread.wake_at)}, or {_way_on(ctx, thread)}"
    is_open = thread.status in ("idle", "suspended")
    return f"by hand: {_way_on(ctx, thread)}" if is_open else ""


def answer_to(ctx: Context, thread: ThreadView) -> str:
    """What a person has to type to whom an agent asks for a permission."""
    is_asked = thread.failed is not None and thread.failed.is_question
    return _way_on(ctx, thread) if is_asked and thread.running is None else ""


def _way_on(ctx: Context, thread: ThreadView) -> str:
    return ctx.in_short(ctx.app.way_on(thread.thread))


def _fields(
    ctx: Context, thread: ThreadView, way: Path | None, *, verbose: bool
) -> dict[str, str | Cell]:
    times = ctx.times
    return {
        "thread": Cell(thread.thread, tail=ctx.short_ids([thread.thread])[thread.thread]),
        "title": thread.title or "",
        "status": marked(thread) if ctx.out.on_terminal else thread.state,
        "suspended": _suspended(thread),
        "failed": failed(thread, times),
        "next try": next_try(ctx, thread),
        "answer": answer_to(ctx, thread),
        "running": _running(thread, times),
        "waiting": _waiting(thread, times),
        "wakes": "" if thread.failed else wakes(thread, times),
        "unserved": _unserved(thread, times),
        "told": _told(thread, times),
        "left": ctx.in_short(left_behind(thread)),
        "late": superseded(thread, times),
        "kept": kept_reply(thread),
        "workflow": _workflow(thread, verbose=verbose),
        "task": short(thread.prompt or "", 200),
        "path": "" if way is None else _path(thread, way),
        "steps": f"{number(thread.steps)} in {_rounds(thread)}",
        "next": thread.current_role or "",
        "attempts": "" if way is None else _attempts(way),
        "spent": spent(thread),
        "usage": _usage(thread) if verbose else "",
        "cwd": thread.cwd or "",
        "worktree": _worktree(thread),
        "host": thread.host or "",
        "forked": _forked(ctx, thread, verbose=verbose),
        "labels": labels(thread),
        "priority": str(thread.priority) if thread.priority else "",
        "place": thread.place or "",
        "begun": times.moment(thread.started_at),
        "updated": times.moment(thread.updated_at),
        "completed": times.moment(thread.completed_at),
        "because": thread.end_reason or "",
        "head": thread.head if verbose else "",
    }


def _suspended(thread: ThreadView) -> str:
    """Who asks what. Of a failure the next line tells, unless it cuts the message."""
    role, message = thread.suspended_role or "", thread.suspend_message
    if not message:
        return ""
    is_told = thread.failed is not None and thread.failed.message == message
    return role if is_told and len(message) <= FAILURE else f"{role}: {message}"


def _unserved(thread: ThreadView, times: Times) -> str:
    """Since when no machine could run it, and why."""
    since = thread.unserved_since
    return "" if since is None else f"{thread.unserved}, since {times.moment(since)}"


def _shares(thread: ThreadView) -> list[float]:
    """How much is used of each thing that is limited."""
    used = thread.spent or {}
    return [used.get(name, 0) / limit for name, limit in (thread.budget or {}).items() if limit]


def _workflow(thread: ThreadView, *, verbose: bool) -> str:
    name = thread.workflow_name or "?"
    return f"{name} ({(thread.workflow or '?')[:12]})" if verbose else name


def _rounds(thread: ThreadView) -> str:
    return "? rounds" if thread.rounds is None else counted(thread.rounds, "round")


def _path(thread: ThreadView, way: Path) -> str:
    """`writer → written → reviewer`: each role with the status that it gave, then who is next."""
    parts = [f"… {counted(way.earlier, 'step')}"] if way.earlier else []
    round = way.visits[0].round if way.visits else 1
    for visit in way.visits:
        if visit.round != round:
            round = visit.round
            parts[-1] += f"; round {round}: {visit.role}"
        else:
            parts.append(visit.role)
        parts.append(visit.status)
    if thread.done and parts:
        parts.append("$END")
    elif thread.current_role and parts:
        parts.append(thread.current_role)
    return " → ".join(parts)


def _usage(thread: ThreadView) -> str:
    """What its agents say that it used."""
    from uwf.display import numbers

    return numbers.amounts(thread.usage)


def _attempts(way: Path) -> str:
    """Those that came to no step, by their class."""
    said = ", ".join(f"{many} {code}" for code, many in way.failures.items())
    lately = f", in the last {counted(len(way.visits), 'step')}" if way.earlier else ""
    return f"without a step: {said}{lately}" if said else ""


def _forked(ctx: Context, thread: ThreadView, *, verbose: bool) -> str:
    origin = thread.forked_from
    if origin is None:
        return ""
    at = f" at {(origin.step or '?')[:12]}" if verbose else ""
    return f"from {ctx.short_ids([origin.thread])[origin.thread]}{at}"


def _worktree(thread: ThreadView) -> str:
    """Its branch, and what became of its work."""
    tree = thread.worktree
    if tree is None:
        return ""
    onto = f", for {tree.onto}" if tree.onto else ""
    merged = f", brought in with {tree.merged[:12]}" if tree.merged else ""
    return f"branch {tree.branch}{onto}{merged}"


def _told(thread: ThreadView, times: Times) -> str:
    """What waits for the next step: who says it, when, and how it begins; of many the newest."""
    words = thread.told or ()
    said = [
        f"{word.speaker}, {times.moment(word.at)}: {short(word.text, 100)}"
        for word in words[-MOST_TOLD:]
    ]
    more = len(words) - len(said)
    return "; ".join([f"{number(more)} more"] * bool(more) + said)


def _waiting(thread: ThreadView, times: Times) -> str:
    waiting, running = thread.waiting, thread.running
    if waiting is None or running is None:
        return ""
    since = times.moment(waiting.since)
    return f"for a slot since {since}, number {waiting.position} in the queue, {running.process}"


def _running(thread: ThreadView, times: Times) -> str:
    running = thread.running
    if running is None or thread.waiting is not None:
        return ""
    since = f", since {times.moment(running.since)}" if running.since else ""
    what = "starting" if running.role is None else f"{running.role}, {running.agent}{since}"
    return f"{running.process}, {what}"
