"""What threads have cost: in all, and by state, workflow, role and model.

A failed attempt costs its role and model as well. A step that forks share is counted once. What was undone or poked
stays in the sums of its thread, its state and its workflow: nobody knows any more which role it was.
"""

from __future__ import annotations

from uwf import quantities
from uwf.engine.chain import thread as threads
from uwf.engine.chain import usage
from uwf.engine.chain.attempt import ended_attempts
from uwf.engine.chain.nodes import ClientFacts
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import THREADS, WORKFLOW
from uwf.errors import ObjectDamaged, ObjectMissing
from uwf.quantities import TIME, TOKENS, USD
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from uwf.engine.chain.nodes import Reader
    from uwf.engine.chain.thread import Thread
    from uwf.store.values import Ref


class Cost(Record):
    """What something called `name` has come to. `tokens` and `usd` are None where no agent has reported any."""

    name: str
    threads: int
    steps: int
    failed: int
    duration_ms: int
    tokens: float | None
    usd: float | None


class Costs(Record):
    """Each of these, the dearest first. `unreadable` are threads that are in no sum: an object of their chain is
    missing or damaged.
    """

    total: Cost
    by_state: tuple[Cost, ...]
    by_workflow: tuple[Cost, ...]
    by_role: tuple[Cost, ...]
    by_model: tuple[Cost, ...]
    unreadable: tuple[str, ...] = ()


class _Part(Record):
    """A step, or an attempt that came to none, and what it used."""

    id: str
    role: str
    model: str
    used: Mapping[str, float]
    is_step: bool


def of_threads(reader: Reader, refs: Iterable[Ref], states: Mapping[str, str]) -> Costs:
    """The costs of the threads behind `refs`, whose states are told by id."""
    total, by_state, by_workflow = _Sum("total"), _Sums(), _Sums()
    by_role, by_model = _Sums(), _Sums()
    counted: set[str] = set()
    unreadable: list[str] = []
    for ref in refs:
        try:
            thread = threads.read(reader, ref)
            parts = list(_parts(reader, thread))
            whole = usage.of_thread(reader, thread)
        except (ObjectDamaged, ObjectMissing):
            unreadable.append(ref.name.removeprefix(THREADS))
            continue
        state, workflow = states.get(thread.id, thread.status), thread.tags.get(WORKFLOW, "?")
        of_thread = (total, by_state[state], by_workflow[workflow])
        gone = _less(whole, usage.add({}, *(part.used for part in parts)))
        for each in of_thread:
            each.add(thread.id, gone)
        for part in parts:
            if part.id in counted:
                continue
            counted.add(part.id)
            for each in (*of_thread, by_role[part.role], by_model[part.model]):
                each.add(thread.id, part.used)
                each.count(is_step=part.is_step)
    return Costs(
        total.cost,
        by_state.costs(),
        by_workflow.costs(),
        by_role.costs(),
        by_model.costs(),
        tuple(unreadable),
    )


def _parts(reader: Reader, thread: Thread) -> Iterator[_Part]:
    for step in steps_back(reader, thread.head):
        used = usage.of_attempt(step.usage, step.duration_ms)
        yield _Part(step.id, step.role, step.client.model or step.agent, used, True)
        for ended in step.attempts:
            yield _of_attempt(reader, ended)
    beside = None if thread.pending is None else thread.pending.last_end
    for ended in ended_attempts(reader, beside):
        yield _of_attempt(reader, ended)


def _of_attempt(reader: Reader, ended: str) -> _Part:
    end = reader.get(ended).payload
    begun = reader.get(end["begun"]).payload
    model = ClientFacts.of(end).model or begun["agent"]
    return _Part(ended, begun["plan"]["role"], model, usage.of_end(end), False)


def _less(whole: Mapping[str, float], parts: Mapping[str, float]) -> dict[str, float]:
    """What is in the whole and in no part."""
    names = (TIME, TOKENS, USD)
    left = {name: whole[name] - parts.get(name, 0) for name in names if name in whole}
    return {name: amount for name, amount in left.items() if quantities.tidy(name, amount) > 0}


class _Sum:
    """What is being added up."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._threads: set[str] = set()
        self._steps = self._failed = 0
        self._used: dict[str, float] = {}

    def add(self, thread: str, used: Mapping[str, float]) -> None:
        self._threads.add(thread)
        self._used = usage.add(self._used, used)

    def count(self, *, is_step: bool) -> None:
        if is_step:
            self._steps += 1
        else:
            self._failed += 1

    @property
    def cost(self) -> Cost:
        used = self._used
        return Cost(
            name=self._name,
            threads=len(self._threads),
            steps=self._steps,
            failed=self._failed,
            duration_ms=round(used.get(TIME, 0) * 1000),
            tokens=_tidied(TOKENS, used),
            usd=_tidied(USD, used),
        )


def _tidied(name: str, used: Mapping[str, float]) -> float | None:
    return quantities.tidy(name, used[name]) if name in used else None


class _Sums(dict[str, _Sum]):
    """A sum a name, made when it is first asked for."""

    def __missing__(self, name: str) -> _Sum:
        self[name] = _Sum(name)
        return self[name]

    def costs(self) -> tuple[Cost, ...]:
        found = [each.cost for each in self.values()]
        found.sort(
            key=lambda one: (-(one.usd or 0), -(one.tokens or 0), -one.duration_ms, one.name)
        )
        return tuple(found)
