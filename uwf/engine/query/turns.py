"""Every turn of a thread in the order it came: those of its steps, of failed attempts, of what runs now."""

from __future__ import annotations

from uwf.engine.chain.attempt import INTERRUPTED, ended_attempts, read_attempt
from uwf.engine.chain.nodes import Step
from uwf.engine.chain.story import steps_back
from uwf.engine.query.threads import turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.chain.nodes import Reader
    from uwf.store.protocols import Ref


def of_thread(
    reader: Reader, ref: Ref, only: str | None, *, is_running: bool = True
) -> list[dict[str, Any]]:
    """The turns of the thread behind `ref`, oldest first; with `only`, those of one step and its attempts.

    `is_running` says whether somebody runs it: else an attempt that is not done has died.
    """
    steps = list(steps_back(reader, ref.id)) if only is None else [Step.read(reader, only)]
    steps.reverse()
    rows: list[dict[str, Any]] = []
    for step in steps:
        for attempt in step.attempts:
            rows += _of_attempt(reader, attempt)
        about = {"step": step.id, "index": step.index, "role": step.role, "outcome": step.status}
        rows += [{**turn, **about, "number": None} for turn in turns(reader, step.turns)]
    if only is None:
        rows += _of_try(reader, ref, "running" if is_running else INTERRUPTED)
    return rows


def last_attempt(reader: Reader, ref: Ref) -> str | None:
    """The end of the newest attempt beside the head of the thread behind `ref`; None when there is none."""
    found = read_attempt(reader, ref.name.rpartition("/")[2])
    return None if found is None else found.last_end


def _of_try(reader: Reader, ref: Ref, outcome: str) -> list[dict[str, Any]]:
    """The turns beside the head: of failed attempts, and of the one that runs."""
    found = read_attempt(reader, ref.name.rpartition("/")[2])
    if found is None:
        return []
    ended = ended_attempts(reader, found.last_end)
    rows = [row for end in ended for row in _of_attempt(reader, end)]
    if found.running is not None:
        about = {"step": None, "index": None, "role": found.plan.role, "outcome": outcome}
        running = turns(reader, found.turns)
        rows += [{**turn, **about, "number": found.number} for turn in running]
    return rows


def _of_attempt(reader: Reader, ended: str) -> list[dict[str, Any]]:
    end = reader.get(ended).payload
    begun = reader.get(end["begun"]).payload
    about = {
        "step": None,
        "index": None,
        "role": begun["plan"]["role"],
        "outcome": end["error"]["code"],
        "number": begun["number"],
    }
    return [{**turn, **about} for turn in turns(reader, end["turns"])]
