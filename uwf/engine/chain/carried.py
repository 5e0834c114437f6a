"""What goes along with a step to other machines, where the store is shared: the code it has left.

    code    thread, commit; pushed: it is with the remote of the project; else parts: a git bundle, cut into `pack`
    pack    a piece of a bundle, as it is: it is compressed, and secrets are not looked for in it

A bundle builds on what a remote of the repository has, and on the code of the steps before: from the newest that a
machine has it takes those that follow, one after the other.
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
PART_BYTES = 256 << 10


class Code(Record):
    """The snapshot `commit` of `thread`, which `is_pushed`, or in a bundle. `id` is its object."""

    id: str
    thread: str
    commit: str
    is_pushed: bool


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
                    "parts": [
                        Link(tx.put(PACK, {"bytes": part})) for part in _cut(self.bundle or b"")
                    ],
                },
            )
        )


def codes_back(nodes: Nodes, head: str) -> Iterator[Code]:
    """The code that goes along with the steps of the chain which ends with `head`, the newest first."""
    for step in steps_back(nodes, head):
        id = nodes.get(step.id).payload.get("code")
        if id is not None:
            code = nodes.get(id).payload
            yield Code(id, code["thread"], code["commit"], code["pushed"])


def bundle_of(nodes: Nodes, code: Code) -> bytes:
    """The bundle of code that was not pushed."""
    parts = nodes.get(code.id).payload["parts"]
    return b"".join(nodes.get(part).payload["bytes"] for part in parts)


def _cut(data: bytes) -> list[bytes]:
    return [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
