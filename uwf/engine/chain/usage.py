"""What a thread has used over its whole life, and what it may use.

What it used is read off its chain, so that no resume resets it. `spent` stands in every step: usage and `time`
(seconds) of all steps so far, and of their failed attempts. Those that have not become a step yet are added from
the attempt beside the head, and what an undo took out of the chain from tags of the ref, `undone.<name>`. Steps and
visits are those that stand: they say how far a thread has come, not what it cost. What a person allows it are
tags as well, `budget.<name>`, whose changes are in the ref's log.

Tokens and money are what agents say. Of an attempt that has not said one of them that is not known, and not nothing:
`unknown.<name>` in `spent` is how many attempts that were.
"""

from __future__ import annotations

from uwf import quantities
from uwf.engine.chain.attempt import ended_attempts
from uwf.engine.chain.nodes import ClientFacts, Position, previous
from uwf.engine.chain.tags import BUDGET, UNDONE
from uwf.errors import StoreError
from uwf.quantities import NAMES, STEPS, TIME, TOKENS, USD, USED_NOTHING, VISITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.thread import Thread
    from uwf.workflow.model import Workflow

_DIGITS = 9
"""A cached token of the cheapest model costs more than the last of them, in dollars."""
_UNKNOWN = {name: f"unknown.{name}" for name in (TOKENS, USD)}
_LASTING = (TOKENS, USD, TIME, *_UNKNOWN.values())
_COUNTED_HERE = (STEPS, VISITS, TIME, *_UNKNOWN.values())
NOTHING = dict.fromkeys(_UNKNOWN, 0.0)
_REFUSED = ("network", "quota")
"""Classes of failures in which an agent that has not said a word came to use nothing."""
_BUDGET_TAGS = {BUDGET + name: name for name in NAMES}
_UNDONE_TAGS = {UNDONE + name: name for name in _LASTING}

USED_UP, STEP_OVER = "the budget is used up: ", " used more than one may: "
"""In the messages of threads that are suspended because of what they, or a step of theirs, have used."""


def add(spent: Mapping[str, float], *more: Mapping[str, float] | None) -> dict[str, float]:
    """The sum of several usages, amount by amount, without the dust of adding."""
    total = dict(spent)
    for usage in more:
        for name, amount in (usage or {}).items():
            total[name] = total.get(name, 0) + amount
    return {name: round(amount, _DIGITS) for name, amount in total.items()}


def of_thread(nodes: Nodes, thread: Thread) -> dict[str, float]:
    """What `thread` has used so far, failed attempts, what was undone, and the number of its steps included."""
    failed = [] if thread.pending is None else of_attempts(nodes, thread.pending.last_end)
    return {
        **add(thread.position.spent, *failed, undone(thread.tags)),
        STEPS: thread.position.index,
    }


def reported(thread: Thread) -> dict[str, float] | None:
    """What agents said that the steps of `thread` used, those undone included; None when they said nothing."""
    spent = add(thread.position.spent, undone(thread.tags))
    left_out = (TIME, *_UNKNOWN.values())
    return {name: amount for name, amount in spent.items() if name not in left_out} or None


def unknown(used: Mapping[str, float]) -> dict[str, int]:
    """Of how many attempts it is not known what they used, by name; only where there are such."""
    return {name: round(used[key]) for name, key in _UNKNOWN.items() if used.get(key)}


def unseen(used: Mapping[str, float], limits: Mapping[str, float]) -> tuple[str, ...]:
    """What of the `limits` no agent has reported, of those that have `used` time."""
    return tuple(name for name in (TOKENS, USD) if TIME in used and name in limits.keys() - used)


def undone(tags: Mapping[str, str]) -> dict[str, float]:
    """What a thread used that no longer stands in its chain. Raises `StoreError` for a tag that is no amount."""
    found: dict[str, float] = {}
    if _UNDONE_TAGS.keys().isdisjoint(tags):
        return found
    for key, name in _UNDONE_TAGS.items():
        if key in tags:
            try:
                found[name] = float(tags[key])
            except ValueError:
                found[name] = -1.0
            if not 0 <= found[name] < float("inf"):
                raise StoreError(
                    f"a thread has the tag {key}={tags[key]!r:.80}, which is no amount",
                    code="bad_tag",
                )
    return found


def left_behind(nodes: Nodes, thread: Thread, position: Position) -> dict[str, str]:
    """The tags with which all that `thread` has used stays counted when its head goes back to `position`."""
    return _undone_tags(of_thread(nodes, thread), position.spent)


def inherited(nodes: Nodes, tags: Mapping[str, str], head: str, node: str) -> dict[str, str]:
    """The tags, of those of a thread at `head`, for its fork at `node`: what was undone is counted once.

    When `node` was undone itself, what it and the steps before it used stands in the chain of the fork.
    """
    kept = {key: tag for key, tag in tags.items() if not key.startswith(UNDONE)}
    used = undone(tags)
    if not used:
        return kept
    kept_nodes, at = set(), node
    here: str | None = head
    while here is not None:
        kept_nodes.add(here)
        here = previous(nodes, here)
    while at not in kept_nodes and (before := previous(nodes, at)) is not None:
        at = before
    shared = Position.read(nodes, at).spent
    again = Position.read(nodes, node).spent
    return kept | _undone_tags(add(used, shared), again)


