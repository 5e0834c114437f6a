"""Which agent runs a role, and with which model: from what was asked for, the config, and words of the workflow file.

Agents are read from the home's config alone, never from a project folder: a cloned repository must not be able to run
code. What its files say of agents and models are words, to which the config gives a meaning or none.

An agent whose limit is reached is waited for, unless its `on_limit` says otherwise: then another one runs the role
meanwhile, or a person is asked. The chain says of each attempt which agent it was.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.agent.words.failure_signs import QUOTA
from uwf.engine.chain.attempt import ended_attempts
from uwf.errors import InputError, NotHere, Refused
from uwf.guard import pause
from uwf.guard.pause import ASK, FALLBACK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.agent.protocol import Agent, AgentRequest, AgentResult
    from uwf.agent.stop import Stop
    from uwf.config.records import Config
    from uwf.engine.chain.thread import Thread
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep
    from uwf.workflow.model import Role

JUST_MS = 300_000
"""So long an agent that has said that its limit is reached, and not until when, is passed over."""


class NoAgent:
    """Stands in where no agent can be chosen, until the guards have come to that: others refuse before."""

    name = ""
    streams = False
    own_variables = None

    def __init__(self, refusal: Refused) -> None:
        self._refusal = refusal

    def unavailable(self, cwd: str, path: str) -> str | None:
        raise self._refusal

    def run(
        self, request: AgentRequest, *, stop: Stop, on_start: object, on_event: object
    ) -> AgentResult:
        raise self._refusal


def choose(config: Config, workflow: str, role: Role, override: str | None) -> Agent:
    """The agent for `role` of `workflow`. `override` is a configured name or a command line.

    Raises `Refused` (reason `no_agent`) when none is configured, `InputError` when `override` names nothing.
    """
    if override is not None and not override.strip():
        raise InputError(
            "the agent given is empty: a configured name or a command line is needed",
            hint="uwf agent list",
            code="bad_agent",
        )
    word = override or chosen(config, workflow, role)
    if word is None:
        raise NotHere(
            f"no agent is configured to run role {role.name}",
            reason="no_agent",
            hint="uwf config set agents.mine.command 'COMMAND' && uwf config set default_agent mine",
        )
    model_of(config, word, role)
    return named(config, word)


def chosen(config: Config, workflow: str, role: Role) -> str | None:
    """The configured name or command line that stands for `role` of `workflow` where nothing else is said, if any does.

    Raises `Refused` where the workflow file asks for one that is not configured.
    """
    return (
        config.overrides.get(workflow, {}).get(role.name)
        or config.role(role.name).agent
        or _asked_for(config, workflow, role)
        or config.default_agent
    )


def named(config: Config, word: str) -> Agent:
    """The agent that a configured name or a command line says."""
    from uwf.agent import kinds

    found = config.agents.get(word)
    if found is not None:
        return kinds.make(found.kind, word, found.argv, config.agent_settings(word))
    return kinds.make("command", word, words_of(word))


def _asked_for(config: Config, workflow: str, role: Role) -> str | None:
    """The agent that the workflow file asks for, where the config knows one by that word."""
    if role.agent is None or role.agent in config.agents:
        return role.agent
    meant = config.default_agent or "AGENT"
    raise NotHere(
        f"role {role.name} asks for an agent called {role.agent!r}, and none is configured by that name",
        reason="no_agent",
        hint=f"uwf config set overrides.{workflow}.{role.name} {meant}",
    )


def model_of(config: Config, agent: str, role: Role) -> str | None:
    """The model that `agent` runs `role` with, in its own words; None for the one that its client takes by itself.

    Raises `Refused` for a word of the workflow file that says nothing to this agent.
    """
    found = config.agents.get(agent)
    own = config.role(role.name).model
    if found is None or own is not None:
        return own
    if role.model is None:
        return found.model
    if role.model not in found.models:
        key = f"agents.{agent}.models.{role.model}"
        raise NotHere(
            f"role {role.name} asks for the model {role.model!r}, which is no word of agent {agent}",
            reason="no_agent",
            hint=f"uwf config set {key} MODEL",
        )
    return found.models[role.model]


def line(config: Config, agent: str) -> tuple[str, ...]:
    """The agents that may run what `agent` is to run, in their order: one is next while those before it must wait."""
    settings = config.agent(agent)
    return (agent, *(settings.fallback if settings.on_limit == FALLBACK else ()))


def first_free(
    ctx: RunContext, thread: Thread, role: Role, agent: Agent, line: tuple[str, ...]
) -> Agent:
    """The first of the `line` whose limit is not reached; `agent`, where that is none."""
    for word in line if len(line) > 1 else ():
        if not _is_limited(ctx, thread, role.name, word):
            if word == agent.name:
                return agent
            model_of(ctx.config, word, role)
            return named(ctx.config, word)
    return agent


def stands_in(ctx: RunContext, step: NextStep, limited: str) -> bool:
    """Whether another agent takes over a step at which the one that is `limited` has just reached its limit."""
    role = step.plan.role
    others = (word for word in step.line if word != limited)
    return any(not _is_limited(ctx, step.thread, role, word) for word in others)


def asks(config: Config, agent: str) -> bool:
    """Whether a person is asked when the limit of `agent` is reached."""
    return config.agent(agent).on_limit == ASK


def _is_limited(ctx: RunContext, thread: Thread, role: str, agent: str) -> bool:
    """Whether its limit is reached, as far as is known."""
    if pause.state(ctx.store, pause.of_agent(agent)) is not None:
        return True
    since_ms = clock.now_ms() - JUST_MS
    return any(
        code == QUOTA and who == agent and of == role and ended_ms >= since_ms
        for code, who, of, ended_ms in _ends(ctx, thread)
    )


def _ends(ctx: RunContext, thread: Thread) -> Iterator[tuple[str, str, str, int]]:
    """Of the attempts beside the head: as what each failed, its agent, its role, and when it ended."""
    last = None if thread.pending is None else thread.pending.last_end
    for id in ended_attempts(ctx.cache, last):
        end = ctx.cache.get(id).payload
        begun = ctx.cache.get(end["begun"]).payload
        yield end["error"]["code"], begun["agent"], begun["plan"]["role"], end["endedAt"]


def words_of(line: str) -> tuple[str, ...]:
    """A command line as a shell would split it; no shell is run. Raises `InputError` when it cannot be split.

    A relative program is the one that the shell would run where the line was typed, not one of the thread's folder.
    """
    import shlex

    try:
        return _from_here(shlex.split(line))
    except ValueError as error:
        raise InputError(
            f"cannot read the command line {line!r}: {error}",
            hint="uwf agent list",
            code="bad_agent",
        ) from None


def _from_here(words: list[str]) -> tuple[str, ...]:
    program, *arguments = words or [""]
    if "/" in program and not os.path.isabs(program):
        try:
            program = os.path.join(os.getcwd(), program.removeprefix("./"))
        except FileNotFoundError:
            return tuple(words)  # that no folder is left is said where the program is looked for
    return (program, *arguments)
