"""Asking an agent: what it is given, and how its end is told and kept."""

from __future__ import annotations

import os

from uwf import home as paths
from uwf.agent import failure
from uwf.agent.protocol import AgentRequest
from uwf.store import codec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.agent.protocol import AgentFailure, ProcessFacts
    from uwf.engine.chain.attempt import AttemptStart
    from uwf.engine.chain.nodes import Position
    from uwf.engine.run.context import Engine
    from uwf.workflow.model import Role

SAID_CHARS = 300


def build(
    engine: Engine,
    start: AttemptStart,
    position: Position,
    role: Role,
    prompt: str,
    session: str | None,
    *,
    keep_fds: tuple[int, ...],
    longest_s: float | None,
) -> AgentRequest:
    """What is asked of it: prompt, environment and limits. `longest_s` is what the budget leaves of the time."""
    plan, settings = start.plan, engine.config.agent(start.agent)
    environ = {
        **engine.environ,
        **dict(settings.env),
        "UWF_HOME": engine.home,
        "UWF_THREAD": start.thread,
        "UWF_STEP_INDEX": str(position.index + 1),
        "UWF_ROLE": plan.role,
        "UWF_ROUND": str(plan.round),
        "UWF_ATTEMPT": str(start.number),
        "UWF_WORKFLOW": plan.workflow,
        "UWF_SCHEMA": _schema_file(engine, plan.workflow, role),
    }
    environ.pop("UWF_SESSION", None)
    if session is not None:
        environ["UWF_SESSION"] = session
    return AgentRequest(
        prompt=prompt,
        cwd=plan.cwd,
        env=environ,
        session=session,
        timeout_s=_shorter(settings.timeout_s, longest_s),
        stall_timeout_s=settings.stall_timeout_s,
        output_limit_bytes=settings.output_limit_bytes,
        grace_s=engine.config.limits.grace_s,
        mark=start.mark,
        spool_dir=paths.spool(engine.home),
        keep_fds=keep_fds,
    )


def _shorter(first_s: float | None, second_s: float | None) -> float | None:
    """The shorter of two limits; None is no limit."""
    if first_s is None or second_s is None:
        return second_s if first_s is None else first_s
    return min(first_s, second_s)


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


def _schema_file(engine: Engine, workflow: str, role: Role) -> str:
    """The path of a file with the role's JSON Schema, written at most once."""
    known = engine.memo.schema_files
    path = known.get((workflow, role.name))
    if path is None:
        path = known[workflow, role.name] = _written_schema(engine.home, role)
    return path


def _written_schema(home: str, role: Role) -> str:
    """Named by content, so that all threads of all workflows share the file."""
    name = codec.id_of(codec.encode("schema", role.schema))[:32]
    path = os.path.join(paths.made(paths.schemas(home)), f"{name}.json")
    if not os.path.exists(path):
        import json

        from uwf.store import files

        draft = files.start_new(path)
        try:
            with open(draft, "w") as file:
                json.dump(role.schema, file, indent=2)
            files.publish_new(draft, path)  # or another process was first, with the same bytes
        except OSError as error:
            raise files.cannot_create(path, error) from error
        finally:
            files.discard(draft)
    return path
