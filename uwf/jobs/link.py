"""The one connection to the queue that a process has: opened when it is needed, and again after it was lost.

What is listened to arrives on it, too. After each failure it waits a while before it tries again, longer each time, and
never as long as others do: a hundred workers whose database comes back do not all knock at once.
"""

from __future__ import annotations

import random
from contextlib import suppress

from uwf import clock
from uwf.errors import QueueAway, StoreError
from uwf.jobs.schema import SCHEMA
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import psycopg
    from psycopg import Connection

FIRST_S, LONGEST_S = 0.25, 15.0
NO_QUEUE = "no_queue"
"""The code of an error: the database was not made ready for workers, or not again."""
_ROOM = """
SELECT most - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), most
FROM (SELECT current_setting('max_connections')::int) AS setting (most)
"""


class Notice(Record):
    """What was said on a channel."""

    channel: str
    payload: str


class QueueLink:
    """A connection to the queue of the database at `url`, which listens to `channels`.

    Where nobody answers, `QueueAway` is raised, and at once as long as it is not yet time to try again. An address that
    is none was always wrong where nobody has ever answered: that is a StoreError.
    """

    def __init__(
        self,
        url: str,
        name: str,
        channels: Sequence[str] = (),
        *,
        is_one_of_many: bool = False,
        wait_s: float = 0.0,
    ) -> None:
        """`name` is what PostgreSQL calls whoever is connected. One of many leaves room for others: it does not stay
        connected where less than a fifth of what the server can hold is free. `wait_s` is how long it is waited for
        room.
        """
        try:
            import psycopg  # noqa: F401  # whether it is there is what is asked
        except ImportError as error:
            from uwf.store.database import not_installed

            raise not_installed(url, error) from error
        self._url, self._name, self._channels = url, name, tuple(channels)
        self._is_one_of_many, self._wait_s = is_one_of_many, wait_s
        self._connection: Connection[Any] | None = None
        self._heard: list[Notice] = []
        self._failures, self._again_s, self._why = 0, 0.0, ""
        self._hint: str | None = None
        self._was_open = False

    @property
    def place(self) -> str:
        """Where the queue is, as it is shown."""
        from uwf.store.postgres.faults import place_of

        return place_of(self._url)

    @property
    def left_s(self) -> float:
        """How long it is left alone; 0: it may be asked."""
        return max(0.0, self._again_s - clock.monotonic_s())

    def fileno(self) -> int | None:
        """What becomes readable when something was heard; None while there is no connection."""
        return None if self._connection is None else self._connection.fileno()

    def query(self, sql: str, arguments: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows that a statement answers. `QueueAway` when there is nobody to ask."""
        import psycopg

        try:
            answer = self._opened().execute(sql.encode(), arguments)
            return answer.fetchall() if answer.description else []
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
            raise self._not_found(sql, arguments, error) from None
        except psycopg.errors.UndefinedColumn as error:
            raise _no_queue(error, "the queue for workers is of an earlier uwf") from None
        except psycopg.Error as error:
            if _is_lost(error):
                raise self._lost(error) from None
            from uwf.store.postgres.faults import explain, place_of

            raise explain(error, place_of(self._url)) from error

    @property
    def has_heard(self) -> bool:
        """Whether something came with an answer meanwhile, which makes nothing readable any more."""
        return bool(self._heard)

    def heard(self) -> list[Notice]:
        """What others have said since this was last asked, without waiting."""
        import psycopg

        if self._connection is not None:
            session = self._connection.pgconn
            try:
                session.consume_input()
                while (each := session.notifies()) is not None:
                    self._heard.append(Notice(each.relname.decode(), each.extra.decode()))
            except psycopg.OperationalError as error:
                raise self._lost(error) from None
        heard, self._heard = self._heard, []
        return heard

    def close(self) -> None:
        if self._connection is not None:
            with suppress(Exception):  # it may be broken in any way
                self._connection.close()
        self._connection = None

    def _opened(self) -> Connection[Any]:
        from uwf.store.postgres.reaching import PINNED

        if self._connection is None:
            if self.left_s:
                raise QueueAway(self._why, hint=self._hint)
            connection = self._reached()
            self._connection = connection
            connection.add_notify_handler(
                lambda each: self._heard.append(Notice(each.channel, each.payload))
            )
            listens = "".join(f"; LISTEN {_quoted(channel)}" for channel in self._channels)
            connection.execute(f"{PINNED}; SET search_path TO {SCHEMA}{listens}".encode())
            if self._is_one_of_many:
                self._leave_room(connection)
            self._failures, self._was_open = 0, True
        return self._connection

    def _leave_room(self, connection: Connection[Any]) -> None:
        (free, most) = connection.execute(_ROOM.encode()).fetchall()[0]
        if free < most // 5:
            raise self._lost(
                f"{most - free} of its {most} connections are taken, and the last fifth is left to runs and commands; "
                "more max_connections, or fewer workers, would do"
            )

    def _reached(self) -> Connection[Any]:
        from psycopg.conninfo import make_conninfo

        from uwf.store.postgres.faults import place_of
        from uwf.store.postgres.reaching import BAD_ADDRESS, reach

        place = place_of(self._url)
        named = make_conninfo(self._url, application_name=self._name)
        try:
            return reach(named, place, self._wait_s, autocommit=True)
        except StoreError as error:
            if error.code == BAD_ADDRESS and not self._was_open:
                raise  # no waiting helps
            raise self._lost(error, error.hint) from None

    def _not_found(
        self, sql: str, arguments: dict[str, Any] | None, error: psycopg.Error
    ) -> StoreError:
        """Why a statement does not find a table or a function: it is not there, or not to be seen by this role, or the
        session is not the one that was told where to look. The statement tells that when it is done again on the same
        way as it is told, and undone.
        """
        import psycopg

        from uwf.store.postgres.faults import explain, in_one_line, place_of, pooled

        told = f"BEGIN; SET LOCAL search_path TO {SCHEMA}; {sql}; ROLLBACK"
        try:
            psycopg.ClientCursor(self._opened()).execute(told.encode(), arguments)
        except psycopg.Error:
            denied = self._denied()
            if denied is None:
                return _no_queue(error)
            hint = explain(denied, place_of(self._url)).hint
            return _no_queue(denied, "this role may not see the queue for workers", hint)
        else:
            return pooled(place_of(self._url), in_one_line(error))
        finally:
            self.close()

    def _denied(self) -> psycopg.Error | None:
        """What the server says to a role that may not look into the schema: no table in it is found by its name."""
        import psycopg

        self.close()
        try:
            self._opened().execute(f"SELECT FROM {SCHEMA}.workers LIMIT 0".encode())
        except psycopg.errors.InsufficientPrivilege as error:
            return error
        except psycopg.Error:
            pass
        return None

    def _lost(self, error: Exception | str, hint: str | None = None) -> QueueAway:
        self.close()
        wait_s = min(FIRST_S * 2.0**self._failures, LONGEST_S)
        self._again_s = clock.monotonic_s() + wait_s * random.uniform(0.5, 1.5)
        self._failures = min(self._failures + 1, 20)
        said = " ".join(str(error).split())[:300]
        self._why = f"the queue in PostgreSQL cannot be asked: {said or type(error).__name__}"
        self._hint = hint
        return QueueAway(self._why, hint=hint)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _is_lost(error: psycopg.Error) -> bool:
    """Whether it says that nobody answers: the connection, the server as a whole, or its room; that others were in the
    way; or one that can only be read, as a server that another one is to stand in for.
    """
    from psycopg import OperationalError
    from psycopg.errors import ReadOnlySqlTransaction

    if isinstance(error, ReadOnlySqlTransaction):
        return True
    return isinstance(error, OperationalError) and (error.sqlstate or "08")[:2] in (
        "08",
        "40",
        "53",
        "57",
    )


def _no_queue(
    error: Exception,
    what: str = "the database has no queue for workers",
    hint: str | None = "uwf store migrate",
) -> StoreError:
    said = str(error).splitlines()[0]
    return StoreError(f"{what}: {said}", hint=hint, code=NO_QUEUE)
