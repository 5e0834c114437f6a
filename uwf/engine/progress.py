"""What happens to threads, as values: a front door decides what of it is shown, and how.

A `Progress` comes while a step is under way; a `StepResult` is what a run yields once a step is on record.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from uwf.engine.chain.attempt import Failure
    from uwf.engine.chain.thread import Thread
    from uwf.errors import Refused


class StepStarted(Record):
    """An agent was asked. `ask` counts from 1; a bad reply is asked again in the same attempt."""

    thread: str
    role: str
    agent: str
    index: int
    round: int
    ask: int


class TaskDispatched(Record):
    """The guards let a step pass, and its attempt is on record as `attempt`: now its agent may run.

    The log of the attempt's ref has it as `task_dispatched`.
    """

    thread: str
    role: str
    agent: str
    attempt: str
    number: int


class Turn(Record):
    """An agent said something, thought something, or used a tool: `kind` is that of the stored turn."""

    thread: str
    role: str
    kind: str
    text: str


class Used(Record):
    """What an attempt has used so far, in all its asks, as far as its agent says: `amounts` by their names."""

    thread: str
    role: str
    amounts: Mapping[str, Any]


class ReplyRejected(Record):
    """A reply was not valid and the agent is asked once more; `problems` say why."""

    thread: str
    role: str
    problems: tuple[str, ...]


class UsageLeftOut(Record):
    """An agent reported usage of which not all is an amount: `names` say what of it is not counted."""

    thread: str
    role: str
    names: tuple[str, ...]


class NoProgress(Record):
    """An agent is busy, and comes to nothing: `message` says what it does."""

    thread: str
    role: str
    message: str


class BudgetUnseen(Record):
    """An agent did not report what is limited: `message` says it in words."""

    thread: str
    role: str
    message: str


class CheckInNoted(Record):
    """A reply asked for a look after a time that makes no sense: `message` says what becomes of that."""

    thread: str
    role: str
    message: str


class Retrying(Record):
    """An attempt failed for a reason that may pass; the next one begins after `delay_s` seconds."""

    thread: str
    role: str
    message: str
    delay_s: float


class Waiting(Record):
    """Nothing runs yet: `message` says what is in the way, `wait_s` how long it is waited for at most; 0: for
    as long as it takes.
    """

    thread: str
    message: str
    wait_s: float


class Recovered(Record):
    """A dead predecessor's attempt was kept and its processes ended."""

    thread: str
    attempt: str
    ended_pids: tuple[int, ...]


class WorktreeMade(Record):
    """The worktree of a thread was made, or made again, at `path` on `branch`. `aside` is where a folder has gone that
    stood in its place, `lost` the commit that had its files and is not there any more.
    """

    thread: str
    path: str
    branch: str
    aside: str | None
    lost: str | None = None


class WorktreeReplaced(Record):
    """The worktree at `path` was brought up to date from the machine `host`. What it had that no step and no attempt
    has left, a person's work, is the snapshot `ref` of `repo`.
    """

    thread: str
    path: str
    host: str
    repo: str
    ref: str


class FilesLeftOut(Record):
    """Files of the thread's worktree that no snapshot has: too large, or repositories of their own."""

    thread: str
    paths: tuple[str, ...]


class FilesNotKept(Record):
    """The step is done, and the files of its worktree could not be kept with it."""

    thread: str
    role: str
    why: str


class CodeNotPushed(Record):
    """The project's remote has not taken the code of a step, which goes along with it in the store instead."""

    thread: str
    why: str


class CodeStays(Record):
    """The step is done, and no other machine can go on from it: its code does not go along, `why` says why not."""

    thread: str
    role: str
    why: str


class NotDue(Record):
    """A run that a timer was to begin has begun nothing: another one came first, or there is nothing to run for."""

    thread: str


class RunsElsewhere(Record):
    """A worker has begun a run whose thread was given another place meanwhile: it stays due, for the workers there."""

    thread: str
    place: str


class TakenIn(Record):
    """A reply that had come and could not be stored has been taken in from the file in which it was kept."""

    thread: str
    role: str
    path: str


class NotTakenIn(Record):
    """A reply is kept in a file for an attempt that this store does not know; it stays there."""

    thread: str
    path: str


class StepDone(Record):
    """An attempt became the step `step`; `thread` says where that leaves the thread.

    `is_joined`: it was made by a run that this one has joined.
    """

    thread: Thread
    role: str
    step: str
    is_joined: bool = False


class StepFailed(Record):
    """The last attempt at a step failed and is kept; the thread is suspended."""

    thread: Thread
    role: str
    failure: Failure
    attempt: str


class FailureJoined(StepFailed):
    """The same, of a run that this one has joined."""


class StepPostponed(StepFailed):
    """An attempt failed in a way that time alone cures, and is kept; the thread wakes for the next one.

    `refusal` is what the run ends in.
    """

    refusal: Refused


class StepSuspended(Record):
    """The agent was ended because what it may use was used up, or a person has to permit what it wants. That is no
    failure; the thread is suspended.
    """

    thread: Thread
    role: str
    attempt: str


class GraphDone(Record):
    """There was nothing to run: the graph had ended already, and the thread is completed."""

    thread: Thread


if TYPE_CHECKING:
    Progress: TypeAlias = (
        StepStarted
        | TaskDispatched
        | Turn
        | Used
        | ReplyRejected
        | UsageLeftOut
        | BudgetUnseen
        | NoProgress
        | CheckInNoted
        | Retrying
        | Waiting
        | Recovered
        | WorktreeMade
        | WorktreeReplaced
        | FilesLeftOut
        | FilesNotKept
        | CodeNotPushed
        | CodeStays
        | NotDue
        | RunsElsewhere
        | TakenIn
        | NotTakenIn
    )
    StepResult: TypeAlias = StepDone | StepFailed | StepPostponed | StepSuspended | GraphDone
