"""The configuration as values: what every command may need. A guard's part of it are the guard's own rules."""

from __future__ import annotations

import os

from uwf.config_table import (
    NAME,
    NOTHING,
    OFF,
    Table,
    amounts,
    choice,
    count,
    count_from_zero,
    duration,
    duration_or_off,
    each,
    key,
    names,
    size,
    some_duration,
    string,
    text,
    time_of_day,
)
from uwf.quantities import TOKENS, USD
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self, TypeVar

    from uwf.config_table import Read

    T = TypeVar("T", bound=Table)


def _kind(value: Any) -> str:
    from uwf.agent.kinds import NAMES

    if value not in NAMES:
        raise ValueError(f"{value!r} is not a kind of agent; known: {', '.join(NAMES)}")
    return str(value)


def command_line(value: Any) -> list[str]:
    """A list is taken as it stands; a string is split as a shell would, and no shell is run."""
    if isinstance(value, str):
        import shlex

        try:
            value = shlex.split(value)
        except ValueError as error:
            raise ValueError(f"{value!r} cannot be split into words: {error}") from None
    if not (isinstance(value, list) and value and all(isinstance(word, str) for word in value)):
        raise ValueError(f"{value!r} is not a command: a text, or a list of texts")
    if not value[0]:
        raise ValueError("the command's first word is empty")
    return list(value)


def program_line(value: Any) -> list[str]:
    """The same; a relative program would be one of whatever folder it is run in."""
    words = command_line(value)
    if "/" in words[0] and not os.path.isabs(words[0]):
        raise ValueError(f"{words[0]!r} is a relative path: a program needs its absolute path")
    return words


def absolute_path(value: Any) -> str:
    path = os.path.expanduser(text(value))
    if not os.path.isabs(path):
        raise ValueError(f"{value!r} is a relative path: relative to what? ~/… and /… are not")
    return path


def interval(least_s: float) -> Read:
    """A reader of lengths of time that are not shorter than `least_s`."""

    def read(value: Any) -> float:
        if some_duration(value) < least_s:
            raise ValueError(f"{value!r} is too often: {least_s:g}s or more")
        return some_duration(value)

    return read


