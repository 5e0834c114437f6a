"""Refs and their moves as the contract shows them. Times are epoch milliseconds."""

from __future__ import annotations

from uwf.engine.chain.tags import STATUS
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.store.protocols import Refs
    from uwf.store.values import Move, Ref


class RefView(Record):
    """A name that points to an object."""

    name: str
    id: str
    version: int
    tags: Mapping[str, str]
    updated_at: int


class RefMove(Record):
    """One move of a ref: `old` is None when it was new, `new` when it was deleted."""

    version: int
    old: str | None
    new: str | None
    tags: Mapping[str, str]
    at: int
    why: str
    process: str


class ThreadMove(Record):
    """One move of a thread, and the status it had then."""

    version: int
    at: int
    why: str
    status: str | None
    old: str | None
    new: str | None
    process: str


def shown(ref: Ref) -> RefView:
    return RefView(ref.name, ref.id, ref.version, ref.tags, ref.updated_ms)


def log(reader: Refs, name: str) -> list[RefMove]:
    """The moves of the ref `name`, oldest first; also of one that was deleted."""
    return [_move(move) for move in reader.moves(name)]


def thread_log(reader: Refs, name: str) -> list[ThreadMove]:
    """The same for the ref of a thread."""
    return [
        ThreadMove(
            move.version,
            move.at_ms,
            move.why,
            move.tags.get(STATUS),
            move.old,
            move.new,
            move.process,
        )
        for move in reader.moves(name)
    ]


def _move(move: Move) -> RefMove:
    return RefMove(move.version, move.old, move.new, move.tags, move.at_ms, move.why, move.process)
