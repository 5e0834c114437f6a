"""PostgreSQL's faults in the words of the store, each with what to do about it. No password is in any of them."""

from __future__ import annotations

import shlex

from psycopg import Error, OperationalError
from psycopg.conninfo import conninfo_to_dict

from uwf import store_address
from uwf.errors import InputError, StoreAway, StoreBusy, StoreError, StoreUnreadable, UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import psycopg

DENIED, READONLY, FULL, GONE = "store_denied", "store_readonly", "store_full", "store_gone"

_BUSY = {"55P03", "40P01", "40001", "53300"}
"""A lock that was waited for in vain, a deadlock, a conflict, and no room for another connection."""
_NO_TABLES = {"3F000", "42P01"}
_BROKEN = {"XX001", "XX002", "22021"}
_TOO_LARGE = {"54000", "22001", "54001"}
_POOLED = {"42P05", "26000"}
"""A prepared statement is there already, or is not: somebody else's session, which a pooler has given to this one."""
_ENDED = "57014"
"""A statement was ended: by a time limit, or by an administrator. The connection is there all the same."""
_CAUSES = {
    "25006": (
        READONLY,
        "it can only be read: a replica, or made so by its administrator",
        "SHOW transaction_read_only",
    ),
    "42501": (READONLY, "this role may not do that there", "\\dp uwf*.*"),
    "53100": (FULL, "its disk is full", "\\l+"),
    _ENDED: ("store_cancelled", "it has ended a statement", "SHOW statement_timeout"),
    "53200": ("store_memory", "it has not enough memory", "SHOW shared_buffers"),
}
"""By PostgreSQL's code: ours, what it means, and what to look with there."""


def place_of(url: str) -> str:
    """The address of a database as messages call it: without password. InputError for what is no address."""
    try:
        conninfo_to_dict(url)
        return store_address.without_password(store_address.read(url))
    except (ValueError, Error):  # whose message may quote a piece of a password
        raise InputError(
            "the address of the store is not one of a PostgreSQL database: "
            "postgresql://USER@HOST/DATABASE, with special characters as %40"
        ) from None


def is_lost(error: psycopg.Error) -> bool:
    """Whether it says that the connection, or the server behind it, is gone."""
    code = error.sqlstate or "08"
    return isinstance(error, OperationalError) and code[:2] in ("08", "57") and code != _ENDED


def has_no_table(error: psycopg.Error) -> bool:
    """Whether it says that a table was not found."""
    return error.sqlstate in _NO_TABLES


def explain(error: psycopg.Error, place: str) -> UwfError:
    """What PostgreSQL reported about the store, as an error that says what to do."""
    code, words = error.sqlstate or "", in_one_line(error)
    if code in _BUSY:
        return StoreBusy(
            f"{place} is in use by others ({words})",
            hint=f"psql {shlex.quote(place)} -c 'TABLE pg_stat_activity'",
        )
    if has_no_table(error):
        return no_tables(place)
    if code in _BROKEN:
        return unreadable(place, words)
    if code in _TOO_LARGE:
        return InputError(f"{place} cannot hold a value this large: {words}")
    if code in _POOLED:
        return pooled(place, words)
    if code in _CAUSES:
        word, cause, look = _CAUSES[code]
        hint = f"psql {shlex.quote(place)} -c '{look}'"
        return StoreError(f"cannot use the store {place}: {cause} ({words})", code=word, hint=hint)
    if is_lost(error):
        return lost(place, words)
    return StoreError(f"cannot use the store {place}: {words}")


def lost(place: str, words: str) -> StoreError:
    return StoreAway(
        f"the connection to the store {place} was lost: {words}",
        hint=f"pg_isready --dbname={shlex.quote(place)}",
    )


def pooled(place: str, words: str) -> StoreError:
    """What was set or prepared in this session is not there: it is not one session."""
    return StoreError(
        f"cannot use the store {place}: a pooler is in between that pools by transaction, and not by session ({words})",
        hint="uwf help scale",
        code="store_pooled",
    )


def no_tables(place: str) -> StoreError:
    return StoreError(f"there is no store in {place} yet", hint="uwf store migrate")


def unreadable(place: str, why: str) -> StoreUnreadable:
    return StoreUnreadable(f"{place} cannot be read as a uwf store: {why}")


def in_one_line(error: psycopg.Error) -> str:
    said = error.diag.message_primary or f"{error}" or type(error).__name__
    return " ".join(said.split())[:300]
