"""Names of counters for things whose own names may hold anything, such as an agent that is a command line."""

from __future__ import annotations

from blake3 import blake3


def key(name: str) -> str:
    """A short segment of a counter's name that stands for `name`: 80 bits of its hash."""
    return blake3(name.encode(errors="surrogatepass")).hexdigest()[:20]
