"""What a client says of itself without a prompt: its version, and whether somebody is logged in.

A kind that can find that out has a method `inspect`. It may run its client with words that cost nothing, by `ask`.
"""

from __future__ import annotations

import json

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from uwf.agent.process.ask import ProgramAnswer
    from uwf.agent.protocol import Agent

    Ask: TypeAlias = Callable[[Sequence[str], bytes], ProgramAnswer]
    """Runs a command line with some input."""


class Inspection(Record):
    """None: it does not say. `login` is how somebody is logged in, or why nobody is; `problem` what would be in the way
    of a prompt.
    """

    version: str | None = None
    is_logged_in: bool | None = None
    login: str | None = None
    problem: str | None = None


def inspect(agent: Agent, ask: Ask, env: Mapping[str, str], model: str | None) -> Inspection:
    """What the client of `agent` says, with `env` as its environment and `model` as what is set for it."""
    found = getattr(agent, "inspect", None)
    said: Inspection = Inspection() if found is None else found(ask, env, model)
    return said


def version(answer: ProgramAnswer) -> str | None:
    """The word of an answer to `--version` that looks like one."""
    words = answer.out.decode(errors="replace").split() if answer.code == 0 else []
    return next((word for word in words if word[:1].isdigit() and "." in word), None)


def document(said: bytes) -> dict[str, Any]:
    """The JSON object that `said` begins with; empty where it does not."""
    text = said.decode(errors="replace").lstrip()
    try:
        found, _end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
