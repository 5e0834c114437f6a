"""A long text on a terminal: handed to the reader's pager, `$PAGER` or else `less`.

What fits the screen is printed, and so is all where there is no such program. One that ends before it has read all is
a reader who has seen enough.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress

from uwf import config
from uwf.cli.screen import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LESS = ("less", "-FRX")
"""Ends by itself where all is on the screen, shows colours, and leaves on the screen what was read."""
MOST_BYTES_A_LETTER = 8
"""With its share of the colours. A text of more is not counted line by line."""


def show(data: bytes, encoding: str, write: Callable[[bytes], None]) -> None:
    """Let the reader page through `data`, a text in the `encoding` of the terminal; `write` prints it at once."""
    program = None if _fits(data, encoding) else _started()
    if program is None:
        write(data)
        return
    assert program.stdin is not None, "it is a pipe"
    with _interrupts_are_its_own():
        try:
            with suppress(BrokenPipeError), program.stdin:
                program.stdin.write(data)
            program.wait()
        finally:
            if program.poll() is None:
                program.terminate()
                program.wait()


def _fits(data: bytes, encoding: str) -> bool:
    """Whether the lines are on one screen, with one left for the next prompt."""
    columns, rows = shutil.get_terminal_size()
    if len(data) > MOST_BYTES_A_LETTER * columns * rows:
        return False
    lines = map(_plain, data.decode(encoding, "replace").splitlines())
    return sum(max(1, -(-table.width(line) // columns)) for line in lines) < rows


def _plain(line: str) -> str:
    """`line` without its colours."""
    import re

    return re.sub(r"\x1b\[[0-9;:]*m", "", line)


def _started() -> subprocess.Popen[bytes] | None:
    """The pager, which reads its stdin; None where there is none."""
    said = config.pager()
    try:
        words = LESS if said is None else shlex.split(said)
    except ValueError:
        return None
    if not words:
        return None
    environ = {"LESS": "FRX", "LV": "-c", **config.environment()}
    try:
        return subprocess.Popen(words, stdin=subprocess.PIPE, env=environ)
    except OSError:
        return None


@contextmanager
def _interrupts_are_its_own() -> Iterator[None]:
    """While this lasts, Ctrl-C is for the pager, which knows what to do with it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
