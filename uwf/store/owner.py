"""The holder of something: a thread, a slot, a position in the queue, a probe, an attempt. One value for all."""

from __future__ import annotations

from uwf.record import Record


class Owner(Record):
    """A process. `started` tells it from another that got the same number later; "" where that is not known.

    `host` is the machine where several share the store, "" where only this one has it.
    """

    pid: int
    started: str = ""
    host: str = ""

    @property
    def in_words(self) -> str:
        """`process 123`, and on which machine where several share the store."""
        return f"process {self.pid}" + (f" on {self.host}" if self.host else "")
