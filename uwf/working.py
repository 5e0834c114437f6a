"""How far a long piece of work is: told to a callable while it is done, for somebody who waits for it.

    def on_work(doing: str, done: int, total: int) -> None: ...

`doing` is what is done just now, in words, `done` how much of it, and `total` of how much; 0 where nobody knows.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias, TypeVar

    T = TypeVar("T")
    OnWork: TypeAlias = Callable[[str, int, int], None]


def watched(of: Iterable[T], doing: str, total: int, on_work: OnWork | None) -> Iterator[T]:
    """All of `of`; after each is told how many there were."""
    if on_work is None:
        yield from of
        return
    for done, one in enumerate(of, 1):
        yield one
        on_work(doing, done, total)
