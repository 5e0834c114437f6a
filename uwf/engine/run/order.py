"""What a command asks of a thread, and what comes of it: the values that go from file to file in a run."""

from __future__ import annotations

from uwf import quantities
from uwf.engine.chain.word import A_PERSON
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.agent.protocol import Agent
    from uwf.engine.chain.nodes import Plan, Position
    from uwf.engine.chain.tags import ThreadState
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.word import Speaker, Word
    from uwf.engine.run.planning.rebind import Rebind
    from uwf.workflow.model import Workflow

EXEC, RESUME, RETRY, POKE = "exec", "resume", "retry", "poke"
WOKEN = "woken"
"""The word of a thread's timer: it goes on from whatever state it is in."""


class Order(Record):
    """What a command asked for. `count` None means until the thread stops, `max_steps` at most. `speaker` is who adds
    the `supplement`.

    `rebind` is the id of a workflow object the thread is to go on with; `budget` changes what it may use, as in
    `+usd=2` (see `uwf.quantities`); `cwd` is the folder that its agents work in from now on.
    Where `only` agents are named, a worker has begun it, which has these `labels` where it says so: another one makes
    the steps that others run, or that are to be made at another place.
    `is_interactive`: a person sits there and waits. `has_begun`: its run has made a step already.
    """

    verb: str
    count: int | None = 1
    agent: str | None = None
    supplement: str | None = None
    rebind: str | None = None
    budget: str | None = None
    wait_s: float = 0.0
    cwd: str | None = None
    is_interactive: bool = False
    has_begun: bool = False
    only: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    speaker: Speaker = A_PERSON

    @property
    def is_person(self) -> bool:
        """Whether a person speaks here: such a step goes before all others."""
        return self.verb in (RESUME, RETRY, POKE) or self.has_words_of_person

    @property
    def has_words_of_person(self) -> bool:
        """Whether a person adds something."""
        return self.supplement is not None and self.speaker == A_PERSON


class NextStep(Record):
    """A step that may begin. `thread` is as it will stand then: bound by `rebind` to another workflow, if one is given,
    and with `changed`, the tags of a raised budget, another folder, another agent. Both go on record with the start of
    its first attempt, and are there already when a later one starts; so do the words that the order itself has `said`.
    `base` is the position that the step will link to. With a step that `is_first` its run begins; one that
    `is_woken` is begun by the thread's timer. `line` has the agents that may run it, in their order, while one before
    has reached its limit. `files` is the snapshot of the thread's worktree before it.
    """

    thread: Thread
    workflow: Workflow
    plan: Plan
    base: Position
    agent: Agent
    rebind: Rebind | None
    changed: dict[str, str]
    said: tuple[Word, ...] = ()
    is_first: bool = False
    is_woken: bool = False
    line: tuple[str, ...] = ()
    files: str | None = None


class GraphEnded(Record):
    """There is nothing to run: the graph of the thread has ended. `rebind` is on no record yet, as in `NextStep`."""

    thread: Thread
    state: ThreadState
    rebind: Rebind | None


def check(order: Order) -> None:
    """Raise `InputError` for what no command can ask for."""
    if order.count is not None and order.count < 1:
        raise InputError(f"{order.count} steps cannot be taken: 1 or more can", code="usage")
    if order.supplement is not None and not order.supplement.strip():
        raise InputError("the text is empty: there is nothing to add")
    if not order.wait_s >= 0:
        raise InputError(f"{order.wait_s:g} s cannot be waited", code="usage")
    if order.budget is not None:
        quantities.raised_budget(dict.fromkeys(quantities.NAMES, 1.0), order.budget)


def orders(order: Order, limit: int) -> Iterator[Order]:
    """One order for each step of a run: what was added is for the first one alone."""
    yield order
    rest = Order(
        EXEC,
        order.count,
        order.agent,
        wait_s=0.0 if order.verb == WOKEN else order.wait_s,
        is_interactive=order.is_interactive,
        has_begun=True,
        only=order.only,
        labels=order.labels,
    )
    for _ in range(limit - 1):
        yield rest
