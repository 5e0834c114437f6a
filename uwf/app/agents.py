"""The agents of a home, and whether they can run."""

from __future__ import annotations

from uwf import config as settings
from uwf.app.opened import absolute, current_folder
from uwf.errors import NotFound
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.stop import Stop
    from uwf.app.opened import OpenHome
    from uwf.engine.actions.trial import Trial
    from uwf.engine.progress import Progress


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
    """What `app.agents` can do. An agent is named as it is configured, or by its command line."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    def all(self) -> list[AgentRow]:
        """The configured agents, by name."""
        config = self._home.config
        return [
            AgentRow(name, agent.kind, agent.argv, name == config.default_agent)
            for name, agent in sorted(config.agents.items())
        ]

    def check(self, name: str | None = None) -> list[AgentCheck]:
        """Whether agents can be started: all configured ones, or the one that a name or a command line says.

        None of them is run. Warns of what in a command only a shell would understand.
        """
        known = self._home.config.agents
        names = sorted(known) if name is None else [name]
        if not names:
            raise NotFound(
                "no agent is configured",
                hint="uwf config set agents.mine.command 'COMMAND'",
                code="no_agent",
            )
        return [self._check(word) for word in names]

    def try_(
        self,
        name: str,
        cwd: str | None = None,
        stop: Stop | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Trial:
        """What one real prompt to an agent that works in `cwd`, by default here, comes to. Nothing of it is stored.

        Raises `InputError`; `Refused` when this machine cannot run it now; `Interrupted` when `stop` was asked for.
        """
        from uwf.agent.stop import Stop
        from uwf.engine.actions import trial
        from uwf.store.sqlite import open_in_memory

        home, given = self._home, stop
        self._check(name)
        home.hide(name)
        stop = stop or Stop()
        try:
            context = home.context(on_progress, open_in_memory(home.gate))
            return trial.run(context, name, absolute(cwd), stop)
        finally:
            if given is None:
                stop.close()

    def _check(self, name: str) -> AgentCheck:
        from uwf.agent import kinds
        from uwf.agent.shell_signs import shell_signs
        from uwf.config import edit
        from uwf.engine.run.planning.agents import words_of

        known = self._home.config.agents
        own: Mapping[str, Any] = {}
        if name in known:
            kind, argv = known[name].kind, known[name].argv
            own = self._home.config.agent_settings(name)
            key = f"agents.{name}.command"
            written = (
                next(one.value for one in edit.settings(self._home.home) if one.key == key) or ""
            )
        else:
            kind, argv, written = "command", words_of(name), name
        path = settings.environment().get("PATH", "")
        reason = kinds.make(kind, name, argv, own).unavailable(current_folder(), path)
        signs = shell_signs(written)
        if signs:
            self._home.warn(
                f"agent {name}: no shell is run, so that {' '.join(signs)} is handed to it as it is; "
                "where a shell is meant, the command is sh -c '...'"
            )
        return AgentCheck(name, argv, reason is None, reason)
