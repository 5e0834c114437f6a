"""When a thread wakes for an event: debounce, quiet, cooldown. Pure: windows and times in, a time and a window out.

Debounce is waking later. The first event opens a window, and the thread wakes at its end; what comes meanwhile gathers.
A quiet period may move that end, the latest moment never. Cooldown keeps two wakes of one trigger apart; nothing is
lost by it, since words wait. What is urgent wakes now.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.workflow.trigger import Trigger


class Window(Record):
    """What one trigger has brought about for one thread: when its first event of those that gather came, when it wakes
    the thread, and when it has woken it before; 0: never.
    """

    first_ms: int
    wake_ms: int
    before_ms: int = 0

    def is_open(self, now_ms: int) -> bool:
        """Whether events still gather in it. A clock that was set back does not keep it open for longer than it was."""
        return self.first_ms <= now_ms < self.wake_ms

    def to_value(self) -> dict[str, Any]:
        return {"first": self.first_ms, "wake": self.wake_ms, "before": self.before_ms}

    @staticmethod
    def from_value(value: Mapping[str, Any] | None) -> Window | None:
        return None if value is None else Window(value["first"], value["wake"], value["before"])


def joined(window: Window | None, trigger: Trigger, now_ms: int, *, is_urgent: bool) -> Window:
    """The window of a trigger once an event has joined it at `now_ms`; at its `wake_ms` the thread is to wake."""
    is_open = window is not None and window.is_open(now_ms)
    first_ms = window.first_ms if window is not None and is_open else now_ms
    before_ms = 0 if window is None else window.before_ms if is_open else window.wake_ms
    if is_urgent:
        return Window(first_ms, now_ms, before_ms)
    wake_ms = first_ms + _ms(trigger.debounce_s)
    if window is not None and is_open:
        wake_ms = max(wake_ms, window.wake_ms)
    if trigger.quiet_s is not None:
        wake_ms = max(wake_ms, now_ms + _ms(trigger.quiet_s))
    if trigger.debounce_s is not None:
        wake_ms = min(wake_ms, first_ms + _ms(trigger.latest_wake_s))
    if trigger.cooldown_s is not None and before_ms:
        wake_ms = max(wake_ms, min(before_ms, now_ms) + _ms(trigger.cooldown_s))
    return Window(first_ms, max(wake_ms, now_ms), before_ms)


def cools_until(window: Window | None, trigger: Trigger, now_ms: int) -> int | None:
    """Until when a trigger that starts threads starts none, since it has just started one; None: it may."""
    if window is None or trigger.cooldown_s is None:
        return None
    until_ms = min(window.wake_ms, now_ms) + _ms(trigger.cooldown_s)
    return until_ms if now_ms < until_ms else None


def _ms(seconds: float | None) -> int:
    return round((seconds or 0.0) * 1000)
