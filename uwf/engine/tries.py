"""The writing side of a try: its beginning, its turns as they come, its end.

While an agent runs, the ref `@uwf/attempt/<thread>` points at the newest node of the try, and from there its
processes are found, so whoever comes after a crash knows what to end and what to keep. Turns do not wait
for the disk: they survive the death of the process, and the commit that ends the try makes them durable.
"""

from __future__ import annotations

import os

from uwf import clock, points
from uwf.engine.model import ATTEMPTS, Plan, pack_text
from uwf.engine.thread import FAILED, INTERRUPTED, STOPPED, Try
from uwf.record import Record
from uwf.store.codec import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.model import Nodes, Writer
    from uwf.engine.redact import Redactor
    from uwf.store.protocols import Store, Transaction


class Failure(Record):
    """Why a try did not become a step. `code` is a stable word, `message` a sentence for a person."""

    code: str
    message: str


class Ending(Record):
    """What is known of an attempt once its agent is gone; all but the failure may be unknown."""

    failure: Failure
    duration_ms: int | None = None
    process: dict[str, Any] | None = None
    stderr: str = ""
    session: str | None = None
    usage: dict[str, Any] | None = None


class Opening(Record):
    """What a try is begun with. `before` is the end of the try before it, when that failed too."""

    thread: str
    plan: Plan
    number: int
    agent: str
    mark: str
    before: str | None


def number_after(before: Try | None, role: str) -> int:
    """The number of the next attempt: tries of one role since the head are counted from 1."""
    return before.number + 1 if before is not None and before.plan.role == role else 1


def put_opening(
    tx: Writer,
    opening: Opening,
    prompt: str | None,
    began_ms: int,
    process: dict[str, Any] | None,
) -> str:
    """Store the beginning of an attempt; returns the node's id. No `process` means nobody was asked yet."""
    return tx.put(
        "attempt",
        {
            "thread": opening.thread,
            "plan": opening.plan.to_payload(tx),
            "number": opening.number,
            "agent": opening.agent,
            "mark": opening.mark,
            "prompt": None if prompt is None else Link(prompt),
            "before": None if opening.before is None else Link(opening.before),
            "startedAt": began_ms,
            "process": process,
        },
    )


def put_ending(tx: Writer, begun: str, turns: str | None, ending: Ending) -> str:
    """Store the end of an attempt; returns the node's id."""
    return tx.put(
        "attempt",
        {
            "begun": Link(begun),
            "turns": None if turns is None else Link(turns),
            "error": {"code": ending.failure.code, "message": ending.failure.message},
            "durationMs": ending.duration_ms,
            "process": ending.process,
            "stderr": pack_text(tx, ending.stderr),
            "session": ending.session,
            "usage": ending.usage,
            "endedAt": clock.now_ms(),
        },
    )


def hold_plan(tx: Transaction, thread: str, plan: Plan, before: Try | None, why: str) -> None:
    """Put a plan beside the head that no agent has been asked for yet."""
    opening = Opening(
        thread=thread,
        plan=plan,
        number=0 if before is None else before.number,
        agent="",
        mark="",
        before=None if before is None else last_ending(before),
    )
    begun = put_opening(tx, opening, None, clock.now_ms(), None)
    tx.set_ref(ATTEMPTS + thread, begun, why=why)


def last_ending(attempt: Try) -> str | None:
    """The node that the next attempt links to as the one before: the end of `attempt`, else of the try before."""
    return attempt.last if attempt.state in (FAILED, INTERRUPTED) else attempt.before


def session_after(nodes: Nodes, last: str | None, role: str) -> str | None:
    """The newest session that the tries of `role`, from the one that ended at `last` backwards, have named."""
    while last is not None:
        end = nodes.get(last).payload
        begun = nodes.get(end["begun"]).payload
        if begun["plan"]["role"] != role:
            return None
        if end["session"] is not None:
            return str(end["session"])
        last = begun["before"]
    return None


def failures_in_a_row(nodes: Nodes, attempt: Try | None, supplement: str | None) -> int:
    """How many tries of the same plan failed since a person last added something to it."""
    if attempt is None:
        return 0
    count = 0
    for id in reversed(ended_attempts(nodes, last_ending(attempt))):
        end = nodes.get(id).payload
        plan = Plan.from_payload(nodes, nodes.get(end["begun"]).payload["plan"])
        if (plan.role, plan.supplement) != (attempt.plan.role, supplement):
            break
        count += end["error"]["code"] not in (STOPPED, INTERRUPTED)
    return count


def last_failure(nodes: Nodes, attempt: Try | None) -> Failure | None:
    """What the last try failed of; None when it did not fail."""
    if attempt is None or attempt.state != FAILED:
        return None
    return Failure(**nodes.get(attempt.last).payload["error"])


def ended_attempts(nodes: Nodes, last: str | None) -> list[str]:
    """The ends of the failed tries from `last` backwards, oldest first."""
    found: list[str] = []
    while last is not None:
        found.append(last)
        last = nodes.get(nodes.get(last).payload["begun"]).payload["before"]
    found.reverse()
    return found


class Running:
    """A try whose agent runs: records the process, then each turn. One for each step; not shared."""

    def __init__(self, store: Store, opening: Opening, redactor: Redactor) -> None:
        self.opening = opening
        self.began_ms = clock.now_ms()
        self.begun: str | None = None
        self.turns: str | None = None
        self._store = store
        self._stream = redactor.stream()
        self._asked: str | None = None

    def spawned(self, tx: Transaction, prompt: str, pid: int | None, started: str | None) -> None:
        """Record the agent's process, before it may run. Called again when the agent is asked again."""
        process = {"runner": os.getpid(), "pid": pid, "started": started}
        if self.begun is None:
            self.begun = self._asked = put_opening(tx, self.opening, prompt, self.began_ms, process)
        else:
            turns = None if self.turns is None else Link(self.turns)
            again = {"begun": Link(self.begun), "turns": turns, "process": process}
            self._asked = tx.put("attempt", again)
        tx.set_ref(ATTEMPTS + self.opening.thread, self._asked, why="agent starts")

    def turn(self, text: str, *, last: bool = False) -> str:
        """Keep one turn as it arrives, the `last` one of a reply with all that was held back.

        Returns the text as it was kept, without secrets.
        """
        clean = self._stream.piece(text) + (self._stream.rest() if last else "")
        self._keep(clean, "agent")
        return clean

    def remark(self, text: str) -> None:
        """Keep what uwf itself has said to the agent."""
        self._keep(text, "uwf")

    def _keep(self, text: str, speaker: str) -> None:
        if text:
            with self._store.transaction(durable=False) as tx:
                turn = self._put_turn(tx, text, speaker)
                tx.set_ref(ATTEMPTS + self.opening.thread, turn, why="turn")
                points.at("turn: written")
            points.at("turn: kept")

    def last_turn(self, tx: Transaction, text: str) -> None:
        """Keep what arrived since the last turn, as part of the transaction that ends the try."""
        clean = self._stream.piece(text) + self._stream.rest()
        if clean:
            self._put_turn(tx, clean, "agent")

    def _put_turn(self, tx: Transaction, text: str, speaker: str) -> str:
        assert self._asked is not None, "an agent speaks only after it was recorded"
        self.turns = tx.put(
            "turn",
            {
                "attempt": Link(self._asked),
                "prev": None if self.turns is None else Link(self.turns),
                "from": speaker,
                "text": pack_text(tx, text),
                "at": clock.now_ms(),
            },
        )
        return self.turns
