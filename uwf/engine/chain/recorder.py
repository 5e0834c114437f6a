"""Writing an attempt while its agent runs: its start, its turns as they come, and what remains to be said at its end.

While an agent runs, the ref `@uwf/attempt/<thread>` points at the newest node of the attempt, and from there its
processes are found, so whatever command comes after a crash knows what to end and what to keep. Starts and turns do
not wait for the disk: they survive the death of the process, and the transaction that ends the attempt makes them
durable. A turn that cannot be stored ends no agent: it waits for that transaction, and so do those after it.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress

from uwf import clock
from uwf.engine.chain.attempt import Attempt, process_now, put_end, put_start
from uwf.engine.chain.nodes import TEXT, THINKING, ClientFacts, pack_text
from uwf.engine.chain.tags import ATTEMPTS, SUPERSEDED
from uwf.errors import Conflict, CounterUnreadable, StoreError
from uwf.record import replace
from uwf.store import measures
from uwf.store.codec import Link
from uwf.store.values import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from uwf.engine.chain.attempt import AttemptEnd, AttemptStart
    from uwf.engine.chain.redact import Redactor
    from uwf.store.owner import Owner
    from uwf.store.protocols import Store, Transaction, TransactionScope

DISPATCHED = "task_dispatched"
"""How the log of an attempt calls that the guards let it pass, and its agent was asked."""


class AttemptRecorder:
    """Records one attempt: the agent's process, then each turn. One for each attempt; not shared."""

    def __init__(
        self,
        store: Store,
        start: AttemptStart,
        redactor: Redactor,
        event: str | None,
        host: str | None,
    ) -> None:
        """`event` is the key of the one that began the thread, `host` this machine, where several share the store."""
        self.start = start
        self.began_ms = clock.now_ms()
        self.prompt = ""
        """The id of the prompt's node, once it is stored."""
        self.at: str | None = None
        """Where this has left the ref of the attempt. A server that recovers may forget what was written last, while
        this goes on: whoever moves the ref expects it there, so that nothing is linked that is not.
        """
        self.begun: str | None = None
        self.turns: str | None = None
        self.held: list[tuple[str, str, str]] = []
        """Turns that could not be stored: who spoke, the kind, the text."""
        self._store = store
        self._redactor = redactor
        self._event = event
        self._host = host
        self._stream = redactor.stream()
        self._streamed = TEXT
        """The kind of the turns that the stream takes, until one of another kind comes."""
        self._rest: str | None = None
        self._asked = ""
        self._process: dict[str, Any] = {}
        self._session: str | None = None
        self._usage: dict[str, Any] | None = None
        self.client = ClientFacts()
        """What its client has said of itself so far."""

    def go_on(self, attempt: Attempt) -> None:
        """Record the rest of an attempt that a process before this one has begun."""
        self.began_ms, self.begun, self.turns = attempt.began_ms, attempt.begun, attempt.turns
        self._asked, self.at = attempt.begun, attempt.last

    @contextmanager
    def following(self, transaction: TransactionScope) -> Iterator[Transaction]:
        """The `transaction`, in which something is to be recorded: where it comes to nothing, so does that."""
        before = self.prompt, self.at, self.begun, self.turns, self._asked, self._process
        try:
            with transaction as tx:
                yield tx
        except BaseException:
            self.prompt, self.at, self.begun, self.turns, self._asked, self._process = before
            raise

    def started(self, tx: Transaction, prompt: str, agent: Owner | None) -> None:
        """Record the agent's process, before it may run. Called again when the agent is asked again."""
        self.prompt, self._process = prompt, process_now(agent, self._host)
        if self.begun is None:
            self.begun = put_start(tx, self.start, prompt, self.began_ms, self._process)
            self._asked = self.begun
            why = f"{DISPATCHED}: {self.start.plan.role}"
        else:
            self._asked = self._put_again(tx)
            why = "agent starts again"
        self._point_at(tx, self._asked, why)

    def said(self, session: str | None, usage: dict[str, Any] | None) -> None:
        """Keep what the agent has named as its session, and used so far: a kill of this process loses neither."""
        if (session, usage) == (self._session, self._usage):
            return
        self._session, self._usage = session, usage

        def put(tx: Transaction) -> str:
            self._asked = self._put_again(tx)
            return self._asked

        self._keep(put, "session and usage")

    def learn(self, **facts: Any) -> None:
        """Keep what the client says of itself, with what is stored next."""
        self.client = replace(self.client, **facts)

    def permitted(self, hash: str) -> None:
        """Keep that a person's yes is about to be used, on the disk. Raises `StoreError`: then it may not be."""
        if self.held:
            raise StoreError(
                "a permission that cannot be recorded is not used", code="not_recorded"
            )
        self.learn(permitted=hash)
        with self.following(self._store.transaction("permitted")) as tx:
            self._asked = self._put_again(tx)
            self._point_at(tx, self._asked, "a permission is used")

    def _put_again(self, tx: Transaction) -> str:
        assert self.begun is not None, "it has started"
        return tx.put(
            "attempt",
            {
                "begun": Link(self.begun),
                "turns": None if self.turns is None else Link(self.turns),
                "process": self._process,
                "session": self._session,
                "usage": self._usage,
                **self.client.to_payload(),
            },
        )

    def turn(self, text: str, *, kind: str = TEXT, last: bool = False) -> str:
        """Keep one turn as it arrives, the `last` one of a reply with all that was held back.

        Returns the text as it was kept, without secrets.
        """
        if kind != self._streamed:
            self._keep_turn(self._stream.rest(), "agent", self._streamed)
            self._streamed = kind
        if kind in (TEXT, THINKING):
            clean = self._stream.piece(text) + (self._stream.rest() if last else "")
        else:
            clean = self._redactor.text(text)
        self._keep_turn(clean, "agent", kind)
        return clean

    def remark(self, text: str, *, kind: str = TEXT) -> None:
        """Keep what uwf itself has said to the agent."""
        self._keep_turn(text, "uwf", kind)

    def _keep_turn(self, text: str, speaker: str, kind: str) -> None:
        is_kept = not text
        try:
            is_kept = is_kept or self._keep(
                lambda tx: self._put_turn(tx, text, speaker, kind), "turn"
            )
        finally:
            if not is_kept:
                self.held.append((speaker, kind, text))

    def _keep(self, put: Callable[[Transaction], str], why: str) -> bool:
        """Let the newest node of the attempt be what `put` stores. False where that cannot be stored now."""
        if self.held:
            return False
        try:
            with self.following(self._store.transaction("turn", durable=False)) as tx:
                self._point_at(tx, put(tx), why)
        except (StoreError, Conflict):
            return False
        return True

    def last_turn(self, tx: Transaction, text: str) -> None:
        """Keep what arrived since the last turn, as part of the transaction that ends the attempt."""
        clean = self.rest(text)
        for speaker, kind, held in self.held:
            self._put_turn(tx, held, speaker, kind)
        if clean:
            self._put_turn(tx, clean, "agent", TEXT)

    def rest(self, text: str) -> str:
        """The end of the reply, `text` being what no turn has carried, without secrets. May be called twice."""
        if self._rest is None:
            thought = self._stream.rest() if self._streamed == THINKING else ""
            if thought:
                self.held.append(("agent", THINKING, thought))
            self._rest = self._stream.piece(text) + self._stream.rest()
        return self._rest

    def ended(self, tx: Transaction, end: AttemptEnd, tail: str) -> Attempt:
        """Keep the end of an attempt that became no step, and what arrived since its last turn."""
        last = self._put_end(tx, end, tail)
        self._point_at(tx, last, f"attempt ended: {end.failure.code}")
        start = self.start
        assert self.begun is not None, "it has started"
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
            state=end.failure,
            client=self.client,
            is_retried=end.is_retried,
            files=start.files,
        )

    def superseded(
        self, tx: Transaction, end: AttemptEnd, tail: str, whole: str, prompt: Callable[[], str]
    ) -> str:
        """Keep the same where another run has the thread by now, and with it what stands beside the head; the node.

        `whole` is the reply, of which `tail` came since the last turn; `prompt` stores the prompt.
        """
        self._put_forgotten(tx, whole, prompt)
        last = self._put_end(tx, end, tail)
        beside = f"{self.start.thread}/{self.begun}"
        tx.set_ref(SUPERSEDED + beside, last, why=f"attempt ended: {end.failure.code}")
        return last

    def _put_forgotten(self, tx: Transaction, whole: str, prompt: Callable[[], str]) -> None:
        """Put again what a server that recovers has forgotten: the start, and of the turns those that the reply has."""
        assert self.begun is not None, "an attempt ends only after it was recorded"
        if not tx.has(self.begun):
            self.begun = put_start(tx, self.start, prompt(), self.began_ms, self._process)
        if not tx.has(self._asked):
            self._asked = self.begun
        if self.turns is not None and not tx.has(self.turns):
            self.turns = None
            if whole:
                others = [held for held in self.held if held[1] != TEXT]
                self.held = [("agent", TEXT, self._redactor.text(whole)), *others]
                self._rest = ""

    def _put_end(self, tx: Transaction, end: AttemptEnd, tail: str) -> str:
        assert self.begun is not None, "an attempt ends only after it was recorded"
        self.last_turn(tx, tail)
        return put_end(tx, self.begun, self.turns, replace(end, client=self.client))

    def _note_first(self, tx: Transaction) -> None:
        """The first word of the first attempt: how long ago the event was taken in of which the step was told, or which
        began its thread.
        """
        if self.start.before is not None:
            return
        events = {word.event: word.at_ms for word in self.start.plan.told if word.event is not None}
        began = self._event
        if began is not None and tx.get(self.start.plan.base).kind != "step":
            events[began] = clock.ulid_ms(self.start.thread)
        if events:
            since_ms = min(_taken_ms(tx, key, at_ms) for key, at_ms in events.items())
            measures.note(tx, measures.FIRST_BYTE, max(0, clock.now_ms() - since_ms))

    def _point_at(self, tx: Transaction, node: str, why: str) -> None:
        expect = ANY if self.at is None else self.at
        tx.set_ref(ATTEMPTS + self.start.thread, node, expect=expect, why=why)
        self.at = node

    def _put_turn(self, tx: Transaction, text: str, speaker: str, kind: str) -> str:
        if self.turns is None:
            self._note_first(tx)
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


def _taken_ms(tx: Transaction, event: str, else_ms: int) -> int:
    """When an event was taken in, `else_ms` where it is not kept any more."""
    with suppress(CounterUnreadable):
        entry = tx.entry("event", event)
        return else_ms if entry is None else entry.at_ms
    return else_ms
