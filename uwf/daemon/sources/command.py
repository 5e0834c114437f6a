"""A source that is a command: it says what happened as lines of JSON, and ends.

A line `{"cursor": "TEXT"}` says how far it came: the next time TEXT stands in `UWF_CURSOR`. A command that knows no
cursor may say everything each time: what it said the last time is no news.
"""

from __future__ import annotations

from uwf.app import programs
from uwf.daemon.sources import lines
from uwf.daemon.sources.polled import Polled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.programs import ProgramAnswer
    from uwf.daemon.sources.polled import PollTask

OUTPUT_BYTES = 8 << 20
MOST_KNOWN = 5000
"""Ids of events that are remembered though it did not say them; of those that it says, all are."""


def poll(task: PollTask) -> Polled:
    """Run the command once, for as long as the source may take. Whatever becomes of it, whole lines are taken."""
    before = task.cursor if isinstance(task.cursor, dict) else {}
    said = _asked(task, str(before.get("text") or ""))
    fault = f"it {said.trouble}" if said.trouble else ""
    whole = said.out[: said.out.rfind(b"\n") + 1] if fault else said.out
    numbered = ((f"line {at}", line) for at, line in enumerate(whole.splitlines(), 1))
    known = before.get("last", [])
    found = lines.read(task.source, numbered, known=set(known), takes_cursor=True)
    last = [*found.old, *(event.id for event in found.events)]
    if found.is_cut or fault:  # what was not read now it may say the next time
        now, room = set(last), max(0, MOST_KNOWN - len(last))
        rest = [id for id in known if id not in now]
        last = [*rest[max(0, len(rest) - room) :], *last]
    return Polled(
        found.events,
        cursor={"text": found.cursor or before.get("text"), "last": last},
        faults=tuple(filter(None, (fault, *found.faults))),
        is_cut=found.is_cut,
        is_down=bool(fault),
    )


def _asked(task: PollTask, cursor: str) -> ProgramAnswer:
    return programs.ask(
        task.home,
        task.source.command,
        timeout_s=task.source.timeout_s,
        env={"UWF_SOURCE": task.source.name, "UWF_CURSOR": cursor},
        most_bytes=OUTPUT_BYTES,
        stop=task.stop,
    )
