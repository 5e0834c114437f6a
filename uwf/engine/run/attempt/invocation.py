"""Asking an agent: what it is given, and how its end is told and kept."""

from __future__ import annotations

import os

from uwf import home as paths
from uwf.agent import failure
from uwf.agent.protocol import AgentRequest, Conversation
from uwf.engine.chain import worktree as trees
from uwf.engine.run.planning import agents
from uwf.store import codec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.protocol import Agent, AgentFailure, Answered, ProcessFacts
    from uwf.config.records import Config
    from uwf.engine.chain.attempt import AttemptStart
    from uwf.engine.chain.sessions import KeptSession
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep
    from uwf.workflow.model import Role

SAID_CHARS = 300


def build(
    ctx: RunContext,
    step: NextStep,
    start: AttemptStart,
    prompt: str,
    session: KeptSession | None,
    *,
    keep_fds: tuple[int, ...],
    longest_s: float | None,
    usd_left: float | None,
    answer: Answered | None,
    is_reply: Callable[[str], bool],
    meanwhile: Callable[[], object],
    news: Callable[[], str | None],
) -> AgentRequest:
    """What is asked of it: prompt, environment and limits. `longest_s` and `usd_left` are what the budget
    leaves of time and money.
    """
    plan, settings = step.plan, ctx.config.agent(start.agent)
    role = ctx.config.role(plan.role)
    streams = step.agent.streams
    kept_back = withheld(ctx.config, ctx.secrets, step.agent)
    environ = {
        **{name: value for name, value in ctx.environ.items() if name not in kept_back},
        **dict(settings.env),
        **dict(role.env),
        "UWF_HOME": ctx.home,
        "UWF_THREAD": start.thread,
        "UWF_STEP_INDEX": str(step.base.index + 1),
        "UWF_ROLE": plan.role,
        "UWF_ROUND": str(plan.round),
        "UWF_VISIT": str(step.base.visits.get(plan.role, 0) + 1),
        "UWF_ATTEMPT": str(start.number),
        "UWF_WORKFLOW": plan.workflow,
        "UWF_SCHEMA": _schema_file(ctx, plan.workflow, step.workflow.roles[plan.role]),
    }
    worktree = trees.of(step.thread.tags, step.thread.id, ctx.home)
    for name, told in trees.environment(worktree, ctx.config.workspace.ports).items():
        environ.pop(name, None)
        if told is not None:
            environ[name] = told
    for name in ("UWF_SESSION", "UWF_SESSION_FORK", "UWF_EVENTS"):
        environ.pop(name, None)  # those of the run that this one may be started from
    if session is not None:
        environ["UWF_SESSION"] = session.id
        if session.is_forked:
            environ["UWF_SESSION_FORK"] = "1"
    return AgentRequest(
        prompt=prompt,
        cwd=ctx.redactor.restored(plan.cwd),
        env=environ,
        session=None if session is None else session.id,
        forks_session=session is not None and session.is_forked,
        counted=None if session is None else session.counted,
        conversation=_conversation(ctx, session),
        model=agents.model_of(ctx.config, start.agent, step.workflow.roles[plan.role]),
        permissions=role.permissions or settings.permissions,
        args=(*settings.args, *role.args),
        usd_left=usd_left,
        answer=answer,
        timeout_s=_shorter(role.timeout_s or settings.timeout_s, longest_s),
        stall_timeout_s=settings.stalls_s(streams=streams),
        output_limit_bytes=settings.output_limit_bytes,
        grace_s=ctx.config.limits.grace_s,
        mark=start.mark,
        spool_dir=paths.spool(ctx.home),
        keep_fds=keep_fds,
        linger_s=settings.lingers_s(streams=streams),
        is_reply=is_reply,
        meanwhile=meanwhile,
        news=news,
    )


def _conversation(ctx: RunContext, session: KeptSession | None) -> Conversation | None:
    """What a session from another machine has by now."""
    if session is None or session.conversation is None:
        return None
    from uwf.engine.chain import carried

    id = session.conversation
    name = ctx.cache.get(id).payload["name"]
    return Conversation(name, lambda: carried.bytes_of(ctx.cache, id))


def withheld(config: Config, secrets: frozenset[str], agent: Agent) -> frozenset[str]:
    """Those of the `secrets` in the environment that `agent` is not handed: nobody has named them for it."""
    named, own = config.agent(agent.name).secrets, agent.own_variables
    if own is None and not named:
        return frozenset()
    return frozenset(
        name for name in secrets if name not in named and not name.startswith(own or ())
    )


def of_withheld(ctx: RunContext, agent: Agent) -> str:
    """What to say of an agent that nobody lets in: it may need what it was not handed."""
    names = sorted(withheld(ctx.config, ctx.secrets, agent))
    if not names:
        return ""
    return f"; it was not handed {', '.join(names)}, which agents.{agent.name}.secrets may name"


def _shorter(first_s: float | None, second_s: float | None) -> float | None:
    """The shorter of two limits; None is no limit."""
    if first_s is None or second_s is None:
        return second_s if first_s is None else first_s
    return min(first_s, second_s)


def tool_words(name: str, arguments: Mapping[str, Any]) -> str:
    """The use of a tool as the text of a turn: its name, and its arguments as JSON."""
    import json

    from uwf.agent.clients.client import clean

    return clean(f"{name} {json.dumps(arguments, ensure_ascii=False)}")


def in_words(failed: AgentFailure, said: str, *, has_session: bool) -> str:
    """Why the agent delivered no reply, for a person. `said` is what the agent itself says of it, without secrets."""
    message = failed.message
    if said:
        return f"{message}: {said[:SAID_CHARS]}"
    if has_session and failed.code in (failure.TIMEOUT, failure.STALL):
        return f"{message}; resume goes on in the same session"
    return message


def process_facts(facts: ProcessFacts | None) -> dict[str, Any] | None:
    """What is kept of an agent's process with its attempt; None when there was none."""
    if facts is None:
        return None
    return {
        "ended": facts.ended,
        "exitCode": facts.exit_code,
        "signal": facts.signal,
        "durationMs": facts.duration_ms,
        "peakMemoryBytes": facts.peak_memory_bytes,
        "stdoutBytes": facts.stdout_bytes,
        "stderrBytes": facts.stderr_bytes,
        "rung": facts.escalation,
        "survivors": list(facts.survivors),
    }


def _schema_file(ctx: RunContext, workflow: str, role: Role) -> str:
    """The path of a file with the role's JSON Schema, written at most once."""
    known = ctx.cache.schema_files
    path = known.get((workflow, role.name))
    if path is None:
        path = known[workflow, role.name] = _written_schema(ctx.home, role)
    return path


def _written_schema(home: str, role: Role) -> str:
    """Named by content, so that all threads of all workflows share the file."""
    name = codec.id_of(codec.encode("schema", role.schema))[:32]
    path = os.path.join(paths.made(paths.schemas(home)), f"{name}.json")
    if not os.path.exists(path):
        import json

        from uwf.store import files

        unfinished = files.start_new(path)
        try:
            with open(unfinished, "w") as file:
                json.dump(role.schema, file, indent=2)
            files.publish_new(unfinished, path)  # or another process was first, with the same bytes
        except OSError as error:
            raise files.cannot_create(path, error) from error
        finally:
            files.discard(unfinished)
    return path
