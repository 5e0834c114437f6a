"""The only reader of the environment and of `$UWF_HOME/config.toml`; everybody else is handed values.

Here is what every command needs: where home is, and the configuration as a value. What the file may say is in
`schema.py`, changing it in `edit.py`, finding secrets in `secrets.py`.
"""

from __future__ import annotations

import os

from uwf import home as paths
from uwf.errors import ConfigInvalid
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

HOME_VARIABLE = "UWF_HOME"


class AgentConfig(Record):
    """One way to run a role. A timeout of None never ends an agent; `env` is added to its environment.

    `stall_timeout_s` ends an agent that says nothing for so long. It is off unless told, because a plain
    command may well be silent until it is done; 15 minutes suit an agent that streams.
    """

    kind: str = "command"
    command: tuple[str, ...] = ()
    timeout_s: float | None = 3600.0
    stall_timeout_s: float | None = None
    output_limit_bytes: int = 64 << 20
    max_running: int | None = None
    env: tuple[tuple[str, str], ...] = ()


class Limits(Record):
    """What one machine may be asked for, and how long a stopped agent has before it is killed.

    `per_label` has the most agents at once for each value of a label, `per_workflow` for each workflow.
    `max_attempts` are tries in a row at one step, `max_repeats` the same failure in a thread's life, before a
    person has to add something. The last four are what the machine must have left: `min_memory_bytes` for an
    agent of which nothing is known yet, `seats` places for people.
    """

    max_running: int = 5
    max_queue: int = 20
    max_steps: int = 100
    grace_s: float = 3.0
    per_label: tuple[tuple[str, int], ...] = ()
    per_workflow: tuple[tuple[str, int], ...] = ()
    overflow: str = "refuse"
    max_attempts: int = 3
    max_repeats: int = 3
    reserve_cpus: float | None = None
    min_memory_bytes: int = 500 << 20
    disk_floor_bytes: int = 256 << 20
    seats: int = 2


class BreakerConfig(Record):
    """After how many failures in a row an agent is left alone, and for how long."""

    threshold: int = 3
    cooldown_s: float = 1800.0


class StatsConfig(Record):
    """The window over which success is measured, and the rate below which nothing but probes is begun."""

    window_s: float = 3600.0
    min_rate: float = 0.3
    min_sample: int = 10
    probe_every_s: float = 300.0


class RetryConfig(Record):
    """Which failures are tried again inside a step, how often, and the first and the longest delay."""

    classes: tuple[str, ...] = ("network", "spawn_failed")
    attempts: int = 2
    base_s: float = 1.0
    max_s: float = 60.0


class BudgetConfig(Record):
    """Limits by name (see `uwf.quantities`): of a step, of a thread's whole life, of the machine in a day, what must
    be left for a step to begin.
    """

    step: Mapping[str, float]
    thread: Mapping[str, float]
    day: Mapping[str, float]
    reserve: Mapping[str, float]


class PromptConfig(Record):
    """How much of the story a role gets with its prompt."""

    history_chars: int = 32_000


class ReadConfig(Record):
    """How much of a thread `thread read` shows."""

    chars: int = 32_000


class Config(Record):
    """What config.toml says, with the defaults for what it does not say.

    `overrides` is workflow name → role → agent name; `secrets` are names beside those that look like secrets.
    """

    default_agent: str | None
    agents: Mapping[str, AgentConfig]
    limits: Limits
    overrides: Mapping[str, Mapping[str, str]]
    prompt: PromptConfig
    read: ReadConfig
    secrets: tuple[str, ...]
    breaker: BreakerConfig = BreakerConfig()
    stats: StatsConfig = StatsConfig()
    retry: RetryConfig = RetryConfig()
    budget: BudgetConfig = BudgetConfig({}, {}, {}, {})

    def rules(self, of: type[Any]) -> Any:
        """The rules of a guard."""
        tables = {"Breaker": self.breaker, "SuccessRate": self.stats, "Budget": self.budget}
        table: Any = tables.get(of.__qualname__.partition(".")[0], self.limits)
        found = {name: getattr(table, name) for name in of._fields}
        for name in found.keys() & {"per_label", "per_workflow"}:
            found[name] = dict(found[name])
        return of(**found)

    def agent_limits(self) -> dict[str, int]:
        """How many of an agent may run at once, where that is limited."""
        limits = ((name, agent.max_running) for name, agent in self.agents.items())
        return {name: most for name, most in limits if most is not None}

    def agent(self, name: str) -> AgentConfig:
        """The settings of the agent `name`; the defaults for one that is not configured."""
        return self.agents.get(name) or AgentConfig()


