"""`uwf trigger`: which events are for which threads."""

from __future__ import annotations

from uwf.cli.command import arg, command
from uwf.cli.unattended.event import MOST_DATA_BYTES, draw_decision
from uwf.quantities import TIME, written

OF_STORED = ("source", "cause", "depth")
OF_PAGES = ("event", "taken", "state", "reason", "why", "threads", "causes", "steps")
"""Keys of `event show --json` that no event has that comes."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.app.unattended.events import Event
    from uwf.app.values import TriggerRow
    from uwf.cli.context import Context


@command(
    "trigger list",
    help="List the triggers, in the order in which they are asked.",
    detail="Those of config.toml, then those under `on:` of registered workflows (uwf workflow add).",
    example="uwf trigger list",
)
def list_(ctx: Context) -> None:
    found = ctx.app.events.triggers()
    columns = ("trigger", "on", "for", "when", "class", "trust", "priority", "wakes")
    ctx.out.answer(
        [_document(row) for row in found.triggers],
        ids=[row.name for row in found.triggers],
        draw=lambda: ctx.out.table(
            columns,
            map(_cells, found.triggers),
            cut=("for", "when"),
            spare=("trust", "priority", "when"),
        ),
    )
    for name, why in found.set_aside:
        ctx.out.warning(f"set aside: the triggers of workflow {name}: {why}")
    for why in ctx.app.events.problems().values():
        ctx.out.warning(why)
    if not found.triggers:
        ctx.out.note("there is no trigger: [[triggers]] in config.toml, or on: in a workflow file")


@command(
    "trigger test",
    help="Say what would follow from an event, and why.",
    detail="Step by step; nothing is changed. The file is JSON, as in the spool folder: "
    '{"name": "github.review", "who": "ann", "trust": "collaborator", '
    '"data": {...}}. It may also have source, cause and depth; `uwf event show ID --json` is such a file.',
    example="uwf trigger test review.json",
    file=arg("The file with the event; - for stdin.", metavar="EVENT-FILE", complete="files"),
)
def test(ctx: Context, file: str) -> None:
    from uwf.cli.line.arguments import name_of, read_bytes
    from uwf.daemon.intake import strict_json

    what = name_of(file)
    given = strict_json.parse(read_bytes(file), what, max_bytes=MOST_DATA_BYTES)
    done = ctx.app.events.test(_event(given))
    ctx.out.answer(done, ids=done.threads, draw=lambda: draw_decision(ctx, done))
    ctx.out.note("nothing was changed")


def _event(given: Any) -> Event:
    """The event in a file, with what only events have that were stored."""
    from uwf.daemon.intake import event_json
    from uwf.record import replace

    if not isinstance(given, dict):
        return event_json.event(given, "cli")  # which says why that is none
    own = {key: value for key, value in given.items() if key not in (*OF_STORED, *OF_PAGES)}
    event = event_json.event(own, given.get("source", "cli"))
    return replace(event, cause=given.get("cause"), depth=given.get("depth", 0))


def _document(row: TriggerRow) -> dict[str, Any]:
    """A trigger in the words of the file, lengths in seconds, and what it is called."""
    from uwf.jsontext import document

    said = {key: value for key, value in document(row.trigger).items() if key != "name"}
    return {"trigger": row.name, "workflow": row.workflow, **said}


def _cells(row: TriggerRow) -> list[str]:
    trigger = row.trigger
    find = ", ".join(f"{key}={value}" for key, value in trigger.find.items())
    start = trigger.start and f"a new thread of {trigger.start}"
    times = {
        "after": trigger.debounce_s,
        "quiet for": trigger.quiet_s,
        "at most every": trigger.cooldown_s,
    }
    return [
        row.name,
        ", ".join(trigger.on),
        find or trigger.thread or start or "the threads it names",
        trigger.when or "",
        trigger.class_,
        ", ".join(trigger.trust),
        trigger.priority,
        ", ".join(f"{words} {written(TIME, s)}" for words, s in times.items() if s) or "now",
    ]
