"""One real prompt for an agent: whether it starts, answers in the form of a reply, and may write in a folder.

It is a step like any other, of a thread in a store that ends with it: what an agent passes here, it passes in a
workflow. It is asked again after a bad reply as ever, but not after a failure. Any `$status` will do, so that agents
which play the roles of one workflow alone can be tried too.
"""

from __future__ import annotations

import os
import shutil
import tempfile

from uwf import clock
from uwf.agent import failure
from uwf.agent.frontmatter import EMPTY
from uwf.engine.actions import lifecycle
from uwf.engine.actions.one_role import one_role
from uwf.engine.chain.attempt import Failure, read_attempt
from uwf.engine.chain.nodes import ClientFacts
from uwf.engine.progress import StepDone, StepFailed, StepStarted
from uwf.engine.run import runner
from uwf.engine.run.order import EXEC, Order
from uwf.errors import Interrupted, Refused
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.agent.stop import Stop
    from uwf.engine.progress import Progress
    from uwf.engine.run.context import RunContext
    from uwf.workflow.model import Workflow

NO_AGENT = "no_agent"
_STATUS = {"type": "string", "examples": ["done"]}
_SCHEMA = {"type": "object", "properties": {"$status": _STATUS}, "required": ["$status"]}


class Trial(Record):
    """What came of it: an empty reply is no answer. `status` and `body` are its reply, where that `fits`; `asks` how
    often it was asked until then.

    `writes` says whether the file that it was told to write in `cwd` was there, `writes_elsewhere` that in a temporary
    folder; both are gone again. `denied` are the tools that it says it was not permitted to use, `model` is the one
    that has answered.
    """

    agent: str
    cwd: str
    starts: bool
    answers: bool
    fits: bool
    writes: bool
    writes_elsewhere: bool
    denied: tuple[str, ...]
    model: str | None
    asks: int
    duration_ms: int
    usage: Mapping[str, Any] | None
    status: str | None
    body: str
    error: Failure | None


def run(ctx: RunContext, agent: str, cwd: str, stop: Stop) -> Trial:
    """Ask `agent` once, working in `cwd`; `ctx` is of a store of its own.

    Raises `InputError` when the folder or the agent is none, `Refused` when a guard is in the way, `Interrupted`.
    """
    asked: list[Progress] = []
    tell = ctx.on_progress

    def note(event: Progress) -> None:
        if isinstance(event, StepStarted):
            asked.append(event)
        tell(event)

    once = replace(ctx.config, retry=replace(ctx.config.retry, attempts=0))
    ctx = replace(ctx, config=once, on_progress=note)
    file = f"uwf-try-{os.urandom(4).hex()}.txt"
    elsewhere = tempfile.mkdtemp(prefix="uwf-elsewhere-")
    workflow = _workflow(file, os.path.join(elsewhere, "hello.txt"))
    thread = lifecycle.start(
        ctx.store, lifecycle.Begin(workflow, "Show that you can work here.", cwd, {})
    )
    began_s = clock.monotonic_s()
    step, error = None, None
    try:
        for result in runner.run(ctx, thread.id, Order(EXEC, agent=agent), stop):
            if isinstance(result, StepDone):
                step = ctx.cache.step(result.step)
            elif isinstance(result, StepFailed):
                error = result.failure
    except Refused as refusal:  # what time alone cures ends a run so, too
        attempt = read_attempt(ctx.store, thread.id)
        error = None if attempt is None else attempt.failure
        if error is None and refusal.code != NO_AGENT:
            refusal.hint = "uwf guard status"  # its own names the thread, which nobody has
            raise
        error = error or Failure(NO_AGENT, refusal.message)
    except Interrupted as stopped:
        raise Interrupted(
            "stopped before the agent had replied; it is gone", signum=stopped.signum
        ) from stopped
    finally:
        duration_ms = round((clock.monotonic_s() - began_s) * 1000)
        writes = _taken_away(os.path.join(cwd, file))
        writes_elsewhere = os.path.exists(os.path.join(elsewhere, "hello.txt"))
        shutil.rmtree(elsewhere, ignore_errors=True)
    code = "" if error is None else error.code
    has_said = code == failure.BAD_REPLY and error is not None and EMPTY not in error.message
    attempt = read_attempt(ctx.store, thread.id)
    said = step or attempt
    client = ClientFacts() if said is None else said.client
    return Trial(
        agent=ctx.redactor.text(agent),
        cwd=cwd,
        starts=code not in (NO_AGENT, failure.SPAWN_FAILED),
        answers=step is not None or has_said,
        fits=step is not None,
        writes=writes,
        writes_elsewhere=writes_elsewhere,
        denied=client.denied,
        model=client.model,
        asks=len(asked),
        duration_ms=duration_ms,
        usage=None if said is None else said.usage,
        status=None if step is None else step.status,
        body="" if step is None else step.body,
        error=error,
    )


def _workflow(file: str, elsewhere: str) -> Workflow:
    told = (
        f"Write a file called `{file}` into the current folder, with the one word `hello` in it, and the same as "
        f"`{elsewhere}`. What you may not write, leave. Then reply."
    )
    return one_role(
        "try",
        "You are tried: this shows whether you can be asked, and can work in this folder.",
        _SCHEMA,
        told,  # that it can write is found out, not asked for
    )


def _taken_away(path: str) -> bool:
    """Whether the file was there; it is not any more."""
    try:
        os.unlink(path)
    except OSError:
        return os.path.lexists(path)
    return True
