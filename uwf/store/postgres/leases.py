"""Leases in PostgreSQL: one row a name that is held. Time is the database's alone."""

from __future__ import annotations

import os

from uwf.store.owner import Owner
from uwf.store.protocols import Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.postgres.database import PostgresDatabase

_END = "clock_timestamp() + interval '1 second' * ?"
_TAKE = (
    "INSERT INTO lease AS l (name, host, pid, started, epoch, asked, expires)"
    f" VALUES (?, ?, ?, ?, nextval('lease_epoch'), '', {_END})"
    " ON CONFLICT (name) DO UPDATE SET host = excluded.host, pid = excluded.pid, started = excluded.started,"
    " epoch = excluded.epoch, asked = excluded.asked, expires = excluded.expires"
    " WHERE l.expires < clock_timestamp() RETURNING epoch"
)
_RENEW = f"UPDATE lease SET expires = {_END} WHERE name = ? AND epoch = ?"
_RELEASE = "DELETE FROM lease WHERE name = ? AND epoch = ?"
_HOLDER = "SELECT pid, started, host FROM lease WHERE expires >= clock_timestamp()"
_ASK = "UPDATE lease SET asked = ? WHERE name = ? AND expires >= clock_timestamp()"
_ASKED = "SELECT asked FROM lease WHERE name = ? AND epoch = ?"
_HELD = 'SELECT "right"(name, 12) FROM lease WHERE expires >= clock_timestamp()'


class PostgresLeases:
    """See `uwf.store.protocols.Leases`. The epochs of all names are drawn from one sequence."""

    def __init__(self, database: PostgresDatabase, lasts_s: float = 60.0) -> None:
        self._database = database
        self.lasts_s: float | None = lasts_s

    @property
    def host(self) -> str:
        return self._database.host

    def take(self, name: str) -> Lease | None:
        owner = Owner(os.getpid(), host=self.host)
        args = (name, owner.host, owner.pid, owner.started, self.lasts_s)
        row = self._database.one(_TAKE, args)
        return None if row is None else Lease(name, owner, row[0])

    def holder(self, name: str) -> Owner | None:
        row = self._database.one(f"{_HOLDER} AND name = ?", (name,))
        return None if row is None else Owner(*row)

    def anyone(self) -> Owner | None:
        row = self._database.one(f"{_HOLDER} LIMIT 1")
        return None if row is None else Owner(*row)

    def held(self) -> list[str]:
        return [row[0] for row in self._database.all(_HELD)]

    def renew(self, lease: Lease) -> bool:
        args = (self.lasts_s, lease.name, lease.epoch)
        return self._database.change(_RENEW, args) > 0

    def ask(self, name: str, what: str) -> bool:
        return self._database.change(_ASK, (what, name)) > 0

    def asked(self, lease: Lease) -> str:
        row = self._database.one(_ASKED, (lease.name, lease.epoch))
        return "" if row is None else row[0]

    def release(self, lease: Lease) -> None:
        self._database.change(_RELEASE, (lease.name, lease.epoch))
