"""Where a thread may run, of many machines: on one, or on those that have a label. It is a tag, which a person sets.

A store of one machine keeps it all the same; there it says nothing.
"""

from __future__ import annotations

from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HOST, LABEL = "host", "label"
_MARKS = frozenset("._-")
MAX_CHARS = 100


def checked(place: str, typed: str) -> str:
    """`place`, which names machines. Raises `InputError` for what does not; `typed` is the command before it."""
    kind, _, name = place.partition(":")
    if kind in (HOST, LABEL) and is_name(name):
        return place
    raise InputError(
        f"{place!r} is no place: host:NAME is one machine, label:NAME those whose worker has that label",
        hint=f"{typed} --place label:gpu",
        code="bad_place",
    )


def allows(place: str | None, host: str | None, labels: Sequence[str]) -> bool:
    """Whether a worker with these `labels` on the machine `host` may run what is at `place`."""
    kind, _, name = (place or "").partition(":")
    return not kind or name in (labels if kind == LABEL else (host,))


def is_name(name: str) -> bool:
    """Whether a machine, a label, an agent can be called so in a place."""
    is_plain = all((each.isascii() and each.isalnum()) or each in _MARKS for each in name)
    return 0 < len(name) <= MAX_CHARS and is_plain
