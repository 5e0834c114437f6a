"""`[[sources]]` of config.toml, where events come from that are asked for; and of `[daemon]` whether it listens.

Secrets stand in environment variables and files, and are named here, so that the file may be shown to anybody.
"""

from __future__ import annotations

import os

from uwf.config.records import absolute_path, interval, program_line
from uwf.config_table import (
    Table,
    bare_name,
    choice,
    key,
    names,
    one_of,
    some_duration,
    text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GITHUB, GITEA, COMMAND, FILE = "github", "gitea", "command", "file"
KINDS = (GITHUB, GITEA, COMMAND, FILE)
FORGES = (GITHUB, GITEA)

GITHUB_URL = "https://api.github.com"
LEAST_EVERY_S = 5.0
RESERVED = ("spool", "endpoint", "command", "thread", "schedule")
"""What events are from that come in another way: no source is called so."""

_TOKENS = ("ghp_", "gho_", "ghs_", "ghu_", "github_pat_")
"""What tokens of GitHub begin with, which could be names as well."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _source_name(value: Any) -> str:
    name = bare_name(value)
    if name in RESERVED:
        raise ValueError(
            f"{name!r} is what events are from that come in another way; call it otherwise"
        )
    return name


def _repo(value: Any) -> str:
    owner, slash, name = text(value).partition("/")
    if not all(map(_is_repo_word, (owner, name))) or not slash:
        raise ValueError(f"{value!r} is not a repository such as octo/shop")
    return str(value)


def _is_repo_word(word: str) -> bool:
    plain = word.replace("-", "").replace("_", "").replace(".", "")
    return word.isascii() and plain.isalnum()


def _url(value: Any) -> str:
    found = text(value)
    if not found.startswith(("https://", "http://")) or any(sign in found for sign in " ?#@"):
        raise ValueError(f"{value!r} is not an address such as https://git.example.com")
    return found.rstrip("/")


def variable(value: Any) -> str:
    """The name of an environment variable."""
    name = text(value)
    is_token = name.startswith(_TOKENS) or (len(name) == 40 and name.isalnum())
    if is_token or not name.isascii() or not name.isidentifier():
        raise ValueError(
            "it is the name of an environment variable, such as GITHUB_TOKEN, not what stands in it"
        )
    return name


def _secret_names(value: Any) -> list[str]:
    for name in names(value):
        if "/" not in name:
            variable(name)
        elif not os.path.isabs(os.path.expanduser(name)):
            raise ValueError(f"{name!r} is a relative path: relative to what? ~/… and /… are not")
    return list(value)


def _event(value: Any) -> str:
    from uwf.workflow.trigger import event_name

    return event_name(value)


def _address(value: Any) -> str:
    """An address on loopback: the endpoint answers nobody from outside by itself."""
    host, _, port = text(value).rpartition(":")
    if host.strip("[]") not in _LOOPBACK:
        raise ValueError(
            f"{value!r} is not on loopback, such as 127.0.0.1:8437: what comes from outside comes through a tunnel or "
            "a proxy of yours"
        )
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise ValueError(f"{value!r} has no port, such as 127.0.0.1:8437")
    return str(value)


class Source(Table, array="sources"):
    """One place that is asked for events. A forge has a `repo`, and a `url` where that is no github.com; a command says
    JSON Lines; of a file the new lines are read. `token` is the name of a variable; `secrets` are those of its
    webhooks. Whoever is in `owners`, `collaborators` or `bots` is trusted so, whatever the forge says.

    With `event` each line of a command or a file is the data of such an event, else it is an event.
    """

    name: str = key(_source_name, needed=True)
    kind: str = key(one_of(KINDS), needed=True)
    repo: str = key(_repo, unset="")
    url: str = key(_url, unset="")
    token: str = key(variable, unset="")
    secrets: tuple[str, ...] = key(_secret_names, [])
    owners: tuple[str, ...] = key(names, [])
    collaborators: tuple[str, ...] = key(names, [])
    bots: tuple[str, ...] = key(names, [])
    command: tuple[str, ...] = key(program_line, unset=())
    path: str = key(absolute_path, unset="")
    event: str = choice(_event, "")
    every_s: float = key(interval(LEAST_EVERY_S), "1m")
    timeout_s: float = key(some_duration, "1m")

    @property
    def is_forge(self) -> bool:
        return self.kind in FORGES

    @property
    def base_url(self) -> str:
        return self.url or GITHUB_URL

    def check(self) -> None:
        needed = {GITHUB: "repo", GITEA: "repo", COMMAND: "command", FILE: "path"}[self.kind]
        if not getattr(self, needed):
            raise ValueError(f"a source of kind {self.kind} needs a {needed}")
        if self.kind == GITEA and not self.url:
            raise ValueError("a source of kind gitea needs a url, such as https://git.example.com")
        for field, kinds in _ONLY_FOR.items():
            if getattr(self, field) and self.kind not in kinds:
                raise ValueError(f"{field} is for {' and '.join(kinds)}, and this is a {self.kind}")


_ONLY_FOR = {
    **dict.fromkeys(("repo", "url", "token", "secrets"), FORGES),
    **dict.fromkeys(("owners", "collaborators", "bots"), FORGES),
    "command": (COMMAND,),
    "path": (FILE,),
    "event": (COMMAND, FILE),
}


class EndpointConfig(Table, at="daemon"):
    """Where the daemon listens; "" nowhere. `tokens` name the secrets of whoever may post events that are signed by no
    forge.
    """

    listen: str = key(_address, unset="")
    tokens: tuple[str, ...] = key(_secret_names, [])
