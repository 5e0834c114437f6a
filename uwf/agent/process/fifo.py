"""A named pipe beside the usual three, into which a program writes lines while it runs.

It blocks nobody: this process holds an end for reading and one for writing, so that a writer can always open it, and
the end of one is not the end of all. What was written to it and not read is gone with it.
"""

from __future__ import annotations

import os

from uwf import owned
from uwf.store import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINE_BYTES = 1 << 20
"""A longer line is passed over: it is held in memory until its end."""


class Fifo:
    """`path` takes lines as long as it is entered, and `on_line` is called with each, without its end.

    In a folder that can have no named pipe, `path` is one that takes everything and keeps nothing.
    """

    def __init__(self, folder: str, on_line: Callable[[bytes], object]) -> None:
        self.path = os.devnull
        self.reader: int | None = None
        self._folder = folder
        self._on_line = on_line
        self._writer: int | None = None
        self._rest = bytearray()
        self._is_too_long = False

    def __enter__(self) -> Fifo:
        path = os.path.join(self._folder, f".events-{os.getpid()}-{os.urandom(4).hex()}")
        try:
            owned.make_folder(self._folder)
            os.mkfifo(path, 0o600)
            self.path = path
            self.reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            self._writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            self.__exit__()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.path != os.devnull:
            files.discard(self.path)
        for end in (self.reader, self._writer):
            if end is not None:
                os.close(end)
        self.path, self.reader, self._writer = os.devnull, None, None

    def take(self, chunk: bytes) -> None:
        """What was read, in pieces as they come."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._rest += line
            whole, self._rest = bytes(self._rest), bytearray()
            if not self._is_too_long:
                self._on_line(whole)
            self._is_too_long = False
        self._rest += rest
        if len(self._rest) > MOST_LINE_BYTES:
            self._is_too_long = True
            self._rest.clear()

    def finish(self) -> None:
        """Nothing more comes: a last line needs no end."""
        if self._rest and not self._is_too_long:
            self.take(b"\n")
