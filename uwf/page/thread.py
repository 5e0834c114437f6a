"""A thread as one page: where it stands, the path it took, when it worked, what it cost, and all its steps, folded."""

from __future__ import annotations

from itertools import pairwise

from uwf import clock
from uwf.display import threads
from uwf.display.times import duration, length
from uwf.page import markup, step, template, words
from uwf.page.space import Space, for_each
from uwf.page.timeline import Axis, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from uwf.app import App
    from uwf.app.values import AttemptPage, FailureView, RunningView, StepPage, ThreadView

_TASK_BYTES, _MESSAGE_BYTES, _TOLD_BYTES = 60_000, 8_000, 40_000
_MOST_ATTEMPTS = 10
_SHORT_WAIT_MS = 60_000
"""A wait that is said in words as well."""


def page(app: App, id: str) -> str:
    """The page of the thread `id`, which is a whole id, as HTML."""
    view = app.show(id)
    rows = app.steps.all(id)
    steps = [_page_of(app, row.step) for row in rows]
    failed = app.steps.failed(id)
    attempts = _attempts(app, failed)
    costs = app.costs([view])
    space = for_each(len(steps) + len(attempts))
    spans = [step.spans_of(each) for each in steps]
    spans += [[step.span_of(each)] for each in attempts]
    return template.fill(
        "thread.html",
        {
            "title": words.title_of(view),
            "id": id,
            "state": words.state_of(view),
            "figures": [*words.figures(costs.total), *_elapsed(view)],
            "facts": _facts(view),
            "message": _message(app, view),
            "way_on": "" if view.suspend_message is None else app.way_on(id),
            "task": markup.markdown(
                Space(_TASK_BYTES), view.prompt or "", f"uwf thread show {id} --json"
            ),
            "picture": _picture(app, view),
            "timeline": _timeline(steps, attempts, spans),
            "roles": words.shares(costs.by_role),
            "models": words.shares(costs.by_model),
            "steps": [
                {
                    **step.of_step(app, id, each, Space(space.size)),
                    "round": each.round if is_first and (view.rounds or 1) > 1 else "",
                }
                for each, is_first in _rounds(steps)
            ],
            "attempts": [step.of_attempt(each, Space(space.size)) for each in attempts],
            "earlier": max(0, len(failed) - _MOST_ATTEMPTS),
            "next": (view.steps or 0) + 1,
            "told": step.words_told(
                view.told or (), Space(_TOLD_BYTES), f"uwf thread show {id} --json"
            ),
            "made": words.made(),
        },
    )


def _page_of(app: App, id: str) -> StepPage:
    from uwf.app.thread.steps import StepPage

    found = app.steps.show(id)
    assert isinstance(found, StepPage), "a row of a thread is a step"
    return found


def _attempts(app: App, failed: Sequence[FailureView]) -> list[AttemptPage]:
    """The last attempts at the next step."""
    from uwf.app.thread.steps import StepPage

    found = []
    for each in failed[-_MOST_ATTEMPTS:]:
        shown = app.steps.show(each.attempt)
        if not isinstance(shown, StepPage):
            found.append(shown)
    return found


def _rounds(steps: Sequence[StepPage]) -> list[tuple[StepPage, bool]]:
    """Each step, and whether a round begins with it."""
    before = [0, *(each.round for each in steps)]
    return [(each, each.round != last) for each, last in zip(steps, before, strict=False)]


def _elapsed(view: ThreadView) -> list[dict[str, str]]:
    end = view.completed_at or clock.now_ms()
    if view.started_at is None:
        return []
    return [
        {
            "name": "from start to end" if view.completed_at else "since it began",
            "value": duration(end - view.started_at),
        }
    ]


def _facts(view: ThreadView) -> list[dict[str, object]]:
    tree = view.worktree
    return step.facts(
        f"uwf thread show {view.thread}",
        workflow=view.workflow_name or "",
        began=words.moment(view.started_at),
        ended=words.moment(view.completed_at),
        running="" if view.running is None else _running(view.running),
        next=view.current_role or "",
        wakes=f"{words.moment(view.wake_at)}, {view.wake_why}" if view.wake_at else "",
        spent=threads.spent(view),
        labels=", ".join(f"{key}={value}" for key, value in view.labels.items()),
        forked_from="" if view.forked_from is None else view.forked_from.thread,
        branch="" if tree is None else tree.branch,
        folder=view.cwd or "",
    )


def _running(running: RunningView) -> str:
    if running.role is None:
        return f"{running.process}, no agent yet"
    where = f" on {running.host}" if running.host else ""
    return f"{running.role} by {running.agent}{where}, since {words.moment(running.since)}"


def _message(app: App, view: ThreadView) -> object:
    """What it waits for, or why it has failed."""
    said = view.suspend_message or (view.error.message if view.error else "") or view.end_reason
    if not said:
        return ""
    return markup.markdown(Space(_MESSAGE_BYTES), said, f"uwf thread show {view.thread}")


def _picture(app: App, view: ThreadView) -> object:
    """Its workflow with the path it took: what `workflow graph` draws, in which names are escaped already."""
    from markupsafe import Markup

    if view.workflow is None:
        return ""
    return Markup(app.workflows.graph(view.workflow, "svg", view.thread))


def _timeline(
    steps: Sequence[StepPage], attempts: Sequence[AttemptPage], spans: Sequence[Sequence[Span]]
) -> list[dict[str, Any]]:
    """A row for each step and attempt: its name, its bars, and in words what they say."""
    axis = Axis([span for row in spans for span in row])
    names = [(f"step-{each.index}", str(each.index), each.role) for each in steps]
    names += [(f"attempt-{each.attempt[:16]}", "", each.role) for each in attempts]
    found: list[dict[str, Any]] = []
    last = None
    for (anchor, index, role), row in zip(names, spans, strict=True):
        known = row if last is None else [last, *row]
        waits = [
            axis.wait(one.end, two.begin, f"waited {duration(max(0, two.begin - one.end))}")
            for one, two in pairwise(known)
        ]
        waited = 0 if last is None else row[0].begin - last.end
        found.append(
            {
                "anchor": anchor,
                "index": index,
                "role": role,
                "bars": [vars(bar) for bar in (*waits, *map(axis.bar, row))],
                "time": duration(sum(max(0, span.end - span.begin) for span in row)),
                "failed": sum(span.kind == "failed" for span in row),
                "waited": length(0, waited) if waited >= _SHORT_WAIT_MS else "",
            }
        )
        last = row[-1]
    return found
