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
    command_line,
    count,
    count_from_zero,
    duration,
    duration_or_off,
    each,
    key,
    names,
    one_of,
    size,
    some_duration,
    string,
    text,
    time_of_day,
)
from uwf.quantities import TOKENS, USD, read_amount
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self, TypeVar

    from uwf.config_table import Read

    T = TypeVar("T", bound=Table)


SHORTEST_LEASE_S = 1.0
"""It is renewed six times in its time, which has to be enough for a database that is slow to answer."""


def _kind(value: Any) -> str:
    from uwf.agent.kinds import NAMES

    if value not in NAMES:
        raise ValueError(f"{value!r} is not a kind of agent; known: {', '.join(NAMES)}")
    return str(value)


def program_line(value: Any) -> list[str]:
    """The same; a relative program would be one of whatever folder it is run in."""
    words = command_line(value)
    if "/" in words[0] and not os.path.isabs(words[0]):
        raise ValueError(f"{words[0]!r} is a relative path: a program needs its absolute path")
    return words


def _lease(value: Any) -> float:
    if duration(value) < SHORTEST_LEASE_S:
        raise ValueError(f"{value!r} is too short to be renewed in time: 1s or more")
    return duration(value)


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


def _on_limit(value: Any) -> str:
    from uwf.guard.pause import ON_LIMIT

    return str(one_of(ON_LIMIT)(value))


