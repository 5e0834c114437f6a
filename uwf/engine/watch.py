"""Following a thread from outside: what is new since the last look, until nobody runs it."""

from __future__ import annotations

import time

from uwf.engine.model import ATTEMPTS, THREADS
from uwf.engine.story import steps_back
from uwf.engine.view import step_row, turns
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from uwf.engine.view import View
    from uwf.store.protocols import Store

_POLL_S = 0.1


class Glance(Record):
    """One look: the thread as `show` has it, the steps and the turns that are new."""

    row: dict[str, Any]
    steps: list[dict[str, Any]]
    turns: list[dict[str, Any]]


def follow(store: Store, view: View, thread: str) -> Iterator[Glance]:
    """Glances at `thread`: one at once, one at every change, and a last one when nobody runs it."""
    seen_turn: str | None = None
    seen_head: str | None = None
    before: tuple[object, ...] | None = None
    while True:
        ref = store.ref(THREADS + thread)
        if ref is None:
            return
        row = view.thread(ref)
        attempt = store.ref(ATTEMPTS + thread)
        new_turns: list[dict[str, Any]] = []
        if attempt is not None and attempt.id != seen_turn:
            new_turns = _since(store, attempt.id, seen_turn)
            seen_turn = attempt.id
        steps = []
        if seen_head is not None and ref.id != seen_head:
            for step in steps_back(store, ref.id):
                if step.id == seen_head:
                    break
                steps.append(step_row(step))
            steps.reverse()
        running = row["running"]
        now = (ref.id, row["status"], running and running["role"], running and running["since"])
        if now != before or new_turns or steps:
            yield Glance(row, steps, new_turns)
        before, seen_head = now, ref.id
        if running is None:
            return
        time.sleep(_POLL_S)


def _since(store: Store, newest: str, seen: str | None) -> list[dict[str, Any]]:
    """The turns up to `newest` that came after `seen`."""
    if store.get(newest).kind != "turn":
        return []
    found = turns(store, newest)
    ids = [turn["turn"] for turn in found]
    return found[ids.index(seen) + 1 :] if seen in ids else found
