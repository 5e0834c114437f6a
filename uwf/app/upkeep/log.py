"""The log of a home: what its processes did, line by line."""

from __future__ import annotations

from uwf.errors import NotFound, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from uwf.app.queries import ThreadQueries
    from uwf.engine.upkeep.log.search import LogFilter, LogLine


class HomeLog:
    """What `app.log` can do."""

    def __init__(self, home: ThreadQueries) -> None:
        self._home = home

    def write(
        self,
        what: str,
        /,
        *,
        thread: str | None = None,
        step: str | None = None,
        event: str | None = None,
        **facts: Any,
    ) -> None:
        """Add a line: `what` has happened, in one word, with `facts` that are JSON. Never raises, and costs little."""
        self._home.log_writer.write(what, thread=thread, step=step, event=event, **facts)

    def newest(
        self,
        *,
        thread: str | None = None,
        event: str | None = None,
        since_ms: int | None = None,
        words: str | None = None,
        limit: int = 100,
    ) -> list[LogLine]:
        """The newest lines that are so, oldest first. `words` follow one another; the last may be a beginning."""
        from uwf.engine.upkeep.log.search import LogSearch

        search = LogSearch(self._home.home)
        try:
            return search.newest(self._filter(thread, event, since_ms, words), limit)
        finally:
            search.close()

    def follow(
        self,
        *,
        thread: str | None = None,
        event: str | None = None,
        since_ms: int | None = None,
        words: str | None = None,
        limit: int = 100,
    ) -> Iterator[LogLine]:
        """The same, and then each that comes, without end."""
        from uwf.engine.upkeep.log.search import LogSearch

        search = LogSearch(self._home.home)
        try:
            yield from search.follow(self._filter(thread, event, since_ms, words), limit)
        finally:
            search.close()

    def _filter(
        self, thread: str | None, event: str | None, since_ms: int | None, words: str | None
    ) -> LogFilter:
        from uwf.engine.upkeep.log.search import LogFilter

        id = None if thread is None else self._thread_id(thread)
        key = None if event is None else self._key_of(event)
        return LogFilter(id, key, since_ms, words)

    def _thread_id(self, thread: str) -> str:
        """The id of a thread that may be given in part; as it was typed where the store cannot be read."""
        try:
            return self._home.thread_id(thread)
        except StoreError:
            return thread

    def _key_of(self, event: str) -> str:
        """The same of an event, also of one that is not kept any more."""
        from uwf.engine.events import listing

        if not self._home.has_store():
            return event
        try:
            return listing.key_of(self._home.reader(), event)
        except (NotFound, StoreError):
            return event
