"""Looking at single settings and changing them. Comments and order of the file stay as they are."""

from __future__ import annotations

import os
import shlex

from uwf import config, owned
from uwf import home as paths
from uwf.config import keys, secrets
from uwf.config.records import AgentConfig, Config
from uwf.config.toml_file import editing
from uwf.errors import ConfigInvalid
from uwf.record import Record
from uwf.store_address import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from uwf.config_table import Key, Path

STORE = ("store",)


class Setting(Record):
    """One key with its value as it would be written, but for a password in an address; None when it has none.
    `variable` is that of the environment whose value it is, which goes before the file.
    """

    key: str
    value: Any
    in_file: bool
    is_secret: bool
    variable: str | None = None


def settings(home: str) -> list[Setting]:
    """Every setting that has a value or could have one, in the order of its tables; of an agent those of its kind.

    What the environment says in place of the file is said as it is there.
    """
    file = paths.config_file(home)
    document = keys.parse(config.read_file(file) or b"", file)
    checked = keys.check(document)
    marks = (*secrets.PATTERNS, *checked.get("secrets", ()))
    fields = {
        name: keys.fields_of(AgentConfig.of(agent).kind)
        for name, agent in checked.get("agents", {}).items()
    }
    named, found = os.environ.get(config.STORE_VARIABLE), []
    for key in keys.known():
        for path, value in _matching(document.values, key.path):
            if path[0] == "agents" and path[2] not in fields[path[1]]:
                continue
            written = key.default if value is None else value
            variable = config.STORE_VARIABLE if path == STORE and named else None
            found.append(
                Setting(
                    keys.dotted(path),
                    shown(named or written) if path == STORE else written,
                    value is not None,
                    secrets.is_secret(path[-1], marks) and path[-1] != "secrets",
                    variable,
                )
            )
    return found


def place(home: str, path: Path) -> str:
    """The file, and the line of it on which `path` stands."""
    file = paths.config_file(home)
    return keys.parse(config.read_file(file) or b"", file).at(path)


def set_value(
    home: str, name: str, text: str, approve: Callable[[Config], None] = lambda found: None
) -> None:
    """Give the key `name` the value that `text` stands for. The file is replaced whole or not at all, and not where
    `approve` raises something about what would come out.

    ConfigInvalid when the key is unknown, or the value, or the file that would come out, is not allowed.
    """
    set_values(home, {name: text}, approve)


def set_values(
    home: str, texts: Mapping[str, str], approve: Callable[[Config], None] = lambda found: None
) -> None:
    """Likewise, several keys at once: all of them, or none."""
    found = [_read(home, name, text) for name, text in texts.items()]

    def changed(data: bytes, file: str) -> str:
        for path, value in found:
            data = _with_value(data, path, value, file).encode()
        return data.decode()

    _change(home, changed, approve)


def _read(home: str, name: str, text: str) -> tuple[Path, Any]:
    """The key that `name` says, and the value that `text` stands for."""
    path = keys.in_full(keys.split(name))
    key = keys.find(path)
    if key is None:
        raise keys.unknown(path)
    if keys.is_element_name(path):
        raise ConfigInvalid(
            f"{keys.dotted(path)} is the name by which it is known: change it in the file",
            hint=editing(paths.config_file(home)),
        )
    try:
        value = _toml_value(key, text)
        key.read(value)
    except ValueError as error:
        table = shlex.quote(keys.dotted(path[:-1])) if len(path) > 1 else ""
        hint = f"uwf config list {table}".rstrip()
        raise ConfigInvalid(f"{keys.dotted(path)}: {error}", hint=hint) from None
    return path, value


def unset(home: str, path: Path) -> None:
    """Take a setting, or a whole table, out of the file, which is replaced whole or not at all.

    ConfigInvalid when it is not in the file, or the file that would come out is not allowed.
    """
    file = paths.config_file(home)
    if config.read_file(file) is None:
        raise _not_set(path, file)  # and no home is made
    _change(home, lambda data, file: _without(data, path, file))


def _not_set(path: Path, file: str) -> ConfigInvalid:
    return ConfigInvalid(f"{keys.dotted(path)} is not set in {file}", hint="uwf config list")


def _change(
    home: str,
    changed: Callable[[bytes, str], str],
    approve: Callable[[Config], None] = lambda found: None,
) -> None:
    """Replace the file by what `changed` makes of it, under its lock."""
    from filelock import FileLock  # 50 ms, which looking at settings needs not

    paths.made(home)
    file, lock = os.path.realpath(paths.config_file(home)), paths.config_lock(home)
    _make_lock(lock)
    with FileLock(lock, mode=0o600):
        owned.give(lock)
        text = changed(config.read_file(file) or b"", file)
        approve(Config.of(keys.check(keys.parse(text.encode(), file))))
        _replace(file, text.encode())


