"""The worktree of a thread, as its tags and its chain have it. git is not asked here.

    worktree.repo      the common git folder of its repository; a thread has a worktree where this is set, and not empty
    worktree.left      the same, of a thread that was sent elsewhere: what it has left there is not lost
    worktree.branch    the branch it works on
    worktree.made      that branch was begun for it, and may go with it
    worktree.base      the commit it began with: of a fork a snapshot
    worktree.onto      the branch that its work is for, where one was checked out
    worktree.within    the folder in it that its agents work in, where that is not the topmost
    worktree.port      the first of the ports that are its own
    worktree.back      the commit that its files are to be put back to, until they are
    worktree.kept      the snapshot that its files were kept as when its folder was removed
    worktree.merged    the commit with which its work was last brought in

Its folder is not among them: it follows from the home and the thread, so that a home can be moved. Each step has
`worktree`: the snapshots `before` and `after` it, and an attempt has the one `before`.
"""

from __future__ import annotations

import os

from uwf import home as paths
from uwf.engine.chain.nodes import Position, Step
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import CWD, WORKTREE, WORKTREE_REPO
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.chain.nodes import Nodes

BRANCH, MADE = WORKTREE + "branch", WORKTREE + "made"
BASE, ONTO, WITHIN = WORKTREE + "base", WORKTREE + "onto", WORKTREE + "within"
PORT, BACK = WORKTREE + "port", WORKTREE + "back"
KEPT, MERGED = WORKTREE + "kept", WORKTREE + "merged"


class Worktree(Record):
    """See above. `path` is its folder, whether it is there or not, and `repo` its repository on this machine; `named`
    is what its tags call that, where that is another path.
    """

    path: str
    repo: str
    branch: str
    base: str
    is_made: bool = False
    onto: str | None = None
    within: str = ""
    port: int | None = None
    back: str | None = None
    kept: str | None = None
    merged: str | None = None
    named: str = ""

    @property
    def cwd(self) -> str:
        """The folder that agents work in."""
        return os.path.join(self.path, self.within) if self.within else self.path

    @property
    def tags(self) -> dict[str, str]:
        """The tags of a thread that has it, those that do not say something left out."""
        port = None if self.port is None else str(self.port)
        found = {
            WORKTREE_REPO: self.named or self.repo,
            BRANCH: self.branch,
            MADE: "1" if self.is_made else None,
            BASE: self.base,
            ONTO: self.onto,
            WITHIN: self.within,
            PORT: port,
            BACK: self.back,
            KEPT: self.kept,
            MERGED: self.merged,
            CWD: self.cwd,
        }
        return {key: tag for key, tag in found.items() if tag}


class WorktreeAsked(Record):
    """A worktree for a thread that there is not yet: where it begins, and on which branch. `branch` None: one that is
    named after the thread.
    """

    home: str
    repo: str
    base: str
    onto: str | None
    within: str
    branch: str | None
    is_made: bool

    def of(self, thread: str, workflow: str) -> Worktree:
        """That of `thread`, a run of `workflow`."""
        return Worktree(
            path=paths.worktree(self.home, thread),
            repo=self.repo,
            branch=self.branch or branch_for(workflow, thread),
            base=self.base,
            is_made=self.is_made,
            onto=self.onto,
            within=self.within,
        )


def of_fork(source: Worktree, files: str, home: str, workflow: str, thread: str) -> Worktree:
    """That of `thread`, a fork, which begins with the commit `files` of the thread that has `source`."""
    asked = WorktreeAsked(home, source.repo, files, source.onto, source.within, None, True)
    return asked.of(thread, workflow)


def of(tags: Mapping[str, str], thread: str, home: str) -> Worktree | None:
    """The worktree of `thread`, None when it has none."""
    if not tags.get(WORKTREE_REPO) or BRANCH not in tags or BASE not in tags:
        return None
    port = tags.get(PORT, "")
    return Worktree(
        path=paths.worktree(home, thread),
        repo=tags[WORKTREE_REPO],
        branch=tags[BRANCH],
        base=tags[BASE],
        is_made=MADE in tags,
        onto=tags.get(ONTO),
        within=tags.get(WITHIN, ""),
        port=int(port) if port.isdecimal() else None,
        back=tags.get(BACK),
        kept=tags.get(KEPT),
        merged=tags.get(MERGED),
    )


