"""What one poll of a source is asked for, and what it gave."""

from __future__ import annotations

from types import MappingProxyType

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.app.programs import Stop
    from uwf.app.unattended.events import Event
    from uwf.app.values import Source
    from uwf.daemon.sources.memory import PullMemory
    from uwf.daemon.sources.watching import Pull

MOST_EVENTS = 500
"""Of one poll; what is more comes with the next, which is soon."""
NO_MEMORIES: Mapping[int, PullMemory] = MappingProxyType({})


class PollTask(Record):
    """What a poll needs to know: the source, the token that it is to show, the pull requests to ask about with what is
    remembered of them, or where a command or a file was left. `stop` is requested when the daemon ends.
    """

    source: Source
    home: str
    token: str = ""
    pulls: tuple[Pull, ...] = ()
    memories: Mapping[int, PullMemory] = NO_MEMORIES
    cursor: Any = None
    stop: Stop | None = None


class Polled(Record):
    """The events, oldest first, and what to remember once they are stored. `faults` are why that is not all; the source
    does not want to be asked before `retry_at_ms`. `is_cut`: there is more already. `is_down`: it could
    not be asked at all.
    """

    events: tuple[Event, ...] = ()
    memories: Mapping[int, PullMemory] = NO_MEMORIES
    cursor: Any = None
    faults: tuple[str, ...] = ()
    retry_at_ms: int | None = None
    is_cut: bool = False
    is_down: bool = False
