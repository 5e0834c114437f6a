"""What a daemon and a worker say of their machine's clock: once that it is off, and once that it is right again."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

RIGHT = "this machine's clock is that of the database again"


class SkewNews:
    """`look` says in words that the clock is off; None: it is not."""

    def __init__(self, look: Callable[[], str | None]) -> None:
        self._look = look
        self.is_off = False

    def taken(self) -> str | None:
        """What there is to say now; None: nothing that was not said. By how much it is off may change meanwhile."""
        said = self._look()
        was_off, self.is_off = self.is_off, said is not None
        if was_off == self.is_off:
            return None
        return said or RIGHT
