"""The only reader of the environment and of `$UWF_HOME/config.toml`; everybody else is handed values.

Here is what every command needs: where home is, and the configuration as a value. Reading and checking the file
is in `read.py`, changing it in `edit.py`, finding secrets in `secrets.py`.
"""

from __future__ import annotations

import os

from uwf.errors import ConfigInvalid
from uwf.record import Record

HOME_VARIABLE = "UWF_HOME"


class Config(Record):
    """What config.toml says, with the defaults for what it does not say."""

    default_agent: str | None = None


def home(explicit: str | None = None) -> str:
    """The absolute path of the home folder: `--home`, else `UWF_HOME`, else `~/.uwf`. It need not exist."""
    if explicit == "":
        raise ConfigInvalid("--home is empty; it names a folder")
    path = explicit or os.environ.get(HOME_VARIABLE) or os.path.expanduser("~/.uwf")
    return os.path.abspath(path)


def load(home: str) -> Config:
    return Config()


def is_debugging() -> bool:
    """Whether tracebacks are wanted: UWF_DEBUG=1."""
    return os.environ.get("UWF_DEBUG") == "1"


def is_completing() -> bool:
    """Whether a shell asks what could come next on the command line."""
    return "_UWF_COMPLETE" in os.environ


def no_colour() -> bool:
    """https://no-color.org: any value but the empty one."""
    return bool(os.environ.get("NO_COLOR"))


def is_dumb_terminal() -> bool:
    """Whether the terminal cannot move its cursor."""
    return os.environ.get("TERM", "") in ("", "dumb")


def file_path(home: str) -> str:
    """Where the configuration file is. It need not exist."""
    return f"{home}/config.toml"