def _make_lock(lock: str) -> None:
    """Make the file of the lock, which `FileLock` would try without end in a folder that can have none (/proc/1)."""
    try:
        os.close(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600))
    except FileNotFoundError:
        folder = os.path.dirname(lock)
        raise ConfigInvalid(
            f"cannot create {lock}: no file can be made in {folder}", hint=f"ls -ld {folder}"
        ) from None


def _without(data: bytes, path: Path, file: str) -> str:
    """The text of the file without what stands at `path`, nor the tables that are empty then and have no comment."""
    import tomlkit

    found = keys.parse(data, file)
    array = keys.array_of(path)
    if array and path[: len(array) + 1] not in found.places:
        raise _not_set(path, file)
    document = tomlkit.parse(data.decode())
    table: Any = document
    above = []
    place = found.place(path)
    for at, part in enumerate(place):
        if isinstance(table, dict) and part not in table:
            raise _not_set(path, file)
        if not _is_above(table, part):
            raise keys.no_table(path[:at], found)
        above.append((table, part))
        table = table[part]
    outer, part = above.pop()
    del outer[part]
    text = tomlkit.dumps(document)
    try:
        keys.check(keys.parse(text.encode(), file))
    except ConfigInvalid as error:
        message = f"{keys.dotted(path)} is needed: {error.message}"
        raise ConfigInvalid(message, hint="uwf config list") from None
    for outer, part in reversed(above):
        if not _is_bare(outer[part]):
            break
        del outer[part]
    return tomlkit.dumps(document)


def _is_above(table: Any, part: str | int) -> bool:
    """Whether `part` can stand in `table`: a key in a table, an index in an array."""
    return isinstance(table, list if isinstance(part, int) else dict)


def _is_bare(table: Any) -> bool:
    """Whether a table has neither a key nor a comment, or an array of tables no element."""
    from tomlkit.items import InlineTable, Table

    if isinstance(table, list):
        return not table
    if not isinstance(table, (Table, InlineTable)) or table:
        return False
    return not table.trivia.comment and not table.as_string().strip("{} \t\r\n")


def _with_value(data: bytes, path: Path, value: Any, file: str) -> str:
    """The text of the file with the value at `path`."""
    import tomlkit

    found = keys.parse(data, file)
    array = keys.array_of(path)
    if array and path[: len(array) + 1] not in found.places:
        element, whole = path[len(array)], keys.dotted(array)
        raise ConfigInvalid(
            f'{whole} has no {element}: begin one in {file} with [[{whole}]] and name = "{element}"',
            hint=editing(file),
        )
    document = tomlkit.parse(data.decode())
    table: Any = document
    place = found.place(path)
    for at, part in enumerate(place[:-1]):
        if isinstance(table, dict) and part not in table:
            table[part] = tomlkit.table(is_super_table=at < len(place) - 2)
        table = table[part]
        if not _is_above(table, place[at + 1]):
            raise keys.no_table(path[: at + 1], found)
    table[place[-1]] = value
    return tomlkit.dumps(document)


def _toml_value(key: Key, text: str) -> Any:
    """`text` of a command line as the value it stands for in TOML."""
    takes_list = isinstance(key.default, list) or _takes(key, ["x"])
    if text.startswith("[") and takes_list:
        import tomllib

        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{text!r} is not a list: {error}") from None
    if takes_list and not _takes(key, text):
        return [word.strip() for word in text.split(",") if word.strip()]
    if text.isascii() and text.replace(".", "", 1).isdigit() and _takes(key, 1):
        return float(text) if "." in text else int(text)
    return text


def _takes(key: Key, value: Any) -> bool:
    try:
        key.read(value)
    except ValueError:
        return False
    return True


def _matching(document: Any, pattern: Path) -> Iterator[tuple[Path, Any]]:
    """The paths that `pattern` stands for in `document`, with their values; None where there is no value."""
    head, rest = pattern[0], pattern[1:]
    table = document if isinstance(document, dict) else {}
    for part in list(table) if head == "*" else [head]:
        if not rest:
            yield (part,), table.get(part)
            continue
        for below, value in _matching(table.get(part), rest):
            yield (part, *below), value


def _replace(file: str, data: bytes) -> None:
    """Written beside it, made durable, then moved over it."""
    temporary = f"{file}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb", opener=_private) as new:
            owned.give(temporary)
            new.write(data)
            new.flush()
            os.fsync(new.fileno())
        os.replace(temporary, file)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    folder = os.open(os.path.dirname(file), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
