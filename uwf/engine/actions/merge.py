"""Bringing in what was done in a worktree: one merge at a time in a repository, on the newest base.

    what is not committed is committed -> both are merged, in the thread's worktree -> the check -> the base moves on

The base only ever moves forward, to a commit that has all of it and that was checked. A checkout of it that has changes
is left alone: then the merge is ready on the thread's branch, and the error has the command that takes it over. A
conflict, or a check that fails, is what the thread is told, and it wakes for that.
"""

from __future__ import annotations

import os
import time
from shlex import quote

from uwf import clock, points
from uwf import home as paths
from uwf.engine.actions import removal, tell
from uwf.engine.actions.removal import Removal
from uwf.engine.chain import told, wake
from uwf.engine.chain.nodes import Start
from uwf.engine.chain.tags import CANCELLED, TITLE
from uwf.engine.chain.thread import runner
from uwf.engine.chain.wake import Wake
from uwf.engine.chain.word import Word
from uwf.engine.run.worktree import worktree as trees
from uwf.engine.run.worktree import worktree_making, worktree_tags
from uwf.errors import Crowded, InputError, StateError, UwfError, WorkspaceError
from uwf.record import Record, replace
from uwf.trust import OWNER
from uwf.workspace import merging, repository, snapshot
from uwf.workspace.git import IDENTITY, Git
from uwf.workspace.merging import Advanced, Conflicts, InTheWay
from uwf.workspace.repository import HEADS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.worktree import Worktree
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.worktree.worktree import Pause

WHO = "thread merge"
MOST_TRIES = 10
"""How often the base may move on under a merge, which is done again then."""
_POLL_S = 0.1


class BroughtIn(Record):
    """The work of a thread is in the branch `onto`, at `commit`. `checkout` went along, if one had the branch.
    `was_in`: it was there before. `removal` is what became of its worktree, where its thread has ended.
    """

    thread: str
    onto: str
    commit: str
    checkout: str | None
    was_in: bool
    removal: Removal | None


def merge(
    ctx: RunContext, thread: Thread, onto: str | None, wait_s: float, pause: Pause = time.sleep
) -> BroughtIn:
    """Bring in the work of a thread whose lock the caller holds.

    Raises `StateError` for a conflict, a check that fails, a base that cannot move; `Crowded` while another merge of
    the repository goes on after `wait_s`; `WorkspaceError` where git cannot.
    """
    found = worktree_tags.of(ctx, thread)
    if found is None:
        raise StateError(
            f"thread {thread.id} has no worktree: there is nothing to bring in",
            hint="uwf thread start WORKFLOW -p TEXT --worktree",
            code="no_worktree",
        )
    branch = onto or found.onto
    if branch is None:
        raise InputError(
            f"thread {thread.id} began where no branch was checked out: which one is its work for?",
            hint=f"uwf thread merge {thread.id} --onto main",
            code="no_base",
        )
    base = Git(found.repo, ctx.environ)
    if base.commit_of(HEADS + branch) is None:
        raise StateError(
            f"there is no branch {branch} in {found.repo}; --onto names another one",
            hint=f"git -C {quote(found.repo)} branch",
            code="no_base",
        )
    deadline_s = clock.monotonic_s() + wait_s

    def wait() -> bool:
        pause(_POLL_S)
        return clock.monotonic_s() < deadline_s

    with merging.queue_of_one(found.repo, wait) as is_held:
        if not is_held:
            raise Crowded(
                f"another merge into the repository {found.repo} goes on",
                reason="merge_busy",
                hint=f"uwf thread merge {thread.id} --wait 10m",
            )
        thread = worktree_making.whole(ctx, thread, pause)
        done = _Merge(ctx, thread, replace(found, back=None, kept=None), branch, pause).run()
    return done


