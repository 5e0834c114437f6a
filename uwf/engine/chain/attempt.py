"""The writing side of a try: its beginning, its turns as they come, its end.

While an agent runs, the ref `@uwf/attempt/<thread>` points at the newest node of the try, or a draft has its
beginning (see `opening`), and from there its processes are found, so whoever comes after a crash knows what to end and
what to keep. Turns do not wait for the disk: they survive the death of the process, and the commit that ends the try
makes them durable.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.chain.nodes import ATTEMPTS, Plan, pack_text
from uwf.engine.chain.opening import Draft, Opening, process_now, put_opening
from uwf.engine.chain.thread import FAILED, INTERRUPTED, NO_FAILURES, Try
from uwf.record import Record
from uwf.store.codec import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.chain.nodes import Nodes, Writer
    from uwf.engine.chain.redact import Redactor
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
    is_retried: bool = False


def number_after(before: Try | None, role: str) -> int:
    """The number of the next attempt: tries of one role since the head are counted from 1."""
    return before.number + 1 if before is not None and before.plan.role == role else 1


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
            "retried": ending.is_retried,
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
    """How many tries of the same plan failed since a person last added something to it.

    Those that were tried again by themselves count as one with what they came to.
    """
    if attempt is None:
        return 0
    count = 0
    for id in reversed(ended_attempts(nodes, last_ending(attempt))):
        end = nodes.get(id).payload
        plan = Plan.from_payload(nodes, nodes.get(end["begun"]).payload["plan"])
        if (plan.role, plan.supplement) != (attempt.plan.role, supplement):
            break
        count += end["error"]["code"] not in NO_FAILURES and not end.get("retried", False)
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
        self.is_stored = False
        """Whether it stands in the store, and not only in a draft."""
        self._draft: Draft | None = None
        self._store = store
        self._stream = redactor.stream()
        self._asked: str | None = None

    @property
    def is_begun(self) -> bool:
        return self.begun is not None or self._draft is not None

    def drafted(
        self, prompt: str, nodes: list[bytes], pid: int | None, started: str | None
    ) -> None:
        """Record the agent's process in a draft, before it may run. `nodes` are those of `prompt`."""
        process = process_now(pid, started)
        self._draft = Draft(self.opening, prompt, self.began_ms, process, nodes)
        self._draft.keep(self._store)

    def spawned(self, tx: Transaction, prompt: str, pid: int | None, started: str | None) -> None:
        """Record the agent's process, before it may run. Called again when the agent is asked again."""
        process = process_now(pid, started)
        self._store_draft(tx)
        if self.begun is None:
            self.begun = self._asked = put_opening(tx, self.opening, prompt, self.began_ms, process)
        else:
            turns = None if self.turns is None else Link(self.turns)
            again = {"begun": Link(self.begun), "turns": turns, "process": process}
            self._asked = tx.put("attempt", again)
        self._point_at(tx, self._asked, "agent starts")

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
                self._store_draft(tx)
                self._point_at(tx, self._put_turn(tx, text, speaker), "turn")
                points.at("turn: written")
            points.at("turn: kept")

    def becomes_step(self, tx: Transaction, text: str) -> None:
        """Keep what arrived since the last turn, and the prompt, as part of the transaction that makes it a step."""
        if self._draft is not None:
            self._draft.put_prompt(tx)
        self._last_turn(tx, text)

    def fails(self, tx: Transaction, text: str) -> str:
        """Keep what arrived since the last turn, as part of the transaction that ends the try without a step.

        Returns the node of its beginning.
        """
        self._store_draft(tx)
        assert self.begun is not None, "an attempt ends only after it was recorded"
        self._last_turn(tx, text)
        return self.begun

    def _last_turn(self, tx: Transaction, text: str) -> None:
        clean = self._stream.piece(text) + self._stream.rest()
        if clean:
            self._put_turn(tx, clean, "agent")

    def _store_draft(self, tx: Transaction) -> None:
        """Let what is only in a draft become part of the store."""
        if self._draft is not None:
            self.begun = self._asked = self._draft.put(tx)
            self._draft = None
            self._point_at(tx, self.begun, "agent starts")

    def _point_at(self, tx: Transaction, node: str, why: str) -> None:
        tx.set_ref(ATTEMPTS + self.opening.thread, node, why=why)
        self.is_stored = True

    def _put_turn(self, tx: Transaction, text: str, speaker: str) -> str:
        self.turns = tx.put(
            "turn",
            {
                "attempt": self.opening.mark if self._asked is None else Link(self._asked),
                "prev": None if self.turns is None else Link(self.turns),
                "from": speaker,
                "text": pack_text(tx, text),
                "at": clock.now_ms(),
            },
        )
        return self.turns
