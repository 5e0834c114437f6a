"""What came of one attempt, before any of it is published: how its reply was judged, and the outcome.

Each outcome has what it alone knows; `publish` makes it lasting.
"""

from __future__ import annotations

from uwf.engine.chain.attempt import Failure
from uwf.engine.chain.tags import ThreadState
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from uwf.engine.run.attempt.check_in import CheckIn


class Envelope(Record):
    """What a reply says to uwf itself: its session, the amounts it used and what is none, when to look again."""

    session: str | None = None
    usage: dict[str, Any] | None = None
    left_out: tuple[str, ...] = ()
    check_in: CheckIn | None = None


class ValidReply(Record):
    """A valid reply and where it leaves the thread."""

    status: str
    output: dict[str, Any]
    body: str
    envelope: Envelope
    state: ThreadState


class Rejected(Record):
    """Why a reply is not valid, in words for the agent and without secrets.

    It may still have named its session, and what it used is used.
    """

    problems: list[str]
    envelope: Envelope = Envelope()


class Gone(Record):
    """What is known of every attempt once its agent is gone.

    `tail` is the end of what it said that no turn has carried yet; `process` is as `chain/nodes` keeps it. `session` is
    the one it went on in, None for one that was to be forked and got no name of its own.
    """

    duration_ms: int
    session: str | None
    usage: dict[str, Any] | None
    process: dict[str, Any] | None
    peak_memory_bytes: int
    stderr: str
    tail: str


class Accepted(Gone):
    """The reply is valid: it becomes a step, and the thread gets `state`. `spent` is what the chain has used then."""

    status: str
    output: dict[str, Any]
    body: str
    spent: dict[str, float]
    state: ThreadState


class Failed(Gone):
    """The attempt came to nothing, and a person should look before the next one.

    `cause` is what happened, `failure.message` also what that means for the next attempt; `resets_ms` is when the
    agent's limit resets, if it said so; `is_told` says that its client has named the failure in a field of its own.
    What `is_transient` is cured by time alone, however long that is.
    """

    failure: Failure
    cause: str
    resets_ms: int | None
    is_told: bool
    is_transient: bool


class Retried(Failed):
    """The attempt came to nothing, and the step is tried again at once, in `retry_in_s` seconds."""

    retry_in_s: float


class Postponed(Failed):
    """The attempt came to nothing, and the thread is to be run again at `wake_ms` (epoch ms), without a person."""

    wake_ms: int


class OverBudget(Gone):
    """The agent was ended because what it may use was used up, which says nothing of it."""

    failure: Failure


class NeedsApproval(Gone):
    """The agent has asked for what a person has to permit, and was ended. The `failure` has its whole question."""

    failure: Failure


class Unjudged(Gone):
    """The reply has come, and a fault of uwf kept it from being judged, which says nothing of the agent."""

    failure: Failure


class Stopped(Gone):
    """A person, or a signal, has ended it."""

    failure: Failure


Outcome: TypeAlias = (
    "Accepted | Failed | Retried | Postponed | OverBudget | NeedsApproval | Unjudged | Stopped"
)
