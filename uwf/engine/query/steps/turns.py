"""Turns as the contract shows them: those of a step, and every turn of a thread in the order it came.

Times are epoch milliseconds.
"""

from __future__ import annotations

from uwf.engine.chain.attempt import INTERRUPTED, ended_attempts, read_attempt
from uwf.engine.chain.nodes import TEXT, Step, unpack_text
from uwf.engine.chain.story import steps_back
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Reader
    from uwf.store.values import Ref


class TurnView(Record):
    """One message, of the agent or of uwf, as it arrived. `kind` is `text`, `thinking`, `tool` or `tool_result`."""

    turn: str
    from_: str
    kind: str
    text: str
    at: int


class TurnRow(TurnView):
    """A row of `step turns`. `outcome` is the step's status, `running`, or what its attempt failed of.

    Of an attempt there is `number`, of a step `step` and `index`.
    """

    role: str
    outcome: str
    step: str | None = None
    index: int | None = None
    number: int | None = None


def up_to(
    reader: Reader, last: str | None, after: str | None = None, limit: int | None = None
) -> list[TurnView]:
    """The turns up to the turn node `last`, oldest first; those after `after`, where it is among them; the last
    `limit` of them.
    """
    found: list[TurnView] = []
    while last is not None and last != after and len(found) != limit:
        payload = reader.get(last).payload
        text = unpack_text(reader, payload["text"])
        kind = payload.get("kind", TEXT)
        found.append(TurnView(last, payload["from"], kind, text, payload["at"]))
        last = payload["prev"]
    found.reverse()
    return found


def newest(reader: Reader, ref: Ref, limit: int) -> list[TurnView]:
    """The last turns of what runs on the thread behind `ref`, at most `limit`, oldest first; where none runs, none."""
    attempt = read_attempt(reader, ref.name.rpartition("/")[2])
    if attempt is None or attempt.running is None:
        return []
    return up_to(reader, attempt.turns, limit=limit)


def of_thread(
    reader: Reader, ref: Ref, only: str | None = None, *, is_running: bool = True
) -> list[TurnRow]:
    """The turns of the thread behind `ref`, oldest first: those of its steps, of failed attempts, of what runs now.

    With `only`, those of one step and its attempts. `is_running` says whether a process runs the thread: else an
    attempt that has no end has died.
    """
    steps = list(steps_back(reader, ref.id)) if only is None else [Step.read(reader, only)]
    steps.reverse()
    found: list[TurnRow] = []
    for step in steps:
        for ended in step.attempts:
            found += _turns_of_attempt(reader, ended)
        found += [
            TurnRow(
                **vars(turn), role=step.role, outcome=step.status, step=step.id, index=step.index
            )
            for turn in up_to(reader, step.turns)
        ]
    if only is None:
        found += _turns_beside_head(reader, ref, "running" if is_running else INTERRUPTED)
    return found


def last_attempt(reader: Reader, ref: Ref) -> str | None:
    """The end of the newest attempt beside the head of the thread behind `ref`; None when there is none."""
    found = read_attempt(reader, ref.name.rpartition("/")[2])
    return None if found is None else found.last_end


def _turns_beside_head(reader: Reader, ref: Ref, outcome: str) -> list[TurnRow]:
    """The turns of failed attempts since the last step, and of the one that runs."""
    found = read_attempt(reader, ref.name.rpartition("/")[2])
    if found is None:
        return []
    ended = ended_attempts(reader, found.last_end)
    told = [turn for end in ended for turn in _turns_of_attempt(reader, end)]
    if found.running is not None:
        role, number = found.plan.role, found.number
        told += [
            TurnRow(**vars(turn), role=role, outcome=outcome, number=number)
            for turn in up_to(reader, found.turns)
        ]
    return told


def _turns_of_attempt(reader: Reader, ended: str) -> list[TurnRow]:
    end = reader.get(ended).payload
    begun = reader.get(end["begun"]).payload
    role, outcome, number = begun["plan"]["role"], end["error"]["code"], begun["number"]
    return [
        TurnRow(**vars(turn), role=role, outcome=outcome, number=number)
        for turn in up_to(reader, end["turns"])
    ]
