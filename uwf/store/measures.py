"""What is measured as it happens, in the transaction in which it happens: samples, of which figures are made.

They are kept for three days. What is older is in rows of a day: see `uwf.engine.upkeep.figures`.
"""

from __future__ import annotations

from uwf import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.store.protocols import Transaction

STEP = "measure/step"
"""A step was made: 1."""
FAILED = "measure/failed"
"""An attempt failed: its class."""
WAIT = "measure/wait"
"""A slot was waited for, and had: milliseconds."""
FIRST_BYTE = "measure/first-byte"
"""The agent of a step that was told of an event has said its first word: milliseconds since the event."""
DEPTH = "measure/depth"
"""Threads that wait, as a daemon has seen them: their number."""
KEPT_MS = 3 * 86_400_000


def note(tx: Transaction, series: str, value: Any) -> None:
    """Add a sample of now."""
    now_ms = clock.now_ms()
    tx.add_sample(series, value, now_ms)
    tx.drop_samples(series, now_ms - KEPT_MS)
