"""`uwf log`: what all processes of a home did."""

from __future__ import annotations

import time
from functools import partial

from uwf import clock
from uwf.cli.command import command, opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.cli.context import Context
    from uwf.display.times import Times

IN_FRONT = ("at", "what", "thread", "process", "by")
"""Fields of a line that are not repeated behind it."""
THREAD_CHARS = 10


@command(
    "log show",
    help="Show what the processes of this home did, newest last.",
    detail="Runs write to it, by hand or under a daemon, and all parts of a daemon. With --json one line each, as it "
    "stands in the file below logs/ in the home.",
    example="uwf log show --thread @last --since 2h --grep overload",
    times=True,
    thread=opt("--thread", complete="thread", help="Only of this thread."),
    event=opt("--event", metavar="ID", help="Only of this event."),
    since=opt("--since", metavar="TIME", help="Only from this time on: 2h (ago), 2026-01-31, ..."),
    grep=opt(
        "--grep",
        metavar="TEXT",
        help="Only with these words, one after the other; of the last one its beginning is enough.",
    ),
    limit=opt("--limit", metavar="N", low=1, help="At most so many lines."),
    follow=opt("--follow", help="Go on with each line that comes."),
)
def show(
    ctx: Context,
    *,
    thread: str | None = None,
    event: str | None = None,
    since: str | None = None,
    grep: str | None = None,
    limit: int = 100,
    follow: bool = False,
) -> None:
    since_ms = None
    if since is not None:
        from uwf.cli.line.arguments import moment_ms

        since_ms = moment_ms(since, "uwf log show --since")
    look = ctx.app.log.follow if follow else ctx.app.log.newest
    found = False
    for line in look(thread=thread, event=event, since_ms=since_ms, words=grep, limit=limit):
        found = True
        said = _sentence(line.fields, ctx.times)
        draw = partial(ctx.out.prose, said)
        ctx.out.line(line.fields, id=line.fields.get("thread", ""), draw=draw)
    if not found:
        ctx.out.note("the log has no such line")


def _sentence(fields: Mapping[str, Any], times: Times) -> str:
    """A line for a reader: when, of which thread, what, and the rest of it."""
    when = _when(fields["at"], times)
    thread = str(fields.get("thread", ""))[-THREAD_CHARS:].ljust(THREAD_CHARS)
    rest = (
        f"{name}={_short(name, value)}" for name, value in fields.items() if name not in IN_FRONT
    )
    return f"{when}  {thread}  {fields['what']}  {' '.join(rest)}".rstrip()


def _when(at_ms: int, times: Times) -> str:
    """The moment to the millisecond, as lines are compared; in the reader's zone at a terminal."""
    after = f".{at_ms % 1000:03d}"
    if times.exact:
        return f"{clock.iso(at_ms)[:-1]}{after}Z"
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms // 1000)) + after


def _short(name: str, value: Any) -> str:
    from uwf.display import numbers
    from uwf.jsontext import dumps

    if name == "usage" and isinstance(value, dict):
        return f'"{numbers.amounts(value)}"'
    if isinstance(value, str):
        return value[:12] if len(value) == 64 and " " not in value else " ".join(value.split())
    return dumps(value)
