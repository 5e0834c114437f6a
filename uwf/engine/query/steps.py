"""Steps as the contract shows them, the attempts that came to none, and every turn of a thread in its order.

A failed or interrupted attempt is found by the node of its end, which is what `exec` answers as `error.attempt` and
`step list` as `attempts`. Times are epoch milliseconds.
"""

from __future__ import annotations

from uwf.engine.chain.attempt import INTERRUPTED, Failure, ended_attempts, read_attempt
from uwf.engine.chain.nodes import Plan, Step, prompt_text, unpack_text
from uwf.engine.chain.story import inline, steps_back
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.chain.nodes import Reader
    from uwf.store.protocols import Ref


class TurnView(Record):
    """One message, of the agent or of uwf, as it arrived."""

    turn: str
    from_: str
    text: str
    at: int


class StepTurn(TurnView):
    """A turn of a step: it belongs to no attempt that failed."""

    attempt: str | None = None


class TurnRow(TurnView):
    """A row of `step turns`. `outcome` is the step's status, `running`, or what its attempt failed of.

    Of an attempt there is `number`, of a step `step` and `index`.
    """

    role: str
    outcome: str
    step: str | None = None
    index: int | None = None
    number: int | None = None


class StepRow(Record):
    """A row of `step list`."""

    step: str
    index: int
    round: int
    role: str
    status: str
    output: Mapping[str, Any]
    agent: str
    started_at: int
    duration_ms: int
    usage: Mapping[str, Any] | None
    attempts: tuple[str, ...]

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
            "signal": f"killed by signal {facts['signal']}",
        }.get(facts["ended"], facts["ended"].replace("_", " "))
        words = [
            how,
            f"{facts['stdoutBytes']} bytes on stdout",
            f"{facts['stderrBytes']} on stderr",
        ]
        if facts["peakMemoryBytes"]:
            words.append(f"{facts['peakMemoryBytes'] >> 20} MB of memory at most")
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
    """`step show` of an attempt. `prompt` is None when no agent was asked."""

    thread: str
    round: int
    cwd: str
    instruction: str
    supplement: str | None
    prompt: str | None
    usage: Mapping[str, Any] | None


class StepPage(StepRow):
    """`step show`: one step with its prompt, its text, its turns and the attempts before it."""

    thread: str
    prompt: str
    instruction: str
    supplement: str | None
    body: str
    cwd: str
    process: Mapping[str, Any] | None
    turns: tuple[StepTurn, ...]
    failed_attempts: tuple[AttemptView, ...]
    workflow: str
    replaces: str | None


def rows(reader: Reader, head: str) -> list[StepRow]:
    """The steps up to `head`, oldest first."""
    found = [row(step) for step in steps_back(reader, head)]
    found.reverse()
    return found


def row(step: Step) -> StepRow:
    return StepRow(**_row(step))


def page(reader: Reader, id: str) -> StepPage:
    """The step `id`, whole."""
    step = Step.read(reader, id)
    return StepPage(
        **_row(step),
        thread=step.thread,
        prompt=prompt_text(reader, step.prompt),
        instruction=step.instruction,
        supplement=step.supplement,
        body=step.body,
        cwd=step.cwd,
        process=step.process,
        turns=tuple(StepTurn(**vars(turn)) for turn in turns(reader, step.turns)),
        failed_attempts=tuple(attempt(reader, id) for id in step.attempts),
        workflow=step.workflow,
        replaces=step.replaces,
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
        prompt=None if begun["prompt"] is None else prompt_text(reader, begun["prompt"]),
        usage=end["usage"],
    )


def turns(reader: Reader, last: str | None, after: str | None = None) -> list[TurnView]:
    """The turns up to the turn node `last`, oldest first; those after `after`, where it is among them."""
    found: list[TurnView] = []
    while last is not None and last != after:
        payload = reader.get(last).payload
        text = unpack_text(reader, payload["text"])
        found.append(TurnView(last, payload["from"], text, payload["at"]))
        last = payload["prev"]
    found.reverse()
    return found


def turns_of_thread(
    reader: Reader, ref: Ref, only: str | None = None, *, is_running: bool = True
) -> list[TurnRow]:
    """The turns of the thread behind `ref`, oldest first: those of its steps, of failed attempts, of what runs now.

    With `only`, those of one step and its attempts. `is_running` says whether a process runs the thread: else an
    attempt that has no end has died.
    """
    steps = list(steps_back(reader, ref.id)) if only is None else [Step.read(reader, only)]
    steps.reverse()
    found: list[TurnRow] = []
    for step in steps:
        for ended in step.attempts:
            found += _turns_of_attempt(reader, ended)
        found += [
            TurnRow(
                **vars(turn), role=step.role, outcome=step.status, step=step.id, index=step.index
            )
            for turn in turns(reader, step.turns)
        ]
    if only is None:
        found += _turns_beside_head(reader, ref, "running" if is_running else INTERRUPTED)
    return found


def last_attempt(reader: Reader, ref: Ref) -> str | None:
    """The end of the newest attempt beside the head of the thread behind `ref`; None when there is none."""
    found = read_attempt(reader, ref.name.rpartition("/")[2])
    return None if found is None else found.last_end


def _turns_beside_head(reader: Reader, ref: Ref, outcome: str) -> list[TurnRow]:
    """The turns of failed attempts since the last step, and of the one that runs."""
    found = read_attempt(reader, ref.name.rpartition("/")[2])
    if found is None:
        return []
    ended = ended_attempts(reader, found.last_end)
    told = [turn for end in ended for turn in _turns_of_attempt(reader, end)]
    if found.running is not None:
        role, number = found.plan.role, found.number
        told += [
            TurnRow(**vars(turn), role=role, outcome=outcome, number=number)
            for turn in turns(reader, found.turns)
        ]
    return told


def _turns_of_attempt(reader: Reader, ended: str) -> list[TurnRow]:
    end = reader.get(ended).payload
    begun = reader.get(end["begun"]).payload
    role, outcome, number = begun["plan"]["role"], end["error"]["code"], begun["number"]
    return [
        TurnRow(**vars(turn), role=role, outcome=outcome, number=number)
        for turn in turns(reader, end["turns"])
    ]


def _row(step: Step) -> dict[str, Any]:
    """The fields of a `StepRow`."""
    return {
        "step": step.id,
        "index": step.index,
        "round": step.round,
        "role": step.role,
        "status": step.status,
        "output": step.output,
        "agent": step.agent,
        "started_at": step.started_ms,
        "duration_ms": step.duration_ms,
        "usage": step.usage,
        "attempts": step.attempts,
    }


def _attempt(reader: Reader, ended: str) -> dict[str, Any]:
    """The fields of an `AttemptView`."""
    end = reader.get(ended).payload
    begun = reader.get(end["begun"]).payload
    return {
        "attempt": ended,
        "number": begun["number"],
        "role": begun["plan"]["role"],
        "agent": begun["agent"],
        "started_at": begun["startedAt"],
        "duration_ms": end["durationMs"],
        "error": Failure(end["error"]["code"], end["error"]["message"]),
        "process": end["process"],
        "stderr": unpack_text(reader, end["stderr"]),
        "turns": tuple(turns(reader, end["turns"])),
    }
