"""Where a client keeps its sessions, each in a file of its own: found there, and put there from another machine.

A file goes whole, from the folder of one client into that of the next, by a name that is the same in both. Seen with
Claude Code 2.1.197 and Codex 0.171.0: both go on in a session whose file came from elsewhere, also where it was cleaned
of secrets, and where another folder is worked in.
"""

from __future__ import annotations

import fnmatch
import glob
import os

from uwf.agent.protocol import SessionFile
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.protocol import Conversation


class SessionFolder(Record):
    """The folder `root`, below which the file of a session has a path of the form `pattern`, `{}` being the session."""

    root: str
    pattern: str

    def find(self, session: str) -> SessionFile | None:
        """The file of `session`; None where there is none."""
        if "/" in session:
            return None
        below = os.path.join(glob.escape(self.root), self.pattern.format(glob.escape(session)))
        path = max(glob.glob(below), default=None)
        return None if path is None else SessionFile(os.path.relpath(path, self.root), path)

    def put(self, session: str, came: Conversation) -> None:
        """Let the file of `session` be what came from another machine, in the place of an older one. Where that cannot
        be, its client finds none, and begins anew.
        """
        parts = came.name.split("/")
        is_one = fnmatch.fnmatchcase(came.name, self.pattern.format(glob.escape(session)))
        if not is_one or len(parts) != self.pattern.count("/") + 1 or ".." in parts:
            return
        path = os.path.join(self.root, came.name)
        new = f"{path}.new-{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(new, "wb", opener=_for_us_alone) as file:
                file.write(came.read())
            os.replace(new, path)
        except OSError:
            return


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