def of_attempts(nodes: Nodes, last: str | None) -> list[dict[str, float]]:
    """What each of the failed attempts from `last` backwards has used."""
    return [of_end(nodes.get(id).payload) for id in ended_attempts(nodes, last)]


def before_step(thread: Thread, base: Position) -> dict[str, float]:
    """What was used before a step on `base`: for a poke, what the step it replaces has used stays used."""
    return dict(base.spent if base.id == thread.head else thread.position.spent)


def of_attempt(
    usage: Mapping[str, float] | None, ms: int, unsaid: Iterable[str] = ()
) -> dict[str, float]:
    """What one attempt used: what its agent says, but for what is counted here. Nothing is given back. `unsaid` is what
    one of its asks has used and not said.
    """
    said = {
        name: max(0, amount) for name, amount in (usage or {}).items() if name not in _COUNTED_HERE
    }
    return {
        TIME: ms / 1000,
        **said,
        **{key: 1 for name, key in _UNKNOWN.items() if name in unsaid or name not in said},
    }


def together(
    before: Mapping[str, float] | None, usage: Mapping[str, float] | None
) -> dict[str, float] | None:
    """What two asks used, as their agent says; None when it says nothing. Neither gives back what the other used."""
    if before is None or usage is None:
        said = usage if before is None else before
        return None if said is None else dict(said)
    return add(
        *({name: max(0, amount) for name, amount in part.items()} for part in (before, usage))
    )


def says_nothing(usage: Mapping[str, Any] | None) -> bool:
    """Whether an agent reported its usage, but under names that no budget knows."""
    return bool(usage) and not {TOKENS, USD} & set(usage or {})


def allowed(
    config: Mapping[str, float], workflow: Workflow, role: str | None, tags: Mapping[str, str]
) -> dict[str, float]:
    """What a thread may use while `role` runs: what its person allowed, else the lower of what config and the
    workflow file say. The file may come with a cloned repository: it can lower what config allows, not raise it.
    """
    limits = dict(config)
    found = workflow.roles.get(role or "")
    lower = dict(workflow.budget)
    if found is not None and found.max_visits is not None:
        lower[VISITS] = min(found.max_visits, lower.get(VISITS, found.max_visits))
    for name, amount in lower.items():
        limits[name] = min(float(amount), limits.get(name, float(amount)))
    limits.update(_own(tags))
    return limits


def tags_of(budget: Mapping[str, float]) -> dict[str, str]:
    """`budget` as tags of a thread."""
    return {BUDGET + name: quantities.written(name, amount) for name, amount in budget.items()}


def raised(limits: Mapping[str, float], text: str) -> dict[str, str]:
    """The tags that `--budget text` gives a thread, where `limits` is what it might use before."""
    after = quantities.raised_budget(limits, text)
    changed = {name: amount for name, amount in after.items() if amount != limits.get(name)}
    return tags_of(changed)


def change(before: Mapping[str, str], after: Mapping[str, str]) -> str | None:
    """What differs between the limits in two sets of tags, in words for the log; None when nothing does."""
    changed = [
        f"{name} {before.get(BUDGET + name, '')} → {after[BUDGET + name]}".replace("  ", " ")
        for name in NAMES
        if BUDGET + name in after and after[BUDGET + name] != before.get(BUDGET + name)
    ]
    return f"budget: {', '.join(changed)}" if changed else None


def _undone_tags(used: Mapping[str, float], in_chain: Mapping[str, float]) -> dict[str, str]:
    """The tags for what was `used` beyond what stands in a chain."""
    more = {
        name: quantities.tidy(name, used.get(name, 0) - in_chain.get(name, 0)) for name in _LASTING
    }
    return {UNDONE + name: str(amount) for name, amount in more.items() if amount > 0}


def _own(tags: Mapping[str, str]) -> dict[str, float]:
    """The limits that a person gave a thread. Raises `StoreError` for a tag that is none."""
    found: dict[str, float] = {}
    if _BUDGET_TAGS.keys().isdisjoint(tags):
        return found
    for key, name in _BUDGET_TAGS.items():
        if key in tags:
            try:
                found[name] = quantities.read_amount(name, tags[key])
            except ValueError as error:
                raise StoreError(
                    f"a thread has the tag {key}={tags[key]!r:.80}: {error}", code="bad_tag"
                ) from None
    return found


def of_end(end: Mapping[str, Any]) -> dict[str, float]:
    """What the attempt with this end has used."""
    unsaid = ClientFacts.of(end).unsaid
    used = of_attempt(end["usage"], end["durationMs"] or 0, unsaid)
    if used_nothing(end["error"]["code"], has_said=end["turns"] is not None):
        known = {key for name, key in _UNKNOWN.items() if name not in unsaid}
        return {name: amount for name, amount in used.items() if name not in known}
    return used


def used_nothing(code: str, *, has_said: bool) -> bool:
    """Whether an ask that has failed with this code came to use nothing. `has_said`: it had said something by then."""
    return code in USED_NOTHING or (code in _REFUSED and not has_said)


def unsaid(before: Iterable[str], usage: Mapping[str, float] | None) -> tuple[str, ...]:
    """What several asks have used and not said: `before` the last one, and by that, which says this `usage`."""
    return tuple(name for name in _UNKNOWN if name in before or name not in (usage or {}))


def says_over_budget(message: str) -> bool:
    """Whether a thread is suspended with this message because of what it has used."""
    return message.startswith(USED_UP) or STEP_OVER in message
