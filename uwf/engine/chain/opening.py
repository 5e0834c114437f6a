"""How a try begins, on record before its agent may run: as a draft beside the store, or as a node in it.

Most tries become a step a moment after they began, and nobody needs their beginning any more. So a plain one is kept
as a draft, from where whoever comes after a crash takes it. It moves into the store with the first thing that is
to outlive the try: a turn that comes while it runs, or its end.

A draft counts as long as the thread's head is where it began and no `@uwf/attempt/<thread>` says more. So a step
needs not take it back: it is void the moment the head moves.
"""

from __future__ import annotations

import os

from msgpack import packb, unpackb  # type: ignore[import-untyped]  # it ships none

from uwf.engine.chain.nodes import Plan
from uwf.errors import UwfError
from uwf.record import Record
from uwf.store.codec import Link, decode, encode, id_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.chain.nodes import Reader, Writer
    from uwf.store.protocols import Store, Transaction


class Opening(Record):
    """What a try is begun with. `before` is the end of the try before it, when that failed too."""

    thread: str
    plan: Plan
    number: int
    agent: str
    mark: str
    before: str | None


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


def process_now(pid: int | None, started: str | None) -> dict[str, Any]:
    """What is recorded of the processes of a try: this one, and the agent's when it has one."""
    return {"runner": os.getpid(), "pid": pid, "started": started}


class Loose:
    """Nodes that are not in a store yet."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []

    def put(self, kind: str, payload: Any) -> str:
        data = encode(kind, payload)
        self.nodes.append(data)
        return id_of(data)


class Draft(Record):
    """The beginning of a try beside the store. `nodes` are those that its prompt is made of, as far as they are new."""

    opening: Opening
    prompt: str
    began_ms: int
    process: dict[str, Any]
    nodes: list[bytes]

    def keep(self, store: Store) -> None:
        opening = {**vars(self.opening), "plan": vars(self.opening.plan)}
        store.keep_draft(self.opening.thread, packb({**vars(self), "opening": opening}))

    def put_prompt(self, tx: Transaction) -> None:
        """Store the prompt alone."""
        for node in self.nodes:
            tx.put_raw(node)

    def put(self, tx: Transaction) -> str:
        """Store all of it; returns the id of the node that `put_opening` makes."""
        self.put_prompt(tx)
        return put_opening(tx, self.opening, self.prompt, self.began_ms, self.process)


def load_draft(reader: Reader, thread: str) -> Draft | None:
    """The draft of `thread`, whether it counts or not. None when there is none that can be read."""
    kept = reader.draft(thread)
    if kept is None:
        return None
    try:
        fields = unpackb(kept)
        opening = fields["opening"]
        plan = Plan(**opening["plan"])
        draft = Draft(**{**fields, "opening": Opening(**{**opening, "plan": plan})})
        nodes = {id_of(node): decode(node, strict=True) for node in draft.nodes}
        is_whole = draft.prompt in nodes and draft.process.keys() == process_now(None, None).keys()
    except (ValueError, TypeError, LookupError, AttributeError, UwfError):
        return None
    return draft if is_whole else None
