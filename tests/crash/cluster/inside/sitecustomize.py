"""What the harness has in every worker, daemon and run of the cluster: Python imports a module of this name first.

It notes which points a process passes, and at one that is armed it ends, freezes, or holds that process. A process of
a machine is told so by the file `arm/<machine>.<role>`, one of any by `arm/<role>`. Who comes to the point takes that
file away under a name that ends with its pid, so that one alone heeds it.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time

HELD_S = 1.0
"""How long a process is held at a point at which the database is to end."""

READY = "uwf.cli.ready"
"""What becomes a run once its worker says of which thread."""

_ROLES = {("thread", "exec"): "run", ("worker", "run"): "worker", ("daemon", "run"): "daemon"}


def _role() -> str | None:
    if READY in sys.orig_argv:
        return "run"
    pairs = itertools.pairwise(sys.orig_argv)
    return next((_ROLES[pair] for pair in pairs if pair in _ROLES), None)


def _heed(what: str) -> None:
    if what == "hold":
        time.sleep(HELD_S)
    else:
        os.kill(os.getpid(), signal.SIGKILL if what == "kill" else signal.SIGSTOP)


def _install(folder: str, role: str) -> None:
    from uwf import points

    host, passed = os.environ.get("UWF_HOST", ""), set[str]()
    orders = (f"{folder}/arm/{host}.{role}", f"{folder}/arm/{role}")

    def at(name: str) -> None:
        if not passed:
            _introduce(folder, host, role)
        if name not in passed:
            passed.add(name)
            os.close(os.open(f"{folder}/points/{role}/{name}", os.O_CREAT | os.O_WRONLY))
        for order in orders:
            try:
                with open(order) as file:
                    what, point = file.read().split(" ", 1)
                if point != name:
                    continue
                os.rename(order, f"{order}.{os.getpid()}")
            except (OSError, ValueError):
                continue
            _heed(what)

    points.at = at


def _introduce(folder: str, host: str, role: str) -> None:
    """Say which process this is, now that it is known."""
    thread = sys.argv[sys.argv.index("exec") + 1] if role == "run" else None
    line = {"pid": os.getpid(), "host": host, "role": role, "thread": thread}
    log = os.open(f"{folder}/processes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, json.dumps(line).encode() + b"\n")
    os.close(log)


_folder, _which = os.environ.get("CRASH_CLUSTER"), _role()
if _folder is not None and _which is not None:
    _install(_folder, _which)
