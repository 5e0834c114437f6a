"""The kinds of agents, one file each, and the registry of them: a new kind is a file and a line here.

A kind is a class of its file, made from a name, a command line and, where it has `Options`, those: what can be set for
agents of this kind alone, as its part of their tables in the config. Nothing is imported until an agent of that kind is
made or its table is read, so that asking which kinds there are costs nothing.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from uwf.agent.protocol import Agent
    from uwf.config_table import Table


class Kind(Record):
    """`program` is what runs where no command is set; "": the kind has no process, None: a command must be set.
    `without` are the keys for all agents that say nothing to it.
    """

    made_by: str
    program: str | None = None
    without: tuple[str, ...] = ()


_OF_A_PROCESS = ("command", "permissions", "args", "linger", "secrets")
KINDS = {
    "command": Kind("CommandAgent"),
    "claude": Kind("ClaudeAgent", "claude"),
    "codex": Kind("CodexAgent", "codex"),
    "mock": Kind("MockAgent", "", without=(*_OF_A_PROCESS, "model", "models")),
    "openai": Kind("OpenAIAgent", "", without=_OF_A_PROCESS),
    "acp": Kind("AcpAgent"),
}
"""By the word for it in the configuration, which is also the name of its file. The first is the default."""

NAMES = tuple(KINDS)


def options() -> list[type[Table]]:
    """What can be set for agents of one kind alone."""
    return [found for kind in NAMES if (found := options_of(kind)) is not None]


def options_of(kind: str) -> type[Table] | None:
    """What can be set for an agent of this kind alone; None for nothing."""
    found: type[Table] | None = _class_of(kind).Options
    return found


def make(
    kind: str, name: str, command: Sequence[str], settings: Mapping[str, Any] | None = None
) -> Agent:
    """The agent `name` of this kind, which starts `command`. `settings` are those of its table, as they were read."""
    options = options_of(kind)
    own = () if options is None else (options.of(settings or {}),)
    agent: Agent = _class_of(kind)(name, tuple(command), *own)
    return agent


def _class_of(kind: str) -> Any:
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{kind}"), KINDS[kind].made_by)
