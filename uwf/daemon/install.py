"""Letting the system keep a daemon or a worker running: a systemd user unit, on macOS a launchd agent; begun by hand.

The unit ends its main process alone (`KillMode=process`; launchd: `AbandonProcessGroup`), so that runs go on while that
is restarted or replaced by a newer one.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from uwf import config
from uwf import home as paths
from uwf.app.programs import own_command
from uwf.errors import StateError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MARK = "Written by: uwf"
WATCHDOG_S = 120
STOPPING_S = 30
"""Beside its drain: how long it has to end before it is killed."""


class Supervised(Record):
    """What a supervisor keeps running: `uwf NAME run` with its `options`."""

    name: str
    options: Sequence[str]
    drain_s: float
    """For how long it waits, once it is told to end, before it ends."""
    is_reloaded: bool
    """Whether SIGHUP lets it read its configuration anew."""


class Service(Record):
    """The file that tells a supervisor of a program, and the commands that begin and end it."""

    path: str
    text: str
    begin: Sequence[str]
    end: Sequence[str]


def daemon(drain_s: float) -> Supervised:
    """The daemon of a home."""
    return Supervised("daemon", (), drain_s, is_reloaded=True)


def service(home: str, what: Supervised) -> Service:
    """That of this machine for a home. A home other than the usual one has a name of its own."""
    name = f"uwf-{what.name}"
    if home != config.usual_home():
        name += f"-{_plain(os.path.basename(home))}-{_digest(home)}"
    write_out = launchd if sys.platform == "darwin" else systemd
    return write_out(name, home, what)


def systemd(name: str, home: str, what: Supervised) -> Service:
    """A user unit: https://www.freedesktop.org/software/systemd/man/systemd.service."""
    command = " ".join(map(_word, _command(home, what)))
    variables = "".join(
        f"Environment={_word(f'{variable}={value}', in_command=False)}\n"
        for variable, value in config.environment_of_services().items()
    )
    reload = "ExecReload=/bin/kill -HUP $MAINPID\n" if what.is_reloaded else ""
    text = f"""\
# {_mark(what)}
[Unit]
Description={_plain_line(f"uwf {what.name} of {home}")}
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
ExecStart={command}
{reload}{variables}Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2
WatchdogSec={WATCHDOG_S}
TimeoutStopSec={round(what.drain_s) + STOPPING_S}
KillMode=process

[Install]
WantedBy=default.target
"""
    unit = f"{name}.service"
    return Service(
        path=os.path.join(config.user_config_folder(), "systemd", "user", unit),
        text=text,
        begin=(
            "systemctl --user daemon-reload",
            f"systemctl --user enable --now {unit}",
            "loginctl enable-linger",
        ),
        end=(f"systemctl --user disable --now {unit}", "systemctl --user daemon-reload"),
    )


def launchd(name: str, home: str, what: Supervised) -> Service:
    """An agent of the user: launchd.plist(5)."""
    import plistlib
    import shlex

    path = os.path.join(os.path.expanduser("~/Library/LaunchAgents"), f"{name}.plist")
    agent = {
        "Label": name,
        "ProgramArguments": _command(home, what),
        "EnvironmentVariables": config.environment_of_services(),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 5,
        "ExitTimeOut": round(what.drain_s) + STOPPING_S,
        "AbandonProcessGroup": True,
        "StandardErrorPath": os.path.join(paths.logs(home), f"{what.name}.log"),
    }
    text = plistlib.dumps(agent).decode().replace("<plist", f"<!-- {_mark(what)} -->\n<plist", 1)
    domain = f"gui/{os.getuid()}"
    return Service(
        path=path,
        text=text,
        begin=(f"launchctl bootstrap {domain} {shlex.quote(path)}",),
        end=(f"launchctl bootout {domain}/{name}",),
    )


def write(service: Service) -> None:
    """Write the file, in place of one that an earlier uwf has written. Raises `StateError` for anybody else's."""
    _refuse_others(service.path)
    os.makedirs(os.path.dirname(service.path), exist_ok=True)
    temporary = f"{service.path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(service.text)
    os.replace(temporary, service.path)


def remove(service: Service) -> bool:
    """Take the file away, and the link by which systemd begins it. False where there is none."""
    if not os.path.lexists(service.path):
        return False
    _refuse_others(service.path)
    folder, name = os.path.split(service.path)
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, "default.target.wants", name))
    os.unlink(service.path)
    return True


def _command(home: str, what: Supervised) -> list[str]:
    return own_command(what.name, "run", *what.options, f"--home={home}")


def _mark(what: Supervised) -> str:
    return f"{MARK} {what.name} install"


def _refuse_others(path: str) -> None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            is_ours = MARK in file.read(4096)
    except FileNotFoundError:
        return
    if not is_ours:
        raise StateError(
            f"{path} is there already, and was not written by uwf",
            hint=f"cat {path}",
            code="exists",
        )


def _word(text: str, *, in_command: bool = True) -> str:
    """A word of a unit file: no specifier, no variable and no escape is read in it."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{text.replace("$", "$$") if in_command else text}"'


def _plain_line(text: str) -> str:
    return " ".join(text.replace("%", "%%").replace("\\", "/").split())


def _plain(name: str) -> str:
    """What may stand in the name of a unit."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in name).strip("-")


def _digest(home: str) -> str:
    from hashlib import blake2b

    return blake2b(os.fsencode(home), digest_size=3).hexdigest()
