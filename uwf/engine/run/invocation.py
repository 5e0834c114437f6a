"""Asking an agent: what it is given, and what its process's end means for the attempt."""

from __future__ import annotations

import os

from uwf import home as paths
from uwf.agent.protocol import Ask
from uwf.engine.chain.attempt import Failure
from uwf.engine.chain.thread import STOPPED
from uwf.errors import Refused
from uwf.record import replace
from uwf.store import codec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.agent.failure import Failing
    from uwf.agent.process.supervise import Outcome
    from uwf.agent.protocol import Answer
    from uwf.engine.chain.nodes import Place
    from uwf.engine.chain.opening import Opening
    from uwf.engine.run.context import Engine
    from uwf.workflow.model import Role


def build(
    engine: Engine,
    opening: Opening,
    place: Place,
    role: Role,
    prompt: str,
    session: str | None,
    *,
    keep_fds: tuple[int, ...],
    longest_s: float | None,
) -> Ask:
    """The question: prompt, environment and limits. `longest_s` is what the budget leaves of the time."""
    plan, settings = opening.plan, engine.config.agent(opening.agent)
    environ = {
        **engine.environ,
        **dict(settings.env),
        "UWF_HOME": engine.home,
        "UWF_THREAD": opening.thread,
        "UWF_STEP_INDEX": str(place.index + 1),
        "UWF_ROLE": plan.role,
        "UWF_ROUND": str(plan.round),
        "UWF_ATTEMPT": str(opening.number),
        "UWF_WORKFLOW": plan.workflow,
        "UWF_SCHEMA": _schema_file(engine, plan.workflow, role),
    }
    environ.pop("UWF_SESSION", None)
    if session is not None:
        environ["UWF_SESSION"] = session
    return Ask(
        prompt=prompt,
        cwd=plan.cwd,
        env=environ,
        session=session,
        timeout_s=_shorter(settings.timeout_s, longest_s),
        stall_timeout_s=settings.stall_timeout_s,
        output_limit_bytes=settings.output_limit_bytes,
        grace_s=engine.config.limits.grace_s,
        mark=opening.mark,
        spool_dir=paths.spool(engine.home),
        keep_fds=keep_fds,
    )


def _shorter(first_s: float | None, second_s: float | None) -> float | None:
    """The shorter of two limits; None is no limit."""
    if first_s is None or second_s is None:
        return second_s if first_s is None else first_s
    return min(first_s, second_s)


def check_folder(cwd: str, thread: str) -> None:
    """Refuse a step whose working directory is not there, before anything is changed."""
    if not os.path.isdir(cwd):
        raise Refused(
            f"thread {thread} cannot run: its working directory {cwd} does not exist",
            reason="preflight_failed",
            hint=f"mkdir -p {cwd}",
        )
    if not os.access(cwd, os.W_OK | os.X_OK):
        raise Refused(
            f"thread {thread} cannot run: its working directory {cwd} is not writable",
            reason="preflight_failed",
            hint=f"ls -ld {cwd}",
        )


def failure(outcome: Outcome, agent: str, stderr: str, has_session: bool) -> Failure | None:
    """Why the agent's process did not deliver a reply; None when it did."""
    if outcome.ended == "exit" and outcome.exit_code == 0:
        return None
    said = _last_line(stderr)
    tail = f": {said}" if said else ""
    then = "; resume goes on in the same session" if has_session else ""
    lost = outcome.ended == "exit" and outcome.exit_code is None
    words = {
        "exit": f"agent {agent} ended, and nobody knows how: {outcome.error}"
        if lost
        else f"agent {agent} exited with code {outcome.exit_code}{tail}",
        "signal": f"agent {agent} was killed by signal {outcome.signal}{tail}",
        "timeout": f"agent {agent} reached its timeout{then}",
        "stall": f"agent {agent} said nothing for too long{then}",
        "stopped": f"agent {agent} was stopped",
        "output_limit": f"agent {agent} wrote more than its output limit",
        "spawn_failed": f"agent {agent} could not be started: {outcome.error}",
    }
    codes = {"exit": "exit_code"}
    return Failure(codes.get(outcome.ended, outcome.ended), words[outcome.ended])


def classify(failed: Failure, answer: Answer) -> Failing:
    """The class of a failure, for the guards. What was stopped by a person is no failure of anybody."""
    from uwf.agent.failure import Failing, classify

    if failed.code == STOPPED:
        return Failing(STOPPED)
    outcome = answer.outcome
    failing = classify(
        failed.code,
        outcome.exit_code,
        outcome.signal,
        answer.stderr or outcome.error,
        answer.text[-2000:],
        outcome.rung,
        peak_memory_bytes=outcome.peak_memory_bytes,
    )
    return replace(failing, hopeless=outcome.hopeless)


def process_facts(outcome: Outcome) -> dict[str, Any]:
    """What is kept of an agent's process with its attempt."""
    return {
        "ended": outcome.ended,
        "exitCode": outcome.exit_code,
        "signal": outcome.signal,
        "durationMs": outcome.duration_ms,
        "peakMemoryBytes": outcome.peak_memory_bytes,
        "stdoutBytes": outcome.stdout_bytes,
        "stderrBytes": outcome.stderr_bytes,
        "rung": outcome.rung,
        "survivors": list(outcome.survivors),
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


def _last_line(text: str) -> str:
    lines = text.rstrip().rsplit("\n", 1)
    return lines[-1].strip()[:300]
