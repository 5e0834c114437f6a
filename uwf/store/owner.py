"""The holder of something: a thread, a slot, a position in the queue, a probe, an attempt. One value for all."""

from __future__ import annotations

from uwf.record import Record


class Owner(Record):
    """A process. `started` tells it from another that got the same number later; "" where that is not known.

    `host` is "" for a process of this machine.
    """

    pid: int
    started: str = ""
    host: str = ""
