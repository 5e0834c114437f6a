"""Whether a home can take what a run writes there: it can be written, and its disk has what must stay free."""

from __future__ import annotations

import os

from uwf.guard.capacity import machine


def lacks(home: str, floor_bytes: int) -> str | None:
    """What a home lacks for a run, in words; None: nothing. It only looks, so it may be asked before each run."""
    there = home
    while not os.path.isdir(there) and there != os.path.dirname(there):
        there = os.path.dirname(there)  # where it would be made
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{there} cannot be written"
    left_bytes = machine.look(there).disk_bytes
    if left_bytes is None or left_bytes >= floor_bytes:
        return None
    return (
        f"{left_bytes >> 20}MiB of disk are free where {home} is, less than the {floor_bytes >> 20}MiB that must stay "
        "free (limits.disk_floor)"
    )
