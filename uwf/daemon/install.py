"""Letting the system keep the daemon running: a systemd user unit, on macOS a launchd agent. Nothing is begun.

The unit ends its main process alone (`KillMode=process`; launchd: `AbandonProcessGroup`), so that runs go on while the
daemon is restarted or replaced by a newer one.
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

MARK = "Written by: uwf daemon install"
NAME = "uwf-daemon"
WATCHDOG_S = 120
STOPPING_S = 30
"""Beside its drain: how long the daemon has to end before it is killed."""


class Service(Record):
    """The file that tells a supervisor of the daemon, and the commands that begin and end it."""

    path: str
    text: str
    begin: Sequence[str]
    end: Sequence[str]


def service(home: str, drain_s: float) -> Service:
    """That of this machine for a home. A home other than the usual one has a name of its own."""
    name = NAME
    if home != config.usual_home():
        name = f"{NAME}-{_plain(os.path.basename(home))}-{_digest(home)}"
    return (
        launchd(name, home, drain_s) if sys.platform == "darwin" else systemd(name, home, drain_s)
    )


def systemd(name: str, home: str, drain_s: float) -> Service:
    """A user unit: https://www.freedesktop.org/software/systemd/man/systemd.service."""
    command = " ".join(map(_word, own_command("daemon", "run", f"--home={home}")))
    text = f"""\
# {MARK}
[Unit]
Description={_plain_line(f"uwf daemon of {home}")}
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Environment={_word(f"PATH={config.search_path()}", in_command=False)}
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2
WatchdogSec={WATCHDOG_S}
TimeoutStopSec={round(drain_s) + STOPPING_S}
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


def launchd(name: str, home: str, drain_s: float) -> Service:
    """An agent of the user: launchd.plist(5)."""
    import plistlib
    import shlex

    path = os.path.join(os.path.expanduser("~/Library/LaunchAgents"), f"{name}.plist")
    agent = {
        "Label": name,
        "ProgramArguments": own_command("daemon", "run", f"--home={home}"),
        "EnvironmentVariables": {"PATH": config.search_path()},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 5,
        "ExitTimeOut": round(drain_s) + STOPPING_S,
        "AbandonProcessGroup": True,
        "StandardErrorPath": os.path.join(paths.logs(home), "daemon.log"),
    }
    text = plistlib.dumps(agent).decode().replace("<plist", f"<!-- {MARK} -->\n<plist", 1)
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