def _url(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise ValueError(f"{value!r} is not an address that begins with https:// or http://")
    return value


def _store(value: Any) -> str:
    from uwf.store_address import read

    return read(value)


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


def _tokens_or_off(value: Any) -> float | None:
    return None if value == OFF else read_amount(TOKENS, value)


class Limits(Table, at="limits"):
    """How many steps one command takes, how often in a row a role may reply the same to the same prompt (None: without
    end), and how long a stopped agent has before it is killed. After `no_progress` calls of the same tool with the same
    arguments, or so many tokens, without a change in its folder, an agent that says what it does is warned of, and
    ended after twice as many.
    """

    max_steps: int = key(count, 100)
    max_same: int | None = key(_some_more, 5)
    no_progress: int | None = key(_some_more, 5)
    no_progress_tokens: float | None = key(_tokens_or_off, "10M")
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


FOLDER, WORKTREE = "folder", "worktree"
REMOTE, BUNDLE = "remote", "bundle"


class WorkspaceConfig(Table, at="workspace"):
    """Where the agents of a new thread work where nothing else is said: in the folder itself, or in a worktree of its
    repository. `setup` runs once one is made, `teardown` before one is removed, `check` before work is brought in, each
    at most `timeout_s`. `ports` are as many ports as each has for itself, 0: none. Larger files that git does not know
    are in no snapshot.

    `travel` is how the code of a step gets to other machines: by the project's remote, or by bundles in the store of at
    most `largest_bundle_bytes`. Not told, that is by bundles where the store is shared. `folders` maps what a folder is
    called on other machines to what it is called here.
    """

    kind: str = key(one_of((FOLDER, WORKTREE)), FOLDER)
    setup: tuple[str, ...] = key(program_line, unset=())
    teardown: tuple[str, ...] = key(program_line, unset=())
    check_: tuple[str, ...] = key(program_line, unset=())
    timeout_s: float = key(some_duration, "30m")
    ports: int = key(count_from_zero, 10)
    largest_file_bytes: int = key(size, "64MiB")
    travel: str | None = key(one_of((REMOTE, BUNDLE, OFF)))
    largest_bundle_bytes: int = key(size, "64MiB")
    folders: Mapping[str, str] = each(absolute_path)

    @property
    def is_to_travel(self) -> bool:
        """Whether the code of steps travels though the store is not shared."""
        return self.travel in (REMOTE, BUNDLE)

    @property
    def pushes(self) -> bool:
        """Whether it may go to the project's remote."""
        return self.travel == REMOTE

    @property
    def stays(self) -> bool:
        """Whether it never travels."""
        return self.travel == OFF

    def here(self, path: str) -> str:
        """The path of what is at `path` on another machine: the longest of the `folders` that it is in says so."""
        there = {folder.rstrip("/"): here.rstrip("/") for folder, here in self.folders.items()}
        above = [folder for folder in there if f"{path}/".startswith(f"{folder}/")]
        longest = max(above, key=len, default=None)
        return path if longest is None else there[longest] + path[len(longest) :]


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


STREAMING_STALL_S = 900.0
"""How long an agent that streams may say nothing at all."""


def _off_is_zero(value: Any) -> float:
    return 0.0 if value == OFF else some_duration(value)


class AgentConfig(Table, at="agents.*"):
    """One way to run a role. A timeout of None never ends an agent; `env` is added to its environment.

    `model` and `permissions` are words of the client, `models` gives the words for models in workflow files, and `args`
    are added to the client's command line. Of the secrets in the environment it gets those that its client reads by
    itself and those named in `secrets`; a plain command all of them, unless some are named. What one kind alone can be
    told stands in the `Options` of that kind. `on_limit` says what becomes of a step once the agent's limit is reached:
    it waits, a person is asked, or the agents in `fallback` stand in for it, the first of them that has not reached its
    own. `stall_timeout_s` ends an agent that says nothing for so long, 0: never, None: not told. `linger_s` is how long
    one that has replied may be silent before its reply is taken and it is ended; 0: for ever, None: not told.
    """

    kind: str = choice(_kind, "command")
    command: tuple[str, ...] = key(command_line, unset=())
    model: str | None = key(text)
    models: Mapping[str, str] = each(text)
    permissions: str | None = key(text)
    args: tuple[str, ...] = key(command_line, unset=())
    on_limit: str = choice(_on_limit, "wait")
    fallback: tuple[str, ...] = key(names, [])
    secrets: tuple[str, ...] = key(names, unset=())
    timeout_s: float | None = key(duration_or_off, "1h")
    stall_timeout_s: float | None = key(_off_is_zero)
    linger_s: float | None = key(_off_is_zero)
    output_limit_bytes: int = key(size, "64MiB")
    max_running: int | None = key(count)
    env: Mapping[str, str] = each(string)

    @property
    def argv(self) -> tuple[str, ...]:
        """Its command, else the program of its kind; () for a kind without a process."""
        from uwf.agent.kinds import KINDS

        program = KINDS[self.kind].program
        return self.command or ((program,) if program else ())

    def stalls_s(self, *, streams: bool) -> float | None:
        """How long it may say nothing; None: for ever. Not told, that is so for one that does not stream, since a plain
        command may well be silent until it is done.
        """
        if self.stall_timeout_s is None:
            return STREAMING_STALL_S if streams else None
        return self.stall_timeout_s or None

    def lingers_s(self, *, streams: bool) -> float | None:
        """How long it may linger after its reply; None: for ever, which is so where neither it nor stalls are told."""
        if self.linger_s is None:
            return None if self.stalls_s(streams=streams) is None else STREAMING_LINGER_S
        return self.linger_s or None


class RoleConfig(Table, at="roles.*"):
    """How a role is run, of whatever workflow it is: by which agent, and what that is told otherwise for it."""

    agent: str | None = key(text)
    model: str | None = key(text)
    permissions: str | None = key(text)
    args: tuple[str, ...] = key(command_line, unset=())
    timeout_s: float | None = key(duration_or_off)
    env: Mapping[str, str] = each(string)


class Config(Table):
    """What config.toml says, with the defaults for what it does not say. Fields of its own are the keys outside all
    tables. `store` is an address (`uwf.store_address`), `lease_s` is how long a process of another machine that is not
    heard of keeps its thread, `overrides` is workflow → role → agent, `secrets` are names
    beside those that look like secrets, and `settings` is all of the file as it was read.
    """

    store: str = choice(_store, "sqlite")
    lease_s: float = key(_lease, "60s")
    default_agent: str | None = key(text)
    secrets: tuple[str, ...] = key(names, [])
    overrides: Mapping[str, Mapping[str, str]] = each(text, levels=2)
    agents: Mapping[str, AgentConfig] = NOTHING
    roles: Mapping[str, RoleConfig] = NOTHING
    limits: Limits = Limits()
    retry: RetryConfig = RetryConfig()
    prompt: PromptConfig = PromptConfig()
    read: ReadConfig = ReadConfig()
    daemon: DaemonConfig = DaemonConfig()

    alerts: AlertConfig = AlertConfig()
    backup: BackupConfig = BackupConfig()
    keep: KeepConfig = KeepConfig()
    workspace: WorkspaceConfig = WorkspaceConfig()
    settings: Mapping[str, Any] = NOTHING

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """`settings` is what `keys.check` returns, perhaps by way of the cache."""
        agents = settings.get("agents", {})
        return replace(
            super().of(settings),
            agents={name: AgentConfig.of(found) for name, found in agents.items()},
            roles={name: RoleConfig.of(found) for name, found in settings.get("roles", {}).items()},
            limits=Limits.of(settings.get("limits", {})),
            retry=RetryConfig.of(settings.get("retry", {})),
            prompt=PromptConfig.of(settings.get("prompt", {})),
            read=ReadConfig.of(settings.get("read", {})),
            daemon=DaemonConfig.of(settings.get("daemon", {})),
            alerts=AlertConfig.of(settings.get("alerts", {})),
            backup=BackupConfig.of(settings.get("backup", {})),
            keep=KeepConfig.of(settings.get("keep", {})),
            workspace=WorkspaceConfig.of(settings.get("workspace", {})),
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

    def agent(self, name: str) -> AgentConfig:
        """The settings of the agent `name`; the defaults for one that is not configured."""
        return self.agents.get(name, _ANY_AGENT)

    def agent_settings(self, name: str) -> Mapping[str, Any]:
        """What is told of the agent `name`, as it was read: its kind finds its own `Options` there."""
        found: Mapping[str, Any] = self.settings.get("agents", {}).get(name, NOTHING)
        return found

    def role(self, name: str) -> RoleConfig:
        """How the role `name` is run; as its agent is, for one of which nothing is told."""
        return self.roles.get(name, _ANY_ROLE)

    def agent_limits(self) -> dict[str, int]:
        """How many of an agent may run at once, where that is limited."""
        limits = ((name, agent.max_running) for name, agent in self.agents.items())
        return {name: most for name, most in limits if most is not None}


_ANY_AGENT, _ANY_ROLE = AgentConfig(), RoleConfig()

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
    WorkspaceConfig,
    GlanceConfig,
    QueueConfig,
    AgentConfig,
    RoleConfig,
)
"""Those that are no guard's."""
