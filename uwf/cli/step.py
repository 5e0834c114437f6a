"""`uwf step`: the steps of a thread, their prompts, replies and turns."""

from __future__ import annotations

from uwf.cli.command import NO_PAGER, THREAD, arg, command, opt
from uwf.cli.screen.cells import Cell, in_words
from uwf.cli.thread.fields import answer_to, next_try
from uwf.display import numbers, times
from uwf.display import turns as said

TEXTS = ("supplement", "instruction", "body")
"""Fields of a step that are Markdown."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app.values import AttemptPage, FailureView, StepPage, StepRow, TurnRow, TurnView
    from uwf.cli.context import Context

_STEP = arg(
    "An id, also of a failed attempt; THREAD~N, THREAD/role@N, or a thread for its last step, else attempt.",
    metavar="STEP",
    complete="step",
)


@command(
    "step list",
    help="List the steps of a thread, oldest first.",
    detail="Attempts that failed are among them, with when and why.",
    example="uwf step list @last",
    times=True,
    thread=THREAD,
)
def list_(ctx: Context, thread: str) -> None:
    rows = ctx.app.steps.all(thread)
    failed = () if ctx.json or ctx.quiet else ctx.app.steps.failed(thread)
    columns = ["step", "#", "round", "role", "status", "took", "tries", "agent"]
    if failed or any(row.failures for row in rows):
        columns.append("failed")
    cells = [line for row in rows for line in (*_of_failures(ctx, row.failures), _cells(ctx, row))]
    cells += _of_failures(ctx, failed)
    ctx.out.answer(
        rows,
        ids=[row.step for row in rows],
        draw=lambda: ctx.out.table(
            columns,
            [line[: len(columns)] for line in cells],
            cut=("agent", "failed"),
            spare=("tries", "round", "took", "agent"),
        ),
    )
    if failed:
        shown = ctx.app.show(thread)
        answer = answer_to(ctx, shown)
        ctx.out.note(f"answer: {answer}" if answer else f"next try {next_try(ctx, shown)}")
        ctx.out.hint(f"uwf step show {failed[-1].attempt[:16]}")
    elif not rows:
        ctx.out.note("the thread has no step yet")


@command(
    "step show",
    help="Show one step: prompt, reply, turns, failed attempts.",
    detail="A thread without a step stands for its last attempt. Of a failed attempt it shows why, how its process "
    "ended, its stderr and what was said.",
    example="uwf step show @last~1",
    times=True,
    step=_STEP,
    no_pager=NO_PAGER,
)
def show(ctx: Context, step: str, *, no_pager: bool = False) -> None:
    from uwf.app.thread.steps import StepPage

    found = ctx.app.steps.show(step)
    if not isinstance(found, StepPage):
        _show_attempt(ctx, found, paged=not no_pager)
        return
    ctx.out.answer(found, ids=[found.step], draw=lambda: _draw_step(ctx, found), paged=not no_pager)
    if not (
        ctx.json or ctx.quiet or found.step.startswith(step.lower()) or "~" in step or "/" in step
    ):
        _note_later_attempt(ctx, step)


def _draw_step(ctx: Context, step: StepPage) -> None:
    """A line for each field; on a terminal the texts below them, as Markdown."""
    fields = _fields(ctx, step)
    texts = {name: fields.pop(name) for name in TEXTS} if ctx.out.on_terminal else {}
    ctx.out.fields(fields)
    for name, text in texts.items():
        if text:
            ctx.out.write("\n")
            ctx.out.markdown(f"## {name.capitalize()}\n\n{text}")


def _note_later_attempt(ctx: Context, thread: str) -> None:
    """That an attempt has failed since the last step of a thread, which a person may have looked for."""
    failed = ctx.app.steps.failed(thread)
    if failed:
        ctx.out.note(f"since then {failed[-1].code}, {in_words(failed[-1], ctx.times)}")
        ctx.out.hint(f"uwf step show {failed[-1].attempt[:16]}")


@command(
    "step read",
    help="Read one step as Markdown, with the prompt it got.",
    example="uwf step read @last",
    times=True,
    step=_STEP,
    no_pager=NO_PAGER,
)
def read(ctx: Context, step: str, *, no_pager: bool = False) -> None:
    from uwf.cli.thread.read import answer_page

    answer_page(ctx, ctx.app.steps.read(step, ctx.when), paged=not no_pager)


@command(
    "step turns",
    help="Show what the agents of a thread said, turn by turn.",
    detail="Failed attempts included.",
    example="uwf step turns @last --step @last~1",
    times=True,
    thread=THREAD,
    step=opt("--step", metavar="STEP", complete="step", help="Only the turns of this step."),
    no_pager=NO_PAGER,
)
def turns(ctx: Context, thread: str, *, step: str | None = None, no_pager: bool = False) -> None:
    rows = ctx.app.steps.turns(thread, step)
    ctx.out.answer(
        rows,
        ids=[row.turn for row in rows],
        draw=lambda: _draw_turns(ctx, rows),
        paged=not no_pager,
    )
    if not rows:
        ctx.out.note("no agent has said anything yet")
        failed = None if step is not None else ctx.app.steps.last_attempt(thread)
        if failed is not None:
            ctx.out.hint(f"uwf step show {failed[:16]}")


def _draw_turns(ctx: Context, rows: Sequence[TurnRow]) -> None:
    """Each turn below a line that says whose it is. On a terminal tools read well; elsewhere all is as it came."""
    if not ctx.out.on_terminal:
        ctx.out.text("\n".join(f"{_heading(ctx, row)}\n{row.text}" for row in rows))
        return
    for number, row in enumerate(rows):
        if number:
            ctx.out.write("\n")
        ctx.out.painted(_heading(ctx, row), bold=True)
        for line in said.lines(row.kind, row.text):
            ctx.out.painted(line, said.COLOURS.get(row.kind, ""))


def _heading(ctx: Context, row: TurnRow) -> str:
    where = f"step {row.index}" if row.step else f"attempt {row.number}, {row.outcome}"
    return f"— {row.role}, {where}, {_speaker(row)}, {ctx.times.moment(row.at)}"


def _show_attempt(ctx: Context, found: AttemptPage, *, paged: bool) -> None:
    came_to = "asks" if found.error.is_question else "failed"
    fields: dict[str, str | Cell] = {
        "attempt": found.attempt,
        "thread": Cell(found.thread, tail=ctx.short_ids([found.thread])[found.thread]),
        "role": found.role,
        "place": f"attempt {found.number}, round {found.round}",
        came_to: f"{found.error.code}: {found.error.message}",
        "process": found.process_words,
        "agent": _who(found),
        "denied": "; ".join(found.denied),
        "cwd": found.cwd,
        "began": _began(ctx, found.started_at, found.duration_ms),
        "usage": _usage(found),
        "supplement": found.supplement or "",
        "told": _told(found),
        "instruction": found.instruction,
    }
    parts = [f"\n{found.stderr_heading}:\n\n{found.stderr}"] if found.stderr else []
    parts += [
        f"\nTurn, {_speaker(turn)}, {ctx.times.moment(turn.at)}:\n\n{turn.text}"
        for turn in found.turns
    ]

    def draw() -> None:
        ctx.out.fields(fields)
        for part in parts:
            ctx.out.text(part)

    ctx.out.answer(found, ids=[found.attempt], draw=draw, paged=paged)


def _cells(ctx: Context, row: StepRow) -> list[str]:
    return [
        row.step[:16],
        str(row.index),
        str(row.round),
        row.role,
        row.status,
        times.duration(row.duration_ms)
        if ctx.out.on_terminal
        else f"{row.duration_ms / 1000:.1f}s",
        str(1 + len(row.attempts)),
        row.agent,
        "",
    ]


def _of_failures(ctx: Context, failed: tuple[FailureView, ...]) -> list[list[str]]:
    """Attempts that did not become a step, a line each."""
    return [
        [each.attempt[:16], "", "", each.role, each.code, "", "", "", in_words(each, ctx.times)]
        for each in failed
    ]


def _fields(ctx: Context, step: StepPage) -> dict[str, str | Cell]:
    return {
        "step": step.step,
        "thread": Cell(step.thread, tail=ctx.short_ids([step.thread])[step.thread]),
        "role": f"{step.role} → {step.status}",
        "place": f"step {step.index}, round {step.round}",
        "agent": _who(step),
        "denied": "; ".join(step.denied),
        "cwd": step.cwd,
        "files": " → ".join((name or "?")[:12] for name in (step.worktree or {}).values()),
        "began": _began(ctx, step.started_at, step.duration_ms),
        "usage": _usage(step) if step.usage else "",
        "attempts": str(1 + len(step.attempts)),
        "failed": "; ".join(
            f"{each.code}, {in_words(each, ctx.times)}" for each in step.failures[-3:]
        ),
        "supplement": step.supplement or "",
        "told": _told(step),
        "instruction": step.instruction,
        **step.fields,
        "body": step.body,
    }


def _began(ctx: Context, at_ms: int, duration_ms: int | None) -> str:
    took = "" if duration_ms is None else f", took {times.duration(duration_ms)}"
    return ctx.times.moment(at_ms) + took


def _who(step: StepPage | AttemptPage) -> str:
    """The agent, and which model answered where its client has said so."""
    return step.agent if step.model is None else f"{step.agent} ({step.model})"


def _usage(found: StepPage | AttemptPage) -> str:
    """What it has used, and of what that is not known."""
    used = found.usage or {}
    unknown = [f"{'more ' * (name in used)}{name} not known" for name in found.unknown_usage]
    return ", ".join([numbers.amounts(used)] * bool(used) + unknown)


def _told(step: StepPage | AttemptPage) -> str:
    """What others than a person who added something have told it, each word behind who has said it."""
    return "; ".join(f"{word.speaker}: {word.text}" for word in step.told if not word.is_own)


def _speaker(turn: TurnView) -> str:
    """The speaker of a turn; and what kind of turn it is, where that is no part of a reply."""
    return turn.from_ if turn.kind == "text" else f"{turn.from_} ({turn.kind})"
