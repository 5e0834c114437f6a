"""Reaching the server of a store: a connection, or why there is none and how long it was waited for."""

from __future__ import annotations

import os
import shlex
import time

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from uwf import clock
from uwf.errors import StoreAway, StoreBusy, StoreError
from uwf.store.postgres.faults import DENIED, in_one_line
from uwf.store.postgres.silence import PatientConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from psycopg import Connection

CONNECT_S = 5
"""So long one address is waited for."""
MOST_S = 10.0
"""So long, at most, it is waited for room: a hundred workers that begin at once come and go."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.5
ALIVE: dict[str, Any] = {
    **{"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3},
    "tcp_user_timeout": 20_000,
}
"""By which it is seen within half a minute that the other side is gone."""

PINNED = (
    "SET default_transaction_isolation = 'read committed'; SET statement_timeout = 0;"
    " SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
"""Said first in each session, whatever a database or a role has set for others: who has waited for the lock of writers
is to see what was written meanwhile, and waiting has limits of its own. What is said to be durable waits for the disk:
of a lease that a server has forgotten the number would be given out again, and two would hold it."""

_AT_THE_DOOR = (
    ("password authentication failed", DENIED, "it does not accept this password"),
    ("no password supplied", DENIED, "it wants a password"),
    ("no pg_hba.conf entry", DENIED, "it does not let this role in from here"),
    ("authentication failed", DENIED, "it does not let this role in"),
    ("does not exist", "store_no_database", "it has no such role or database"),
)
"""By what the server said: until somebody is let in there are words, and no code."""
BAD_ADDRESS = "bad_address"
_OF_ADDRESS = (
    *("invalid ", "bad value", "could not match", "root certificate file"),
    *("definition of service", "service file", "syntax error in service file"),
)
"""What libpq says of an address, or of a file that it names, before it asks anybody."""
_NO_ROOM = ("too many clients", "remaining connection slots", "too many connections")
_HINTS_OF_LIBPQ = " Is the server running"
_OTHERS = " Multiple connection attempts failed"
"""Before it stands what the last of several hosts has said."""


def reach(url: str, place: str, wait_s: float, **options: Any) -> Connection[Any]:
    """A connection to the database at `url`, made with the `options` of psycopg.

    StoreError, which says why there is none. StoreBusy where the server has no room for one within `wait_s`.
    """
    conninfo = _conninfo(url)
    began_s, pause_s = clock.monotonic_s(), FIRST_PAUSE_S
    while True:
        try:
            return PatientConnection.connect(conninfo, **options)
        except psycopg.Error as error:
            waited_s = clock.monotonic_s() - began_s
            fault = _why_not(error, place, waited_s)
            if not isinstance(fault, StoreBusy) or waited_s >= min(wait_s, MOST_S):
                raise fault from None  # the other may quote the address
        # Jitter: those that collide once shall not collide in step for ever.
        time.sleep(pause_s * (0.5 + os.urandom(1)[0] / 255))
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)


def _conninfo(url: str) -> str:
    """The address with parameters that it does not say itself. Texts are in UTF-8, whatever it says."""
    ours = {"connect_timeout": CONNECT_S, "application_name": "uwf", **ALIVE}
    said = conninfo_to_dict(url)
    more = {name: value for name, value in ours.items() if name not in said}
    return make_conninfo(url, client_encoding="utf8", **more)


def _why_not(error: psycopg.Error, place: str, waited_s: float) -> StoreError:
    words, look = _said(error), f"psql {shlex.quote(place)}"
    if any(each in words for each in _NO_ROOM):
        return StoreBusy(
            f"{place} has no room for another connection ({words}); gave up after {waited_s:.1f} s",
            hint=f"{look} -c 'SHOW max_connections'",
        )
    if words.startswith(_OF_ADDRESS) and "FATAL" not in f"{error}":
        return StoreError(
            f"the address of the store {place} is not right: {words}",
            hint="uwf config get store",
            code=BAD_ADDRESS,
        )
    for said, code, cause in _AT_THE_DOOR:
        if said in words:
            return StoreError(
                f"cannot use the store {place}: {cause} ({words})", hint=look, code=code
            )
    return StoreAway(
        f"cannot reach the store {place}: {words}; waited {waited_s:.1f} s",
        hint=f"pg_isready --dbname={shlex.quote(place)}",
    )


def _said(error: psycopg.Error) -> str:
    """What was said, without who was asked, which the place says."""
    words = in_one_line(error).partition(_OTHERS)[0]
    for mark in ("FATAL: ", "failed: ", "connection is bad: "):
        words = words.rpartition(mark)[2] or words
    return words.partition(_HINTS_OF_LIBPQ)[0]
