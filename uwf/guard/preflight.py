"""`preflight_failed`, `no_agent`: what a step needs of the machine before its agent can be started.

That its workflow can be read and its prompt renders was seen when the step was planned.
"""

from __future__ import annotations

import os

from uwf.errors import NotHere
from uwf.guard.contract import Guard, refuse
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.guard.contract import Request


class Missing(Record):
    """What is `said` of a path that is no folder, and the command that shows or cures it."""

    said: str
    hint: str


def missing_folder(path: str) -> Missing | None:
    """Why no agent can work in `path`, where it is no folder: it can be made, or something else is in its place."""
    if os.path.isdir(path):
        return None
    there = path
    while not os.path.lexists(there) and there != os.path.dirname(there):
        there = os.path.dirname(there)
    if os.path.isdir(there):
        return Missing("does not exist", _typed("mkdir -p", path))
    what = "leads nowhere" if os.path.islink(there) else "is not a folder"
    said = what if there == path else f"does not exist: {there} {what}"
    return Missing(said, _typed("ls -ld", there))


def _typed(command: str, path: str) -> str:
    import shlex  # only for a refusal

    return f"{command} {shlex.quote(path)}"


class Preflight(Guard):
    """Refuses a step whose working directory is not there, or cannot be written though its role writes."""

    name = "preflight"

    def enter(self, request: Request) -> None:
        cwd = request.cwd
        cannot = f"thread {request.thread} cannot run: its working directory {cwd}"
        if request.worktree is not None and not os.path.isdir(request.worktree):
            return  # it is made once no other guard refuses
        missing = missing_folder(cwd)
        if missing is not None:
            is_hidden = "[redacted:" in cwd
            unknown = " in this environment, which does not have the secret in its name"
            raise refuse(
                "preflight_failed",
                f"{cannot} {missing.said}{unknown if is_hidden else ''}",
                kind=NotHere,
                hint=None if is_hidden else missing.hint,
            )
        needs = os.W_OK | os.X_OK if request.writes else os.X_OK
        if not os.access(cwd, needs):
            lacks = "writable; a role that only reads may say `writes: false`"
            raise refuse(
                "preflight_failed",
                f"{cannot} is not {lacks if request.writes else 'accessible'}",
                kind=NotHere,
                hint=_typed("ls -ld", cwd),
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
                kind=NotHere,
                hint="uwf agent list",
            )
