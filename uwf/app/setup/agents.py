"""The agents of a home, and whether they can run."""

from __future__ import annotations

import shlex

from uwf import config as settings
from uwf import home as paths
from uwf.app.opened import absolute, current_folder
from uwf.errors import NotFound
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from uwf.agent.clients.inspection import Inspection
    from uwf.agent.clients.known import KnownClient
    from uwf.agent.process.ask import ProgramAnswer
    from uwf.agent.protocol import Agent
    from uwf.agent.stop import Stop
    from uwf.app.opened import OpenHome
    from uwf.config.records import AgentConfig
    from uwf.engine.actions.trial import Trial
    from uwf.engine.progress import Progress


INSPECT_S = 10.0
"""How long a client has to say its version, or who is logged in: one for node takes a second or two."""


class AgentRow(Record):
    """A configured agent. `default` says whether it runs the roles for which no other is named."""

    name: str
    kind: str
    command: tuple[str, ...]
    default: bool


class AgentCheck(Record):
    """Whether an agent could be started here and now, and why not (`reason`). What its client says of itself, None
    where it says nothing: its `version`, whether and how somebody is logged in, and what else would be in the way of a
    prompt (`problem`). `model` is the one that is set for it.
    """

    name: str
    command: tuple[str, ...]
    ok: bool
    reason: str | None
    version: str | None = None
    is_logged_in: bool | None = None
    login: str | None = None
    model: str | None = None
    problem: str | None = None


class FoundClient(Record):
    """A client that is on PATH. `agents` are those of the config that run it; with none, `name` and `settings` are what
    would make it one. `reason` is why it could not be started all the same.
    """

    title: str
    path: str
    kind: str
    agents: tuple[str, ...]
    name: str
    settings: Mapping[str, str]
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
        """Whether agents can be started, and what their clients say of themselves: all configured ones, or the one that
        a name or a command line says.

        No prompt is sent, and a plain command is not run. Warns of what in a command only a shell would understand.
        """
        known = self._home.config.agents
        names = sorted(known) if name is None else [name]
        if not names:
            raise NotFound(
                "no agent is configured",
                hint="uwf config set agents.mine.command 'COMMAND'",
                code="no_agent",
            )
        return [self._inspected(self._check(word)) for word in names]

    def detect(self) -> list[FoundClient]:
        """The clients on PATH that are known, in the order in which one is proposed. None of them is run."""
        from uwf.agent import kinds
        from uwf.agent.clients import known

        config, path = self._home.config, settings.environment().get("PATH", "")
        taken, found = set(config.agents), []
        for client, file in known.on_path(current_folder(), path):
            own = {name for name, agent in config.agents.items() if _runs(agent, client, file)}
            name = client.name
            while name in taken:
                name += "-new"
            taken.add(name)
            command = (
                () if kinds.KINDS[client.kind].program == client.command[0] else client.command
            )
            proposed = {"kind": client.kind, **client.settings}
            if command:
                proposed["command"] = shlex.join(command)
            agent = kinds.make(client.kind, name, client.command)
            reason = agent.unavailable(current_folder(), path)
            given = {} if own else proposed
            found.append(
                FoundClient(
                    client.title, file, client.kind, tuple(sorted(own)), name, given, reason
                )
            )
        return found

    def known_clients(self) -> list[str]:
        """The programs that `detect` looks for."""
        from uwf.agent.clients import known

        return [client.command[0] for client in known.CLIENTS]

    def add(self, clients: Sequence[FoundClient]) -> dict[str, str]:
        """Write the agents of clients that have none into the config, and the first as the default where there is none.
        What was written, by its key.
        """
        from uwf.config import edit

        new = [client for client in clients if not client.agents]
        texts = {
            f"agents.{client.name}.{key}": text
            for client in new
            for key, text in client.settings.items()
        }
        if new and self._home.config.default_agent is None:
            texts["default_agent"] = new[0].name
        if texts:
            edit.set_values(self._home.home, texts)
            self._home.reload_config()
        return texts

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
        from uwf.app.thread import run_context
        from uwf.engine.actions import trial
        from uwf.store.sqlite import open_in_memory

        home, given = self._home, stop
        self._check(name)
        home.hide(name)
        stop = stop or Stop()
        try:
            context = run_context.of(home, on_progress, open_in_memory(home.gate))
            return trial.run(context, name, absolute(cwd), stop)
        finally:
            if given is None:
                stop.close()

    def is_logged_in(self, client: FoundClient) -> bool | None:
        """Whether somebody is, by the client's own word; None where it has none."""
        from uwf.agent import kinds

        if client.agents:
            return self._inspected(self._check(client.agents[0])).is_logged_in
        command = shlex.split(client.settings.get("command", client.path))
        agent = kinds.make(client.kind, client.name, command)
        return self._inspect(agent, {}, None).is_logged_in

    def _inspected(self, check: AgentCheck) -> AgentCheck:
        """With what its client says of itself."""
        from uwf.engine.run.planning.agents import named

        config = self._home.config
        found = config.agents.get(check.name)
        check = replace(check, model=None if found is None else found.model)
        if not check.ok or found is None:
            return check
        said = self._inspect(named(config, check.name), dict(found.env), found.model)
        clean = self._home.redactor.text
        return replace(
            check,
            version=said.version,
            is_logged_in=said.is_logged_in,
            login=None if said.login is None else clean(said.login),
            problem=None if said.problem is None else clean(said.problem),
        )

    def _inspect(self, agent: Agent, own_env: dict[str, str], model: str | None) -> Inspection:
        """What the client of `agent` says, with the environment that it has in a step."""
        from uwf.agent.clients import inspection
        from uwf.agent.process.ask import ask_program
        from uwf.engine.run.attempt.invocation import withheld

        config, environ = self._home.config, settings.environment()
        kept_back = withheld(config, settings.secret_variables(environ, config), agent)
        env = {name: value for name, value in environ.items() if name not in kept_back} | own_env

        def ask(argv: Sequence[str], stdin: bytes) -> ProgramAnswer:
            return ask_program(
                argv,
                cwd=current_folder(),
                env=env,
                timeout_s=INSPECT_S,
                stdin=stdin,
                most_bytes=1 << 20,
                spool_dir=paths.spool(self._home.home),
            )

        return inspection.inspect(agent, ask, env, model)

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
                next((one.value for one in edit.settings(self._home.home) if one.key == key), None)
                or ""
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


def _runs(agent: AgentConfig, client: KnownClient, file: str) -> bool:
    """Whether an agent of the config runs this client, in whatever way."""
    return bool(agent.argv) and agent.argv[0] in (client.command[0], file)
