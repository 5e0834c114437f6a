"""The lines of a text that may delimit a block: `---`, `...`, and the fences of Markdown.

Found by searching, so that all other lines cost nearly nothing. What they delimit is left to `reply`.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES = 20_000
LONGEST_FENCE = 8  # longer ones are taken for this long, so that there are few kinds


class Mark(Record):
    """A line that may delimit a block: its place in the text, and `---`, `...`, or the sign of a fence."""

    start: int
    end: int
    sign: str
    info: str

    def is_fence(self) -> bool:
        return self.sign[0] in "`~"

    def language(self) -> str:
        return self.info.lower().partition(" ")[0]

    def closes(self, fence: Mark) -> bool:
        return self.sign.startswith(fence.sign) and not self.info


def marks(text: str) -> Iterator[Mark]:
    """The first delimiter lines of `text`, in order. Found by searching, so that other lines cost nearly nothing."""
    starts = {sign: _line_starting(text, sign, 0) for sign in ("---", "...", "```", "~~~")}
    for _ in range(MOST_LINES):
        start, sign = min((start, sign) for sign, start in starts.items())
        if start == len(text):
            return
        newline = text.find("\n", start)
        end = len(text) if newline < 0 else newline + 1
        starts[sign] = _line_starting(text, sign, end)
        line = text[start:end].rstrip()
        if sign in ("---", "..."):
            if line == sign:
                yield Mark(start, end, sign, "")
            continue
        info = line.lstrip(sign[0])
        if "`" not in info:
            yield Mark(start, end, line[: min(len(line) - len(info), LONGEST_FENCE)], info.strip())


def _line_starting(text: str, sign: str, start: int) -> int:
    """Where the first line at or after the line start `start` begins with `sign`; the end of the text if none does."""
    if text.startswith(sign, start):
        return start
    place = text.find("\n" + sign, start)
    return len(text) if place < 0 else place + 1