def without(tags: Mapping[str, str]) -> dict[str, str]:
    """`tags` of a thread without a worktree: its agents work where it was begun, until something else is said."""
    left = {key: tag for key, tag in tags.items() if not key.startswith(WORKTREE)}
    if tags.get(WORKTREE_REPO):
        left.pop(CWD, None)
    return left


def with_tags(tags: Mapping[str, str], tree: Worktree) -> dict[str, str]:
    """`tags` of a thread whose worktree is as `tree` says."""
    return {**without(tags), **tree.tags}


CARRIED = (BRANCH, BASE, ONTO, WITHIN, KEPT, MERGED)
"""What an export with its code says of a worktree. Where its repository is, each home knows for itself."""


def carried(tags: Mapping[str, str]) -> dict[str, str]:
    """`tags` as they go into an export with its code."""
    said = {key: tags[key] for key in CARRIED if key in tags}
    return {**without(tags), **said}


def check_carried(tags: Mapping[str, str]) -> None:
    """InputError for what a stranger may have written where a commit or a folder of the worktree is named."""
    for key in (BASE, KEPT, MERGED):
        name = tags.get(key, "0" * 40)
        if len(name) not in (40, 64) or not set(name) <= set("0123456789abcdef"):
            raise InputError(f"its tag {key} is the name of no commit", code="bad_bundle")
    within = tags.get(WITHIN, "")
    if os.path.isabs(within) or ".." in within.split("/"):
        raise InputError(f"its tag {WITHIN} leads out of the worktree", code="bad_bundle")


def settled_at(
    tags: Mapping[str, str], thread: str, home: str, repo: str, branch: str | None
) -> dict[str, str]:
    """`tags` that were `carried`, of a thread that gets a worktree of `repo` in this home. `branch` None: it keeps the
    name of its branch. Raises `KeyError` where they say nothing of one.
    """
    tree = Worktree(
        path=paths.worktree(home, thread),
        repo=repo,
        branch=branch or tags[BRANCH],
        base=tags[BASE],
        is_made=True,
        onto=tags.get(ONTO),
        within=tags.get(WITHIN, ""),
        kept=tags.get(KEPT),
        merged=tags.get(MERGED),
    )
    return {**without({**tags, WORKTREE_REPO: repo}), **tree.tags}


def branch_for(workflow: str, thread: str) -> str:
    """What the branch of `thread` is called where nobody has named one."""
    name = "".join(each if each.isascii() and each.isalnum() else "-" for each in workflow)
    return f"uwf/{name.strip('-').lower() or 'thread'}-{thread[-8:].lower()}"


def environment(tree: Worktree | None, ports: int) -> dict[str, str | None]:
    """What the environment of its agents and commands says of it; None for what it is not to have."""
    port = None if tree is None or tree.port is None or not ports else tree.port
    return {
        "UWF_WORKTREE": None if tree is None else tree.path,
        "UWF_BRANCH": None if tree is None else tree.branch,
        "UWF_PORT": None if port is None else str(port),
        "UWF_PORTS": None if port is None else str(ports),
    }


def of_step(payload: Mapping[str, Any]) -> Mapping[str, str | None]:
    """What a step, or an attempt, says of it: `before` and `after`; nothing where there was none."""
    found: Mapping[str, str | None] = payload.get("worktree") or {}
    return found


def files_at(nodes: Nodes, at: str, head: str) -> str | None:
    """The commit with the files as they were at the node `at` of the chain that ends with `head`.

    None where the chain says nothing of it: before the first step that has a worktree.
    """
    position = Position.read(nodes, at)
    if position.step is not None:
        return of_step(nodes.get(position.step).payload).get("after")
    first: Step | None = None
    for step in steps_back(nodes, head):
        first = step
    if first is None or first.start != position.start:
        return None
    return of_step(nodes.get(first.id).payload).get("before")


def commits(nodes: Nodes, head: str) -> list[str]:
    """All snapshots that the chain which ends with `head` names, the newest first."""
    found: dict[str, None] = {}
    for step in steps_back(nodes, head):
        said = of_step(nodes.get(step.id).payload)
        found |= dict.fromkeys(filter(None, (said.get("after"), said.get("before"))))
    return list(found)
