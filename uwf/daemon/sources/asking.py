"""Asking one source: what a poll of it needs to know, and what becomes of what it found.

Both ends touch the store and are the caller's, who has it; the poll between them may run in a thread of its own.
"""

from __future__ import annotations

import random

from uwf import clock, config
from uwf.daemon.intake import signature
from uwf.daemon.sources import watching
from uwf.daemon.sources.memory import PullMemory
from uwf.daemon.sources.polled import Polled, PollTask
from uwf.daemon.sources.watching import Pull, WatchSet
from uwf.errors import InputError
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from uwf.app import App
    from uwf.app.programs import Stop
    from uwf.app.values import Delivered, Source, SourceState

LEAST_S = 5.0
"""Between two polls of one source, however much there is and however often webhooks say that one is worth it."""
LONGEST_S = 15 * 60.0
"""How long a source that fails is left alone at most, unless it says itself how long."""
SKEW_MS = 5 * 60_000
"""How far the clock of a forge may be behind ours: what it says was written so long before a thread began is news."""
NOTHING = WatchSet((), (), ())


class Asked(Record):
    """A poll that may be made, of all that is next or, where it `is_partial`, of what a webhook spoke of alone. `ended`
    are pull requests that nobody carries any more. With a `fault` it need not be made: it could give nothing.
    """

    task: PollTask
    watch: WatchSet = NOTHING
    is_partial: bool = False
    ended: tuple[int, ...] = ()
    fault: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody to ask, or nothing to ask about."""
        return bool(self.fault) or (self.task.source.is_forge and not self.task.pulls)


class Outcome(Record):
    """What is stored of a poll: how the source stood before it and stands now, and what came of its events. Where it
    `wants_peace` it is not asked before `state.next_ms`, whoever wishes for it.
    """

    before: SourceState
    state: SourceState
    delivered: Delivered
    wants_peace: bool


class Asking:
    """Asks the sources of a home."""

    def __init__(self, app: App, dice: random.Random | None = None) -> None:
        self._app = app
        self._dice = dice or random.Random()

    def ask(self, source: Source, poll: Callable[[PollTask], Polled]) -> Outcome:
        """Poll it now, and wait for that."""
        asked = self.prepare(source)
        return self.deliver(asked, Polled() if asked.is_empty else poll(asked.task))

    def prepare(
        self,
        source: Source,
        wished: Collection[int] = (),
        *,
        is_partial: bool = False,
        stop: Stop | None = None,
    ) -> Asked:
        """The poll of a source. Pull requests that are `wished` for are asked about even where they have ended."""
        app = self._app
        cursor = app.sources.state(source.name).cursor
        task = PollTask(source, app.home, cursor=cursor, stop=stop)
        try:
            task = replace(task, token=token_of(source))
        except InputError as error:
            return Asked(task, fault=error.message)
        if not source.is_forge:
            return Asked(task)
        memories = {
            number: PullMemory.of(value) for number, value in app.sources.pulls(source.name).items()
        }
        carried = app.sources.carried(source)
        pulls, now_ms = [], clock.now_ms()
        for one in carried:
            memory = memories.get(one.number, PullMemory())
            is_wished = one.number in wished
            if memory.has_ended and one.active_ms <= memory.polled_ms and not is_wished:
                continue
            active_ms = now_ms if is_wished else max(one.active_ms, memory.active_ms)
            begun_ms = max(0, one.begun_ms - SKEW_MS)
            pulls.append(Pull(source.repo, one.number, begun_ms, active_ms, memory.polled_ms))
        watch = watching.choose(pulls, now_ms)
        asked = tuple(pull for pull in watch.asked if not is_partial or pull.number in wished)
        return Asked(
            replace(task, pulls=asked, memories=memories),
            watch,
            is_partial,
            tuple(memories.keys() - {one.number for one in carried}),
        )

    def deliver(self, asked: Asked, found: Polled) -> Outcome:
        """Store what was found, with what to remember and when to ask again."""
        if asked.fault:
            found = Polled(faults=(asked.fault,), is_down=True)
        app, source = self._app, asked.task.source
        before, now_ms = app.sources.state(source.name), clock.now_ms()
        failures = before.failures + 1 if found.is_down else 0
        wants_peace = found.is_down or found.retry_at_ms is not None
        next_ms = before.next_ms
        if wants_peace or not asked.is_partial:
            next_ms = now_ms + round(self._after_s(source, found, failures, now_ms) * 1000)
        changes: dict[int, Mapping[str, Any] | None] = dict.fromkeys(asked.ended)
        changes |= {number: each.as_value() for number, each in found.memories.items()}
        state = replace(
            before,
            polled_ms=now_ms,
            seen_ms=now_ms if found.events else before.seen_ms,
            next_ms=next_ms,
            error=app.redactor.text("; ".join(found.faults))[:500],
            error_ms=now_ms if found.faults else 0,
            failures=failures,
            cursor=before.cursor if found.cursor is None else found.cursor,
            watching=len(asked.watch.asked),
            waiting=len(asked.watch.waiting),
            aged=tuple(pull.name for pull in asked.watch.aged),
        )
        delivered = app.sources.deliver(source.name, found.events, state, changes)
        return Outcome(before, state, delivered, wants_peace)

    def _after_s(self, source: Source, found: Polled, failures: int, now_ms: int) -> float:
        if found.is_down:
            most_s = max(LONGEST_S, source.every_s)
            after_s = min(source.every_s * 2.0 ** min(failures - 1, 20), most_s)
            after_s *= self._dice.uniform(0.5, 1.0)
        elif found.is_cut:
            after_s = LEAST_S
        else:
            after_s = source.every_s * self._dice.uniform(0.9, 1.1)
        if found.retry_at_ms is not None:
            after_s = max(after_s, (found.retry_at_ms - now_ms) / 1000)
        return after_s


def token_of(source: Source) -> str:
    """What to show the forge. Raises `InputError` where it is named and not there."""
    if not source.token:
        return ""
    token = signature.secret(source.token, config.environment()).decode("latin-1")
    if not (
        token.isascii() and token.isprintable()
    ):  # it would stand in an error that nobody redacts
        raise InputError(f"what {source.token} holds is no token: it has odd characters in it")
    return token
