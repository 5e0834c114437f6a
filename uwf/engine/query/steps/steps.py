"""Steps as the contract shows them, and the attempts that came to none.

A failed or interrupted attempt is found by the node of its end, which is what `exec` answers as `error.attempt` and
`step list` as `attempts`. Times are epoch milliseconds.
"""

from __future__ import annotations

from uwf.display import numbers
from uwf.engine.chain import usage
from uwf.engine.chain.attempt import Failure
from uwf.engine.chain.nodes import ClientFacts, Plan, Step, prompt_text, unpack_text
from uwf.engine.chain.story import inline, steps_back
from uwf.engine.query.steps import failures
from uwf.engine.query.steps.turns import TurnView, up_to
from uwf.engine.query.thread_view import WordView, word_view
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar

    from uwf.engine.chain.nodes import ClientFacts, Reader
    from uwf.engine.query.steps.failures import FailureView


class StepTurn(TurnView):
    """A turn of a step: it belongs to no attempt that failed."""

    attempt: str | None = None


class StepRow(Record):
    """A row of `step list`. `failures` are its `attempts` in words."""

    step: str
    index: int
    round: int
    role: str
    status: str
    output: Mapping[str, Any]
    agent: str
    model: str | None
    denied: tuple[str, ...]
    started_at: int
    duration_ms: int
    usage: Mapping[str, Any] | None
    attempts: tuple[str, ...]
    failures: tuple[FailureView, ...]

    @property
    def fields(self) -> dict[str, str]:
        """What the role answered beside its status, each value on one line."""
        return {name: inline(value) for name, value in self.output.items() if name != "$status"}


class AttemptView(Record):
    """An attempt that failed or was interrupted. `duration_ms` and `process` may not be known."""

    attempt: str
    number: int
    role: str
    agent: str
    model: str | None
    denied: tuple[str, ...]
    started_at: int
    duration_ms: int | None
    error: Failure
    process: Mapping[str, Any] | None
    stderr: str
    turns: tuple[TurnView, ...]

    @property
    def process_words(self) -> str:
        """How the agent's process ended and what it needed; "" when that is not known."""
        facts = self.process
        if facts is None:
            return ""
        how = {
            "exit": "ended, nobody knows how"
            if facts["exitCode"] is None
            else f"exited with code {facts['exitCode']}",
            "lingered": "ended, since it did not end after its reply",
            "signal": f"killed by signal {facts['signal']}",
        }.get(facts["ended"], facts["ended"].replace("_", " "))
        words = [
            how,
            f"{facts['stdoutBytes']} bytes on stdout",
            f"{facts['stderrBytes']} on stderr",
        ]
        if facts["peakMemoryBytes"]:
            words.append(f"{numbers.size(facts['peakMemoryBytes'])} of memory at most")
        if facts["survivors"]:
            words.append(f"not ended: {', '.join(map(str, facts['survivors']))}")
        return ", ".join(words)

    @property
    def stderr_heading(self) -> str:
        """What the kept stderr is called; of a long one only the end is kept."""
        from uwf.agent.process.pump import TAIL_BYTES  # rarely needed, as an attempt is

        size = 0 if self.process is None else self.process["stderrBytes"]
        return "Its stderr" if size <= TAIL_BYTES else f"The end of its stderr of {size} bytes"


class AttemptPage(AttemptView):
    """`step show` of an attempt. `prompt` is None when no agent was asked; `unknown_usage` is what it has used and not
    said, by name.
    """

    thread: str
    round: int
    cwd: str
    instruction: str
    supplement: str | None
    told: tuple[WordView, ...]
    prompt: str | None
    usage: Mapping[str, Any] | None
    unknown_usage: tuple[str, ...]


