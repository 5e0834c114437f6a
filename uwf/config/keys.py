"""What config.toml may say: the keys of all tables in one list, and a whole file read by them.

What a key reads, and its default, stand with the record it belongs to: in `records`, or with a guard.
"""

from __future__ import annotations

import os

from uwf.config.records import TABLES
from uwf.config_table import ANY
from uwf.errors import ConfigInvalid
from uwf.guard import chain
from uwf.guard.backoff import Backoff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from uwf.config_table import Key, Path, Table


def known() -> list[Key]:
    """Every key there is, those of a table together: the general ones, and those of the guards."""
    tables: list[type[Table]] = [
        *TABLES,
        Backoff,
        *(guard.Rules for guard in chain.GUARDS if guard.Rules is not None),
    ]
    by_table: dict[str, list[Key]] = {}
    for table in tables:
        for key in table.keys():  # noqa: SIM118  # no dictionary
            by_table.setdefault(key.path[0], []).append(key)
    return [key for group in by_table.values() for key in group]


def parse(data: bytes, file: str) -> dict[str, Any]:
    """The bytes of a configuration file as TOML values."""
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ConfigInvalid(f"{file} is not UTF-8 text: byte {error.start} does not fit") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigInvalid(
            f"{file} is not TOML: {str(error)[:1].lower()}{str(error)[1:]}"
        ) from None


def check(document: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The settings in `document`: nested like it, with values read and fields named as the records name them.

    ConfigInvalid for the first key that is unknown or whose value does not fit.
    """
    settings: dict[str, Any] = {}
    for path, key, value in _leaves(document, (), known(), file):
        try:
            read = key.read(value)
        except ValueError as error:
            raise ConfigInvalid(f"{file}: {dotted(path)}: {error}") from None
        table = settings
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1] if key.path[-1] == ANY else key.field] = read
    _check_agents(document, settings, file)
    return settings


def find(path: Path) -> Key | None:
    """The known key that `path` fits."""
    return _found(path, known())


def unknown(path: Path, file: str = "") -> ConfigInvalid:
    """The error for a key that is not known, or that `file` has and that is not known."""
    meant = nearest(path)
    message = f"{dotted(path)} is not a known key" + (f"; did you mean {meant}?" if meant else "")
    if file:
        return ConfigInvalid(f"{file}: {message}", hint=f"${{EDITOR:-vi}} {file}")
    return ConfigInvalid(message, hint="uwf config list")


def no_table(path: Path, file: str) -> ConfigInvalid:
    """The error for a value that `file` has where known keys stand below."""
    return ConfigInvalid(
        f"{file}: {dotted(path)} is a table, not a value: [{dotted(path)}]",
        hint=f"${{EDITOR:-vi}} {file}",
    )


def nearest(path: Path) -> str | None:
    """The known key that lacks nothing but its table in front of `path`, else the one most like it, if there is one."""
    all_keys = known()
    whole = [
        dotted((*key.path[:at], *path))
        for key in all_keys
        for at in range(1, len(key.path))
        if ANY not in key.path[:at] and key.path[at] == path[0] and _fits(path, key.path[at:])
    ]
    if whole:
        return whole[0]
    from difflib import get_close_matches

    names = {dotted(_named_like(key.path[: len(path)], path)) for key in all_keys}
    return next(iter(get_close_matches(dotted(path), sorted(names), n=1)), None)


def is_table(path: Path) -> bool:
    """Whether known keys stand below `path`."""
    heads = (key.path[: len(path)] for key in known() if len(key.path) > len(path))
    return any(_fits(path, head) for head in heads)


def dotted(path: Path) -> str:
    """`path` as it is written in TOML and on the command line."""
    return ".".join(part if _is_bare(part) else f'"{part}"' for part in path)


def split(text: str) -> Path:
    """The path that `text` stands for; the inverse of `dotted`."""
    import tomllib

    try:
        table: Any = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        raise ConfigInvalid(f"{text!r} is not a key", hint="uwf config list") from None
    path = []
    while isinstance(table, dict) and len(table) == 1:
        [(part, table)] = table.items()
        path.append(part)
    if table != 0:
        raise ConfigInvalid(f"{text!r} is not one key", hint="uwf config list")
    return tuple(path)


def _leaves(
    table: Mapping[str, Any], above: Path, among: Sequence[Key], file: str
) -> list[tuple[Path, Key, Any]]:
    found = []
    for part, value in table.items():
        path = (*above, part)
        key = _found(path, among)
        is_branch = any(_fits(path, one.path[: len(path)]) for one in among)
        if key is not None:
            found.append((path, key, value))
        elif not is_branch:
            raise unknown(path, file)
        elif not isinstance(value, dict):
            raise no_table(path, file)
        else:
            found += _leaves(value, path, among, file)
    return found


def _check_agents(document: Mapping[str, Any], settings: Mapping[str, Any], file: str) -> None:
    agents = settings.get("agents", {})
    for name in document.get("agents", {}):
        if not _is_bare(name):
            raise ConfigInvalid(
                f"{file}: {name!r} cannot name an agent: a-z, A-Z, 0-9, - and _ can"
            )
        if "command" not in agents.get(name, {}):
            key = dotted(("agents", name, "command"))
            raise ConfigInvalid(f"{file}: {key} is missing", hint=f"uwf config set {key} 'COMMAND'")
        _check_program(("agents", name, "command"), agents[name]["command"], file)
    uses: list[tuple[Path, str]] = [
        (("overrides", workflow, role), agent)
        for workflow, roles in settings.get("overrides", {}).items()
        for role, agent in roles.items()
    ]
    if "default_agent" in settings:
        uses.append((("default_agent",), settings["default_agent"]))
    for path, agent in uses:
        if agent not in agents:
            known = f"configured: {', '.join(agents)}" if agents else "none is configured yet"
            raise ConfigInvalid(
                f"{file}: {dotted(path)}: no agent is called {agent!r}; {known}",
                hint=f"uwf config set {dotted(('agents', agent, 'command'))} 'COMMAND'",
            )


def _check_program(path: Path, command: Sequence[str], file: str) -> None:
    """A relative program would be one of the folder of each thread, which may be a stranger's."""
    import shlex

    program, *arguments = command
    if program.startswith("$"):
        meant = os.path.expandvars(program)
        line = shlex.quote(shlex.join((meant, *arguments)))
        raise ConfigInvalid(
            f"{file}: {dotted(path)}: {program!r} is taken as it stands: no shell is run that would replace its $",
            hint=f"uwf config set {dotted(path)} {line if os.path.isabs(meant) else 'COMMAND'}",
        )
    if "/" in program and not os.path.isabs(program):
        meant = os.path.abspath(os.path.expanduser(program))
        line = shlex.quote(shlex.join((meant, *arguments)))
        raise ConfigInvalid(
            f"{file}: {dotted(path)}: {program!r} is a relative path: an agent's program needs its absolute path",
            hint=f"uwf config set {dotted(path)} {line}",
        )


def _found(path: Path, among: Sequence[Key]) -> Key | None:
    return next((key for key in among if _fits(path, key.path)), None)


def _fits(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(
        known in (ANY, part) for part, known in zip(path, pattern, strict=True)
    )


def _named_like(pattern: Path, path: Path) -> Path:
    """`pattern` with the names of `path` where it takes any."""
    return tuple(
        path[at] if part == ANY and at < len(path) else "NAME" if part == ANY else part
        for at, part in enumerate(pattern)
    )


def _is_bare(part: str) -> bool:
    return part.isascii() and part.replace("-", "").replace("_", "").isalnum()
