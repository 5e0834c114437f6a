"""Leases in PostgreSQL: one row a name that is held. Time is the database's alone.

A name can be taken over once its holder has not renewed it in time, or, by a process of the same machine, as soon as
that holder is seen to be dead. Another machine, or a container, that has the same name sees nothing of it, and waits.
The row is locked by whoever writes under the lease, so nobody takes it meanwhile.
"""

from __future__ import annotations

from uwf import clock
from uwf.store.owner import Owner
from uwf.store.values import NOW_MS, Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uwf.store.postgres.database import PostgresDatabase

LASTS_S = 60.0

_END = "clock_timestamp() + interval '1 second' * ?"
_TAKE = (
    "INSERT INTO lease (host, pid, started, lasts_s, expires, name, epoch, asked)"
    f" VALUES (?, ?, ?, ?, {_END}, ?, nextval('lease_epoch'), '')"
    " ON CONFLICT (name) DO NOTHING RETURNING epoch"
)
_TAKE_OVER = (
    f"UPDATE lease SET host = ?, pid = ?, started = ?, lasts_s = ?, expires = {_END},"
    " epoch = nextval('lease_epoch'), asked = '' WHERE name ="
    " (SELECT name FROM lease WHERE name = ? AND (expires < clock_timestamp() OR epoch = ?)"
    " FOR UPDATE SKIP LOCKED) RETURNING epoch"
)
"""Who writes under the lease holds it: that is not waited for, as its machine may be frozen."""
_THIS = "name = ? AND epoch = ? AND host = ? AND pid = ? AND started = ?"
"""A server that has lost what was written last, as a replica may that takes its place, gives a number out again."""
_RENEW = f"UPDATE lease SET expires = {_END} WHERE {_THIS}"
_RELEASE = f"DELETE FROM lease WHERE {_THIS}"
_THERE = "SELECT pid, started, host, epoch, name FROM lease WHERE name = ?"
_HOLDERS = "SELECT pid, started, host, epoch, name FROM lease WHERE expires >= clock_timestamp()"
_LONGEST = "SELECT max(lasts_s) FROM lease"
"""Of those that are over, too: until somebody takes them over, their holders may go on."""
_ASK = "UPDATE lease SET asked = ? WHERE name = ? AND expires >= clock_timestamp()"
_LAPSED = "SELECT 1 FROM lease WHERE name = ? AND expires < clock_timestamp()"
_ASKED = f"SELECT asked, {NOW_MS} FROM lease WHERE {_THIS}"

_NO_EPOCH = 0
_ENDING = 12


class PostgresLeases:
    """See `uwf.store.protocols.Leases`. The epochs of all names are drawn from one sequence.

    `owner` is this process, and `may_live` tells of one on a machine of this name whether it lives, or cannot be seen.
    """

    def __init__(
        self,
        database: PostgresDatabase,
        owner: Owner,
        may_live: Callable[[Owner], bool],
        lasts_s: float = LASTS_S,
    ) -> None:
        self._database = database
        self._owner = owner
        self._may_live = may_live
        self.lasts_s: float | None = lasts_s

    @property
    def host(self) -> str:
        return self._owner.host

    def take(self, name: str) -> Lease | None:
        owner, there = self._owner, self._database.one(_THERE, (name,))
        args = (owner.host, owner.pid, owner.started, self.lasts_s, self.lasts_s, name)
        if there is None:
            row = self._database.one(_TAKE, args)
        else:
            gone = there[3] if self._is_gone(there) else _NO_EPOCH
            row = self._database.one(_TAKE_OVER, (*args, gone))
        return None if row is None else Lease(name, owner, row[0])

    def holder(self, name: str) -> Owner | None:
        row = self._database.one(f"{_HOLDERS} AND name = ?", (name,))
        return None if row is None or self._is_gone(row) else Owner(*row[:3])

    def anyone(self) -> Owner | None:
        return next((Owner(*row[:3]) for row in self._living()), None)

    def held(self) -> list[str]:
        return [row[4][-_ENDING:] for row in self._living()]

    def longest_s(self) -> float | None:
        longest_s: float | None = self._database.one(_LONGEST)[0]
        return longest_s

    def renew(self, lease: Lease) -> bool:
        return lease.owner == self._owner and self._database.change(*self.renewal(lease)) > 0

    def renewal(self, lease: Lease) -> tuple[str, tuple[Any, ...]]:
        """The statement that renews `lease`: it changes no row where that is lost."""
        return _RENEW, (self.lasts_s, *_this(lease))

    def ask(self, name: str, what: str) -> bool:
        return self._database.change(_ASK, (what, name)) > 0

    def has_lapsed(self, name: str) -> bool:
        return self._database.one(_LAPSED, (name,)) is not None

    def asked(self, lease: Lease) -> str:
        """The server's time comes with it: a run whose agent is at work asks nothing else for hours."""
        asked_ms = clock.steady_ms()
        row = self._database.one(_ASKED, _this(lease))
        if row is None:
            return ""
        clock.told(row[1], asked_ms)
        word: str = row[0]
        return word

    def release(self, lease: Lease) -> None:
        if lease.owner == self._owner:
            self._database.change(_RELEASE, _this(lease))

    def _living(self) -> list[tuple[int, str, str, int, str]]:
        return [row for row in self._database.all(_HOLDERS) if not self._is_gone(row)]

    def _is_gone(self, row: tuple[int, str, str, int, str]) -> bool:
        """Whether its holder is a process of this machine that has died. Of another machine's nobody can say that."""
        owner = Owner(*row[:3])
        is_ours = owner.host == self._owner.host
        return is_ours and owner != self._owner and not self._may_live(owner)


def _this(lease: Lease) -> tuple[Any, ...]:
    owner = lease.owner
    return lease.name, lease.epoch, owner.host, owner.pid, owner.started