class StepPage(StepRow):
    """`step show`: one step with its prompt, its text, its turns and the attempts before it. `unknown_usage` is as in
    an attempt.
    """

    thread: str
    prompt: str
    instruction: str
    supplement: str | None
    told: tuple[WordView, ...]
    body: str
    cwd: str
    process: Mapping[str, Any] | None
    turns: tuple[StepTurn, ...]
    failed_attempts: tuple[AttemptView, ...]
    workflow: str
    replaces: str | None
    unknown_usage: tuple[str, ...]
    worktree: Mapping[str, str | None] | None = None

    left_out: ClassVar[tuple[str, ...]] = ("worktree",)
    """The snapshots of its thread's worktree: there only where it had one."""


def rows(reader: Reader, head: str) -> list[StepRow]:
    """The steps up to `head`, oldest first."""
    found = [row(reader, step) for step in steps_back(reader, head)]
    found.reverse()
    return found


def row(reader: Reader, step: Step) -> StepRow:
    return StepRow(**_row(reader, step))


def page(reader: Reader, id: str) -> StepPage:
    """The step `id`, whole."""
    step = Step.read(reader, id)
    used = usage.of_attempt(step.usage, step.duration_ms, step.client.unsaid)
    return StepPage(
        **_row(reader, step),
        thread=step.thread,
        prompt=prompt_text(reader, step.prompt),
        instruction=step.instruction,
        supplement=step.supplement,
        told=tuple(map(word_view, step.told)),
        body=step.body,
        cwd=step.cwd,
        process=step.process,
        turns=tuple(StepTurn(**vars(turn)) for turn in up_to(reader, step.turns)),
        failed_attempts=tuple(attempt(reader, id) for id in step.attempts),
        workflow=step.workflow,
        replaces=step.replaces,
        unknown_usage=tuple(usage.unknown(used)),
        worktree=step.worktree,
    )


def attempt(reader: Reader, ended: str) -> AttemptView:
    """The attempt that ended with the node `ended`."""
    return AttemptView(**_attempt(reader, ended))


def attempt_page(reader: Reader, ended: str) -> AttemptPage:
    """The attempt that ended with the node `ended`, whole.

    Raises `InputError` for the node of its beginning, which does not know what came of it.
    """
    end = reader.get(ended).payload
    begun = reader.get(end["begun"]).payload if "begun" in end else end
    if "error" not in end:
        raise InputError(
            f"object {ended[:12]} is the beginning of an attempt, not its end",
            hint=f"uwf step turns {begun['thread']}",
            code="not_a_step",
        )
    plan = Plan.from_payload(reader, begun["plan"])
    return AttemptPage(
        **_attempt(reader, ended),
        thread=begun["thread"],
        round=plan.round,
        cwd=plan.cwd,
        instruction=plan.instruction,
        supplement=plan.supplement,
        told=tuple(map(word_view, plan.told)),
        prompt=None if begun["prompt"] is None else prompt_text(reader, begun["prompt"]),
        usage=end["usage"],
        unknown_usage=tuple(usage.unknown(usage.of_end(end))),
    )


def _row(reader: Reader, step: Step) -> dict[str, Any]:
    """The fields of a `StepRow`."""
    return {
        "step": step.id,
        "index": step.index,
        "round": step.round,
        "role": step.role,
        "status": step.status,
        "output": step.output,
        "agent": step.agent,
        "model": step.client.model,
        "denied": step.client.denied,
        "started_at": step.started_ms,
        "duration_ms": step.duration_ms,
        "usage": step.usage,
        "attempts": step.attempts,
        "failures": failures.of_ends(reader, step.attempts),
    }


def _attempt(reader: Reader, ended: str) -> dict[str, Any]:
    """The fields of an `AttemptView`."""
    end = reader.get(ended).payload
    begun = reader.get(end["begun"]).payload
    client = ClientFacts.of(end)
    return {
        "attempt": ended,
        "number": begun["number"],
        "role": begun["plan"]["role"],
        "agent": begun["agent"],
        "model": client.model,
        "denied": client.denied,
        "started_at": begun["startedAt"],
        "duration_ms": end["durationMs"],
        "error": Failure(end["error"]["code"], end["error"]["message"]),
        "process": end["process"],
        "stderr": unpack_text(reader, end["stderr"]),
        "turns": tuple(up_to(reader, end["turns"])),
    }
