"""What a terminal can do and show: its width, colour, Markdown, a bar; and which characters it would obey.

No text that is shown may steer the terminal: see `visible`.
"""

from __future__ import annotations

import os
import sys
from functools import cache

from uwf import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

BAR_COLUMNS = 20


def _utf16(code: int) -> tuple[int, ...]:
    """A character as JSON escapes it: by one number of 16 bits, or two."""
    rest = code - 0x10000
    return (code,) if rest < 0 else (0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether `stream` is open and a terminal."""
    return stream is not None and stream.isatty()


def is_attended() -> bool:
    """Whether a person sits at the terminal of this command, and it is not in the background there."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False  # it is another session's


def has_colour(stream: TextIO | None) -> bool:
    """Whether colour may be written to `stream`."""
    return is_terminal(stream) and not config.no_colour() and not config.is_dumb_terminal()


def columns() -> int:
    """How wide the terminal is, or is said to be by COLUMNS."""
    from shutil import get_terminal_size

    return get_terminal_size().columns


def columns_of(stream: TextIO) -> int:
    """How wide the terminal behind `stream` is just now; 80 where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def visible(text: str) -> str:
    r"""`text` with every character that would steer a terminal, or that nobody sees, as an escape: `\u202e`.

    In JSON it means what it did. Colours, which do no harm, are left out.
    """
    if text.isprintable():
        return text
    if _COLOUR in text:
        import re

        text = re.sub(r"\x1b\[[0-9;:]*m", "", text)
    return text.replace("\r\n", "\n").translate(_escapes())


ESCAPE = 27
_COLOUR = "\x1b["
_STEERING = ((0, 8), (11, 31), (127, 159))
"""Control characters, but for tab and line feed."""
_TURNING = ((0x61C, 0x61C), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069))
"""What turns the direction of writing, so that a text reads otherwise than it is."""
_UNSEEN = (
    *((0xAD, 0xAD), (0x180E, 0x180E), (0x200B, 0x200D), (0x2028, 0x2029), (0x2060, 0x2065)),
    *((0x206A, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F)),
)
"""What has no width, or ends a line that goes on."""


@cache
def _escapes() -> dict[int, str]:
    """What is shown for each of them. Most commands show none."""
    return {
        code: "".join(f"\\u{unit:04x}" for unit in _utf16(code))
        for first, last in (*_STEERING, *_TURNING, *_UNSEEN)
        for code in range(first, last + 1)
    }


def bar(share: float, colour: bool) -> str:
    """How much of something is used, from green to red."""
    full = min(BAR_COLUMNS, max(0, round(share * BAR_COLUMNS)))
    drawn = "\u2588" * full + "\u2591" * (BAR_COLUMNS - full)
    if not colour:
        return drawn
    return f"\x1b[{31 if share >= 1 else 33 if share >= 0.8 else 32}m{drawn}\x1b[0m"


def markdown(text: str) -> str:
    """Markdown, drawn. Entities (`&#8238;`) have become characters by then, which are shown as escapes all the same."""
    from io import StringIO

    from rich.console import Console
    from rich.markdown import Markdown

    page, colour = StringIO(), has_colour(sys.stdout)
    Console(file=page, force_terminal=colour, no_color=not colour).print(
        Markdown(text, hyperlinks=False)
    )
    drawn = {code: shown for code, shown in _escapes().items() if code != ESCAPE}
    return page.getvalue().translate(drawn)


def reopened(fd: int) -> int:
    """The terminal `fd` opened once more, so that a write may return at once: O_NONBLOCK on `fd` itself would be
    set for the shell and the agent too. `fd` where the terminal cannot be opened, as after `su`."""
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return fd


def is_read(fd: int) -> bool:
    """Whether what is written to `fd` may still be read by somebody: False for a pipe whose reader is gone."""
    import select

    poll = select.poll()
    poll.register(fd, 0)
    return not poll.poll(0)


def put_at_once(fd: int, data: bytes) -> bool:
    """Write `data`, or nothing where that would wait. Returns whether something was written."""
    import select

    try:
        if not select.select([], [fd], [], 0)[1]:
            return False
        os.write(fd, data)
    except (OSError, ValueError):  # gone, full after all, or a number that is too high for select
        return False
    return True
