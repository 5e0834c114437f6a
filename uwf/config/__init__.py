"""The only reader of the environment and of `$UWF_HOME/config.toml`; all others are handed values.

Here is what every command needs: where home is, and what the file says. As records that is in `records.py`, which only
what works loads; what the file may say in `keys.py`, changing it in `edit.py`, finding secrets in `secrets.py`. How a
table is declared, by a guard for one, is in `uwf/config_table.py`.
"""

from __future__ import annotations

import os
import stat

from uwf import home as paths
from uwf.errors import ConfigInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from uwf.config.records import Config

WORKER_AGENTS, WORKER_LABELS = "UWF_WORKER_AGENTS", "UWF_WORKER_LABELS"
"""What a worker tells its runs: the agents that it runs, and its labels."""
HOME_VARIABLE, HOST_VARIABLE, CRASH_POINT = "UWF_HOME", "UWF_HOST", "UWF_CRASH_AT"
STORE_VARIABLE = "UWF_STORE"
LEASE_S = 60.0


def home(explicit: str | None = None) -> str:
    """The absolute path of the home folder: `--home`, else `UWF_HOME`, else `~/.uwf`. It need not exist."""
    if explicit == "":
        raise ConfigInvalid("--home is empty; it names a folder", hint="uwf config path --home DIR")
    return os.path.abspath(explicit or os.environ.get(HOME_VARIABLE) or usual_home())


def usual_home() -> str:
    """The home where nothing names another one."""
    return os.path.abspath(os.path.expanduser("~/.uwf"))


def host() -> str:
    """What this machine is called in a store that many share: `UWF_HOST`, else its own name."""
    import socket

    return os.environ.get(HOST_VARIABLE) or socket.gethostname()


def load(home: str) -> Config:
    """The configuration of `home` as records. ConfigInvalid names the file, the key and what is allowed there."""
    from uwf.config.records import Config

    return Config.of(read(home))


def read(home: str) -> Mapping[str, Any]:
    """What the configuration of `home` says, checked: for commands that look, which need a key or two and no records.

    ConfigInvalid as in `load`.
    """
    data = read_file(paths.config_file(home))
    if data is None:
        return {}
    from uwf.config import cache

    found = cache.read(home, data)
    if found is None:
        from uwf.config import keys

        found = keys.check(keys.parse(data, paths.config_file(home)))
        cache.write(home, data, found)
    return found


def thread_budget(settings: Mapping[str, Any]) -> Mapping[str, float]:
    """What every thread may use. A rule of the guard `Budget`, for commands that look and need no guard."""
    limits: Mapping[str, float] = settings.get("budget", {}).get("thread", {})
    return limits


def defaults() -> Config:
    """The configuration of a home without a file."""
    from uwf.config.records import Config

    return Config.of({})


def store_address(home: str, settings: Callable[[], Mapping[str, Any]]) -> str:
    """Where the store of `home` is: what UWF_STORE says, else its `settings`.

    A configuration that is not valid keeps nobody from looking into the store of the home, but where it may name
    another, in whatever form: then ConfigInvalid is raised.
    """
    named = os.environ.get(STORE_VARIABLE)
    if named:
        from uwf.store_address import read

        try:
            return read(named)
        except ValueError as error:
            raise ConfigInvalid(
                f"{STORE_VARIABLE}: {error}", hint=f"unset {STORE_VARIABLE}"
            ) from None
    try:
        return str(settings().get("store", "sqlite"))
    except ConfigInvalid:
        if not os.path.isdir(home):
            return "sqlite"  # opening that says what is there in the place of a home
        if _may_name_another(read_file(paths.config_file(home)) or b""):
            raise
        return "sqlite"


def _may_name_another(data: bytes) -> bool:
    """Whether a configuration that is not valid may be meant to name a store that is not in the home."""
    import re

    said = re.search(rb"""^\s*["']?store["']?\s*=(?!\s*["']sqlite["'])""", data, re.MULTILINE)
    return said is not None or b"postgres" in data


def lease_s(settings: Mapping[str, Any]) -> float:
    """How long a lease lasts that is not renewed, where many machines share the store."""
    return float(settings.get("lease_s", LEASE_S))


