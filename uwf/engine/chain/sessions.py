"""Which session an agent goes on in: the one that it named itself, in the same role and the same folder.

A step has what its agent named as `session`, and as `sessions` the steps before it that did, by role: of each agent and
folder the newest. Steps of uwf before 0.1.0 have names there, of which none says whose it is: they are passed over.

A session holds whatever was said in it since. One that a step of another thread has named, or one before what an undo
took back, is therefore handed on to be forked. One that came in with a file is never handed on: it would be a
stranger's word, given to an agent that believes it to be its own. Which these are stands in counters,
`foreign/<object>`, which no file can bring.

Where machines share a store, a session is where its step was. Its file goes along with the step as `conversation` where
its client keeps one that we know; else another machine begins a new one, with the story so far.
"""

from __future__ import annotations

from uwf.engine.chain.nodes import ClientFacts
from uwf.engine.chain.tags import UNDONE_TO, number_of
from uwf.home import WORKTREES
from uwf.record import Record
from uwf.store.codec import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from uwf.engine.chain.nodes import Nodes, Plan, Position
    from uwf.engine.chain.thread import Thread
    from uwf.store.protocols import Counters, Transaction

FOREIGN = "foreign/"


class KeptSession(Record):
    """The session to go on in. `is_forked`: in a copy of it, since its own end is another's. `counted` is what it had
    used when it was named, by the count of its client. `conversation` is the object that has it, where it was named on
    another machine.
    """

    id: str
    is_forked: bool = False
    counted: Mapping[str, float] | None = None
    conversation: str | None = None


def of(
    nodes: Nodes,
    counters: Counters,
    thread: Thread,
    plan: Plan,
    agent: str,
    last: str | None,
    host: str | None = None,
) -> KeptSession | None:
    """The session that `agent` goes on in at the step `plan`, before which the attempt that ended at `last` has failed.

    For a poke it is that of the head: an agent that is to improve a reply goes on where it was given. On the machine
    `host` it is none that only another machine has.
    """
    place = agent, _folder(plan.cwd, thread.id)
    for id, named, was, at in _of_attempts(nodes, last, plan.role):
        end = nodes.get(id).payload
        came = None if at in (None, host) else end.get("conversation")
        if was == place and (at in (None, host) or came is not None):
            counted = ClientFacts.of(end).counted
            found = KeptSession(named, counted=counted, conversation=came)
            return None if is_foreign(counters, id) else found
    for id in after(nodes, counters, thread.position).get(plan.role, ()):
        step = nodes.get(id).payload
        if _place(step) == place:
            kept_to = number_of(thread.tags, UNDONE_TO, thread.id) or 0
            is_forked = step["thread"] != thread.id or step["index"] <= kept_to
            came = None
            if step.get("host") not in (None, host):
                came = step.get("conversation")
                if came is None:
                    return None
            return KeptSession(step["session"], is_forked, ClientFacts.of(step).counted, came)
    return None


def _of_attempts(
    nodes: Nodes, last: str | None, role: str
) -> Iterator[tuple[str, str, tuple[str, str], str | None]]:
    """The sessions that the attempts of `role` have named, and on which machine, from the one that ended at `last`
    backwards.
    """
    while last is not None:
        end = nodes.get(last).payload
        begun = nodes.get(end["begun"]).payload
        plan = begun["plan"]
        if plan["role"] != role:
            return
        if end["session"] is not None:
            folder = _folder(plan["cwd"], begun["thread"])
            yield last, end["session"], (begun["agent"], folder), begun.get("host")
        last = begun["before"]


def after(nodes: Nodes, counters: Counters, position: Position) -> dict[str, list[Link]]:
    """The steps that have named a session, at `position`, by role, the newest first: what the next step keeps.

    None behind a step that came in with a file: it may name any.
    """
    known = {role: ids for role, ids in position.sessions.items() if isinstance(ids, list)}
    if position.step is None or position.role is None:
        return known
    step = nodes.get(position.step).payload
    has_own = step["session"] is not None and not isinstance(
        step["sessions"].get(position.role), str
    )
    if (known or has_own) and is_foreign(counters, position.step):
        return {}
    if not has_own:
        return known
    others = [
        id for id in known.get(position.role, ()) if _place(nodes.get(id).payload) != _place(step)
    ]
    return {**known, position.role: [Link(position.step), *others]}


def is_foreign(counters: Counters, id: str) -> bool:
    """Whether the object came in with a file."""
    return counters.counter(FOREIGN + id) is not None


def mark_foreign(tx: Transaction, ids: Iterable[str]) -> None:
    """Of these objects, which a file brought, no session is ever handed on, nor a question answered."""
    for id in ids:
        tx.set_counter(FOREIGN + id, 1)


def _place(step: Mapping[str, Any]) -> tuple[str, str]:
    return step["agent"], _folder(step["cwd"], step["thread"])


def _folder(cwd: str, thread: str) -> str:
    """The folder `cwd`; one in the worktree of `thread` by its place in that, wherever it is: in another home, on
    another machine.
    """
    within = f"/{WORKTREES}/{thread}/"
    _, found, rest = f"{cwd}/".rpartition(within)
    return f"{found}{rest}" if found else cwd
