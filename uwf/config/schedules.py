"""`[[schedules]]` of config.toml: what is started, or whom it wakes, at which times.

When its times are is calculated in `uwf/recurrence.py`, what comes of them in `uwf/engine/schedules/`.
"""

from __future__ import annotations

from uwf.config.records import absolute_path, interval, program_line
from uwf.config_table import (
    Table,
    bare_name,
    choice,
    count,
    duration,
    each,
    key,
    one_of,
    some_duration,
    string,
    text,
)
from uwf.recurrence import LEAST_EVERY_S, Recurrence, cron_line, zone_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ONE, ALL, SKIP = "one", "all", "skip"
"""What becomes of times at which nobody looked: the newest of them runs, or each, or none that is not in time."""

QUEUE, CANCEL = "queue", "cancel"
"""Beside SKIP, what becomes of a time when the last one has not ended: it waits for that, ends it, or is left out."""

SKIP_WINDOW_S = 300.0
"""How late is still in time, where no window is told: a daemon restarts, a cron line runs every minute."""


class Schedule(Table, array="schedules"):
    """One schedule. It has `cron` or `every_s`; it starts a thread of the workflow `start`, or wakes those that have
    the labels `wake`, whom it tells `text`. `tz` None: the zone of the home. `window_s` None: however late.
    """

    name: str = key(bare_name, needed=True)
    cron: str = key(cron_line, unset="")
    every_s: float | None = key(interval(LEAST_EVERY_S))
    tz: str | None = key(zone_name)
    start: str = key(text, unset="")
    prompt: str = key(text, unset="")
    cwd: str = key(absolute_path, unset="")
    label: Mapping[str, str] = each(string)
    wake: Mapping[str, str] = each(string)
    text: str = key(text, unset="")
    precheck: tuple[str, ...] = key(program_line, unset=())
    missed: str = choice(one_of((ONE, ALL, SKIP)), ONE)
    window_s: float | None = key(some_duration)
    overlap: str = choice(one_of((SKIP, QUEUE, CANCEL)), SKIP)
    jitter_s: float = key(duration, "0s")
    pause_after: int | None = key(count)

    def check(self) -> None:
        if bool(self.cron) == (self.every_s is not None):
            raise ValueError("it has a cron or an every, one of the two")
        if bool(self.start) == bool(self.wake):
            raise ValueError("it has a start or a wake, one of the two")
        if self.start and not self.prompt:
            raise ValueError("start needs a prompt: what its thread is to do")
        with_start = {"prompt": self.prompt, "label": self.label}
        wrong = [] if self.start else [name for name, value in with_start.items() if value]
        if wrong:
            raise ValueError(f"{wrong[0]} is for a start, and this is a wake")
        for label in (*self.label, *self.wake):
            if not label or "=" in label or not label.isprintable():
                raise ValueError(f"{label!r} is no label: a key is printable and has no =")
        if self.wake and self.cwd and not self.precheck:
            raise ValueError("cwd is for a start or a precheck, and this is a wake")
        if self.wake and self.overlap == CANCEL:
            raise ValueError(f"overlap {CANCEL!r} would end the very thread that it wakes")
        if self.start and self.text:
            raise ValueError("text is for a wake; what a thread is started with is its prompt")
        if self.every_s is not None and self.tz is not None:
            raise ValueError("tz is for a cron; an every is the same in all zones")
        if self.jitter_s >= self._least_gap_s():
            raise ValueError("the jitter is as long as the time from one to the next")

    def _least_gap_s(self) -> float:
        """The shortest time from one to the next, of so many as show the pattern of a line."""
        from datetime import UTC
        from itertools import islice, pairwise

        if self.every_s is not None or not self.jitter_s:
            return self.every_s or 1.0
        times = islice(Recurrence(self.cron, None, UTC).times(0), 100)
        return min(later - sooner for sooner, later in pairwise(times)) / 1000

    @property
    def lateness_s(self) -> float | None:
        """How late one may run at most; None: however late."""
        if self.missed == SKIP and self.window_s is None:
            return SKIP_WINDOW_S
        return self.window_s
