"""Looking into the log: its lines by thread, by event, by time, and by the words in them."""

from __future__ import annotations

import json
import sqlite3
import time

from uwf.engine.upkeep.log.index import LogIndex
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

POLL_S = 0.3


class LogLine(Record):
    """One line, with its `fields` as they stand in the file; `seq` tells it from all others."""

    seq: int
    fields: dict[str, Any]


class LogFilter(Record):
    """Which lines are wanted: all conditions hold. `words` stand in a line one after the other, in upper or lower case,
    and of the last only the beginning may be given.
    """

    thread: str | None = None
    event: str | None = None
    since_ms: int | None = None
    words: str | None = None


class LogSearch:
    """The log of the home at `home`, as it is whenever it is asked."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._index = LogIndex.open(home)

    def close(self) -> None:
        self._index.close()

    def newest(self, wanted: LogFilter, limit: int) -> list[LogLine]:
        """The newest lines, oldest first."""
        return self._lines(wanted, "ORDER BY at_ms DESC, seq DESC LIMIT ?", limit)[::-1]

    def follow(self, wanted: LogFilter, limit: int) -> Iterator[LogLine]:
        """The newest lines, and then each that comes, without end."""
        newest = self.newest(wanted, limit)
        seen = self._index.last()
        yield from newest
        while True:
            for line in self._lines(wanted, "AND seq > ? ORDER BY seq", seen):
                seen = line.seq
                yield line
            time.sleep(POLL_S)

    def _lines(self, wanted: LogFilter, ending: str, bound: int) -> list[LogLine]:
        conditions = _conditions(wanted)
        sql = f"SELECT seq, text FROM line WHERE {' AND '.join(['1', *conditions])} {ending}"
        rows = self._asked(sql, (*conditions.values(), bound))
        return [LogLine(seq, json.loads(text)) for seq, text in rows]

    def _asked(self, sql: str, args: tuple[Any, ...]) -> list[Any]:
        """The rows, of an index that has all there is. One that turns out damaged is made anew, once."""
        try:
            self._index.take_in()
            return self._index.rows(sql, args)
        except sqlite3.Error as error:
            self._index.close()
            self._index = LogIndex.after(error, self._home)
            self._index.take_in()
            return self._index.rows(sql, args)


def _conditions(wanted: LogFilter) -> dict[str, Any]:
    """What must hold, in SQL, each with its value."""
    found: dict[str, Any] = {
        "thread = ?": wanted.thread,
        "event = ?": wanted.event,
        "at_ms >= ?": wanted.since_ms,
    }
    if wanted.words:
        phrase = wanted.words.replace('"', " ")
        found["seq IN (SELECT rowid FROM found WHERE found MATCH ?)"] = f'"{phrase}"*'
    return {sql: value for sql, value in found.items() if value is not None}
