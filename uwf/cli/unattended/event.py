"""`uwf event`: what has happened, told to the threads it is for."""

from __future__ import annotations

from uwf import config
from uwf.cli.command import arg, command, opt
from uwf.cli.screen.cells import short
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.app.values import DecisionStep, DecisionView, EventPage, EventRow
    from uwf.cli.context import Context
    from uwf.display.times import Times

SHOWN = 20
"""Rows of a listing for a reader without `--limit`; `--json` and `--quiet` give all."""
MOST_DATA_BYTES = 4 << 20
"""Of JSON text. What it says may be 1 MiB: a letter can be written with six."""

EVENT = arg("The event's id, or 4+ characters it alone begins or ends with.", complete="event")


@command(
    "event send",
    help="Say that something has happened.",
    detail="The threads it is for are told, and woken. Triggers decide which these are, in config.toml or under "
    "`on:` in a workflow file (uwf trigger list). "
    "Without any on NAME, the thread or the label that is given here says it. The same --id is taken once.",
    example='uwf event send deploy.failed --label env=prod --data \'{"log": "disk full"}\'',
    name=arg("What has happened, such as deploy.failed.", metavar="NAME"),
    id=opt("--id", metavar="ID", help="What tells it from others; the same one is taken once."),
    thread=opt("--thread", complete="thread", help="The thread it is for."),
    label=opt("--label", metavar="K=V", help="The label of the threads; may be repeated."),
    data=opt("--data", metavar="JSON|@FILE|-", help="What is known of it, up to 1 MiB of JSON."),
    urgent=opt("--urgent", help="Wake them now, whatever gathers."),
    from_=opt("--from", metavar="WHO", help="Who has done it. [default: a person]"),
)
def send(
    ctx: Context,
    name: str,
    *,
    id: str | None = None,
    thread: str | None = None,
    label: tuple[str, ...] = (),
    data: str | None = None,
    urgent: bool = False,
    from_: str | None = None,
) -> None:
    from uwf.cli.line.arguments import label_pair

    if thread is not None and label:
        raise InputError(
            "--thread and --label exclude each other", hint=f"uwf event send {name} --label K=V"
        )
    if from_ is not None and not from_.strip():
        raise InputError("--from is empty", hint=f"uwf event send {name} --from 'a name'")
    sent = ctx.app.events.send(
        ctx.app.events.own(
            name,
            id=id,
            thread=None if thread is None else ctx.app.thread_id(thread),
            labels=dict(label_pair(word, f"uwf event send {name} --label ") for word in label),
            data=None if data is None else _data(data),
            is_urgent=urgent,
            who=from_,
        )
    )
    ctx.out.answer(sent, ids=[sent.event], draw=f"{sent.event}  {_came(sent.decision)}")
    if sent.decision.why is not None:
        ctx.out.note(sent.decision.why)
    leader = ctx.app.daemon.of_all()
    if sent.state == "new" and leader is not None and leader.host not in ("", config.host()):
        ctx.out.note(
            f"decided by the triggers of this machine; {leader.in_words} leads, and goes by its own"
        )
    if not sent.decision.threads and sent.state == "new":
        ctx.out.hint(f"uwf event show {_typed(sent.event)}")


def _typed(id: str) -> str:
    """An id, which others make up, as a shell takes it."""
    import shlex

    return f"-- {shlex.quote(id)}" if id.startswith("-") else shlex.quote(id)


@command(
    "event list",
    help="List events, newest first, and what came of each.",
    example="uwf event list --state ignored,refused --since 2h",
    times=True,
    state=opt(
        "--state",
        metavar="STATE[,STATE...]",
        complete="event states",
        help="Only these: new, asking, told, ignored, refused.",
    ),
    name=opt("--name", metavar="NAME", help="Only of this name; * at its end is anything."),
    thread=opt("--thread", complete="thread", help="Only what is about this thread."),
    since=opt("--since", metavar="TIME", help="Taken at or after: 2h (ago), 2026-01-31, ..."),
    limit=opt("--limit", low=0, help="At most this many; 0 for all. [default: 20 for a reader]"),
)
def list_(
    ctx: Context,
    *,
    state: str | None = None,
    name: str | None = None,
    thread: str | None = None,
    since: str | None = None,
    limit: int | None = None,
) -> None:
    from uwf.cli.line.arguments import moment_ms

    most = limit if limit is not None else None if ctx.json or ctx.quiet else SHOWN
    found = ctx.app.events.list(
        state=() if state is None else tuple(word.strip() for word in state.split(",")),
        name=name,
        thread=thread,
        since_ms=None if since is None else moment_ms(since, "uwf event list --since"),
        limit=most or None,
    )
    columns = ("event", "name", "who", "trust", "state", "reason", "threads", "taken")
    ids = ctx.short_ids(id for row in found.events for id in row.threads)
    ctx.out.answer(
        found.events,
        ids=[row.event for row in found.events],
        draw=lambda: ctx.out.table(
            columns,
            [_cells(row, ctx.times, ids) for row in found.events],
            cut=("who", "threads"),
            spare=("trust", "who", "threads"),
        ),
    )
    for why in found.unreadable:
        ctx.out.warning(why)
    if not found.events:
        ctx.out.note("no event fits" if state or name or thread or since else "there is no event")
    elif most and len(found.events) == most:
        ctx.out.note(f"the newest {most}; --limit 0 shows all")


