"""What a guard is: something that may say "not now" to a step that is about to begin.

One class a guard: it refuses in `enter`, learns in `ended`, shows itself in `status`, and its `Rules` are its table in
the configuration, with their defaults. All but `enter` may be left out. `chain` lists the guards and asks them.

Between `enter` and `ended` a guard changes nothing that outlives the request.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

from uwf import clock
from uwf.errors import Refused
from uwf.record import Record
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar, TypeAlias

    from uwf.config_table import Table
    from uwf.store.protocols import Store, Transaction


def _nobody(thread: str) -> Mapping[str, str] | None:
    """No thread is under way."""
    return None


def _nothing() -> dict[str, float]:
    """No cost."""
    return {}


class Host(Record):
    """Where guards stand: a home with its store, as the process `owner` meets it.

    `rules(Rules)` gives the rules of a guard as the configuration has them; `agent_limits` has how many of an agent may
    run at once. `clear(thread)` ends what a dead process left running of a thread that nothing runs any more, and says
    whether there was anything. `zone` is the name of the time zone of this process, where it has one.
    `labels_under_way(thread)` gives the labels of a thread that runs, or stands between two of its steps; None for any
    other. `kept()` is what replies have cost that could not be stored yet.
    """

    store: Store
    home: str
    rules: Callable[[type[Any]], Any]
    owner: Owner
    is_alive: Callable[[Owner], bool]
    agent_limits: Mapping[str, int]
    clear: Callable[[str], bool]
    zone: str | None = None
    labels_under_way: Callable[[str], Mapping[str, str] | None] = _nobody
    kept: Callable[[], Mapping[str, float]] = _nothing


def _is_available() -> None:
    """An agent that can run."""


def _tell_nobody(refusal: Refused) -> None:
    """A wait of which nothing is said."""


class Request(Record):
    """A step that wants to run: whose it is, what it may cost, and how long it may wait for a slot.

    `person` is the layer that nothing overtakes: a person's resume, or an event marked urgent; `fresh` says that the
    person added something new just now. `failures_in_a_row` counts the attempts that failed at this step since then,
    `repeats` how often in the thread's life it failed as it did last. `spent` is what the thread has used over its
    whole life (`tokens`, `usd`, `steps`, `time` in seconds) and `visits` how often this role was visited; `budget` is
    what the thread may use, by the same names and `visits`. `replaces` says that the step takes the place of one that
    is counted already: it adds none to `steps` and `visits`. `is_retry` says that the step was
    admitted before and this is another try at it, made at once: what the first has taught refuses other steps alone.
    `writes` says whether the step needs to write in `cwd`.
    `begun` says that its run has made steps already, which waits for its next slots as long as it takes; `interactive`
    that a person sits at the command. `worktree` is the folder of the thread's worktree, where it has one; it may
    be still to be made.

    `unavailable` says why the agent cannot be started, if it cannot. `sleep` is how to wait: it raises when the run is
    asked to stop. `on_wait` is told what is in the way when a wait begins.
    """

    thread: str
    workflow: str
    role: str
    agent: str
    cwd: str
    labels: dict[str, str]
    priority: int
    person: bool
    fresh: bool
    wait_s: float
    failures_in_a_row: int
    repeats: int
    spent: dict[str, float]
    visits: int
    budget: dict[str, float]
    replaces: bool = False
    writes: bool = True
    begun: bool = False
    interactive: bool = False
    is_retry: bool = False
    worktree: str | None = None
    unavailable: Callable[[], str | None] = _is_available
    sleep: Callable[[float], None] = time.sleep
    on_wait: Callable[[Refused], None] = _tell_nobody


class Release(Record):
    """What a guard holds for as long as the step runs; calling it lets go, and may be done twice.

    `descriptors` are for the agent to inherit. `has_waited` says that time passed before the guard let the step pass:
    what earlier guards said may not be true any more.
    """

    let_go: Callable[[], None]
    descriptors: tuple[int, ...] = ()
    has_waited: bool = False

    def __call__(self) -> None:
        self.let_go()


class AttemptSucceeded(Record):
    """The attempt became a step. `usage` is what the agent said that it used."""

    usage: Mapping[str, Any]
    duration_ms: int
    peak_memory_bytes: int = 0


class AttemptFailed(Record):
    """The attempt failed. `cause` is what happened, in words; `resets_ms` when the agent's limit resets, if it said so;
    `is_told`: its client has named the failure in a field of its own.

    One that `is_retried` is tried again at once, and what the step comes to is told then. One that `is_transient` is
    cured by time alone: no failure of its thread, and none that more than its own class is to be blamed for.
    """

    usage: Mapping[str, Any]
    duration_ms: int
    peak_memory_bytes: int
    failure_class: str
    cause: str
    resets_ms: int | None = None
    is_told: bool = False
    is_retried: bool = False
    is_transient: bool = False


class AttemptStopped(Record):
    """The attempt was ended by a person, by a signal, or because what it may use was used up.

    That says nothing of its agent, but what it used is used. `is_superseded`: another run has the thread by now.
    """

    usage: Mapping[str, Any]
    duration_ms: int
    is_superseded: bool = False


AttemptOutcome: TypeAlias = AttemptSucceeded | AttemptFailed | AttemptStopped


class StatusLine(Record):
    """A line of `guard status`: how something stands `now`, a word or an amount, beside its `limit`, if it has one.

    `unit` is what is counted: a name of `quantities`, `BYTES`, `SHARE` (0 to 1), or "" for anything else. The limit is
    the most there may be, or `at_least` what must be left. `note` says more in words.
    """

    name: str
    now: float | str
    limit: float | None = None
    unit: str = ""
    note: str = ""
    at_least: bool = False

    @property
    def share(self) -> float | None:
        """How much of the limit is used, 0 to 1 and more; None where there is none."""
        if self.limit is None or self.at_least or isinstance(self.now, str):
            return None
        return self.now / self.limit if self.limit > 0 else float(self.now > 0)


BYTES, SHARE = "bytes", "share"


class Status(Record):
    """How a guard stands: its lines for a person, and its `facts` for a script, by their key in the document."""

    lines: tuple[StatusLine, ...]
    facts: Mapping[str, Any]


class Guard(ABC):
    """One reason not to run now. `name` is how it is called when it breaks."""

    name: ClassVar[str]
    Rules: ClassVar[type[Table] | None] = None

    def __init__(self, host: Host) -> None:
        """Made once for a process, and cheap: it looks at nothing yet."""
        self._host = host

    @abstractmethod
    def enter(self, request: Request) -> Release | None:
        """Let the request pass, with what is to be released after the step, or raise `Refused`."""

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:  # noqa: B027  # may learn nothing
        """Learn how the attempt went, in the transaction that publishes it."""

    def status(self) -> Status | None:
        """How it stands now. Changes nothing."""
        return None


AGAIN = "; try again at "
"""Before the time that ends the message of a refusal which names one."""


def refuse(
    reason: str,
    message: str,
    *,
    kind: type[Refused] = Refused,
    retry_at_ms: int | None = None,
    hint: str | None = None,
) -> Refused:
    """The refusal to raise: `message` says what is in the way and what would have to change, `kind` what cures it.

    `retry_at_ms` is told in whole seconds, so that the next try does not come too early.
    """
    if retry_at_ms is not None:
        message += f"{AGAIN}{clock.iso(retry_at_ms + 999)}"
    return kind(message, reason=reason, hint=hint, retry_at_ms=retry_at_ms)
