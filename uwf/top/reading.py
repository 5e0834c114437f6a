"""What one reads closer: lines about the thread under the cursor; the open page, of a thread or of all guards."""

from __future__ import annotations

import os

from uwf.display import guards, numbers, times, turns
from uwf.display.inert import visible
from uwf.errors import NotFound
from uwf.top import rows
from uwf.top.looking import GUARDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app import App
    from uwf.app.values import ThreadView
    from uwf.top.rows import Row

LIVE_CHARS, MOST_TURNS = 20_000, 100
"""Of what an agent says just now: enough to scroll back, and drawn anew each second."""
PAGE_CHARS = 100_000
"""Of a page: what is longer is laid out too slowly for a screen that answers keys."""
TAIL = 6
"""Turns of the thread under the cursor."""


def detail(app: App, thread: str, row: Row | None, now_ms: int) -> tuple[str, ...]:
    """The lines below the table: more about the thread under the cursor, what matters most first. `row` is what was
    seen of it last.
    """
    try:
        view = app.show(thread)
    except NotFound:
        return ("it is gone",)
    lines = [_about(view, now_ms)]
    if view.running is not None:
        lines += [f"  {line}" for line in _said(app, thread, TAIL)[-TAIL:]]
    elif row is not None and row.more:
        lines += [f"  {line}" for line in row.more]
    elif view.status == "suspended":
        lines += [f"  {line}" for line in _tail(view.suspend_message or "it waits for a person")]
    elif view.error is not None:
        lines.append(f"  {view.error.message}")
    if view.wake_at is not None:
        lines.append(f"  {times.Times(now_ms).wakes(view.wake_at)}: {view.wake_why}")
    lines += [f"  {one.speaker} has told it: {one.text}" for one in view.told or ()]
    return tuple(visible(line[: rows.MOST_CHARS].replace("\n", " ")) for line in lines)


def page(app: App, name: str, now_ms: int) -> tuple[str, str]:
    """The page that is open, how all guards stand or a thread from its task on; and what its agent says just now."""
    if name == GUARDS:
        return visible(_guards(app, now_ms)), ""
    text, view = _middle_left_out(app.read(name).markdown, name), app.show(name)
    if view.running is None:
        return visible(text), ""
    said = "\n".join(_said(app, name, MOST_TURNS))[-LIVE_CHARS:]
    return visible(text), visible(f"## Now: {_about(view, now_ms)}\n\n{said}")


def _middle_left_out(text: str, thread: str) -> str:
    """The beginning and the end of a page; all of it where it is not too long."""
    left_out = len(text) - PAGE_CHARS
    if left_out <= 0:
        return text
    half = PAGE_CHARS // 2
    note = f"… {left_out:,} characters are left out here: uwf thread read {thread}"
    return f"{text[:half]}\n\n{note}\n\n{text[-half:]}"


def _about(view: ThreadView, now_ms: int) -> str:
    what = view.title or view.prompt or ""
    spent = numbers.amounts(
        {k: v for k, v in (view.spent or {}).items() if k in ("usd", "tokens") and v}
    )
    running = view.running
    doing = ""
    if running is not None and running.since is not None:
        doing = f"{running.role} by {running.agent} for {times.length(running.since, now_ms)}"
    place = view.cwd if view.worktree is None else view.worktree.path
    return "  ".join(filter(None, (what, doing, spent, typed_path(place or ""))))


def typed_path(path: str) -> str:
    """A path as one types it."""
    mine = os.path.expanduser("~")
    return f"~{path.removeprefix(mine)}" if path.startswith(f"{mine}{os.sep}") else path


def _said(app: App, thread: str, most: int) -> list[str]:
    """The last turns of what runs, line by line."""
    found = app.steps.newest_turns(thread, most)
    texts = ((turn.kind, turn.text[:LIVE_CHARS]) for turn in found)
    return [line for kind, text in texts for line in turns.lines(kind, text) if line.strip()]


def _tail(text: str) -> list[str]:
    return [line for line in text[-rows.MOST_CHARS :].split("\n") if line.strip()]


NAME_CHARS = 24
"""Of the name of a guard: one that is a whole command line makes its own line longer, and no other."""


def _guards(app: App, now_ms: int) -> str:
    """All guards, a line each, and the queue."""
    seen, found = times.Times(now_ms), app.guards.status().lines
    table = [guards.COLUMNS, *(guards.row(line, seen, bar=True) for line in found)]
    widths = [max(len(row[at]) for row in table) for at in range(len(guards.COLUMNS))]
    widths[0] = min(widths[0], NAME_CHARS)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    queue = app.guards.queue()
    ids = app.short_ids(row.thread for row in queue)
    lines += ["", "queue" if queue else "queue: nobody waits"]
    for row in queue:
        waits = f"priority {row.priority}, waits for {times.duration(row.waited_ms)}"
        blocked = f": no slot of {row.blocked_on}" if row.blocked_on else ""
        lines.append(f"{row.position:3}  {ids[row.thread]}  {waits}{blocked}")
    return "\n".join(lines)
