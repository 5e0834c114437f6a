"""PostgreSQL's faults in the words of the store, each with what to do about it. No password is in any of them."""

from __future__ import annotations

from psycopg import OperationalError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from uwf.errors import InputError, StoreBusy, StoreError, StoreUnreadable, UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import psycopg

AWAY, DENIED, READONLY, FULL = "store_away", "store_denied", "store_readonly", "store_full"

_BUSY = {"55P03", "40P01", "40001", "53300"}
"""A lock that was waited for in vain, a deadlock, a conflict, and no room for another connection."""
_NO_TABLES = {"3F000", "42P01"}
_BROKEN = {"XX001", "XX002", "22021"}
_TOO_LARGE = {"54000", "22001", "54001"}
_CAUSES = {
    "25006": (READONLY, "it can only be read: a replica, or made so by its administrator"),
    "42501": (READONLY, "this role may not do that there"),
    "53100": (FULL, "its disk is full"),
    "53200": ("store_memory", "it has not enough memory"),
    "28P01": (DENIED, "it does not accept this password"),
    "28000": (DENIED, "it does not let this role in"),
    "3D000": (AWAY, "there is no database of this name"),
}
_CAUSES_AT_THE_DOOR = (
    ("password authentication failed", *_CAUSES["28P01"]),
    ("no password supplied", DENIED, "it wants a password"),
    ("no pg_hba.conf entry", *_CAUSES["28000"]),
    ("authentication failed", *_CAUSES["28000"]),
)
"""By what the server said: until somebody is let in there are words, and no code."""
_NO_ROOM = ("too many clients", "remaining connection slots", "too many connections")


def place_of(url: str) -> str:
    """The address of a database as messages call it: without password. InputError for what is no address."""
    try:
        parts = conninfo_to_dict(url)
    except Exception:  # whose message may quote a piece of a password
        raise InputError(
            "the address of the store is not one of a PostgreSQL database: "
            "postgresql://USER@HOST/DATABASE, with special characters as %40"
        ) from None
    user, host, port = parts.get("user"), parts.get("host", ""), parts.get("port")
    place = f"{user}@" if user else ""
    is_socket = f"{host}".startswith("/")
    if host and not is_socket:
        place += f"{host}" + (f":{port}" if port else "")
    place += f"/{parts.get('dbname', '')}"
    return f"postgresql://{place}" + (f"?host={host}" if is_socket else "")


def conninfo_of(url: str, **also: str | int) -> str:
    """The address with parameters that it does not say itself."""
    said = conninfo_to_dict(url)
    return make_conninfo(url, **{name: value for name, value in also.items() if name not in said})


def is_lost(error: psycopg.Error) -> bool:
    """Whether it says that the connection, or the server behind it, is gone."""
    return isinstance(error, OperationalError) and (error.sqlstate or "08")[:2] in ("08", "57")


def cannot_reach(error: psycopg.Error, place: str) -> UwfError:
    """What kept a connection from being made."""
    words = _in_one_line(error)
    if any(each in words for each in _NO_ROOM):
        return StoreBusy(f"{place} has no room for another connection ({words})")
    for said, code, cause in _CAUSES_AT_THE_DOOR:
        if said in words:
            return StoreError(f"cannot use the store {place}: {cause} ({words})", code=code)
    return StoreError(f"cannot reach the store {place}: {words}", code=AWAY)


def explain(error: psycopg.Error, place: str) -> UwfError:
    """What PostgreSQL reported about the store, as an error that says what to do."""
    code, words = error.sqlstate or "", _in_one_line(error)
    if code in _BUSY:
        return StoreBusy(f"{place} is in use by others ({words})")
    if code in _NO_TABLES:
        return no_tables(place)
    if code in _BROKEN:
        return unreadable(place, words)
    if code in _TOO_LARGE:
        return InputError(f"{place} cannot hold a value this large: {words}")
    if code in _CAUSES:
        word, cause = _CAUSES[code]
        return StoreError(f"cannot use the store {place}: {cause} ({words})", code=word)
    if is_lost(error):
        return lost(place, words)
    return StoreError(f"cannot use the store {place}: {words}")


def lost(place: str, words: str) -> StoreError:
    return StoreError(f"the connection to the store {place} was lost: {words}", code=AWAY)


def no_tables(place: str) -> StoreError:
    return StoreError(f"there is no store in {place} yet", hint="uwf store migrate")


def unreadable(place: str, why: str) -> StoreUnreadable:
    return StoreUnreadable(f"{place} cannot be read as a uwf store: {why}")


def _in_one_line(error: psycopg.Error) -> str:
    said = error.diag.message_primary or f"{error}" or type(error).__name__
    return " ".join(said.split())[:300]