class _Merge:
    def __init__(
        self, ctx: RunContext, thread: Thread, found: Worktree, onto: str, pause: Pause
    ) -> None:
        self._ctx, self._thread, self._found, self._onto = ctx, thread, found, onto
        self._pause = pause
        self._git = trees.git_of(ctx, found)
        self._who = _identity(self._git)

    def run(self) -> BroughtIn:
        work = self._committed()
        checkout, was_in = None, False
        for _ in range(MOST_TRIES):
            base = self._git.commit_of(HEADS + self._onto)
            if base is None:
                raise WorkspaceError(f"branch {self._onto} has gone meanwhile", code="no_base")
            if self._git.is_ancestor(work, base):
                was_in = True
                break
            work = self._merged(base, work)
            self._check()
            self._refuse_running()
            step = merging.advance(self._git.at(self._found.repo), self._onto, base, work)
            if isinstance(step, InTheWay):
                raise StateError(
                    f"the work of thread {self._thread.id} is merged on {self._found.branch}, and {self._onto} was "
                    f"left as it is: {step.why}",
                    hint=step.hint,
                    code="base_checked_out",
                )
            if isinstance(step, Advanced):
                points.at("merge: base moved")
                checkout = step.checkout
                break
        else:
            raise Crowded(
                f"{self._onto} moved on {MOST_TRIES} times while the work was merged",
                reason="base_moves",
                hint=f"uwf thread merge {self._thread.id}",
            )
        now = worktree_tags.of(self._ctx, self._thread) or self._found
        thread = self._thread
        if now.merged != work or now.onto != self._onto:
            brought = replace(now, merged=work, onto=self._onto)
            why = f"its work is in {self._onto} at {work[:12]}"
            thread = worktree_tags.tagged(self._ctx, thread, brought, why)
        return BroughtIn(thread.id, self._onto, work, checkout, was_in, _removed(self._ctx, thread))

    def _refuse_running(self) -> None:
        """StateError where an agent works in the checkout of the base: its files do not change under it."""
        there = repository.holder(self._git, self._onto)
        folder, id = os.path.split("" if there is None else there.path)
        is_ours = bool(id) and os.path.realpath(folder) == os.path.realpath(
            paths.worktrees(self._ctx.home)
        )
        if is_ours and runner(self._ctx.store, id) is not None:
            raise StateError(
                f"{self._onto} is checked out in the worktree of thread {id}, which is running; the work of thread "
                f"{self._thread.id} is merged on {self._found.branch}",
                hint=f"uwf thread wait {id} && uwf thread merge {self._thread.id}",
                code="base_checked_out",
            )

    def _committed(self) -> str:
        """The commit with all work, that which was not committed too; the worktree is clean and on its branch then."""
        git, found = self._git, self._found
        others = merging.merged_in(git)
        kept = trees.keep(self._ctx, self._thread, "merge")
        work = kept.head
        if others or kept.tree != git.line("rev-parse", f"{kept.head}^{{tree}}"):
            message = f"{self._title()}\n\nThread: {self._thread.id}\n"
            parents = [word for each in (kept.head, *others) for word in ("-p", each)]
            words = ("commit-tree", kept.tree, *parents, "-m", message)
            work = git.run(*words, identity=self._who).decode().strip()
        tip = git.commit_of(HEADS + found.branch)
        if tip is not None and not git.is_ancestor(tip, work):
            raise StateError(
                f"branch {found.branch} has commits that its worktree, at {work[:12]}, does not have",
                hint=f"git -C {quote(found.path)} merge {quote(found.branch)}",
                code="branch_elsewhere",
            )
        snapshot.settle(git, found.branch, work)
        if others:
            git.run("merge", "--quit")
        points.at("merge: committed")
        return work

    def _merged(self, base: str, work: str) -> str:
        """The merge of both, in the worktree. The thread is told of a conflict."""
        git, branch = self._git, self._found.branch
        message = f"Merge {branch}: {self._title()}"
        came = merging.merge(git, base, work, message, self._who)
        if isinstance(came, Conflicts):
            paths = ", ".join(came.paths)
            text = (
                f"Your work on branch {branch} could not be brought into {self._onto}, which is at {base[:12]} by now: "
                f"both have changed {paths}.\n\n{came.said}\n\n"
                f"Run `git merge {self._onto}` in your worktree, solve the conflicts so that both changes keep their "
                "meaning, and commit."
            )
            raise self._told(
                f"conflicts with {self._onto} in {paths}",
                "merge_conflict",
                text,
                "a merge conflict",
            )
        if came.commit != work:
            trees.before_moving(self._ctx, self._thread, came.commit)
            git.run("read-tree", "-m", "-u", work, came.commit)
            snapshot.set_head(git, branch, came.commit)
        points.at("merge: made")
        return came.commit

    def _check(self) -> None:
        words = self._ctx.config.workspace.check_
        if not words:
            return
        try:
            trees.run_set(self._ctx, self._found, "check", words, self._pause)
        except WorkspaceError as error:
            text = (
                f"Your work was merged with the newest {self._onto} in your worktree, and the check fails there:\n\n"
                f"{error.message}\n\nMend it, and commit."
            )
            raise self._told(
                f"was not brought in: {error.message}", "check_failed", text, "a check that fails"
            ) from error

    def _told(self, what: str, code: str, text: str, why: str) -> UwfError:
        """The error, once the thread is told why, and wakes for that."""
        ctx, id = self._ctx, self._thread.id
        clean = ctx.redactor.text(text)
        hint = f"uwf thread exec {id}  # it was told"
        if self._thread.status == CANCELLED:
            hint = f"uwf thread fork {id} -p 'solve the conflicts'"
        elif not any(each.text == clean for each in told.waiting(ctx.store, id)):
            now_ms = clock.now_ms()
            wish = Wake(now_ms, wake.COLLABORATION, why, for_words=True)
            tell.tell(ctx.store, id, Word(clean, WHO, OWNER, now_ms), wish)
        return StateError(f"the work of thread {id} {what}", hint=hint, code=code)

    def _title(self) -> str:
        title = self._thread.tags.get(TITLE)
        task = Start.read(self._ctx.cache, self._thread.position.start).task.strip()
        return title or (task.splitlines() or [self._thread.id])[0][:72]


def _removed(ctx: RunContext, thread: Thread) -> Removal | None:
    """Remove its worktree, which has nothing any more that is not brought in. None while its thread may go on."""
    if removal.why_not(ctx, thread, is_merged=True) is not None:
        return None
    try:
        return removal.remove(ctx, thread)
    except (WorkspaceError, OSError) as error:
        found = worktree_tags.of(ctx, thread)
        return Removal(thread.id, "" if found is None else found.path, False, str(error))


def _identity(git: Git) -> Mapping[str, str]:
    """Who commits: the person whose git this is, where that has a name for them."""
    has_name = all(git.ask("config", f"user.{what}").code == 0 for what in ("name", "email"))
    return {} if has_name else IDENTITY
