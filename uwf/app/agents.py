"""The agents of a home, and whether they can run."""

from __future__ import annotations

from uwf import config as settings
from uwf.app.opened import current_folder
from uwf.errors import NotFound
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.opened import OpenHome


class AgentRow(Record):
    """A configured agent. `default` says whether it runs the roles for which no other is named."""

    name: str
    kind: str
    command: tuple[str, ...]
    default: bool


class AgentCheck(Record):
    """Whether an agent could be started here and now, and why not."""

    name: str
    command: tuple[str, ...]
    ok: bool
    reason: str | None


class Agents:
    """What `app.agents` can do."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    def all(self) -> list[AgentRow]:
        """The configured agents, by name."""
        config = self._home.config
        return [
            AgentRow(name, agent.kind, tuple(agent.command), name == config.default_agent)
            for name, agent in sorted(config.agents.items())
        ]

    def check(self, name: str | None = None) -> list[AgentCheck]:
        """Whether agents can be started: all configured ones, or the one that a name or a command line says.

        None of them is run. Warns of what in a command only a shell would understand.
        """
        from uwf.agent import kinds
        from uwf.agent.shell_signs import shell_signs
        from uwf.engine.run.invocation import words_of

        known = self._home.config.agents
        names = sorted(known) if name is None else [name]
        if not names:
            raise NotFound(
                "no agent is configured",
                hint="uwf config set agents.mine.command 'COMMAND'",
                code="no_agent",
            )
        path = settings.environment().get("PATH", "")
        found = []
        for word in names:
            if word in known:
                kind, argv = known[word].kind, tuple(known[word].command)
            else:
                kind, argv = "command", words_of(word)
            reason = kinds.make(kind, word, argv).unavailable(current_folder(), path)
            signs = shell_signs(argv)
            if signs:
                self._home.warn(
                    f"agent {word}: no shell is run, so that {' '.join(signs)} is handed to it as it is; "
                    "where a shell is meant, the command is sh -c '...'"
                )
            found.append(AgentCheck(word, argv, reason is None, reason))
        return found
