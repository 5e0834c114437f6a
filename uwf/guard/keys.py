"""Names of counters and folders for things whose own names may hold anything: an agent may be a command line."""

from __future__ import annotations

from blake3 import blake3

from uwf.errors import StoreError


def key(name: str) -> str:
    """A short segment of a counter's or a folder's name that stands for `name`: 80 bits of its hash."""
    return blake3(name.encode(errors="surrogatepass")).hexdigest()[:20]


def unreadable(counter: str, value: object, hint: str) -> StoreError:
    """The error for a counter that holds what no guard has put there. `hint` is the command that puts it right."""
    return StoreError(
        f"counter {counter} does not hold what it should: {value!r:.80}",
        code="counter_unreadable",
        hint=hint,
    )
