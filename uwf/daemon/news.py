"""What a daemon and a worker say of what is wrong with their machine: once that it is, and once that it is over."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Say(Protocol):
        """Tells a person `text`, and programs `what` that is, with its facts."""

        def __call__(self, text: str, *, what: str, **facts: Any) -> None: ...


CLOCK_RIGHT = "this machine's clock is that of the database again"


class News:
    """`look` says in words what is wrong, None: nothing is; `over` is what is said when it is no more."""

    def __init__(self, look: Callable[[], str | None], over: str) -> None:
        self._look, self._over = look, over
        self.words: str | None = None
        """What is wrong now."""

    def taken(self) -> str | None:
        """What there is to say now; None: nothing that was not said. The figures in it may change meanwhile."""
        before, self.words = self.words, self._look()
        if (before is None) == (self.words is None):
            return None
        return self.words or self._over
