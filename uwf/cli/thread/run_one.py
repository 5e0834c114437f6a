"""Running one thread for a person: what the options of a run mean, a line for each step, a live line, the exit code."""

from __future__ import annotations

from functools import partial

from uwf import quantities
from uwf.cli import exits
from uwf.cli.line.arguments import text_arg
from uwf.cli.screen.terminal import is_attended
from uwf.display import numbers, times
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.app.values import RunView
    from uwf.cli.context import Context

    Run = Callable[..., Iterator[RunView]]
    """A verb of the app that runs a thread, with all but its `stop` and `on_progress`."""

SUSPENDED = "suspended"


def steps(count: int | None, until_done: bool, typed: str) -> int | None:
    """How many steps `-c` and `--until-done` ask for; None for all until the thread stops. `typed` is the command."""
    if until_done and count is not None:
        raise InputError(
            "--count and --until-done exclude each other",
            hint=f"{typed} --until-done",
            code="usage",
        )
    return None if until_done else count or 1


def said(supplement: str | None, typed: str) -> str | None:
    """The text of an option; `typed` is the command up to it."""
    if supplement is None:
        return None
    text = text_arg(supplement)
    if not text.strip():
        raise InputError("the text is empty: there is nothing to add", hint=f"{typed} 'TEXT'")
    return text


def budget(parts: tuple[str, ...]) -> str | None:
    """What was said about the budget, once it is certain that it can be read."""
    if not parts:
        return None
    text = ",".join(parts)
    quantities.raised_budget(dict.fromkeys(quantities.NAMES, 1.0), text)
    return text


def run(ctx: Context, run: Run, *, interactive: bool, verbose: bool = False) -> int:
    """Run the thread, and print each step as it is done. `interactive`: a person says that one waits for it;
    `verbose`: with the ids of steps.
    """
    from uwf.app.progress import Stop
    from uwf.cli.screen.live import Live, signals_to

    stop = Stop()
    code = exits.DONE
    is_warned = False
    with signals_to(stop), Live(ctx.out) as live:
        for line in run(
            stop=stop, on_progress=live.on_progress, interactive=interactive or is_attended()
        ):
            live.pause()
            told = partial(ctx.out.prose, _sentence(line, verbose=verbose))
            ctx.out.line(line, id=line.step or "", draw=told)
            code = exits.after_step(line)
            if line.step and line.uncounted and not is_warned:
                is_warned = True
                names = ", ".join(line.uncounted)
                ctx.out.warning(f"the usage of {line.role} has {names}; counted are tokens and usd")
            if line.error is not None:
                if not line.is_postponed:  # else the run ends in a refusal that says so
                    ctx.out.error(line.error.code, line.error.message, ctx.app.way_on(line.thread))
                ctx.out.note(
                    f"what it said is kept: uwf step show {(line.error.attempt or '')[:16]}"
                )
            elif line.status == SUSPENDED:
                ctx.out.hint(ctx.app.way_on(line.thread))
    return code


def _sentence(line: RunView, *, verbose: bool) -> str:
    """A step for a reader: what was done, how long that took and what it cost, and what comes next."""
    if line.error is not None:  # why stands on stderr, once
        return _joined(f"{line.role} failed", line, line.error.attempt, f"({line.status})", verbose)
    if line.step is None:
        done = "the graph has ended" if line.role is None else f"{line.role} was ended"
    else:
        done = f"{line.role} → {line.step_status}"
    if line.status == SUSPENDED:
        return f"{_joined(done, line, line.step, '', verbose)}\nsuspended: {line.suspend_message}"
    after = f"(next: {line.current_role})" if line.current_role else f"({line.status})"
    return _joined(done, line, line.step, after, verbose)


def _joined(done: str, line: RunView, object: str | None, after: str, verbose: bool) -> str:
    took = "" if line.duration_ms is None else times.duration(line.duration_ms)
    price = numbers.cost(line.usage) if line.usage else ""
    cost = ", ".join(filter(None, (took, price)))
    by = "made by another process" if line.joined and line.step else ""
    id = (object or "")[:12] if verbose else ""
    return "  ".join(filter(None, (done, cost, id, by, after)))
