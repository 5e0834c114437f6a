"""A bar for work that takes long, on the live line: what is done, how far that is, and how long it still takes.

It is drawn as the live line of a run is, and so waits for no frozen terminal: the store may be held meanwhile.
"""

from __future__ import annotations

from uwf import clock
from uwf.display import numbers, times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.screen.output import Output

QUIET_S = 0.5
"""What is done by then shows no bar; nor is it said before how long the rest takes."""
EACH_S = 0.1


class Bar:
    """Takes what is told of a piece of work. `on_work` is None where nobody sees it, which costs nothing."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._doing = ""
        self._began_s = 0.0
        self._next_s = clock.monotonic_s() + QUIET_S
        self.on_work = self._told if out.is_live else None

    def _told(self, doing: str, done: int, total: int) -> None:
        now_s = clock.monotonic_s()
        if doing != self._doing:
            self._doing, self._began_s = doing, now_s
        if now_s >= self._next_s:
            self._next_s = now_s + EACH_S
            self._out.status(line(doing, done, total, now_s - self._began_s))


def line(doing: str, done: int, total: int, passed_s: float) -> str:
    """`copying pages  ████░░░░  42%  12k of 30k, 1m05s left`; without a bar where the total is not known."""
    if done <= 0:
        return doing
    if total <= 0:
        return f"{doing}  {numbers.count(done)}"
    share = min(1.0, done / total)
    left_ms = round(1000 * passed_s * (1 - share) / share)
    bar, percent = numbers.bar(share), numbers.percent(share)
    left = f", {times.duration(left_ms)} left" if passed_s >= QUIET_S else ""
    return f"{doing}  {bar}  {percent}  {numbers.count(done)} of {numbers.count(total)}{left}"
