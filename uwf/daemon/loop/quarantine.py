"""What could not be read, or does what nobody understands, is set aside by name: the rest goes on without it.

Nothing of it is stored: a daemon that starts finds it again. Only for `daemon status`, and to be told once.
"""

from __future__ import annotations

from uwf import clock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection


HOME = "home"
"""The kind of what keeps every thread from running; its name is the code of that error."""
CONFIG = ("configuration", "config.toml")
"""Kind and name of a configuration that was refused when it was read anew."""


class SetAside(Record):
    """One thing of a kind (`thread`, `event`, `trigger`, …), by its name: why it is set aside, and since when."""

    kind: str
    name: str
    why: str
    since: int


class Quarantine:
    """All that is set aside now."""

    def __init__(
        self,
        on_new: Callable[[SetAside], None] = lambda one: None,
        clean: Callable[[str], str] = str,
    ) -> None:
        """`on_new` is told of each thing once, until it is let go; `clean` rids what is told of secrets."""
        self._on_new, self._clean = on_new, clean
        self._found: dict[tuple[str, str], SetAside] = {}

    def set_aside(self, kind: str, name: str, why: str) -> None:
        """May be called at each tick; `why` may change."""
        key, why = (kind, name), self._clean(why)
        known = self._found.get(key)
        since = clock.now_ms() if known is None else known.since
        self._found[key] = SetAside(kind, name, why, since)
        if known is None:
            self._on_new(self._found[key])

    def let_go(self, kind: str, name: str) -> None:
        """It can be read again, or is not there any more."""
        self._found.pop((kind, name), None)

    def let_go_but(self, kind: str, names: Collection[str]) -> None:
        """All of a kind but these can be read again, or are not there any more."""
        for gone in [key for key in self._found if key[0] == kind and key[1] not in names]:
            del self._found[gone]

    def holds(self, kind: str, name: str) -> bool:
        return (kind, name) in self._found

    def all(self) -> list[SetAside]:
        """The oldest first."""
        return sorted(self._found.values(), key=lambda one: (one.since, one.kind, one.name))
