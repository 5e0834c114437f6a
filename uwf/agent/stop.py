"""The wish that what runs should end, or go no further than to the end of its step.

Set from a signal handler or another thread, seen by what polls it.

Nothing ends here: `process.supervise` watches `fileno()` and does the ending.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from uwf.errors import UwfError

SIGTERM = 15  # the same number everywhere


class Stop:
    """Asked once: end with the usual grace. Asked again: end now.

    One `Stop` may be watched by many runs at once, so its pipe is never emptied: once asked, `fileno()` stays readable.
    """

    def __init__(self) -> None:
        self.count = 0
        self.is_after_step = False
        """It is to end with the step that goes on, which is given all its time."""
        self.error: UwfError | None = None
        """What the run ends with, where it was asked neither by a person nor by a signal."""
        self.signum: int | None = None
        self._pipe: tuple[int, int] | None = None

    def request(self, signum: int = SIGTERM, error: UwfError | None = None) -> None:
        """Ask. Safe in a signal handler and from any thread. What was asked for first is kept."""
        if self.signum is None:
            self.signum, self.error = signum, error
        self.count += 1
        if self._pipe is not None:
            self._wake(self._pipe[1])

    def handle(self, signum: int, _frame: FrameType | None) -> None:
        """`request` in the shape of a signal handler."""
        self.request(signum)

    def handle_after_step(self, _signum: int, _frame: FrameType | None) -> None:
        """The wish to end after the step, in the shape of a signal handler."""
        self.is_after_step = True

    def fileno(self) -> int:
        """A descriptor that becomes readable at the first request. Never read from it."""
        if self._pipe is None:
            self._pipe = os.pipe()
            os.set_blocking(self._pipe[1], False)
            if self.count:
                self._wake(self._pipe[1])
        return self._pipe[0]

    def close(self) -> None:
        """Give the pipe back. May be called twice."""
        pipe, self._pipe = self._pipe, None
        for end in pipe or ():
            os.close(end)

    @staticmethod
    def _wake(end: int) -> None:
        try:
            os.write(end, b"\0")
        except BlockingIOError:
            return  # full of earlier requests: readable already
