"""What waits to be said to a thread: `@uwf/told/<thread>` points at the newest of its cells, and they are all of it.

    told     word: what was said, before: the cell before this one, or null

Whoever has something to say adds a cell, at any time and without a lock: the ref moves in the transaction that stores
the word. The next step reads all that waits, and the transaction that publishes it takes exactly those away; what was
said meanwhile stays. So a word is told once, whatever fails or is killed: until a step is published it waits, and from
then on it stands in that step.
"""

from __future__ import annotations

from uwf.engine.chain import word as words
from uwf.engine.chain.nodes import shaped
from uwf.engine.chain.tags import TOLD
from uwf.engine.chain.word import Word
from uwf.store.codec import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from uwf.engine.chain.nodes import Nodes, Reader
    from uwf.store.protocols import Transaction
    from uwf.store.values import Ref

CELL = "told"


def tell(tx: Transaction, thread: str, word: Word) -> None:
    """Let `word` wait for the next step of `thread`."""
    ref = tx.ref(TOLD + thread)
    _add(tx, thread, ref, None if ref is None else ref.id, [word], f"told by {word.who}")


def waiting(reader: Reader, thread: str) -> tuple[Word, ...]:
    """What waits for the next step of `thread`, oldest first."""
    ref = reader.ref(TOLD + thread)
    return () if ref is None else words.in_order(_cells(reader, ref.id))


def are_waiting(reader: Reader, thread: str) -> bool:
    """Whether anything waits for the next step of `thread`. However much that is, no word is read."""
    return reader.ref(TOLD + thread) is not None


def take(tx: Transaction, thread: str, told: Collection[Word], why: str) -> None:
    """Take away those of the words `told` that wait: a step has been told them. Those that came meanwhile stay."""
    ref = tx.ref(TOLD + thread)
    if ref is None:
        return
    known = set(told)
    newest_first = _cells(tx, ref.id)
    left = [word for word in newest_first if word not in known]
    if len(left) == len(newest_first):
        return
    if not left:
        tx.delete_ref(TOLD + thread, expect=ref.id, why=why)
        return
    _add(tx, thread, ref, None, left[::-1], why)


def tell_again(tx: Transaction, thread: str, several: Sequence[Word], why: str) -> None:
    """Let `several` wait for the next step of `thread`, but for those that do already."""
    ref = tx.ref(TOLD + thread)
    there = set() if ref is None else set(_cells(tx, ref.id))
    new = [word for word in several if word not in there]
    if new:
        _add(tx, thread, ref, None if ref is None else ref.id, new, why)


def copy(tx: Transaction, source: str, fork: str, why: str) -> None:
    """Let what waits for `source` wait for its `fork` as well."""
    ref = tx.ref(TOLD + source)
    if ref is not None:
        tx.set_ref(TOLD + fork, ref.id, expect=None, why=why)


def _add(
    tx: Transaction,
    thread: str,
    ref: Ref | None,
    cell: str | None,
    several: Sequence[Word],
    why: str,
) -> None:
    """Point the `ref` at new cells with `several` words, upon `cell`."""
    for link in words.put(tx, several):
        cell = tx.put(CELL, {"word": link, "before": None if cell is None else Link(cell)})
    assert cell is not None, "something was said"
    tx.set_ref(TOLD + thread, cell, expect=ref, why=why)


@shaped
def _cells(nodes: Nodes, newest: str) -> list[Word]:
    """The words of the cells from `newest` backwards."""
    links, at = [], newest
    while at is not None:
        payload = nodes.get(at).payload
        links.append(payload["word"])
        at = payload["before"]
    return list(words.read(nodes, links))
