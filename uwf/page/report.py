"""Several threads as one page: what they cost in all, where each stands, and which steps it made."""

from __future__ import annotations

from uwf.display.times import duration
from uwf.page import markup, template, words
from uwf.page.space import Space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from uwf.app import App
    from uwf.app.values import Costs, StepRow, ThreadView

MOST_THREADS, MOST_STEPS = 200, 30
"""The newest are shown; all of them are counted."""
_MESSAGE_BYTES = 600


def page(app: App, threads: Sequence[ThreadView], costs: Costs, about: str) -> str:
    """The page of `threads`, the newest first, as HTML; `about` says which they are."""
    shown = threads[:MOST_THREADS]
    return template.fill(
        "report.html",
        {
            "title": about,
            "count": len(threads),
            "figures": [
                {"name": "threads", "value": str(len(threads))},
                *words.figures(costs.total),
            ],
            "states": words.shares(costs.by_state),
            "workflows": words.shares(costs.by_workflow),
            "roles": words.shares(costs.by_role),
            "models": words.shares(costs.by_model),
            "threads": [_thread(app, each) for each in shown],
            "left_out": len(threads) - len(shown),
            "made": words.made(),
        },
    )


def _thread(app: App, view: ThreadView) -> dict[str, Any]:
    rows, total = app.steps.all(view.thread), app.costs([view]).total
    message = view.suspend_message or ("" if view.error is None else view.error.message)
    showing = f"uwf thread show {view.thread}"
    return {
        "id": view.thread,
        "title": words.title_of(view),
        "state": words.state_of(view),
        "workflow": view.workflow_name or "",
        "updated": words.moment(view.updated_at),
        "message": markup.line(Space(_MESSAGE_BYTES), message, showing),
        "figures": words.figures(total),
        "cost": words.money(total.usd),
        "time": duration(total.duration_ms),
        "count": len(rows),
        "earlier": max(0, len(rows) - MOST_STEPS),
        "steps": list(map(_step, rows[-MOST_STEPS:])),
    }


def _step(row: StepRow) -> dict[str, object]:
    return {
        "index": row.index,
        "role": row.role,
        "status": row.status,
        "failed": len(row.attempts),
        "began": words.moment(row.started_at),
        "time": duration(row.duration_ms),
        "cost": words.cost_of(row.usage),
    }