def read_file(path: str) -> bytes | None:
    """The bytes of the configuration file, None if there is none.

    ConfigInvalid for what is no file, of which the reading might never end, and for a link that leads to nothing.
    """
    try:
        with open(path, "rb", opener=_not_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigInvalid(
                    f"cannot read the configuration {path}: it is not a regular file",
                    hint=f"ls -ld {path}",
                )
            return file.read()
    except FileNotFoundError:
        if not os.path.islink(path):
            return None
        there = os.path.realpath(path)
        raise ConfigInvalid(
            f"cannot read the configuration {path}: it is a link to {there}, which is not there",
            hint=f"ls -l {path}",
        ) from None
    except OSError as error:
        raise ConfigInvalid(
            f"cannot read the configuration {path}: {error.strerror}", hint=f"ls -ld {path}"
        ) from None


def _not_waiting(path: str, flags: int) -> int:
    """Opening a pipe waits for its writer otherwise."""
    return os.open(path, flags | os.O_NONBLOCK)


def secret_variables(environ: dict[str, str], config: Config) -> frozenset[str]:
    """The names of those variables in `environ` that hold secrets."""
    from uwf.config import secrets

    return secrets.secret_variables(environ, config)


def secret_values(config: Config) -> list[tuple[str, str]]:
    """(name, value) of every secret in this process's environment and in `config`, longest value first."""
    from uwf.config import secrets

    return secrets.secret_values(os.environ, config)


COLOUR_FORCED = (
    *("FORCE_COLOR", "CLICOLOR_FORCE", "FORCE_HYPERLINK", "PY_COLORS", "MYPY_FORCE_COLOR"),
    *("CARGO_TERM_COLOR", "npm_config_color", "NPM_CONFIG_COLOR", "TTY_COMPATIBLE"),
)
"""What makes programs write colours into a pipe, where they stand between the characters of a reply."""


def environment() -> dict[str, str]:
    """A copy of this process's environment, for agents: without what forces colours, which a shell has for itself, and
    without a password in the address of the store.
    """
    found = {
        name: value
        for name, value in os.environ.items()
        if name not in (*COLOUR_FORCED, WORKER_AGENTS, WORKER_LABELS)
    }
    if STORE_VARIABLE in found:
        from uwf.store_address import without_password

        found[STORE_VARIABLE] = without_password(found[STORE_VARIABLE])
    return found


SUPERVISOR = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")
"""What a supervisor says to the daemon alone: https://www.freedesktop.org/software/systemd/man/sd_notify."""
_ALONE = (*SUPERVISOR, CRASH_POINT)


def environment_of_runs(
    agents: Sequence[str] | None = None, labels: Sequence[str] = ()
) -> dict[str, str]:
    """A copy of the environment of the daemon, for its runs: without what is for this process alone. A worker names the
    `agents` that it runs, and its `labels`.
    """
    found = {name: value for name, value in os.environ.items() if name not in _ALONE}
    if agents is None:
        return found
    return {**found, WORKER_AGENTS: ",".join(agents), WORKER_LABELS: ",".join(labels)}


def agents_of_worker() -> tuple[str, ...] | None:
    """The agents of the worker that has begun this run; None where none has."""
    named = os.environ.get(WORKER_AGENTS)
    return None if named is None else tuple(named.split(","))


def labels_of_worker() -> tuple[str, ...] | None:
    """The labels of the worker that has begun this run; None where none has, or an older one that does not say."""
    named = os.environ.get(WORKER_LABELS)
    return None if named is None else tuple(filter(None, named.split(",")))


OF_A_MACHINE = (HOST_VARIABLE, STORE_VARIABLE, "PGSERVICEFILE", "PGPASSFILE")
"""What says which machine this is, and how it reaches the store."""


def environment_of_services() -> dict[str, str]:
    """What a service needs of the environment in which it is set up: where programs are, and what this machine is.

    It stands in a file, so no password of an address is in it.
    """
    set_here = environment()
    kept = {name: set_here[name] for name in OF_A_MACHINE if set_here.get(name)}
    return {"PATH": search_path(), **kept}


def environment_of_programs() -> dict[str, str]:
    """What small programs are given that are asked: what agents are, without what is for this process alone."""
    return {name: value for name, value in environment().items() if name not in _ALONE}


def environment_of_store() -> dict[str, str]:
    """What of this process's environment says where the store is, with a password: for an uwf that it starts."""
    return {name: os.environ[name] for name in (STORE_VARIABLE,) if name in os.environ}


def notify_socket() -> str | None:
    """Where the supervisor of this process listens: a path, or an abstract name with `@` before it."""
    return os.environ.get("NOTIFY_SOCKET") or None


def watchdog_s() -> float | None:
    """Within how many seconds the supervisor wants a sign of life from this process, again and again."""
    text, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not (text.isascii() and text.isdigit()) or pid not in ("", str(os.getpid())):
        return None
    return int(text) / 1_000_000 or None


def has_user_manager() -> bool:
    """Whether a systemd of this user runs here."""
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(folder) and os.path.exists(os.path.join(folder, "systemd", "private"))


def is_debugging() -> bool:
    """Whether tracebacks are wanted: UWF_DEBUG=1."""
    return os.environ.get("UWF_DEBUG") == "1"


def crash_point() -> str:
    """The point at which a test wants this process killed, "" outside tests: see `uwf.points`."""
    return os.environ.get(CRASH_POINT, "")


def asking_shell() -> str | None:
    """The shell that asks what could come next on the command line; None when none does."""
    return os.environ.get("_UWF_COMPLETE")


def zsh_folder() -> str:
    """Where zsh looks for its files."""
    return os.environ.get("ZDOTDIR") or os.path.expanduser("~")


def user_config_folder() -> str:
    """Where programs of this user look for their files.

    A relative path is ignored: https://specifications.freedesktop.org/basedir-spec.
    """
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    return folder if os.path.isabs(folder) else os.path.expanduser("~/.config")


def fish_folder() -> str:
    """Where fish looks for its files."""
    return os.path.join(user_config_folder(), "fish")


def search_path() -> str:
    """Where this process looks for programs."""
    return os.environ.get("PATH", os.defpath)


def no_colour() -> bool:
    """https://no-color.org: any value but the empty one."""
    return bool(os.environ.get("NO_COLOR"))


def is_dumb_terminal() -> bool:
    """Whether the terminal cannot move its cursor."""
    return os.environ.get("TERM", "") in ("", "dumb")


def has_256_colours() -> bool:
    """Whether the terminal says that it has more than the colours of its theme."""
    return "256" in os.environ.get("TERM", "") or bool(os.environ.get("COLORTERM"))


def is_plain_locale() -> bool:
    """Whether this process was told to write no more than ASCII. The first of these that is set says so (POSIX, 8.2);
    where none is, as in most containers, UTF-8 is taken for granted.
    """
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next(filter(None, names), "") in ("C", "POSIX")


def pager() -> str | None:
    """The program that the reader scrolls long texts with, as a command line; None where none is named."""
    return os.environ.get("PAGER")


def local_zone() -> str:
    """The name of the time zone of this process, as it stands in TZ or else is set for the machine."""
    name = os.environ.get("TZ")
    if name is None:
        name = os.path.realpath("/etc/localtime").rpartition("zoneinfo/")[2]
    return name.lstrip(":") or "UTC"
