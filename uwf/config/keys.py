"""What config.toml may say: the keys of all tables in one list, and a whole file read by them.

What a key reads, and its default, stand with the record it belongs to: in `records`, or with a guard. How a file is
taken apart is in `toml_file`.
"""

from __future__ import annotations

import os

from uwf.agent import kinds
from uwf.config import toml_file
from uwf.config.absences import Absence
from uwf.config.records import TABLES, AgentConfig
from uwf.config.schedules import Schedule
from uwf.config.sources import EndpointConfig, Source
from uwf.config_table import ANY, EMPTY, NAME, is_bare
from uwf.errors import ConfigInvalid
from uwf.guard import chain
from uwf.guard.backoff import Backoff
from uwf.nearest import nearest as nearest_word
from uwf.workflow.trigger import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from uwf.config.toml_file import TomlFile
    from uwf.config_table import Key, Path, Table

ARRAYS: tuple[type[Table], ...] = (Trigger, Schedule, Source, Absence)
"""The arrays of tables: of each there may be many."""


SHORT = {"workspace": "kind"}
"""Tables that may be given as the value of one of their keys alone: `workspace = "worktree"`."""


def known() -> list[Key]:
    """Every key there is, those of a table together: the general ones, and those of the guards."""
    tables: list[type[Table]] = [
        *TABLES,
        *ARRAYS,
        EndpointConfig,
        Backoff,
        *(guard.Rules for guard in chain.GUARDS if guard.Rules is not None),
        *kinds.options(),
    ]
    by_table: dict[str, dict[Path, Key]] = {}
    for table in tables:
        for key in table.keys():  # noqa: SIM118  # no dictionary
            by_table.setdefault(key.path[0], {})[key.path] = key
    return [key for group in by_table.values() for key in group.values()]


def parse(data: bytes, file: str) -> TomlFile:
    """The bytes of a configuration file as TOML values. ConfigInvalid says why it cannot be read."""
    document = toml_file.parse(data, file, [table.table[:-1] for table in ARRAYS])
    for table, key in SHORT.items():
        document = toml_file.spelled_out(document, table, key)
    return document


def check(document: TomlFile) -> dict[str, Any]:
    """The settings in `document`: nested like it, with values read and fields named as the records name them.

    ConfigInvalid for the first key that is unknown or whose value does not fit.
    """
    settings: dict[str, Any] = {}
    for path, key, value in _leaves(document.values, (), known(), document):
        try:
            read = key.read(value)
        except ValueError as error:
            raise _wrong(document, path, f"{dotted(path)}: {error}") from None
        table = settings
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1] if key.path[-1] == ANY else key.field] = read
    _check_agents(document, settings)
    _check_elements(document, settings)
    _check_sources(document, settings)
    return settings


def find(path: Path) -> Key | None:
    """The known key that `path` fits."""
    return _found(path, known())


def in_full(path: Path) -> Path:
    """The path of the key that `path` is short for."""
    return (*path, SHORT[path[0]]) if len(path) == 1 and path[0] in SHORT else path


def unknown(path: Path, document: TomlFile | None = None) -> ConfigInvalid:
    """The error for a key that is not known, or that `document` has and that is not known."""
    meant = nearest(path)
    message = f"{dotted(path)} is not a known key" + (f"; did you mean {meant}?" if meant else "")
    if document is not None:
        return _wrong(document, path, message)
    return ConfigInvalid(message, hint="uwf config list")


def no_table(path: Path, document: TomlFile) -> ConfigInvalid:
    """The error for a value that `document` has where known keys stand below."""
    return _wrong(document, path, f"{dotted(path)} is a table, not a value: [{dotted(path)}]")


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
    names = {dotted(_named_like(key.path[: len(path)], path)) for key in all_keys}
    return nearest_word(dotted(path), sorted(names))


def is_table(path: Path) -> bool:
    """Whether known keys stand below `path`."""
    heads = (key.path[: len(path)] for key in known() if len(key.path) > len(path))
    return any(_fits(path, head) for head in heads)


def array_of(path: Path) -> Path:
    """The array of tables that `path` is in; () where it is in none."""
    heads = (table.table[:-1] for table in ARRAYS)
    return next((head for head in heads if len(path) > len(head) and path[: len(head)] == head), ())


def is_element_name(path: Path) -> bool:
    """Whether `path` is that by which an element of an array is known."""
    array = array_of(path)
    return array != () and path[len(array) + 1 :] == (NAME,)


def dotted(path: Path) -> str:
    """`path` as it is written in TOML and on the command line."""
    return ".".join(part if is_bare(part) else f'"{part}"' for part in path)


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
    table: Mapping[str, Any], above: Path, among: Sequence[Key], document: TomlFile
) -> list[tuple[Path, Key, Any]]:
    found = []
    for part, value in table.items():
        path = (*above, part)
        key = _found(path, among)
        is_branch = any(_fits(path, one.path[: len(path)]) for one in among)
        if key is not None:
            found.append((path, key, value))
        elif not is_branch:
            raise unknown(path, document)
        elif not isinstance(value, dict):
            raise no_table(path, document)
        else:
            found += _leaves(value, path, among, document)
    return found


