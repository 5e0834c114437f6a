"""Threads as the contract shows them: one record for `show`, for a row of `list`, and for each line of a run.

Times are epoch milliseconds. A field is None where there is nothing to say, or where it could not be read.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf.engine.chain import usage
from uwf.engine.chain.tags import IDLE
from uwf.engine.chain.wake import PUT_OFF
from uwf.record import Record
from uwf.store.owner import Owner
from uwf.trust import OWNER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar

    from uwf.engine.chain.left_behind import LeftBehind
    from uwf.engine.chain.word import Word
    from uwf.engine.query.steps.failures import FailureView

_NOTHING: Mapping[str, str] = MappingProxyType({})

WAITING = "waiting"
"""How a thread stands for a reader whose process only waits for a slot. As a fact it is held, and so running."""


class ErrorView(Record):
    """Why a thread or an attempt failed. `attempt` is the node of its end."""

    code: str
    message: str
    attempt: str | None


class RunningView(Record):
    """The process that holds a thread, and the machine it is on, where several share the store; the others are None
    while it has not asked an agent yet.
    """

    left_out: ClassVar[tuple[str, ...]] = ("host",)

    pid: int
    role: str | None = None
    since: int | None = None
    agent: str | None = None
    host: str | None = None

    @property
    def process(self) -> str:
        """In words."""
        return Owner(self.pid, host=self.host or "").in_words


class WaitingView(Record):
    """Since when (epoch ms) a thread whose process runs nothing yet waits for a slot, and its position in the queue,
    counted from 1."""

    since: int
    position: int


class ForkedFrom(Record):
    """The thread and the node that a fork came from."""

    thread: str
    step: str | None


class WorktreeView(Record):
    """The worktree of a thread: its folder, its branch, the branch it is for, the commit that brought it in."""

    path: str
    branch: str
    onto: str | None
    merged: str | None


class WordView(Record):
    """One thing that was said to a thread; `word` is the object it is."""

    word: str
    who: str
    trust: str
    at: int
    event: str | None
    text: str

    @property
    def is_own(self) -> bool:
        """See `uwf.engine.chain.word.Word`."""
        from uwf.engine.chain.word import PERSON  # loaded where there are words

        return self.trust == OWNER and self.who == PERSON

    @property
    def speaker(self) -> str:
        """Who says it; whoever is no owner is called what he is."""
        return self.who if self.trust == OWNER else f"{self.who} ({self.trust})"


def word_view(word: Word) -> WordView:
    return WordView(word.id, word.who, word.trust, word.at_ms, word.event, word.text)


class StateView(Record):
    """What every answer about a thread has."""

    thread: str
    head: str
    status: str
    workflow: str | None = None
    workflow_name: str | None = None
    current_role: str | None = None
    suspended_role: str | None = None
    suspend_message: str | None = None
    done: bool = False
    round: int | None = None
    usage: Mapping[str, Any] | None = None
    error: ErrorView | None = None
    wake_at: int | None = None
    wake_why: str | None = None
    wake_kind: str | None = None

    @property
    def is_postponed(self) -> bool:
        """Whether its last attempt has failed in a way that time alone cures: it goes on at its time."""
        return self.error is not None and self.wake_at is not None and self.status == IDLE


class BegunView(Record):
    """What `thread start` answers."""

    left_out: ClassVar[tuple[str, ...]] = ("worktree",)

    thread: str
    workflow: str | None
    head: str
    status: str
    worktree: WorktreeView | None


class RunView(StateView):
    """One line of `exec`, `resume` and `poke`: the thread after a step, and what the step came to.

    `joined`: another process has made it, which ran the thread already. `duration_ms` is how long its agent took, also
    of one that failed. `suspend_message` is why the run has gone no further, also where the thread goes on by itself.
    """

    role: str | None = None
    step: str | None = None
    step_status: str | None = None
    joined: bool = False
    duration_ms: int | None = None

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The names of what the agent used, where no budget knows one of them."""
        return tuple(self.usage or ()) if usage.says_nothing(self.usage) else ()


class ThreadView(StateView):
    """`thread show`, and a row of `thread list`."""

    left_out: ClassVar[tuple[str, ...]] = (
        "forked_from",
        "end_reason",
        "left_behind",
        "superseded",
        "kept_reply",
        "kept_reply_is_cut",
        "unseen",
        "unknown_usage",
        "told",
        "worktree",
        "host",
        "unserved_since",
    )
    """Fields that an answer has only where they have a value. `failed` is the newest attempt at the next step,
    `kept_reply` the file with a reply that could not be stored yet, and `kept_reply_is_cut` says that only its
    beginning is there; `unseen` has what is limited and that no agent has reported, each with the last agent;
    `unknown_usage` of how many attempts it is not known what they used, by name; `told` is what waits for the next
    step, and `superseded` are the attempts of runs that had lost the thread to another by then: `show` alone looks
    for these. `host` is the machine that it was on last, where several share the store, and `unserved_since` since when
    none could run it although it was due."""

    prompt: str | None = None
    cwd: str | None = None
    title: str | None = None
    labels: Mapping[str, str] = _NOTHING
    priority: int = 0
    place: str | None = None
    steps: int | None = None
    rounds: int | None = None
    spent: Mapping[str, float] | None = None
    budget: Mapping[str, float] | None = None
    started_at: int | None = None
    updated_at: int | None = None
    completed_at: int | None = None
    running: RunningView | None = None
    waiting: WaitingView | None = None
    forked_from: ForkedFrom | None = None
    end_reason: str | None = None
    failed: FailureView | None = None
    left_behind: LeftBehind | None = None
    superseded: tuple[FailureView, ...] | None = None
    kept_reply: str | None = None
    kept_reply_is_cut: bool | None = None
    unseen: Mapping[str, str] | None = None
    unknown_usage: Mapping[str, int] | None = None
    told: tuple[WordView, ...] | None = None
    worktree: WorktreeView | None = None
    host: str | None = None
    unserved_since: int | None = None

    @property
    def unserved(self) -> str:
        """That no machine could run it since then, and why, in words."""
        refused = (self.wake_why or "").partition(PUT_OFF)[2]
        why = "; ".join(filter(None, (self.place and f"it is placed at {self.place}", refused)))
        return f"no worker could run it: {why or 'none has the agent of its next step'}"

    @property
    def begun(self) -> BegunView:
        """What is said of it when it has just begun."""
        return BegunView(self.thread, self.workflow, self.head, self.status, self.worktree)

    @property
    def state(self) -> str:
        """The status for a reader: a process that only waits for a slot runs nothing."""
        return self.status if self.waiting is None else WAITING

    @property
    def is_readable(self) -> bool:
        """Whether its chain could be read."""
        return self.spent is not None
