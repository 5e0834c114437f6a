"""The clients that people have, and what makes each of them an agent. Of those that are looked for on PATH.

Claude Code, Codex, Gemini CLI 0.61.0, OpenCode 1.18.33 and claude-agent-acp 0.49.0 were tried so.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf.agent.process import program
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOTHING: Mapping[str, str] = MappingProxyType({})


class KnownClient(Record):
    """`name` is what its agent is called unless that name is taken; `settings` are what it needs to work unattended."""

    name: str
    title: str
    kind: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = _NOTHING


CLIENTS = (
    KnownClient("claude", "Claude Code", "claude", ("claude",), {"permissions": "acceptEdits"}),
    KnownClient("codex", "Codex", "codex", ("codex",), {"permissions": "workspace-write"}),
    KnownClient("gemini", "Gemini CLI", "acp", ("gemini", "--acp")),
    KnownClient("opencode", "OpenCode", "acp", ("opencode", "acp")),
    KnownClient("claude-acp", "Claude Code over ACP", "acp", ("claude-agent-acp",)),
)
"""In the order in which one is proposed."""


def on_path(cwd: str, path: str) -> Iterator[tuple[KnownClient, str]]:
    """Those that can be run in the folder `cwd`, each with the file that is run."""
    for client in CLIENTS:
        try:
            yield client, program.find_program(client.command, cwd, path)
        except program.SpawnFailed:
            continue
