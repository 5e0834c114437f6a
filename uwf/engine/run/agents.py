"""Which agent runs a role: what the command says, else the override for the role, else the default.

Agents are read from the home's config alone, never from a project folder: a cloned repository must not be able
to run code.
"""

from __future__ import annotations

from uwf.errors import InputError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.protocol import Agent, AgentRequest, AgentResult
    from uwf.agent.stop import Stop
    from uwf.config import Config


class Nobody:
    """Stands in where no agent can be chosen, until the guards have come to that: others may have to say no first."""

    name = ""

    def __init__(self, refusal: Refused) -> None:
        self._refusal = refusal

    def unavailable(self, cwd: str, path: str) -> str | None:
        raise self._refusal

    def run(
        self, request: AgentRequest, *, stop: Stop, on_start: object, on_event: object
    ) -> AgentResult:
        raise self._refusal


def choose(config: Config, workflow: str, role: str, override: str | None) -> Agent:
    """The agent for `role` of `workflow`. `override` is a configured name or a command line.

    Raises `Refused` (reason `no_agent`) when none is configured, `InputError` when `override` names nothing.
    """
    if override is not None and not override.strip():
        raise InputError(
            "the agent given is empty: a configured name or a command line is needed",
            hint="uwf agent list",
            code="bad_agent",
        )
    word = override or config.overrides.get(workflow, {}).get(role) or config.default_agent
    if word is None:
        raise Refused(
            f"no agent is configured to run role {role}",
            reason="no_agent",
            hint="uwf config set agents.mine.command 'COMMAND' && uwf config set default_agent mine",
        )
    from uwf.agent import kinds

    named = config.agents.get(word)
    if named is not None:
        return kinds.make(named.kind, word, named.command)
    return kinds.make("command", word, words_of(word))


def words_of(line: str) -> tuple[str, ...]:
    """A command line as a shell would split it; no shell is run. Raises `InputError` when it cannot be split."""
    if not any(mark in line for mark in "'\"\\"):
        return tuple(line.split())
    import shlex

    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise InputError(
            f"cannot read the command line {line!r}: {error}",
            hint="uwf agent list",
            code="bad_agent",
        ) from None
