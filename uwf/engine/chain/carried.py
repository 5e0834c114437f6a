"""What goes along with a step to other machines, where the store is shared: the code it has left, and the session that
its agent has named. So does that of an attempt which has ended, and is not tried again at once.

    code          thread, commit; pushed: it is with the remote of the project; else parts: a git bundle in `pack`s
    pack          a piece of a bundle, as it is: it is compressed, and secrets are not looked for in it
    conversation  name; parts: the file in which a client keeps its session, in `lines`
    lines         a piece of such a file, without secrets

A bundle builds on what a remote of the repository has, and on the code of the steps before: from the newest that a
machine has it takes those that follow, one after the other. The file of a session grows at its end, and is cut at fixed
lengths: what was there before is in the store already. It is lines of JSON, in which a mark stands for a secret as well
as that did: clients go on with it.
"""

from __future__ import annotations

from uwf.engine.chain.story import steps_back
from uwf.record import Record
from uwf.store.codec import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.engine.chain.nodes import Nodes, Writer

CODE, PACK = "code", "pack"
CONVERSATION, LINES = "conversation", "lines"
PART_BYTES = 256 << 10
LINES_BYTES = 64 << 10


class Code(Record):
    """The snapshot `commit` of `thread`, which `is_pushed`, or in a bundle. `id` is its object."""

    id: str
    thread: str
    commit: str
    is_pushed: bool

    def put(self, tx: Writer) -> Link:
        """It is stored already: a step that has left nothing new leads to the same, so that nobody walks far for it."""
        return Link(self.id)


class NewCode(Record):
    """Code that is in no store yet; `bundle` is None where it was pushed."""

    thread: str
    commit: str
    bundle: bytes | None

    def put(self, tx: Writer) -> Link:
        """Store it, for the step that it goes along with."""
        return Link(
            tx.put(
                CODE,
                {
                    "thread": self.thread,
                    "commit": self.commit,
                    "pushed": self.bundle is None,
                    "parts": _put(tx, PACK, self.bundle or b"", PART_BYTES),
                },
            )
        )


class NewConversation(Record):
    """The file of a session, called `name` below the folder of its client, that is in no store yet; rid of secrets."""

    name: str
    data: bytes

    def put(self, tx: Writer) -> Link:
        """Store it, for the step that it goes along with."""
        parts = _put(tx, LINES, self.data, LINES_BYTES)
        return Link(tx.put(CONVERSATION, {"name": self.name, "parts": parts}))


class Along(Record):
    """What goes along with a step, or with the end of an attempt: nothing where the store is one machine's."""

    code: Code | NewCode | None = None
    conversation: NewConversation | None = None

    def put(self, tx: Writer) -> dict[str, Link]:
        """Store it; the fields that lead to it."""
        found = {"code": self.code, CONVERSATION: self.conversation}
        return {name: new.put(tx) for name, new in found.items() if new is not None}


def codes_back(nodes: Nodes, head: str, attempt: str | None = None) -> Iterator[Code]:
    """The code that goes along with the steps of the chain which ends with `head`, the newest first: before them that
    of the `attempt` which ended beside it.
    """
    if attempt is not None:
        yield from _code(nodes, attempt)
    for step in steps_back(nodes, head):
        yield from _code(nodes, step.id)


def _code(nodes: Nodes, of: str) -> Iterator[Code]:
    id = nodes.get(of).payload.get("code")
    if id is not None:
        code = nodes.get(id).payload
        yield Code(id, code["thread"], code["commit"], code["pushed"])


def bytes_of(nodes: Nodes, id: str) -> bytes:
    """What the parts of the object `id` are together."""
    parts = nodes.get(id).payload["parts"]
    return b"".join(nodes.get(part).payload["bytes"] for part in parts)


def _put(tx: Writer, kind: str, data: bytes, size: int) -> list[Link]:
    cuts = range(0, len(data), size)
    return [Link(tx.put(kind, {"bytes": data[at : at + size]})) for at in cuts]
