"""Asking the person at the terminal. Where nobody sits there, nothing is asked, and nothing is taken for a yes."""

from __future__ import annotations

import sys

from uwf.cli.screen import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.screen.output import Output


def may_ask(out: Output) -> bool:
    """Whether somebody is there, and has asked for words and not for data."""
    return not (out.json or out.quiet) and out.on_terminal and terminal.is_attended()


def is_yes(question: str) -> bool:
    """Whether the answer is a yes; an empty one, or none, is a no."""
    return _answer(f"{question} [y/N] ").lower() in ("y", "yes")


def choice(question: str, most: int) -> int | None:
    """A number from 1 to `most`; None for an empty answer, or none. Any other is asked again."""
    while said := _answer(f"{question} [1-{most}] "):
        if said in map(str, range(1, most + 1)):
            return int(said)
    return None


def _answer(prompt: str) -> str:
    sys.stdout.flush()
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