def home(explicit: str | None = None) -> str:
    """The absolute path of the home folder: `--home`, else `UWF_HOME`, else `~/.uwf`. It need not exist."""
    if explicit == "":
        raise ConfigInvalid("--home is empty; it names a folder")
    path = explicit or os.environ.get(HOME_VARIABLE) or os.path.expanduser("~/.uwf")
    return os.path.abspath(path)


def load(home: str) -> Config:
    """The configuration of `home`. ConfigInvalid names the file, the key and what is allowed there."""
    data = read_file(paths.config_file(home))
    if data is None:
        return defaults()
    from uwf.config import cache

    settings = cache.read(home, data)
    if settings is None:
        from uwf.config import schema

        settings = schema.check(
            schema.parse(data, paths.config_file(home)), paths.config_file(home)
        )
        cache.write(home, data, settings)
    return _config(settings)


def defaults() -> Config:
    """The configuration of a home without a file."""
    return _config({})


def read_file(path: str) -> bytes | None:
    """The bytes of the configuration file, None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigInvalid(f"cannot read the configuration {path}: {error.strerror}") from None


def _config(settings: Mapping[str, Any]) -> Config:
    """`settings` is what `schema.check` returns, perhaps by way of the cache."""
    agents = {}
    for name, fields in settings.get("agents", {}).items():
        command = tuple(fields.get("command", ()))
        env = tuple(fields.get("env", {}).items())
        agents[name] = AgentConfig(**{**fields, "command": command, "env": env})
    limits, retry, budget = (settings.get(part, {}) for part in ("limits", "retry", "budget"))
    pools = {name: tuple(limits.get(name, {}).items()) for name in ("per_label", "per_workflow")}
    classes = tuple(retry.get("classes", RetryConfig().classes))
    return Config(
        default_agent=settings.get("default_agent"),
        agents=agents,
        limits=Limits(**{**limits, **pools}),
        overrides=settings.get("overrides", {}),
        prompt=PromptConfig(**settings.get("prompt", {})),
        read=ReadConfig(**settings.get("read", {})),
        secrets=tuple(settings.get("secrets", ())),
        breaker=BreakerConfig(**settings.get("breaker", {})),
        stats=StatsConfig(**settings.get("stats", {})),
        retry=RetryConfig(**{**retry, "classes": classes}),
        budget=BudgetConfig(*(budget.get(part, {}) for part in BudgetConfig._fields)),
    )


def secret_values(config: Config) -> list[tuple[str, str]]:
    """(name, value) of every secret in this process's environment and in `config`, longest value first."""
    from uwf.config import secrets

    return secrets.secret_values(os.environ, config)


def environment() -> dict[str, str]:
    """A copy of this process's environment, for agents."""
    return dict(os.environ)


def is_debugging() -> bool:
    """Whether tracebacks are wanted: UWF_DEBUG=1."""
    return os.environ.get("UWF_DEBUG") == "1"


def crash_point() -> str:
    """The point at which a test wants this process killed, "" outside tests: see `uwf.points`."""
    return os.environ.get("UWF_CRASH_AT", "")


def asking_shell() -> str | None:
    """The shell that asks what could come next on the command line; None when none does."""
    return os.environ.get("_UWF_COMPLETE")


def zsh_folder() -> str:
    """Where zsh looks for its files."""
    return os.environ.get("ZDOTDIR") or os.path.expanduser("~")


def fish_folder() -> str:
    """Where fish looks for its files.

    A relative path is ignored: https://specifications.freedesktop.org/basedir-spec.
    """
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    return os.path.join(
        folder if os.path.isabs(folder) else os.path.expanduser("~/.config"), "fish"
    )


def no_colour() -> bool:
    """https://no-color.org: any value but the empty one."""
    return bool(os.environ.get("NO_COLOR"))


def is_dumb_terminal() -> bool:
    """Whether the terminal cannot move its cursor."""
    return os.environ.get("TERM", "") in ("", "dumb")
