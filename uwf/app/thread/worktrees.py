"""Worktrees of a home: those of new threads and forks, what is in them, what is brought in, what is removed.

What each changes in a store and in a repository is in `uwf.engine.actions` and `uwf.engine.run.worktree`.
"""

from __future__ import annotations

import os
import time

from uwf import config as settings
from uwf import home as paths
from uwf.app.thread import run_context
from uwf.engine.actions import merge as merging
from uwf.engine.actions import removal
from uwf.engine.actions import undo as undoing
from uwf.engine.chain import thread as threads
from uwf.engine.chain import worktree as chained
from uwf.engine.chain.tags import HISTORY, STATUS, THREADS, WORKTREE_LEFT, WORKTREE_REPO
from uwf.engine.chain.thread import runner
from uwf.engine.progress import WorktreeMade
from uwf.engine.run import lock
from uwf.engine.run.recovery import intake
from uwf.engine.run.worktree import worktree as trees
from uwf.engine.run.worktree import worktree_making, worktree_tags
from uwf.errors import Busy, InputError, StateError, UwfError, WorkspaceError
from uwf.guard.worktrees import WorktreeQuota
from uwf.record import Record
from uwf.workspace import repository, tree
from uwf.workspace.git import Git
from uwf.workspace.sizes import size_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from uwf.app.opened import OpenHome
    from uwf.engine.actions.merge import BroughtIn
    from uwf.engine.actions.removal import Removal
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.worktree import Worktree, WorktreeAsked
    from uwf.engine.progress import Progress
    from uwf.engine.run.context import RunContext

ASIDE = ".aside-"


class WorktreeRow(Record):
    """A row of `worktree list`. `state` is `running`, `changed`, `clean`, `unfinished` (it is made again when it is
    needed), `aside` (git knows nothing of it) or `unknown` (no thread of this home has it).
    """

    thread: str
    status: str | None
    path: str
    state: str
    branch: str | None
    onto: str | None
    repository: str | None
    bytes: int
    port: int | None


def asked_for(
    home: OpenHome, cwd: str, branch: str | None, *, is_needed: bool
) -> WorktreeAsked | None:
    """A worktree of the repository at `cwd`. None where there can be none, and it is not needed."""
    try:
        asked = trees.asked_for(settings.environment(), home.home, cwd, branch)
    except (InputError, WorkspaceError) as error:
        if is_needed:
            raise
        home.warn(f"it works in {cwd} itself: {error.message} (workspace.kind)")
        return None
    git = Git(cwd, settings.environment(), looks_above=True)
    if repository.has_changes(git):
        home.warn(
            f"the worktree begins at {asked.base[:12]}: what is not committed in {cwd} is not in it"
        )
    return asked


def by_config(home: OpenHome, cwd: str) -> WorktreeAsked | None:
    """The worktree of a thread that nobody types a command for; None where there can be none."""
    try:
        return trees.asked_for(settings.environment(), home.home, cwd, None)
    except (InputError, WorkspaceError):
        return None


def begun(home: OpenHome, thread: Thread) -> Thread:
    """Make the worktree of a thread that was begun just now. Where that cannot be done yet, its first step does it."""

    context = run_context.of(home, lambda event: _tell(home, event))
    try:
        with lock.hold(context, thread.id) as held:
            most = context.config.rules(WorktreeQuota.Rules).total_quota_bytes
            if size_bytes(paths.worktrees(home.home), most) > most:
                home.warn(
                    f"there is no room for the worktree of thread {thread.id}; it waits (workspace.total_quota)"
                )
                return thread
            return worktree_making.whole(held, thread, time.sleep)
    except (UwfError, OSError) as error:
        what = error.message if isinstance(error, UwfError) else str(error)
        home.warn(f"the worktree of thread {thread.id} is not made yet: {what}")
        return threads.current(context.store, context.cache, thread.id)


def _tell(home: OpenHome, event: Progress) -> None:
    if isinstance(event, WorktreeMade) and event.aside is not None:
        home.warn(f"git knew nothing of the folder at {event.path}; it is in {event.aside}")


