"""This uwf once more, as a process of its own: the command that was typed, for one of its threads.

A run is one process: `thread stop` ends one run by its pid, a lock has one holder, and what kills one of them leaves
the others alone. So several threads are run by several processes, and one that is to go on alone by another one.
"""

from __future__ import annotations

import subprocess
from contextlib import suppress

from uwf.app.programs import own_command
from uwf.cli import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.cli.command import CommandSpec
    from uwf.cli.context import Context

OF_SEVERAL = ("thread", "where", "label", "dry_run", "jobs", "detach")
"""Parameters that say for which threads and how: they are no words of the command for one."""

TEXT = "TEXT"


def words(ctx: Context, thread: str) -> list[str]:
    """The words of the command that was typed, for this thread alone. What is a TEXT is read from stdin."""
    return _words(ctx.call.command, thread, ctx.call.values)


def exec_words(options: Mapping[str, Any], thread: str) -> list[str]:
    """The words of a `thread exec` with these options, by the names of its parameters."""
    return _words(index.load("thread exec"), thread, options)


def _words(command: CommandSpec, thread: str, values: Mapping[str, Any]) -> list[str]:
    found = [*command.name.split(), thread]
    for param in command.params:
        if param.name in OF_SEVERAL or param.name not in values:
            continue
        flag, value = param.spec.flags[-1], values[param.name]
        if param.is_flag:
            found.append(flag)
        elif param.metavar == TEXT:
            found.append(f"{flag}=-")
        else:
            given = value if param.many else (value,)
            found += [f"{flag}={_typed(each)}" for each in given]
    return found


def spawn(
    ctx: Context, words: list[str], text: str | None, **options: Any
) -> subprocess.Popen[bytes]:
    """Start `uwf` with these words, on the same home and with the same kind of output; `text` is its stdin.

    `options` go to Popen.
    """
    common = ctx.call.common
    kinds = ["--json"] * common.json + ["--quiet"] * common.quiet
    process = subprocess.Popen(
        own_command(*words, f"--home={ctx.home}", *kinds),
        stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
        **options,
    )
    if process.stdin is not None and text is not None:
        with suppress(BrokenPipeError), process.stdin:  # it has ended, and says why
            process.stdin.write(text.encode())
    return process


def _typed(value: str | int | float) -> str:
    """A value as it is typed: no number has an exponent."""
    text = str(value)
    return f"{value:.0f}" if isinstance(value, float) and "e" in text else text
