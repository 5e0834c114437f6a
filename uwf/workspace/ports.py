"""A range of ports for each worktree, so that what agents start in two of them does not meet."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

FIRST, LAST = 20_000, 32_000
"""Above what services have for their own, below what systems hand out by themselves (32768 and more)."""


def free_range(count: int, taken: Collection[tuple[int, int]]) -> int | None:
    """The first of `count` ports that nobody listens at and that are in none of `taken` (first, count).

    None where there are no such.
    """
    for first in range(FIRST, LAST - count + 1, count):
        is_taken = any(first < other + many and other < first + count for other, many in taken)
        if not is_taken and all(_is_free(port) for port in range(first, first + count)):
            return first
    return None


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
