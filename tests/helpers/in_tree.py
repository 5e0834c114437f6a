"""A rig whose threads work in worktrees of a small repository."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.helpers.rig import Rig
from uwf.agent.protocol import AgentRequest
from uwf.engine.actions import fork, removal, undo
from uwf.engine.actions import merge as merging
from uwf.engine.actions.merge import BroughtIn
from uwf.engine.actions.removal import Removal
from uwf.engine.chain import worktree as chained
from uwf.engine.run import lock
from uwf.engine.run.recovery import intake
from uwf.engine.run.worktree import worktree as trees
from uwf.engine.run.worktree import worktree_making
from uwf.record import replace
from uwf.store.protocols import Store
from uwf.store.sqlite import open_in_memory


class TreeRig(Rig):
    """Its home and its repository are its own."""

    def __init__(self, home: Path, repo: Path, store: Store | None = None) -> None:
        """`store` is that of another rig, as of another machine that shares it."""
        home.mkdir()
        super().__init__(store or open_in_memory(home=str(home)), str(home), lenient=True)
        self.repo = repo
        self.engine = replace(self.engine, environ={"PATH": os.environ["PATH"], "HOME": "/none"})

    def set(self, **workspace: Any) -> None:
        """Settings of `workspace`."""
        config = self.engine.config
        changed = replace(config, workspace=replace(config.workspace, **workspace))
        self.engine = replace(self.engine, config=changed)

    def begin(self, branch: str | None = None, within: str = "", **begin: Any) -> str:
        """A thread with a worktree that is not made yet."""
        cwd = str(self.repo / within)
        asked = trees.asked_for(self.engine.environ, self.engine.home, cwd, branch)
        return self.start(cwd=cwd, worktree=asked, **begin)

    def path(self, id: str) -> Path:
        return Path(self.engine.home) / "worktrees" / id

    def tree(self, id: str) -> chained.Worktree:
        found = trees.of(self.engine, self.thread(id))
        assert found is not None
        return found

    def holding(self, id: str, act: Callable[[], Any]) -> Any:
        with lock.hold(self.engine, id):
            intake.recover(self.engine, id)
            return act()

    def whole(self, id: str) -> None:
        self.holding(id, lambda: worktree_making.whole(self.engine, self.thread(id), time.sleep))

    def undo_with_files(self, id: str) -> None:
        def act() -> None:
            thread, tree = self.thread(id), self.tree(id)
            with_files = trees.back_to(self.engine, thread, tree)
            undo.undo(self.store, thread, with_files)
            worktree_making.whole(self.engine, self.thread(id), time.sleep)

        self.holding(id, act)

    def fork_tree(self, node: str, source: str | None = None, cwd: str | None = None) -> str:
        return fork.fork(self.store, node, source, None, cwd, self.engine.home).id

    def merge(self, id: str, onto: str | None = None) -> BroughtIn:
        found: BroughtIn = self.holding(
            id, lambda: merging.merge(self.engine, self.thread(id), onto, 0.0)
        )
        return found

    def why_not(self, id: str) -> str | None:
        return removal.why_not(self.engine, self.thread(id))

    def remove(self, id: str) -> Removal:
        found: Removal = self.holding(id, lambda: removal.remove(self.engine, self.thread(id)))
        return found


def writes(answer: str, **files: str | None) -> Callable[[AgentRequest], str]:
    """An agent that writes files, deletes those that are None, and gives an answer."""

    def act(request: AgentRequest) -> str:
        for name, text in files.items():
            path = Path(request.cwd) / name
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        return answer

    return act