def _check_agents(document: TomlFile, settings: Mapping[str, Any]) -> None:
    agents = settings.get("agents", {})
    for name in document.values.get("agents", {}):
        if not is_bare(name):
            message = f"{name!r} cannot name an agent: a-z, A-Z, 0-9, - and _ can"
            raise _wrong(document, ("agents", name), message)
        found = agents.get(name, {})
        kind = found.get("kind", kinds.NAMES[0])
        if "command" in found:
            _check_program(("agents", name, "command"), found["command"], document)
        elif kinds.KINDS[kind].program is None:
            key = dotted(("agents", name, "command"))
            at = document.at(("agents", name))
            raise ConfigInvalid(f"{at}: {key} is missing", hint=f"uwf config set {key} 'COMMAND'")
        _check_kind(name, kind, document)
    uses: list[tuple[Path, str]] = [
        (("overrides", workflow, role), agent)
        for workflow, roles in settings.get("overrides", {}).items()
        for role, agent in roles.items()
    ]
    for role, found in settings.get("roles", {}).items():
        if "agent" in found:
            uses.append((("roles", role, "agent"), found["agent"]))
    if "agent" in settings.get("glance", {}):
        uses.append((("glance", "agent"), settings["glance"]["agent"]))
    if "default_agent" in settings:
        uses.append((("default_agent",), settings["default_agent"]))
    for name, found in agents.items():
        uses += [(("agents", name, "fallback"), other) for other in found.get("fallback", ())]
    for path, agent in uses:
        if agent not in agents:
            known = f"configured: {', '.join(agents)}" if agents else "none is configured yet"
            raise ConfigInvalid(
                f"{document.at(path)}: {dotted(path)}: no agent is called {agent!r}; {known}",
                hint=f"uwf config set {dotted(('agents', agent, 'command'))} 'COMMAND'",
            )


def _check_kind(name: str, kind: str, document: TomlFile) -> None:
    """What can be set for agents of another kind alone says nothing to this one."""
    of = {one: fields_of(one) for one in kinds.KINDS}
    for field in document.values["agents"][name]:
        if field not in of[kind]:
            others = " and ".join(one for one in kinds.NAMES if field in of[one])
            path = ("agents", name, field)
            raise _wrong(
                document, path, f"{dotted(path)} is for agents of kind {others}, not {kind}"
            )


def fields_of(kind: str) -> set[str]:
    """What can be set for agents of this kind."""
    general = _fields(AgentConfig) - {*kinds.KINDS[kind].without}
    return general | _fields(kinds.options_of(kind))


def _fields(table: type[Table] | None) -> set[str]:
    """What can be set in one table of `agents`."""
    return set() if table is None else {key.path[2] for key in table.keys()}  # noqa: SIM118


def _check_program(path: Path, command: Sequence[str], document: TomlFile) -> None:
    """A relative program would be one of the folder of each thread, which may be a stranger's."""
    import shlex

    program, *arguments = command
    key = dotted(path)
    if program.startswith("$"):
        meant = os.path.expandvars(program)
        line = shlex.quote(shlex.join((meant, *arguments)))
        raise ConfigInvalid(
            f"{document.at(path)}: {key}: {program!r} is taken as it stands: no shell is run that would replace its $",
            hint=f"uwf config set {key} {line if os.path.isabs(meant) else 'COMMAND'}",
        )
    if "/" in program and not os.path.isabs(program):
        meant = os.path.abspath(os.path.expanduser(program))
        line = shlex.quote(shlex.join((meant, *arguments)))
        raise ConfigInvalid(
            f"{document.at(path)}: {key}: {program!r} is a relative path: an agent's program needs its absolute path",
            hint=f"uwf config set {key} {line}",
        )


def _check_elements(document: TomlFile, settings: Mapping[str, Any]) -> None:
    """What each element of an array needs, and whether its keys go together."""
    for table in ARRAYS:
        found: Any = document.values
        read: Any = settings
        for part in table.table[:-1]:
            found, read = found.get(part, {}), read.get(part, {})
        for name in found:
            path = (*table.table[:-1], name)
            for field in table.needed():
                if field not in read.get(name, {}):
                    raise _wrong(document, path, f"{dotted((*path, field))} is missing")
            for key in table.keys():  # noqa: SIM118  # no dictionary
                if key.path[-1] == ANY and found[name].get(key.path[-2]) == {}:
                    here = (*path, key.path[-2])
                    raise _wrong(document, here, f"{dotted(here)}: {EMPTY}")
            try:
                table.of(read.get(name, {})).check()
            except ValueError as error:
                raise _wrong(document, path, f"{dotted(path)}: {error}") from None


def _check_sources(document: TomlFile, settings: Mapping[str, Any]) -> None:
    """Two sources of one repository would tell everything twice."""
    known: dict[tuple[str, str], str] = {}
    for name, found in settings.get("sources", {}).items():
        source = Source.of(found)
        place = source.base_url, source.repo.lower()
        other = known.setdefault(place, name) if source.is_forge else name
        if other != name:
            path = ("sources", name)
            raise _wrong(
                document, path, f"{dotted(path)}: {source.repo} is asked as {other} already"
            )


def _wrong(document: TomlFile, path: Path, message: str) -> ConfigInvalid:
    return ConfigInvalid(f"{document.at(path)}: {message}", hint=toml_file.editing(document.file))


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