def undo(context: RunContext, thread: Thread) -> Thread:
    """Undo, and put the files of the worktree back to those of where the thread is then."""
    found = worktree_tags.of(context, thread)
    if found is None:
        raise StateError(
            f"thread {thread.id} has no worktree whose files could go back",
            hint=f"uwf thread undo {thread.id}",
            code="no_worktree",
        )

    undone = undoing.undo(context.store, thread, trees.back_to(context, thread, found))
    return worktree_making.whole(context, undone, time.sleep)


def merge(home: OpenHome, id: str, onto: str | None, wait_s: float) -> BroughtIn:
    """Bring in the work of thread `id`."""
    with lock.hold(run_context.of(home), id, wait_s) as context:
        thread = worktree_tags.placed(context, intake.recover(context, id)[0])
        try:
            return merging.merge(context, thread, onto, wait_s)
        finally:
            home.poke_daemon()


class Worktrees:
    """What `app.worktrees` can do."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    def all(self) -> list[WorktreeRow]:
        """All worktrees of this home, those of the oldest threads first."""
        folder = paths.worktrees(self._home.home)
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return [self._row(name) for name in names if os.path.isdir(os.path.join(folder, name))]

    def prune(self, *, dry_run: bool = False) -> Iterator[Removal]:
        """Remove those that are done with; of each what became of it. A `dry_run` only says what would."""
        folder = paths.worktrees(self._home.home)
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        for id in sorted({name.partition(".")[0] for name in names}):
            found = self._pruned(id, dry_run)
            if found is not None:
                yield found
        for name in names:
            if ASIDE in name:
                path = os.path.join(folder, name)
                why = "git knew nothing of this folder; look into it, and delete it by hand"
                yield removal.Removal(name.partition(".")[0], path, False, why)

    def _pruned(self, id: str, dry_run: bool) -> Removal | None:
        path = paths.worktree(self._home.home, id)
        ref = self._home.reader().ref(THREADS + id)
        if ref is None:
            if not os.path.isdir(path):
                return None
            return removal.Removal(id, path, False, "no thread of this home has it")
        if not os.path.isdir(path) and ref.tags.get(STATUS) not in HISTORY:
            return None
        try:
            with lock.hold(run_context.of(self._home), id) as context:
                thread = worktree_tags.placed(context, intake.recover(context, id)[0])
                why = removal.why_not(context, thread)
                if why is None and not dry_run:
                    return removal.remove(context, thread)
        except Busy:
            return removal.Removal(id, path, False, "its thread is running")
        except (UwfError, OSError) as error:
            what = error.message if isinstance(error, UwfError) else str(error)
            return removal.Removal(id, path, False, what)
        if why is None:
            return removal.Removal(id, path, False, removal.CLEAN, would_go=True)
        return removal.Removal(id, path, False, why) if os.path.isdir(path) else None

    def _repo(self, found: Worktree) -> str:
        home = self._home
        return worktree_tags.here(home.config, home.redactor, found).repo

    def _row(self, name: str) -> WorktreeRow:
        id, path = name.partition(".")[0], os.path.join(paths.worktrees(self._home.home), name)
        store = self._home.reader()
        ref = store.ref(THREADS + id)
        found = None if ref is None else _any(ref.tags, id, self._home.home)
        status = None if ref is None else ref.tags.get(STATUS)
        if ASIDE in name:
            state = "aside"
        elif found is None:
            state = "unknown"
        elif runner(store, id) is not None:
            state = "running"
        elif not tree.is_whole(path):
            state = "unfinished"
        else:
            state = _state(path)
        return WorktreeRow(
            thread=id,
            status=status,
            path=path,
            state=state,
            branch=None if found is None else found.branch,
            onto=None if found is None else found.onto,
            repository=None if found is None else self._repo(found),
            bytes=size_bytes(path),
            port=None if found is None else found.port,
        )


def _any(tags: Mapping[str, str], id: str, home: str) -> Worktree | None:
    """The worktree of a thread, also one that it has left for another folder."""
    repo = tags.get(WORKTREE_REPO) or tags.get(WORKTREE_LEFT, "")
    return chained.of({**tags, WORKTREE_REPO: repo}, id, home)


def _state(path: str) -> str:
    try:
        has_changes = repository.has_changes(Git(path, settings.environment()))
    except WorkspaceError:
        return "unfinished"
    return "changed" if has_changes else "clean"
