"""A thread as it stands: its ref, its tags and the try beside its head, read together.

Nothing here decides or changes anything. *Running* is asked of the lock, never of a tag.
"""

from __future__ import annotations

import os

from uwf.engine.model import ATTEMPTS, IDLE, STATUSES, THREADS, Place, Plan
from uwf.errors import StoreError
from uwf.guard import lock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.model import Reader
    from uwf.store.protocols import Ref

LOCK_FILE = "threads.lock"
TRYING, FAILED, INTERRUPTED, PENDING = "trying", "failed", "interrupted", "pending"
"""States of a try: its agent may be running; it failed; its process died or was stopped; not begun yet."""


LABEL = "label."
"""Before the key of a label, as a tag of the thread's ref."""

FORKED_THREAD, FORKED_STEP = "forkedFromThread", "forkedFromStep"
"""Tags of a fork: the thread and the node it came from."""


class Try(Record):
    """What stands beside a head that has not become a step: the ref `@uwf/attempt/<thread>`.

    `begun` is the attempt node with the plan; `last` the newest node of it (a turn, or the attempt's end).
    While the state is "trying", `pid` and `started` name the agent's process and `runner` the process of
    uwf; they are None before it was spawned and once it has ended.
    """

    state: str
    last: str
    begun: str
    plan: Plan
    number: int
    agent: str
    began_ms: int
    runner: int | None
    pid: int | None
    started: str | None
    mark: str


class Thread(Record):
    """One thread. `attempt` is None, or the try since the head."""

    id: str
    head: str
    version: int
    tags: dict[str, str]
    updated_ms: int
    place: Place
    attempt: Try | None

    @property
    def status(self) -> str:
        return self.tags["status"]

    @property
    def plan(self) -> Plan | None:
        """The plan of the try beside the head, when it is about this head."""
        if self.attempt is None or self.attempt.plan.expect != self.head:
            return None
        return self.attempt.plan


def read(reader: Reader, ref: Ref) -> Thread:
    """The thread behind its ref."""
    if ref.tags.get("status") not in STATUSES:
        raise StoreError(
            f"ref {ref.name} has status {ref.tags.get('status', IDLE)!r}, which no thread can have",
            hint=f"uwf ref log {ref.name} shows who set it",
            code="bad_status",
        )
    id = ref.name.removeprefix(THREADS)
    return Thread(
        id=id,
        head=ref.id,
        version=ref.version,
        tags=ref.tags,
        updated_ms=ref.updated_ms,
        place=Place.read(reader, ref.id),
        attempt=read_try(reader, id),
    )


def read_try(reader: Reader, thread: str) -> Try | None:
    """The try beside the head of `thread`, None when there is none."""
    ref = reader.ref(ATTEMPTS + thread)
    if ref is None:
        return None
    begun = first_of_try(reader, ref.id)
    payload: dict[str, Any] = reader.get(begun).payload
    tags = ref.tags
    return Try(
        state=tags["state"],
        last=ref.id,
        begun=begun,
        plan=Plan.from_payload(reader, payload["plan"]),
        number=payload["number"],
        agent=payload["agent"],
        began_ms=payload["startedAt"],
        runner=int(tags["runner"]) if "runner" in tags else None,
        pid=int(tags["pid"]) if "pid" in tags else None,
        started=tags.get("started"),
        mark=payload["mark"],
    )


def first_of_try(reader: Reader, id: str) -> str:
    """The beginning of the try that the turn or attempt node `id` belongs to."""
    node = reader.get(id)
    if node.kind == "turn":
        return str(node.payload["attempt"])
    begun = node.payload.get("begun")
    return id if begun is None else str(begun)


def labels_of(tags: Mapping[str, str]) -> dict[str, str]:
    """The labels among a thread's tags."""
    return {key.removeprefix(LABEL): tag for key, tag in tags.items() if key.startswith(LABEL)}


def lock_path(home: str) -> str:
    return os.path.join(home, LOCK_FILE)


def runner(home: str, thread: str) -> int | None:
    """The pid of the uwf process that runs `thread` now, from its lock; None when nobody does."""
    return lock.holder(lock_path(home), thread)
