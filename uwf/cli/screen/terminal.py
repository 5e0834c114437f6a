"""What a terminal can do and show: its width, colour, signs."""

from __future__ import annotations

import os
import sys

from uwf import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


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


_COLOURS = {"red": (31, 160), "green": (32, 28), "yellow": (33, 130), "cyan": (36, 30)}
"""Each as the theme of a terminal has it, which on white may be yellow that nobody can read; and where there are 256
colours, one that is about as far from black as from white: a contrast of 3.8 or more to both."""


def painted(text: str, colour: str = "", *, bold: bool = False) -> str:
    """`text` in a colour that can be read on dark and on light."""
    codes = ["1"] * bold
    if colour:
        of_theme, shade = _COLOURS[colour]
        codes.append(f"38;5;{shade}" if config.has_256_colours() else str(of_theme))
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text


def fitting(text: str, stream: TextIO) -> str:
    """`text` with signs of ASCII for those that uwf draws, where the terminal has no others or is not to have them."""
    if text.isascii() or not is_plain(stream):
        return text
    from uwf.display.plain import plain

    return plain(text)


def is_plain(stream: TextIO) -> bool:
    """Whether what is written there is to be ASCII."""
    return config.is_plain_locale() or not _has_signs(stream.encoding)


def _has_signs(encoding: str) -> bool:
    try:
        "\u25cf\u2588\u2713".encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


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


_DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan", "?": "cyan"}


def coloured_diff(text: str) -> str:
    """What differs, each line in the colour of its first character: what was added is green, what is gone red."""
    lines = text.removesuffix("\n").split("\n")
    return "\n".join(map(_coloured_line, lines))


def _coloured_line(line: str) -> str:
    if line.startswith(("+++ ", "--- ", "diff ", "index ")):
        return painted(line, bold=True)
    return painted(line, _DIFF_COLOURS.get(line[:1], ""))


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
