"""Where the store of a home is, as a person writes it: `sqlite`, a file in the home, or the URL of a database in
PostgreSQL, `postgresql://user@host/database`.

A URL may have a password in it, which is shown to nobody: what shows an address shows it as it is `shown`. Of what is
no address nothing is shown: nobody knows which part of it is meant as a password.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SQLITE = "sqlite"
HIDDEN = "[redacted]"

_SCHEMES = ("postgresql://", "postgres://")
_SECRET_OPTIONS = ("password", "sslpassword")
_FORM = (
    "it is neither sqlite nor the address of a database, such as postgresql://user@host/database; "
    "@, /, ? and # in a name or a password are written %40, %2F, %3F and %23"
)
"""Without what was written, which may hold a password."""


def read(value: Any) -> str:
    """An address. ValueError for what is none."""
    if value == SQLITE:
        return SQLITE
    if not isinstance(value, str) or not is_database(value) or not value.isprintable():
        raise ValueError(_FORM)
    authority, path, options = _parts(value)
    is_torn = "@" in path or authority.count("@") > 1 or "#" in value or " " in value
    if is_torn or not all("=" in each for each in options):
        raise ValueError(_FORM)
    return value


def is_database(address: str) -> bool:
    """Whether it is that of a database, not of a file."""
    return address.startswith(_SCHEMES)


def shown(address: str) -> str:
    """The address as anybody may see it."""
    return _with_passwords(address, HIDDEN)


def without_password(address: str) -> str:
    """The address of the same database for somebody who has a password of his own, or none."""
    return _with_passwords(address, None)


def passwords(address: str) -> list[str]:
    """The passwords in an address, as they are meant."""
    if not is_database(address):
        return []
    from urllib.parse import unquote

    authority, _, options = _parts(address)
    found = [authority.rpartition("@")[0].partition(":")[2]]
    found += [value for name, _, value in _split(options) if unquote(name) in _SECRET_OPTIONS]
    return [unquote(each) for each in found if each]


def _with_passwords(address: str, instead: str | None) -> str:
    try:
        if read(address) == SQLITE:
            return SQLITE
    except ValueError:
        return HIDDEN
    from urllib.parse import unquote

    authority, path, options = _parts(address)
    names, at, hosts = authority.rpartition("@")
    user, _, password = names.partition(":")
    if password:
        user += "" if instead is None else f":{instead}"
    kept = []
    for name, equals, value in _split(options):
        if unquote(name) not in _SECRET_OPTIONS:
            kept.append(f"{name}{equals}{value}")
        elif instead is not None:
            kept.append(f"{name}={instead}")
    scheme = address.partition("://")[0]
    return f"{scheme}://{user}{at}{hosts}{path}" + (f"?{'&'.join(kept)}" if kept else "")


def _parts(address: str) -> tuple[str, str, list[str]]:
    """User, password and hosts; the path with its slash; the options."""
    whole, _, options = address.partition("://")[2].partition("?")
    authority, slash, path = whole.partition("/")
    return authority, slash + path, [each for each in options.split("&") if each]


def _split(options: list[str]) -> list[tuple[str, str, str]]:
    return [each.partition("=") for each in options]
