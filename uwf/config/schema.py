"""What config.toml may say: every key, what its value reads, and its default as it would be written."""

from __future__ import annotations

from uwf import quantities
from uwf.config import values
from uwf.errors import ConfigInvalid
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Path = tuple[str, ...]


class Key(Record):
    """A known key. `*` in its path is any name; `field` is what the checked value is called."""

    path: Path
    read: Callable[[Any], Any]
    default: Any = None
    field: str = ""


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
    for path, key, value in _leaves(document, (), file):
        try:
            read = key.read(value)
        except ValueError as error:
            raise ConfigInvalid(f"{file}: {dotted(path)}: {error}") from None
        table = settings
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[key.field or path[-1]] = read
    _check_agents(document, settings, file)
    return settings


def find(path: Path) -> Key | None:
    """The known key that `path` fits."""
    return next((key for key in KEYS if _fits(path, key.path)), None)


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
    whole = [
        dotted((*key.path[:at], *path))
        for key in KEYS
        for at in range(1, len(key.path))
        if "*" not in key.path[:at] and key.path[at] == path[0] and _fits(path, key.path[at:])
    ]
    if whole:
        return whole[0]
    from difflib import get_close_matches

    known = {dotted(_named_like(key.path[: len(path)], path)) for key in KEYS}
    return next(iter(get_close_matches(dotted(path), sorted(known), n=1)), None)


def is_table(path: Path) -> bool:
    """Whether known keys stand below `path`."""
    heads = (key.path[: len(path)] for key in KEYS if len(key.path) > len(path))
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


def _leaves(table: Mapping[str, Any], above: Path, file: str) -> list[tuple[Path, Key, Any]]:
    found = []
    for part, value in table.items():
        path = (*above, part)
        key = find(path)
        is_branch = any(_fits(path, known.path[: len(path)]) for known in KEYS)
        if key is not None:
            found.append((path, key, value))
        elif not is_branch:
            raise unknown(path, file)
        elif not isinstance(value, dict):
            raise no_table(path, file)
        else:
            found += _leaves(value, path, file)
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


def _fits(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(
        known in ("*", part) for part, known in zip(path, pattern, strict=True)
    )


def _named_like(pattern: Path, path: Path) -> Path:
    """`pattern` with the names of `path` where it takes any."""
    return tuple(
        path[at] if part == "*" and at < len(path) else "NAME" if part == "*" else part
        for at, part in enumerate(pattern)
    )


def _is_bare(part: str) -> bool:
    return part.isascii() and part.replace("-", "").replace("_", "").isalnum()


def _budget(part: str, *names: str) -> list[Key]:
    """The keys of one kind of budget."""
    return [Key(("budget", part, name), values.amount(name)) for name in names]


KEYS = (
    Key(("default_agent",), values.text),
    Key(("secrets",), values.names, []),
    Key(("limits", "max_running"), values.count, 5),
    Key(("limits", "max_queue"), values.count, 20),
    Key(("limits", "max_steps"), values.count, 100),
    Key(("limits", "grace"), values.duration, "3s", "grace_s"),
    Key(("limits", "overflow"), values.overflow, "refuse"),
    Key(("limits", "max_attempts"), values.count, 3),
    Key(("limits", "max_repeats"), values.count, 3),
    Key(("limits", "reserve_cpus"), values.cpus_or_off, values.OFF),
    Key(("limits", "min_memory"), values.size, "500MiB", "min_memory_bytes"),
    Key(("limits", "disk_floor"), values.size, "256MiB", "disk_floor_bytes"),
    Key(("limits", "seats"), values.count_from_zero, 2),
    Key(("limits", "per_label", "*"), values.count),
    Key(("limits", "per_workflow", "*"), values.count),
    Key(("breaker", "threshold"), values.count, 3),
    Key(("breaker", "cooldown"), values.some_duration, "30m", "cooldown_s"),
    Key(("stats", "window"), values.some_duration, "1h", "window_s"),
    Key(("stats", "min_rate"), values.rate, 0.3),
    Key(("stats", "min_sample"), values.count, 10),
    Key(("stats", "probe_every"), values.some_duration, "5m", "probe_every_s"),
    Key(("retry", "classes"), values.classes, ["network", "spawn_failed"]),
    Key(("retry", "attempts"), values.count_from_zero, 2),
    Key(("retry", "base"), values.some_duration, "1s", "base_s"),
    Key(("retry", "max"), values.some_duration, "1m", "max_s"),
    *_budget("step", quantities.TOKENS, quantities.USD, quantities.TIME),
    *_budget("thread", *quantities.NAMES),
    *_budget("day", quantities.TOKENS, quantities.USD, quantities.STEPS, quantities.TIME),
    *_budget("reserve", quantities.TOKENS, quantities.USD),
    Key(("prompt", "history_chars"), values.count, 32_000),
    Key(("read", "chars"), values.count, 32_000),
    Key(("agents", "*", "kind"), values.kind, "command"),
    Key(("agents", "*", "command"), values.command),
    Key(("agents", "*", "timeout"), values.duration_or_off, "1h", "timeout_s"),
    Key(("agents", "*", "stall_timeout"), values.duration_or_off, values.OFF, "stall_timeout_s"),
    Key(("agents", "*", "output_limit"), values.size, "64MiB", "output_limit_bytes"),
    Key(("agents", "*", "max_running"), values.count),
    Key(("agents", "*", "env", "*"), values.string),
    Key(("overrides", "*", "*"), values.text),
)
"""In the order that `config list` shows them. A default of None: not set."""
