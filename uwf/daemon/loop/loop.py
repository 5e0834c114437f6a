"""The loop of the daemon: one pass of all parts after the other, and the sleep until the next.

A pass comes when something wakes the loop, when a part asked for it, and every 30 seconds in any case: a poke that was
lost costs no more than that. Due times are of the wall clock, which may jump, lengths of the monotonic clock: each pass
takes the time anew, and so do the parts. What a part raises is its own: the others go on, see `budget`.
"""

from __future__ import annotations

from typing import Protocol

from uwf import clock, config
from uwf.daemon.loop.budget import ErrorBudget, words
from uwf.errors import PartBroken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uwf.daemon.loop.budget import PartView
    from uwf.daemon.loop.part import Part

LOOK_S = 30.0
"""How long the loop sleeps at most."""
JUMP_S = 2.0
"""How far the two clocks may part between two passes before that is called a jump."""


class Sleep(Protocol):
    """How the loop waits. That of a test moves a clock instead."""

    def until(self, seconds: float) -> None:
        """Sleep for so long, or until something wakes the loop."""
        ...


class Loop:
    """The parts with what each has left of its patience, and the time of the next pass."""

    def __init__(
        self,
        parts: Sequence[Part],
        sleep: Sleep,
        say: Callable[[str], None],
        after_pass: Callable[[], None] = lambda: None,
        look_s: float = LOOK_S,
    ) -> None:
        """`say` is told what went wrong; `after_pass` is called when a pass is over. It sleeps for `look_s` at most."""
        self._members = [(part, ErrorBudget()) for part in parts]
        self._sleep, self._say, self._after_pass = sleep, say, after_pass
        self._look_s = look_s
        self._apart_s: float | None = None
        self.jumps = 0
        """How often the wall clock has jumped."""

    def run(self, goes_on: Callable[[], float | None]) -> None:
        """Pass after pass, as long as `goes_on` says for how many seconds it may sleep at most; None ends it.

        Raises `PartBroken` when a part has failed ten times in a row.
        """
        while goes_on() is not None:
            wait_s = self.once()
            self._after_pass()
            most_s = goes_on()
            if most_s is not None:
                self._sleep.until(min(wait_s, most_s))

    def once(self) -> float:
        """One pass of all parts; in how many seconds the next is wanted."""
        self._note_jump()
        wait_s = self._look_s
        for part, budget in self._members:
            wish_s = self._tick(part, budget)
            if wish_s is not None:
                wait_s = min(wait_s, max(0.0, wish_s))
        return wait_s

    def close(self) -> None:
        """Close all parts, the last first; one that cannot be closed keeps no other from it."""
        for part, _ in reversed(self._members):
            try:
                part.close()
            except Exception as error:
                self._say(f"{part.name} could not be closed: {words(error)}")

    def views(self) -> dict[str, PartView]:
        """How each part stands."""
        return {part.name: budget.view() for part, budget in self._members}

    def _tick(self, part: Part, budget: ErrorBudget) -> float | None:
        now_s = clock.monotonic_s()
        if left_s := budget.waits_s(now_s):
            return left_s
        try:
            wish_s = part.tick(clock.now_ms())
        except Exception as error:
            return self._failed(part, budget, error)
        if budget.worked():
            self._say(f"{part.name} works again")
        return wish_s

    def _failed(self, part: Part, budget: ErrorBudget, error: Exception) -> float:
        if config.is_debugging():
            import traceback

            traceback.print_exception(error)
        delay_s = budget.failed(error, clock.monotonic_s())
        if budget.is_broken:
            raise PartBroken(
                f"{part.name} failed 10 times in a row: {words(error)}", hint="uwf doctor"
            ) from error
        what = "is degraded" if budget.has_become_degraded else "failed"
        self._say(f"{part.name} {what}, tried again in {delay_s:.1f} s: {words(error)}")
        return delay_s

    def _note_jump(self) -> None:
        apart_s = clock.now_ms() / 1000 - clock.monotonic_s()
        before_s, self._apart_s = self._apart_s, apart_s
        if before_s is not None and abs(apart_s - before_s) > JUMP_S:
            self.jumps += 1
            self._say(f"the clock has jumped by {apart_s - before_s:+.0f} s")
