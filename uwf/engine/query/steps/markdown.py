"""A thread, a step or an attempt as Markdown, for people: `thread read`, `step read`."""

from __future__ import annotations

from uwf import clock
from uwf.display import times
from uwf.engine.chain import told, wake
from uwf.engine.chain.nodes import Position, Start, Step, prompt_text
from uwf.engine.chain.story import inline, said_to, steps_back, word_markdown
from uwf.engine.chain.tags import (
    SUSPEND_MESSAGE,
    SUSPENDED_ROLE,
    WORKFLOW,
)
from uwf.engine.chain.thread import runner
from uwf.engine.query.steps import failures, steps
from uwf.engine.query.threads import RUNNING
from uwf.engine.run.planning import transitions
from uwf.quantities import counted
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.engine.chain.nodes import Reader
    from uwf.engine.chain.thread import Thread
    from uwf.engine.query.steps.failures import FailureView
    from uwf.store.protocols import Store


MOST_FAILURES = 10
"""A night without network makes hundreds of attempts, which are alike."""


class Page(Record):
    """A thread, a step or an attempt, which `id` names, as Markdown."""

    kind: str
    id: str
    markdown: str


def thread_page(
    store: Store,
    thread: Thread,
    *,
    quota_chars: int,
    before: int | None = None,
    way_on: Callable[[Thread], str] = transitions.way_on,
    when: Callable[[int], str] = clock.iso,
    typed: Callable[[str], str] = str,
) -> Page:
    """The thread from its task to its last step, oldest first, in about `quota_chars` characters.

    The newest steps are kept; a line says how to load the earlier ones. `before` leaves out the steps from that index
    on, which is how the earlier ones are loaded. `way_on` names the command that lets it go on; `when` says a moment
    (in epoch milliseconds) as its reader sees it, `typed` a command as its reader types it.
    """
    start = Start.read(store, thread.position.start)
    kept: list[str] = []
    left, earlier = quota_chars, 0
    for step in steps_back(store, thread.head):
        if before is not None and step.index >= before:
            continue
        entry = step_markdown(store, step, when)
        if kept and len(entry) > left:
            earlier = step.index
            break
        kept.append(_round_heading(store, step) + entry)
        left -= len(entry)
    kept.reverse()
    parts = [f"# Thread {thread.id}", _facts(store, thread, start, when), "## Task", start.task]
    if earlier:
        parts.append(
            f"*Steps 1 to {earlier} are not shown here. To load them: "
            f"`{typed(f'uwf thread read {thread.id} --before {earlier + 1}')}`*"
        )
    parts += kept
    failed = failures.since_head(store, thread) if before is None else ()
    if failed:
        parts += [f"## Attempts at step {thread.position.index + 1}", _failures(failed, when)]
    timer = wake.of(thread.tags, thread.id)
    if timer is not None and before is None:
        is_retry = timer.kind == wake.RECOVERY
        at = when(timer.at_ms)
        parts.append(f"**Next try**: {at}" if is_retry else f"**Wakes**: {at}, {timer.why}")
    waits = told.waiting(store, thread.id) if before is None else ()
    if waits:
        parts.append("## Waits to be told")
        parts += [part for word in waits for part in word_markdown(word, "says")]
    message = thread.tags.get(SUSPEND_MESSAGE)
    if message and before is None:
        parts.append(
            f"**Suspended** at {thread.tags.get(SUSPENDED_ROLE, 'no role')}: {message}\n\n"
            f"To go on: `{typed(way_on(thread))}`"
        )
    return Page("thread", thread.id, "\n\n".join(parts) + "\n")


def step_markdown(reader: Reader, step: Step, when: Callable[[int], str]) -> str:
    """One step: what failed before it, what it was told, what it answered."""
    took = times.duration(step.duration_ms)
    parts = [
        f"## Step {step.index}: {step.role} → {step.status}",
        f"*{when(step.started_ms)}, {took}, {step.agent}, `{step.id[:16]}`*",
    ]
    row = steps.row(reader, step)
    if row.failures:
        parts.append(_failures(row.failures, when))
    parts += said_to(step, "added")
    fields = [f"- **{name}**: {value}" for name, value in row.fields.items()]
    if fields:
        parts.append("\n".join(fields))
    if step.body:
        parts.append(step.body.rstrip())
    return "\n\n".join(parts)


def _failures(failed: tuple[FailureView, ...], when: Callable[[int], str]) -> str:
    """Attempts that did not become a step, a line each; of many the newest."""
    lines = []
    if len(failed) > MOST_FAILURES:
        lines.append(f"- *{counted(len(failed) - MOST_FAILURES, 'earlier attempt')}*")
    for each in failed[-MOST_FAILURES:]:
        at = "" if each.at is None else f"{when(each.at)}, "
        lines.append(
            f"- *Attempt {each.number} of {each.role}, {at}`{each.attempt[:16]}`*: "
            f"**{each.code}**: {inline(each.message)}"
        )
    return "\n".join(lines)


def step_page(reader: Reader, id: str, when: Callable[[int], str] = clock.iso) -> Page:
    """One step with the prompt it got."""
    step = Step.read(reader, id)
    prompt = prompt_text(reader, step.prompt)
    text = f"{step_markdown(reader, step, when)}\n\n## The prompt it got\n\n{fenced(prompt, 'markdown')}\n"
    return Page("step", id, text)


def attempt_page(reader: Reader, ended: str, when: Callable[[int], str] = clock.iso) -> Page:
    """An attempt that failed: why, how its process ended, what it wrote and said, and the prompt it got."""
    found = steps.attempt_page(reader, ended)
    took = "" if found.duration_ms is None else f"{times.duration(found.duration_ms)}, "
    parts = [
        f"## Attempt {found.number} of {found.role}: {found.error.code}",
        f"*{when(found.started_at)}, {took}{found.agent}, `{ended[:16]}`*",
        found.error.message,
    ]
    if found.process_words:
        parts.append(f"{found.process_words}.")
    if found.stderr:
        parts += [f"## {found.stderr_heading}", fenced(found.stderr.rstrip())]
    if found.turns:
        parts.append("## What it said")
        parts += [fenced(turn.text.rstrip(), "markdown") for turn in found.turns]
    if found.prompt is not None:
        parts += ["## The prompt it got", fenced(found.prompt, "markdown")]
    return Page("attempt", ended, "\n\n".join(parts) + "\n")


def fenced(text: str, kind: str = "") -> str:
    """`text` in a Markdown fence that it does not close."""
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"{fence}{kind}\n{text}\n{fence}"


def _facts(store: Store, thread: Thread, start: Start, when: Callable[[int], str]) -> str:
    name = thread.tags.get(WORKFLOW, "")
    status = thread.status if runner(store, thread.id) is None else RUNNING
    return (
        f"*Workflow {name}, {status}, round {thread.position.round}, {counted(thread.position.index, 'step')}, "
        f"started {when(start.started_ms)} in {start.cwd}*"
    )


def _round_heading(reader: Reader, step: Step) -> str:
    if step.round > 1 and Position.read(reader, step.prev).round < step.round:
        return f"# Round {step.round}\n\n"
    return ""
