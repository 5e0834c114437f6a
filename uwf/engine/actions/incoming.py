"""What a file from a stranger may bring in: threads that can be read, go on and are shown, and nothing that acts.

A name must not become a workflow's, or anything else that is asked for by its name. No attempt may be running: the
process that it names would be ended, and could be any of this machine. No agent goes on in a session that is named, and
no timer is set by which a thread would run of itself. An id far in the future would stand before the threads that are
begun here. And no secret of this environment, which its author may well not have known for one: objects that come in
keep their ids, so nothing can be taken out of them.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.engine.chain import redact, sessions, shape, usage, wake
from uwf.engine.chain import thread as threads
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.cache import NodeCache
from uwf.engine.chain.tags import (
    ATTEMPTS,
    COMPLETED_AT,
    CWD,
    FORKED_THREAD,
    PRIORITY,
    STATUS,
    STATUSES,
    SUSPENDED_ROLE,
    THREADS,
    TOLD,
    UNDONE_TO,
    number_of,
)
from uwf.engine.chain.told import CELL
from uwf.errors import InputError, UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from typing import NoReturn

    from uwf.store.codec import Node
    from uwf.store.protocols import Gate, Store, Transaction

BESIDE = (ATTEMPTS, TOLD)
"""Refs that are there beside that of a thread."""

AHEAD_MS = 86_400_000
"""How far the clock of another machine may be ahead."""


class Incoming:
    """Checks one bundle: see `bundle.import_bundle` for when each of its methods is called."""

    def __init__(self, store: Store, gate: Gate | None = None) -> None:
        self._store = store
        self._gate = gate
        self._unclean: list[tuple[str, Node]] = []
        self._forms: dict[str, str] = {}
        self._leads: set[tuple[str, str, tuple[str, ...]]] = set()
        self._roles: dict[str, Container[str]] = {}
        self._plays: set[tuple[str, str, str]] = set()
        self._fault: str | None = None
        self._threads: list[str] = []
        self._foreign: list[str] = []

    def look(self, id: str, node: Node) -> None:
        """Note whether a thread can have this node."""
        self._forms[id] = shape.form(node)
        if self._secrets_in(node):
            self._unclean.append((id, node))
        try:
            self._leads.update([(id, to, forms) for to, forms in shape.leads(node)])
            payload = node.payload
            has_session = self._forms[id] in ("step", shape.ENDED) and (
                payload["session"] is not None or payload.get("sessions")
            )
            asks = self._forms[id] == shape.ENDED and "asks" in payload.get("client", {})
            if (has_session or asks) and not self._store.has(id):
                self._foreign.append(id)
            if self._forms[id] == "workflow":
                self._roles[id] = payload["roles"].keys()
            elif self._forms[id] == "step":
                self._plays.add((id, payload["workflow"], payload["role"]))
            elif self._forms[id] == shape.BEGUN:
                self._plays.add((id, payload["plan"]["workflow"], payload["plan"]["role"]))
        except shape.WrongShape as error:
            self._fault = self._fault or f"object {id[:12]} {error}"

    def allow(self, refs: Mapping[str, Mapping[str, str]]) -> None:
        """Raise `InputError` for a ref that may not come in, and for nodes that no thread can have."""
        for name, tags in refs.items():
            self._allow_ref(name, tags, refs)
        if self._fault is not None:
            _bad(self._fault)
        for id, node in self._unclean:
            for name in self._secrets_in(node):  # also now that the words of its workflow are known
                raise InputError(
                    f"object {id[:12]} holds the secret {name} of this environment",
                    hint=f"env -u {name} uwf thread import FILE",
                    code="bad_bundle",
                )
        for id, to, forms in sorted(self._leads):
            if self._forms[to] not in forms:
                _bad(f"object {id[:12]} links to {self._forms[to]} for {forms[0]}")
        for id, workflow, role in sorted(self._plays):
            if role not in self._roles[workflow]:
                _bad(
                    f"object {id[:12]} names the role {role!r:.80}, which its workflow does not have"
                )
        self._threads = [name.removeprefix(THREADS) for name in refs if name.startswith(THREADS)]

    def agree(self, tx: Transaction) -> None:
        """Raise `InputError` for a thread that cannot be read whole, or whose attempt is running.

        Sessions and questions that came with it are marked: none of them is ever handed to an agent, or answered.
        """
        sessions.mark_foreign(tx, self._foreign)
        for id in self._threads:
            try:
                self._read(tx, id)
            except UwfError as error:
                _bad(f"thread {id}: {error.message}")

    def _secrets_in(self, node: Node) -> list[str]:
        """The names of the secrets that the gate finds in a node."""
        cleaned = self._gate and self._gate.payload(node.kind, node.payload)
        return [] if cleaned == node.payload else redact.names_in(repr(cleaned))

    def _allow_ref(
        self, name: str, tags: Mapping[str, str], refs: Mapping[str, Mapping[str, str]]
    ) -> None:
        prefix = next((each for each in BESIDE if name.startswith(each)), THREADS)
        id = name.removeprefix(prefix)
        if not name.startswith(prefix):
            why = "which is no thread"
        elif not clock.is_ulid(id):
            why = "whose id no thread can have"
        elif clock.ulid_ms(id) > clock.now_ms() + AHEAD_MS:
            why = "whose id says that it begins in the future"
        elif prefix in BESIDE and THREADS + id not in refs:
            why = "but not its thread"
        elif wake.kept(tags):
            why = "with a timer, which no export has"
        elif prefix == THREADS and tags.get(STATUS) not in STATUSES:
            why = f"with the status {tags.get('status', '')!r:.80}, which no thread can have"
        else:
            return
        _bad(f"it brings {name}, {why}")

    def _read(self, tx: Transaction, id: str) -> None:
        """Read all that a command on the thread reads before it changes anything."""
        beside = tx.ref(ATTEMPTS + id)
        if beside is not None and self._forms[beside.id] not in (*shape.ATTEMPT, "turn"):
            raise InputError(f"{beside.name} is no attempt")
        waits = tx.ref(TOLD + id)
        if waits is not None and self._forms[waits.id] != CELL:
            raise InputError(f"{waits.name} is nothing that waits to be told")
        found = read_attempt(tx, id)
        if found is not None and found.running is not None:
            raise InputError("it brings an attempt that is running")
        cache = NodeCache(tx)
        thread = threads.current(tx, cache, id)
        workflow = cache.workflow(thread.position.workflow)
        usage.allowed({}, workflow, None, thread.tags)
        usage.of_thread(cache, thread)
        number_of(thread.tags, PRIORITY, id)
        number_of(thread.tags, UNDONE_TO, id)
        if not 0 <= (number_of(thread.tags, COMPLETED_AT, id) or 0) < shape.END_OF_TIME_MS:
            raise InputError(f"its tag {COMPLETED_AT} is no time")
        if thread.tags.get(SUSPENDED_ROLE, next(iter(workflow.roles))) not in workflow.roles:
            raise InputError(f"its tag {SUSPENDED_ROLE} names no role of its workflow")
        if not os.path.isabs(thread.tags.get(CWD, os.sep)):
            raise InputError(f"its tag {CWD} is no absolute path")
        if not clock.is_ulid(thread.tags.get(FORKED_THREAD, id)):
            raise InputError(f"its tag {FORKED_THREAD} is the id of no thread")


def _bad(why: str) -> NoReturn:
    raise InputError(why, code="bad_bundle")
