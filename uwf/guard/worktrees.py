"""`worktree_quota`: what worktrees may take of the disk, each and all together.

Where all of them take as much as they may, no further one is made: new threads wait, those that have one go on.
"""

from __future__ import annotations

import os

from uwf import home as paths
from uwf.config_table import Table, key, size
from uwf.display import numbers
from uwf.errors import Crowded, PersonNeeded
from uwf.guard.contract import Guard, Status, StatusLine, refuse
from uwf.workspace.sizes import size_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.guard.contract import Host, Request


class WorktreeQuota(Guard):
    """Refuses a step whose worktree is too large, or for which there is no room for one."""

    name = "worktrees"

    class Rules(Table, at="workspace"):
        """How much one worktree, and all of this home, may take of the disk."""

        quota_bytes: int = key(size, "10GiB")
        total_quota_bytes: int = key(size, "50GiB")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._rules: WorktreeQuota.Rules = host.rules(WorktreeQuota.Rules)

    def enter(self, request: Request) -> None:
        if request.worktree is None:
            return
        if os.path.isdir(request.worktree):
            self._check_one(request.thread, request.worktree)
        else:
            self._check_all(request.thread)

    def _check_one(self, thread: str, path: str) -> None:
        most = self._rules.quota_bytes
        if size_bytes(path, most) > most:
            from shlex import quote  # only for a refusal

            raise refuse(
                "worktree_quota",
                f"the worktree {path} of thread {thread} takes more than {numbers.size(most)} (workspace.quota)",
                kind=PersonNeeded,
                hint=f"du -sh {quote(path)}/*",
            )

    def _check_all(self, thread: str) -> None:
        most = self._rules.total_quota_bytes
        if size_bytes(paths.worktrees(self._host.home), most) > most:
            raise refuse(
                "worktree_quota",
                f"thread {thread} waits for room for its worktree: all of them take more than {numbers.size(most)} "
                "(workspace.total_quota)",
                kind=Crowded,
                hint="uwf worktree prune",
            )

    def status(self) -> Status:
        folder = paths.worktrees(self._host.home)
        count = sum("." not in name for name in os.listdir(folder)) if os.path.isdir(folder) else 0
        most = self._rules.total_quota_bytes
        lines = (
            (StatusLine("worktrees", count, note=f"{numbers.size(most)} of disk at most"),)
            if count
            else ()
        )
        return Status(lines, {"worktrees": count})
