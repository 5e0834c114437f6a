"""Text that comes in many small pieces, as fewer and larger ones: what came until a pause, or 64 KiB of it."""

from __future__ import annotations

import codecs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TURN_BYTES = 64 << 10  # a burst of output longer than this is more than one turn


class Bursts:
    """Cuts a stream of bytes into pieces of text, never inside a character."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._size_bytes = 0

    def __bool__(self) -> bool:
        """Whether something waits for the next pause."""
        return self._size_bytes > 0

    def add(self, chunk: bytes) -> None:
        self._parts.append(self._decoder.decode(chunk))
        self._size_bytes += len(chunk)
        if self._size_bytes >= TURN_BYTES:
            self.flush()

    def flush(self) -> None:
        text = "".join(self._parts)
        self._parts.clear()
        self._size_bytes = 0
        if text:
            self._on_text(text)

    def rest(self) -> str:
        """What came since the last turn."""
        self._parts.append(self._decoder.decode(b"", final=True))
        return "".join(self._parts)