def _url(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise ValueError(f"{value!r} is not an address that begins with https:// or http://")
    return value


def _failure_classes(value: Any) -> list[str]:
    from uwf.agent.failure import CLASSES

    known = ", ".join(CLASSES)
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list of failure classes; there are {known}")
    for name in value:
        if name not in CLASSES:
            raise ValueError(f"{name!r} is no failure class; there are {known}")
    return list(value)


def _some_more(value: Any) -> int | None:
    if value == OFF:
        return None
    if count(value) < 2:
        raise ValueError(f"{value!r} would end every thread; {OFF!r} means never")
    return count(value)


class Limits(Table, at="limits"):
    """How many steps one command takes, how often in a row a role may reply the same to the same prompt (None: without
    end), and how long a stopped agent has before it is killed.
    """

    max_steps: int = key(count, 100)
    max_same: int | None = key(_some_more, 5)
    grace_s: float = key(duration, "3s")


class RetryConfig(Table, at="retry"):
    """Which failures are tried again inside a step, how often, and the first and the longest delay. By default only
    what passes by itself is: an exit code is not retried behind a person's back.
    """

    classes: tuple[str, ...] = choice(_failure_classes, ["network", "spawn_failed"])
    attempts: int = key(count_from_zero, 2)
    base_s: float = key(some_duration, "1s")
    max_s: float = key(some_duration, "1m")


class PromptConfig(Table, at="prompt"):
    """How much of the story a role gets with its prompt."""

    history_chars: int = key(count, 32_000)


class ReadConfig(Table, at="read"):
    """How much of a thread `thread read` shows."""

    chars: int = key(count, 32_000)


class DaemonConfig(Table, at="daemon"):
    """How many threads the daemon runs at once, and how long it waits for them when it is told to end."""

    jobs: int = key(count, 5)
    drain_s: float = key(duration, "30s")


class GlanceConfig(Table, at="glance"):
    """Which agent is asked about fuzzy events, None: none is; how long it may take, and what it may use each time."""

    agent: str | None = key(text)
    timeout_s: float = key(some_duration, "1m")
    budget: Mapping[str, float] = amounts(TOKENS, USD)


class QueueConfig(Table, at="queue"):
    """From how many due threads on fuzzy events have to be urgent to wake one more, and down to how many it stays
    so."""

    high_water: int = key(count, 50)
    low_water: int = key(count, 20)


class AlertConfig(Table, at="alerts"):
    """How a person is told what must be known: by a command with the text on its stdin, and by Apprise, to addresses
    that environment variables hold, which are named here. A ping lets somebody elsewhere notice our silence.
    """

    command: tuple[str, ...] = key(program_line, unset=())
    apprise: tuple[str, ...] = key(names, [])
    timeout_s: float = key(some_duration, "30s")
    ping_command: tuple[str, ...] = key(program_line, unset=())
    ping_url: str | None = key(_url)
    ping_every_s: float = key(some_duration, "5m")


def _time_of_day_or_off(value: Any) -> int | None:
    return None if value == OFF else time_of_day(value)


class KeepConfig(Table, at="keep"):
    """How long a home keeps what nothing needs any more, and how much of it at most: the log, what runs have printed,
    objects that are given up (`garbage_s`). A daemon removes the rest each day at `collect_at`, in minutes since
    midnight; None: never.
    """

    log_s: float = key(some_duration, "30d")
    log_size_bytes: int = key(size, "256MiB")
    output_s: float = key(some_duration, "14d")
    output_size_bytes: int = key(size, "256MiB")
    garbage_s: float = key(some_duration, "14d")
    collect_at: int | None = key(_time_of_day_or_off, "04:00")


class BackupConfig(Table, at="backup"):
    """How often a daemon makes a backup (None: never), in which folder (None: `backups` in the home), how many of the
    last days and weeks are kept, and how often one is restored to see that it can be.
    """

    every_s: float | None = key(duration_or_off, "24h")
    folder: str | None = key(absolute_path)
    keep_daily: int = key(count, 7)
    keep_weekly: int = key(count_from_zero, 4)
    drill_every_s: float | None = key(duration_or_off, "7d")


STREAMING_LINGER_S = 120.0
"""How long an agent that streams may be silent after its whole reply."""


def _linger(value: Any) -> float:
    return 0.0 if value == OFF else some_duration(value)


class AgentConfig(Table, at="agents.*"):
    """One way to run a role. A timeout of None never ends an agent; `env` is added to its environment.

    `stall_timeout_s` ends an agent that says nothing for so long. It is off unless told, because a plain
    command may well be silent until it is done; 15 minutes suit an agent that streams. `linger_s` is how long one that
    has replied may be silent before its reply is taken and it is ended; 0: for ever, None: not told.
    """

    kind: str = choice(_kind, "command")
    command: tuple[str, ...] = key(command_line, unset=())
    timeout_s: float | None = key(duration_or_off, "1h")
    stall_timeout_s: float | None = key(duration_or_off, OFF)
    linger_s: float | None = key(_linger)
    output_limit_bytes: int = key(size, "64MiB")
    max_running: int | None = key(count)
    env: Mapping[str, str] = each(string)

    @property
    def lingers_s(self) -> float | None:
        """How long it may linger after its reply; None: for ever. Not told, it is so for an agent that does not stream,
        which is one that has no stall timeout.
        """
        if self.linger_s is None:
            return None if self.stall_timeout_s is None else STREAMING_LINGER_S
        return self.linger_s or None


class Config(Table):
    """What config.toml says, with the defaults for what it does not say. Fields of its own are the keys outside all
    tables. `overrides` is workflow → role → agent, `secrets` are names beside those that look like secrets, and
    `settings` is all of the file as it was read.
    """

    default_agent: str | None = key(text)
    secrets: tuple[str, ...] = key(names, [])
    overrides: Mapping[str, Mapping[str, str]] = each(text, levels=2)
    agents: Mapping[str, AgentConfig] = NOTHING
    limits: Limits = Limits()
    retry: RetryConfig = RetryConfig()
    prompt: PromptConfig = PromptConfig()
    read: ReadConfig = ReadConfig()
    daemon: DaemonConfig = DaemonConfig()

    alerts: AlertConfig = AlertConfig()
    backup: BackupConfig = BackupConfig()
    keep: KeepConfig = KeepConfig()
    settings: Mapping[str, Any] = NOTHING

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """`settings` is what `keys.check` returns, perhaps by way of the cache."""
        agents = settings.get("agents", {})
        return replace(
            super().of(settings),
            agents={name: AgentConfig.of(found) for name, found in agents.items()},
            limits=Limits.of(settings.get("limits", {})),
            retry=RetryConfig.of(settings.get("retry", {})),
            prompt=PromptConfig.of(settings.get("prompt", {})),
            read=ReadConfig.of(settings.get("read", {})),
            daemon=DaemonConfig.of(settings.get("daemon", {})),
            alerts=AlertConfig.of(settings.get("alerts", {})),
            backup=BackupConfig.of(settings.get("backup", {})),
            keep=KeepConfig.of(settings.get("keep", {})),
            settings=settings,
        )

    def rules(self, of: type[T]) -> T:
        """The rules of a guard, which are its table, or its part of one."""
        return of.of(self.settings.get(of.table[0], {}))

    def elements(self, of: type[T]) -> tuple[T, ...]:
        """The elements of an array of tables in the order of the file. One without a name has its number for one."""
        found: Any = self.settings
        for part in of.table[:-1]:
            found = found.get(part, {})
        named = NAME in of.declared
        return tuple(
            of.of({NAME: name, **element} if named else element) for name, element in found.items()
        )

    @property
    def thread_budget(self) -> Mapping[str, float]:
        """What every thread may use. A rule of the guard `Budget`, for commands that look and need no guard."""
        limits: Mapping[str, float] = self.settings.get("budget", {}).get("thread", {})
        return limits

    def agent(self, name: str) -> AgentConfig:
        """The settings of the agent `name`; the defaults for one that is not configured."""
        return self.agents.get(name) or AgentConfig()

    def agent_limits(self) -> dict[str, int]:
        """How many of an agent may run at once, where that is limited."""
        limits = ((name, agent.max_running) for name, agent in self.agents.items())
        return {name: most for name, most in limits if most is not None}


TABLES: tuple[type[Table], ...] = (
    Config,
    Limits,
    RetryConfig,
    PromptConfig,
    ReadConfig,
    DaemonConfig,
    AlertConfig,
    BackupConfig,
    KeepConfig,
    GlanceConfig,
    QueueConfig,
    AgentConfig,
)
"""Those that are no guard's."""
