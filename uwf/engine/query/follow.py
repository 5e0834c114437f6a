"""Following threads from outside: what is new since the last look, until no process runs them or is about to."""

from __future__ import annotations

import time

from uwf.engine.chain.attempt import attempt_at, ended_attempts
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import ATTEMPTS, THREADS
from uwf.engine.query.steps.steps import StepRow, row
from uwf.engine.query.steps.turns import up_to
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.engine.chain.attempt import Attempt
    from uwf.engine.chain.nodes import Step
    from uwf.engine.query.steps.turns import TurnView
    from uwf.engine.query.thread_view import ThreadView
    from uwf.engine.query.threads import ThreadViews
    from uwf.store.protocols import Store
    from uwf.store.values import Ref

_POLL_S = 0.1


class Glance(Record):
    """One look: the thread as `show` has it, the steps and the turns that are new."""

    thread: ThreadView
    steps: tuple[StepRow, ...] = ()
    turns: tuple[TurnView, ...] = ()


class Following:
    """Looks at a thread that another process runs. `is_over` once none does, and it is not taken up by one."""

    def __init__(
        self,
        store: Store,
        views: ThreadViews,
        thread: str,
        is_taken_up: Callable[[str], bool] = lambda thread: False,
    ) -> None:
        """`is_taken_up` says of a thread that no process runs whether one is about to."""
        self.is_over = False
        self._store, self._views, self._thread = store, views, thread
        self._is_taken_up = is_taken_up
        self._news = _News(store, thread)
        self._before: tuple[object, ...] | None = None

    def look(self) -> Glance | None:
        """What is new since the last look; None for nothing. The first one finds the thread new."""
        ref, view = self._read()
        is_taken_up = False
        if view is not None and view.running is None:
            is_taken_up = self._is_taken_up(self._thread)
            ref, view = self._read()  # what it did last may have come after the ref was read
        is_at_rest = view is None or view.running is None
        is_readable = view is not None and view.is_readable
        self.is_over = not is_readable or (is_at_rest and not is_taken_up)
        if ref is None or view is None:
            return None
        if not view.is_readable:
            return Glance(view)
        steps, new_turns = self._news.of(ref)
        running = view.running
        now = (ref.id, view.status, running and running.role, running and running.since)
        if now == self._before and not new_turns and not steps:
            return None
        self._before = now
        return Glance(view, tuple(row(self._store, step) for step in steps), tuple(new_turns))

    def _read(self) -> tuple[Ref | None, ThreadView | None]:
        with self._store.snapshot():  # which a store that was taken away does not give
            ref = self._store.ref(THREADS + self._thread)
        return ref, None if ref is None else self._views.thread(ref)


def follow(followed: list[Following]) -> Iterator[Glance]:
    """Glances at the threads that are `followed`: one of each at once, one at every change, and a last one when it is
    over.
    """
    while followed:
        for one in followed:
            glance = one.look()
            if glance is not None:
                yield glance
        followed = [one for one in followed if not one.is_over]
        if followed:
            time.sleep(_POLL_S)


class _News:
    """Knows what of a thread was told. The first look tells the turns of what runs, and takes the rest as known."""

    def __init__(self, store: Store, thread: str) -> None:
        self._store = store
        self._thread = thread
        self._head: str | None = None
        self._beside: str | None = None
        self._turn: str | None = None
        self._ended: set[str] = set()

    def of(self, ref: Ref) -> tuple[list[Step], list[TurnView]]:
        """The new steps up to `ref` and the new turns, oldest first."""
        beside = self._store.ref(ATTEMPTS + self._thread)
        steps: list[Step] = []
        told: list[TurnView] = []
        if self._head is not None and ref.id != self._head:
            steps = _steps_since(self._store, ref.id, self._head)
        for step in steps:
            for end in step.attempts:
                told += self._of_ended(end)
            told += self._up_to(step.turns)
        if beside is not None and (ref.id, beside.id) != (self._head, self._beside):
            found = attempt_at(self._store, beside.id)
            if found.plan.expect == ref.id:  # else the thread has moved on between the two looks
                told += self._beside_head(found)
                self._beside = beside.id
        self._head = ref.id
        return steps, told

    def _beside_head(self, found: Attempt) -> list[TurnView]:
        ends = ended_attempts(self._store, found.last_end)
        if self._head is None:
            self._ended.update(ends)
        told = [turn for end in ends for turn in self._of_ended(end)]
        return told + self._up_to(found.turns) if found.running is not None else told

    def _of_ended(self, end: str) -> list[TurnView]:
        if end in self._ended:
            return []
        self._ended.add(end)
        return self._up_to(self._store.get(end).payload["turns"])

    def _up_to(self, last: str | None) -> list[TurnView]:
        """The turns of one attempt that were not told yet: attempts come in order, so one turn says how far that is."""
        found = up_to(self._store, last, self._turn)
        self._turn = last or self._turn
        return found


def _steps_since(store: Store, head: str, seen: str) -> list[Step]:
    """The steps up to `head` that do not lead to `seen`, oldest first. Undone and replaced ones need not be passed."""
    found: list[Step] = []
    old, new = steps_back(store, seen), steps_back(store, head)
    known, step = next(old, None), next(new, None)
    while step is not None and (known is None or step.id != known.id):
        if known is not None and known.index > step.index:
            known = next(old, None)
            continue
        if known is not None and known.index == step.index:
            known = next(old, None)
        found.append(step)
        step = next(new, None)
    found.reverse()
    return found
