"""Something slow that is done in a thread of its own, one at a time, while a loop goes round."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
ENDING_S = 1.0
"""How long is waited for one that was told to end."""


class Errand(Generic[T]):
    """`wake` is called when one is done. What it does touches no store, and raises nothing: a failure is a result."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._thread: threading.Thread | None = None
        self._result: T | None = None

    @property
    def is_out(self) -> bool:
        """Whether one was begun whose result was not taken yet."""
        return self._thread is not None

    @property
    def is_done(self) -> bool:
        """Whether there is something to take."""
        return self._result is not None

    def go(self, act: Callable[[], T], name: str) -> None:
        """Begin one, which `name` tells from other threads."""
        assert not self.is_out, "one at a time"

        def run() -> None:
            self._result = act()
            self._wake()

        self._thread = threading.Thread(target=run, daemon=True, name=name)
        self._thread.start()

    def wait(self, within_s: float) -> None:
        """Wait for what is out, if anything is, until it is done."""
        if self._thread is not None:
            self._thread.join(within_s)

    def taken(self) -> T | None:
        """What came of it, once; None while there is nothing to take."""
        if self._result is None:
            return None  # not asked of the thread, which lives on for a moment when it has woken the loop
        self._thread, result, self._result = None, self._result, None
        return result
