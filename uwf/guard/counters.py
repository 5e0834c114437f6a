"""What guards have in common where they count: names of counters, counters that cannot be read, and old ones.

An agent may be a command line, so its own name is not part of a counter's or a folder's.
"""

from __future__ import annotations

from blake3 import blake3

from uwf.errors import CounterUnreadable, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.store.protocols import Transaction


def hashed(name: str) -> str:
    """A short segment of a counter's or a folder's name that stands for `name`: 80 bits of its hash."""
    return blake3(name.encode(errors="surrogatepass")).hexdigest()[:20]


def unreadable(counter: str, value: object, hint: str) -> StoreError:
    """The error for a counter that holds what no guard has put there. `hint` is the command that puts it right."""
    return StoreError(
        f"counter {counter} does not hold what it should: {value!r:.80}",
        code="counter_unreadable",
        hint=hint,
    )


def forgettable(tx: Transaction, prefix: str) -> list[tuple[str, Any]]:
    """The counters to look for old ones in. None while one of them is unreadable: it refuses those that need it,
    and says why, and must not keep the outcome of a step from being written.
    """
    try:
        return tx.counters(prefix)
    except CounterUnreadable:
        return []


def forgettable_series(tx: Transaction, prefix: str, since_ms: int = 0) -> set[str]:
    """The series with samples since then, to look for old ones in. None while a sample is unreadable, as in
    `forgettable`.
    """
    try:
        return {sample.series for sample in tx.samples(prefix, since_ms)}
    except CounterUnreadable:
        return set()
