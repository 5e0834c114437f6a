"""What a process says that lives for days: a line for each thing it does."""

from __future__ import annotations

from uwf import clock, jsontext
from uwf.cli.screen import terminal
from uwf.display.inert import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.cli.context import Context

STDOUT, STDERR = 1, 2
MOST_CHARS = 2000
"""Of a line: so much fits into a pipe that can be written to at all."""


def teller(ctx: Context) -> Callable[[str, Mapping[str, Any]], None]:
    """Says it as the command line asks for: in words on stderr, as JSON Lines on stdout, or not at all."""

    def tell(text: str, facts: Mapping[str, Any]) -> None:
        """What nobody reads just now is left out: the log has it, and no frozen terminal holds up the threads."""
        line, to = visible(text[:MOST_CHARS]), STDERR
        if ctx.json:
            line, to = jsontext.dumps({"at": clock.now_ms(), **facts, "text": text}), STDOUT
        if not ctx.quiet:
            terminal.put_at_once(to, f"{line}\n".encode(errors="backslashreplace"))

    return tell
