"""The kinds of agents, one file each, and the registry of them: a new kind is a file and a line here.

Nothing is imported until an agent of that kind is made, so that asking which kinds there are costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uwf.agent.protocol import Agent

KINDS = {
    "command": "CommandAgent",
}
"""The word for it in the configuration, which is also the name of its file, and the class. The first is the default."""

NAMES = tuple(KINDS)


def make(kind: str, name: str, command: Sequence[str]) -> Agent:
    """The agent `name` of this kind, which starts `command`."""
    from importlib import import_module

    made: Callable[[str, Sequence[str]], Agent] = getattr(
        import_module(f"{__name__}.{kind}"), KINDS[kind]
    )
    return made(name, command)
