"""A look that is worth it when something else is looked at, and every ten minutes."""

from __future__ import annotations

from typing import Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LOOK_MS = 600_000


class NowAndThen(Generic[T]):
    """What `look` has found last."""

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._found: tuple[object, int, T] | None = None

    def at(self, now_ms: int, of: object) -> T:
        """What it finds now; looked for anew when `of` is not the same object as the last time, or long after that."""
        known = self._found
        if known is None or known[0] is not of or not 0 <= now_ms - known[1] < LOOK_MS:
            self._found = known = of, now_ms, self._look()
        return known[2]
