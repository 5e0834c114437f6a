"""What a store says, in a form in which two runs of the same commands are equal.

Ids, times and the number of tries differ from run to run; the steps, their order, and where each thread stands do not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.crash.world import World
from uwf.engine.chain import told
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import ATTEMPTS, THREADS
from uwf.engine.query.steps import steps, turns
from uwf.jsontext import document
from uwf.store.protocols import Store

VOLATILE = {
    *("completedAt", "forkedFromThread", "forkedFromStep", "undone.time"),
    *("wakeAt", "wakeWhy"),
}
"""Tags of which only the presence is the same in every run."""


class Place(NamedTuple):
    """One ref: the part of its name before the id, its tags, and the steps its head leads back to, oldest first."""

    prefix: str
    tags: tuple[tuple[str, str], ...]
    steps: tuple[tuple[Any, ...], ...]


State = tuple[Place, ...]
"""Every ref but the tries beside the heads, in the order of their names."""


def state(store: Store) -> State:
    """Where everything stands now."""
    refs = {ref.name: (ref.id, ref.tags) for ref in store.refs()}
    return _state(store, refs, {})


def history(store: Store) -> list[State]:
    """Every state the store has been in, oldest first, from the log of moves; the last is the present one."""
    refs: dict[str, tuple[str, dict[str, str]]] = {}
    states: list[State] = [()]
    known: dict[str, tuple[Any, ...]] = {}
    for move in store.moves_since(0):
        if move.name.startswith(ATTEMPTS):
            continue
        before = refs.get(move.name)
        assert move.old == (before and before[0]), f"the log of {move.name} has a gap"
        if move.new is None:
            del refs[move.name]
        else:
            refs[move.name] = move.new, move.tags
        states.append(_state(store, refs, known))
    assert states[-1] == state(store), "the refs are not what their log says"
    return states


def threads(store: Store) -> list[str]:
    """The ids of all threads, oldest first."""
    return [name.removeprefix(THREADS) for name in store.names(THREADS)]


def turn_ids(world: World) -> set[str]:
    """Every turn that any thread has, in its steps and beside its head."""
    with world.store() as store:
        return {turn.turn for ref in store.refs(THREADS) for turn in turns.of_thread(store, ref)}


def waiting_words(store: Store) -> list[str]:
    """What waits to be told to any thread, oldest first."""
    return [word.text for id in threads(store) for word in told.waiting(store, id)]


def held_supplements(world: World) -> set[str]:
    """What people have said that stands beside a head and waits for its step."""
    with world.store() as store:
        return set(waiting_words(store)) | {
            thread.plan.supplement
            for thread in _threads(store)
            if thread.plan is not None and thread.plan.supplement is not None
        }


def step_rows(world: World) -> list[dict[str, Any]]:
    """`step show` of every step of every thread."""
    with world.store() as store:
        return [
            document(steps.page(store, step.id))
            for ref in store.refs(THREADS)
            for step in steps_back(store, ref.id)
        ]


def _threads(store: Store) -> list[Any]:
    from uwf.engine.chain import thread

    return [thread.read(store, ref) for ref in store.refs(THREADS)]


def _state(
    store: Store,
    refs: dict[str, tuple[str, dict[str, str]]],
    known: dict[str, tuple[Any, ...]],
) -> State:
    """`known` keeps the steps of heads that were read already."""
    for head, _ in refs.values():
        if head not in known:
            known[head] = _steps(store, head)
    return tuple(
        Place(name.rpartition("/")[0], _tags(tags), known[head])
        for name, (head, tags) in sorted(refs.items())
        if not name.startswith(ATTEMPTS)
    )


def _tags(tags: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, "" if key in VOLATILE else text) for key, text in tags.items()))


def _steps(store: Store, head: str) -> tuple[tuple[Any, ...], ...]:
    if store.get(head).kind not in ("start", "step", "rebind"):
        return ()
    steps = [
        (step.index, step.round, step.role, step.status, step.output.get("index"))
        for step in steps_back(store, head)
    ]
    return tuple(reversed(steps))
