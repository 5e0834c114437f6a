"""Small programs that a home asks: where they work and what they find in their environment. See `agent/process/ask`."""

from __future__ import annotations

import sys

from uwf import config
from uwf import home as paths
from uwf.agent.process.ask import ProgramAnswer as ProgramAnswer
from uwf.agent.process.ask import ask_program
from uwf.agent.process.tree import Subreaper
from uwf.agent.stop import Stop as Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def own_command(*words: str) -> list[str]:
    """This uwf as a command. No file of the folder it works in is imported, into which others may write."""
    return [sys.executable, "-P", "-m", "uwf", *words]


def ask_own(
    home: str, words: Sequence[str], *, timeout_s: float, most_bytes: int | None, stop: Stop | None
) -> ProgramAnswer:
    """Ask a command of this uwf as `ask` does. It reaches the store as this process does."""
    return ask(
        home,
        own_command(*words),
        env=config.environment_of_store(),
        timeout_s=timeout_s,
        most_bytes=most_bytes,
        stop=stop,
    )


def reap_adopted(own: Collection[int]) -> None:
    """Reap what programs and killed runs have left to this process, which has started the children `own` beside."""
    Subreaper.reap_adopted(own)


def ask(
    home: str,
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    most_bytes: int | None = None,
    stop: Stop | None = None,
) -> ProgramAnswer:
    """Ask a program for `home`, in whose folder it works, beside what is ours in its environment with `UWF_HOME`, and
    with `env`; the address of the store is in it without a password. The rest is that of `ask_program`; it raises
    nothing.
    """
    return ask_program(
        argv,
        cwd=home,
        env={**config.environment_of_programs(), config.HOME_VARIABLE: home, **(env or {})},
        spool_dir=paths.spool(home),
        timeout_s=timeout_s,
        stdin=stdin.encode(errors="replace"),
        most_bytes=most_bytes,
        stop=stop,
    )
