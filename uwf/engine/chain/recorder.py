"""Writing an attempt while its agent runs: its start, its turns as they come, and what remains to be said at its end.

While an agent runs, the ref `@uwf/attempt/<thread>` points at the newest node of the attempt, and from there its
processes are found, so whatever command comes after a crash knows what to end and what to keep. Starts and turns do
not wait for the disk: they survive the death of the process, and the transaction that ends the attempt makes them
durable.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain.attempt import Attempt, process_now, put_end, put_start
from uwf.engine.chain.nodes import pack_text
from uwf.engine.chain.tags import ATTEMPTS
from uwf.store.codec import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.attempt import AttemptEnd, AttemptStart
    from uwf.engine.chain.redact import Redactor
    from uwf.store.owner import Owner
    from uwf.store.protocols import Store, Transaction

TEXT = "text"
"""The kind of a turn that is part of a reply. Turns of stores that know no kinds are all of this one."""


class AttemptRecorder:
    """Records one attempt: the agent's process, then each turn. One for each attempt; not shared."""

    def __init__(self, store: Store, start: AttemptStart, redactor: Redactor) -> None:
        self.start = start
        self.began_ms = clock.now_ms()
        self.begun: str | None = None
        self.turns: str | None = None
        self._store = store
        self._redactor = redactor
        self._stream = redactor.stream()
        self._asked = ""

    def started(self, tx: Transaction, prompt: str, agent: Owner | None) -> None:
        """Record the agent's process, before it may run. Called again when the agent is asked again."""
        process = process_now(agent)
        if self.begun is None:
            self.begun = self._asked = put_start(tx, self.start, prompt, self.began_ms, process)
        else:
            turns = None if self.turns is None else Link(self.turns)
            again = {"begun": Link(self.begun), "turns": turns, "process": process}
            self._asked = tx.put("attempt", again)
        self._point_at(tx, self._asked, "agent starts")

    def turn(self, text: str, *, kind: str = TEXT, last: bool = False) -> str:
        """Keep one turn as it arrives, the `last` one of a reply with all that was held back.

        Returns the text as it was kept, without secrets.
        """
        if kind != TEXT:
            self._keep(self._stream.rest(), "agent", TEXT)
            clean = self._redactor.text(text)
        else:
            clean = self._stream.piece(text) + (self._stream.rest() if last else "")
        self._keep(clean, "agent", kind)
        return clean

    def remark(self, text: str) -> None:
        """Keep what uwf itself has said to the agent."""
        self._keep(text, "uwf", TEXT)

    def _keep(self, text: str, speaker: str, kind: str) -> None:
        if text:
            with self._store.transaction("turn", durable=False) as tx:
                self._point_at(tx, self._put_turn(tx, text, speaker, kind), "turn")

    def last_turn(self, tx: Transaction, text: str) -> None:
        """Keep what arrived since the last turn, as part of the transaction that ends the attempt."""
        clean = self._stream.piece(text) + self._stream.rest()
        if clean:
            self._put_turn(tx, clean, "agent", TEXT)

    def ended(self, tx: Transaction, end: AttemptEnd, tail: str) -> Attempt:
        """Keep the end of an attempt that became no step, and what arrived since its last turn."""
        assert self.begun is not None, "an attempt ends only after it was recorded"
        self.last_turn(tx, tail)
        last = put_end(tx, self.begun, self.turns, end)
        self._point_at(tx, last, f"attempt ended: {end.failure.code}")
        start = self.start
        return Attempt(
            last=last,
            begun=self.begun,
            turns=self.turns,
            plan=start.plan,
            number=start.number,
            agent=start.agent,
            began_ms=self.began_ms,
            mark=start.mark,
            before=start.before,
            running=None,
            failure=end.failure,
        )

    def _point_at(self, tx: Transaction, node: str, why: str) -> None:
        tx.set_ref(ATTEMPTS + self.start.thread, node, why=why)

    def _put_turn(self, tx: Transaction, text: str, speaker: str, kind: str) -> str:
        self.turns = tx.put(
            "turn",
            {
                "attempt": Link(self._asked),
                "prev": None if self.turns is None else Link(self.turns),
                "from": speaker,
                "kind": kind,
                "text": pack_text(tx, text),
                "at": clock.now_ms(),
            },
        )
        return self.turns