@command(
    "event show",
    help="Show an event: what it says, what was decided, and why.",
    example="uwf event show deploy-42",
    times=True,
    event=EVENT,
)
def show(ctx: Context, event: str) -> None:
    found = ctx.app.events.show(event)
    ctx.out.answer(found, ids=[found.event], draw=lambda: _draw(ctx, found))


@command(
    "event decide",
    help="Decide the events that are stored and open.",
    detail="The agent of the glance is asked where one is to be asked. A daemon does so all the time, `event send` "
    "for what it sends, `thread run --due` before it runs threads.",
    example="uwf event decide",
)
def decide(ctx: Context) -> None:
    done = [ctx.app.events.answer(key) for key in ctx.app.events.asking()]
    while some := ctx.app.events.decide():
        done += some
    ctx.out.answer(
        done,
        ids=[one.event for one in done],
        draw=lambda: ctx.out.table(
            ("event", "state", "reason", "threads"),
            [(one.event, one.state, one.reason or "", ", ".join(one.threads)) for one in done],
            cut=("threads",),
        ),
    )
    if not done:
        ctx.out.note("no event is open")


@command(
    "event replay",
    help="Decide an event again, by the triggers of today.",
    detail="Threads that were told it are told again, unless those words still wait.",
    example="uwf event replay deploy-42",
    event=EVENT,
)
def replay(ctx: Context, event: str) -> None:
    done = ctx.app.events.replay(event)
    ctx.out.answer(done, ids=[done.event], draw=lambda: draw_decision(ctx, done))


def draw_decision(ctx: Context, done: DecisionView) -> None:
    """What came, or would come, of an event, and each layer's word."""
    ctx.out.text(f"{done.event}  {_came(done)}")
    ctx.out.table(("layer", "", "trigger", "thread", "why"), map(_step, done.steps))


def _draw(ctx: Context, found: EventPage) -> None:
    labels = ", ".join(f"{key}={value}" for key, value in found.labels.items())
    ctx.out.fields(
        {
            "event": found.event,
            "name": found.name,
            "at": ctx.times.moment(found.at),
            "taken": ctx.times.moment(found.taken),
            "source": found.source,
            "who": f"{found.who} ({found.trust})" if found.who else f"({found.trust})",
            "urgent": "yes" if found.urgent else "",
            "for": found.thread or labels,
            "causes": ", ".join(found.causes),
            "state": found.state,
            "reason": f"{found.reason}: {found.why}" if found.reason else "",
            "threads": ", ".join(found.threads),
        }
    )
    ctx.out.table(("layer", "", "trigger", "thread", "why"), map(_step, found.steps))
    if found.data is not None:
        from uwf.jsontext import dumps

        ctx.out.text("\n" + dumps(found.data, indent=True))


def _step(step: DecisionStep) -> list[str]:
    return [
        step.layer,
        "yes" if step.ok else "no",
        step.trigger or "",
        step.thread or "",
        f"{step.code}: {step.why}" if step.code else step.why,
    ]


def _came(done: DecisionView) -> str:
    """What came of it, in a few words."""
    if done.threads:
        return f"{done.state}  {', '.join(done.threads)}"
    return f"{done.state}  {done.reason}" if done.reason else done.state


def _cells(row: EventRow, times: Times, ids: Mapping[str, str]) -> list[str]:
    return [
        row.event,
        row.name,
        short(row.who, 40),
        row.trust,
        row.state,
        row.reason or "",
        ", ".join(ids[id] for id in row.threads),
        times.moment(row.taken),
    ]


def _data(word: str) -> Any:
    from uwf.cli.line.arguments import name_of, read_bytes
    from uwf.daemon.intake import strict_json

    is_elsewhere = word == "-" or (word.startswith("@") and not word.startswith("@@"))
    what = name_of(word) if is_elsewhere else "the data"
    try:
        data = read_bytes(word.removeprefix("@")) if is_elsewhere else word.encode()
        return strict_json.parse(data, what, max_bytes=MOST_DATA_BYTES)
    except UnicodeEncodeError:
        raise InputError("the data given on the command line is not UTF-8") from None
    except InputError as error:
        error.hint = error.hint or "uwf event send NAME --data '{\"number\": 42}'"
        raise
