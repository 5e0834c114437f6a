"""How far a store's log had come when a writer was last told "done": a note beside the store file.

When a WAL is damaged, SQLite goes back to the last whole transaction in it and says nothing, so that what was
acknowledged since then would be lost without a word. Therefore each durable commit that moved a ref notes the number
of its last move, and a process that opens the store compares. The note is not synced: it is written when the commit is
on disk already, so it can lag behind and never be ahead. It names the store file it is about by the file's `instance`;
a restored backup is another instance. Without a note, or with a torn one, nothing is compared.
"""

from __future__ import annotations

import os
import struct

from uwf import owned

# Instance, number of the move, the same number with every bit turned over.
_NOTE = struct.Struct(">16sQQ")
_TURNED = (1 << 64) - 1


def path_of(store: str) -> str:
    return f"{store}-mark"


def read(store: str) -> tuple[str, int] | None:
    """The instance and the number of the move that were noted for the store file at the path `store`."""
    try:
        file = os.open(path_of(store), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = os.read(file, _NOTE.size)
        finally:
            os.close(file)
    except OSError:
        return None
    if len(data) != _NOTE.size:
        return None
    instance, move, turned = _NOTE.unpack(data)
    return (instance.hex(), move) if move ^ _TURNED == turned else None


class HighWater:
    """The note of one store file, written by one process; others may write it, too."""

    def __init__(self, store: str, instance: str) -> None:
        self._path = path_of(store)
        self._instance = bytes.fromhex(instance)
        self._file = -1

    def note(self, move: int) -> None:
        """The log has come to the move numbered `move`, durably. What was noted before is replaced."""
        try:
            if self._file < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o600)
                owned.give(self._path)
            os.pwrite(self._file, _NOTE.pack(self._instance, move, move ^ _TURNED), 0)
        except OSError:
            return  # what it is about is safe on disk; an older note only promises less

    def close(self) -> None:
        """May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
