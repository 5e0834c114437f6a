"""`preflight_failed`, `no_agent`: what a step needs of the machine before its agent can be started.

That its workflow can be read and its prompt renders was seen when the step was planned.
"""

from __future__ import annotations

import os

from uwf.errors import PersonNeeded
from uwf.guard.contract import Guard, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.guard.contract import Request


class Preflight(Guard):
    """Refuses a step whose working directory is not there, or cannot be written though its role writes."""

    name = "preflight"

    def enter(self, request: Request) -> None:
        cwd = request.cwd
        cannot = f"thread {request.thread} cannot run: its working directory {cwd}"
        if not os.path.isdir(cwd):
            is_hidden = "[redacted:" in cwd
            unknown = " in this environment, which does not have the secret in its name"
            raise refuse(
                "preflight_failed",
                f"{cannot} does not exist{unknown if is_hidden else ''}",
                kind=PersonNeeded,
                hint=None if is_hidden else f"mkdir -p {cwd}",
            )
        needs = os.W_OK | os.X_OK if request.writes else os.X_OK
        if not os.access(cwd, needs):
            lacks = "writable; a role that only reads may say `writes: false`"
            raise refuse(
                "preflight_failed",
                f"{cannot} is not {lacks if request.writes else 'accessible'}",
                kind=PersonNeeded,
                hint=f"ls -ld {cwd}",
            )


class Startable(Guard):
    """Refuses a step whose agent cannot be started."""

    name = "agent"

    def enter(self, request: Request) -> None:
        reason = request.unavailable()
        if reason is not None:
            raise refuse(
                "no_agent",
                f"agent {request.agent} cannot run: {reason}",
                kind=PersonNeeded,
                hint="uwf agent list",
            )
