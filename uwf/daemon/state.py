"""How the daemon stands, in a file of its home: written when it has changed, read by `daemon status`.

Nothing depends on it. It tells what no other place knows: how the parts of the process that leads stand, and what it
has set aside.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

from uwf import home as paths
from uwf import owned
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.daemon.loop.budget import PartView
    from uwf.daemon.loop.quarantine import SetAside


class DaemonState(Record):
    """`pid` is the process that it is about, `since` when that began to lead. `running` are threads, `waiting` how many
    are due and have to wait; `jumps` of the clock; `deaf`: why it cannot be woken; `config_error`: why it goes on with
    the configuration it had.
    """

    pid: int
    since: int
    version: str
    jobs: int
    drain_s: float
    parts: dict[str, PartView]
    running: tuple[str, ...]
    waiting: int
    quarantine: tuple[SetAside, ...]
    is_draining: bool
    jumps: int
    deaf: str | None
    config_error: str | None


class StateFile:
    """The file, for the process that writes it."""

    def __init__(self, home: str) -> None:
        self._path = paths.daemon_state(home)
        self._written: DaemonState | None = None

    def write(self, state: DaemonState) -> None:
        """Write it if it has changed. A disk that takes nothing leaves the old one."""
        if state == self._written:
            return
        document = dict(state.__dict__)
        document["parts"] = {name: part.__dict__ for name, part in state.parts.items()}
        document["quarantine"] = [one.__dict__ for one in state.quarantine]
        temporary = f"{self._path}.new"
        with suppress(OSError):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(document, file)
            owned.give(temporary)
            os.replace(temporary, self._path)
            self._written = state

    def remove(self) -> None:
        """At the end of the process."""
        with suppress(OSError):
            os.unlink(self._path)


def read(home: str, pid: int) -> dict[str, Any]:
    """What the process `pid` has written last; {} where that cannot be read, or another one has written it."""
    try:
        with open(paths.daemon_state(home), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("pid") == pid else {}
