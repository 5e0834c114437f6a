"""The code of a thread from one machine to another, where the store is shared by several.

It leaves with each step: pushed to the project's remote where `workspace.travel` allows that and it works, else as a
thin bundle in the store. It arrives where a run finds the thread on another machine: what the repository here lacks is
fetched or unbundled. Nothing of the thread has changed when that cannot be done: the machine it was on goes on with it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from shlex import quote

from uwf import home as paths
from uwf.display import numbers
from uwf.engine.chain import attempt as attempts
from uwf.engine.chain import carried, hosts
from uwf.engine.chain import worktree as trees
from uwf.engine.chain.carried import NewCode
from uwf.engine.chain.tags import HOST
from uwf.engine.progress import CodeNotPushed
from uwf.errors import InputError, WorkspaceError
from uwf.store import files
from uwf.workspace import carrying, repository
from uwf.workspace.git import Git
from uwf.workspace.repository import HEADS
from uwf.workspace.snapshot import head_of, ref_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from uwf.engine.chain.carried import Code
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.worktree import Worktree
    from uwf.engine.run.context import RunContext


def leaving(
    ctx: RunContext, thread: Thread, found: Worktree, snapshots: Mapping[str, str], after: str
) -> Code | NewCode:
    """The code that a step or an attempt has left in the snapshot `after`, as it goes along, with the other `snapshots`
    by their labels: that of the step before where nothing is new in it. WorkspaceError where it is too much.
    """
    git = Git(found.repo, ctx.environ)
    last = next(carried.codes_back(ctx.cache, thread.head), None)
    if last is not None and last.commit == after:
        return last
    refs = [ref_of(thread.id, label, commit) for label, commit in snapshots.items()]
    if ctx.config.workspace.pushes:
        remote = carrying.remote_of(git, found.onto)
        why = f"{found.repo} has no remote" if remote is None else None
        why = why or carrying.push(git, str(remote), refs)
        if why is None:
            return NewCode(thread.id, after, None)
        ctx.on_progress(CodeNotPushed(thread.id, ctx.redactor.text(why)))
    known = [last.commit] if last is not None and git.commit_of(last.commit) else []
    most = ctx.config.workspace.largest_bundle_bytes
    beyond = (*carrying.shared(git), *known)
    takes = carrying.size_beyond(git, after, beyond)
    if takes > most:  # less may do, for a clone that can fetch what this one has
        beyond = (*carrying.ON_REMOTES, *known)
        takes = carrying.size_beyond(git, after, beyond)
    if takes > most:
        raise WorkspaceError(
            f"what no remote has of it takes {numbers.size(takes)}, more than {numbers.size(most)} "
            "(workspace.largest_bundle)",
            code="too_large",
        )
    with _spooled(ctx) as path:
        carrying.pack_beyond(git, refs, beyond, path)
        with open(path, "rb") as file:
            return NewCode(thread.id, after, file.read())


def bring(ctx: RunContext, thread: Thread, found: Worktree, host: str) -> str:
    """The commit with the files of a thread that is on the machine `host`, once the repository here has it.

    WorkspaceError where it cannot have it, or its branch is another one here.
    """
    if not os.path.isdir(found.repo):
        above = os.path.dirname(found.named or found.repo)
        raise WorkspaceError(
            f"thread {thread.id} is on {host}, and there is no repository at {found.repo} on {ctx.host}",
            hint=f"uwf config set {quote(f'workspace.folders.{_toml(above)}')} FOLDER",
            code=hosts.NOT_HERE,
        )
    git = Git(found.repo, ctx.environ)
    left = _left_by_attempt(ctx, thread)
    last = trees.files_at(ctx.cache, thread.head, thread.head) or found.base
    commit = found.back or (None if left is None else left[1]) or last
    if found.kept is not None and found.back is None and git.commit_of(found.kept) is not None:
        commit = found.kept
    fetch(ctx, thread, found, commit, host)
    return commit


def fetch(ctx: RunContext, thread: Thread, found: Worktree, commit: str, host: str) -> None:
    """Let the repository have a commit of the chain of `thread`. WorkspaceError names the `host` that has it."""
    git = Git(found.repo, ctx.environ)
    if git.commit_of(commit) is not None:
        return
    lacking: list[Code] = []
    left = _left_by_attempt(ctx, thread)
    attempt = None if left is None else left[0]
    for code in carried.codes_back(ctx.cache, thread.head, attempt):
        if git.commit_of(code.commit) is not None:
            break
        lacking.insert(0, code)
    remote, why = carrying.remote_of(git, found.onto), None
    for pushed in {code.thread for code in lacking if code.is_pushed}:
        why = carrying.fetch_snapshots(git, remote, pushed) if remote else f"{found.repo} has none"
    why = _unbundled(ctx, git, lacking) or why
    if git.commit_of(commit) is None:
        why = carrying.fetch_all(git) or _unbundled(ctx, git, lacking) or why
    if git.commit_of(commit) is None:
        told = f": {ctx.redactor.text(why)}" if why else ""
        is_there = thread.tags.get(HOST) == host
        stays = f"uwf thread set {thread.id} --place {quote(f'host:{host}')}"
        raise WorkspaceError(
            f"commit {commit[:12]}, which has the files of thread {thread.id}, is on {host} and did not get into "
            f"{found.repo} on {ctx.host}{told}",
            hint=stays if is_there else f"git -C {quote(found.repo)} fetch --all",
            code=hosts.NOT_HERE,
        )


def _left_by_attempt(ctx: RunContext, thread: Thread) -> tuple[str, str] | None:
    """The newest attempt since the last step whose files were kept, and these."""
    pending = thread.pending
    for id in reversed(
        attempts.ended_attempts(ctx.cache, None if pending is None else pending.last_end)
    ):
        files = trees.of_step(ctx.cache.get(id).payload).get("after")
        if files is not None:
            return id, files
    return None


def _unbundled(ctx: RunContext, git: Git, lacking: list[Code]) -> str | None:
    """Take in those bundles that the repository lacks, the oldest first; why one of them could not be."""
    for code in lacking:
        if code.is_pushed or git.commit_of(code.commit) is not None:
            continue
        with _spooled(ctx) as path:
            with open(path, "wb") as file:
                file.write(carried.bytes_of(ctx.cache, code.id))
            try:
                carrying.check(git, path)
                carrying.unpack(git, code.thread, path)
            except (InputError, WorkspaceError) as error:
                return error.message.replace(path, f"the bundle of {code.commit[:12]}")
    return None


def settle_branch(ctx: RunContext, thread: Thread, found: Worktree, commit: str, host: str) -> bool:
    """Let the branch of a thread, whose worktree is not here, be where it was with the files of `commit`.

    Whether another worktree of the thread has it: that of another home which shares the repository. WorkspaceError
    where the branch is not the thread's alone.
    """
    git = Git(found.repo, ctx.environ)
    holder = repository.holder(git, found.branch)
    is_ours = holder is not None and os.path.basename(holder.path) == thread.id
    is_in_another_home = is_ours and holder is not None and holder.path != found.path
    if holder is not None and not is_ours:
        raise WorkspaceError(
            f"thread {thread.id} is on {host}, and its branch {found.branch} is checked out in {holder.path} here",
            hint=f"git -C {quote(holder.path)} switch --detach",
            code=hosts.NOT_HERE,
        )
    head, tip = head_of(git, commit), git.commit_of(HEADS + found.branch)
    if tip in (None, head):
        return is_in_another_home
    if not git.is_ancestor(str(tip), head) and not carrying.has_kept(git, thread.id, str(tip)):
        raise WorkspaceError(
            f"thread {thread.id} is on {host}, and its branch {found.branch} has commits here which it does not have "
            "there",
            hint=f"git -C {quote(found.repo)} branch -m {quote(found.branch)} {quote(found.branch)}-here",
            code=hosts.NOT_HERE,
        )
    git.run("update-ref", "-m", "uwf", HEADS + found.branch, head, str(tip))
    return is_in_another_home


@contextmanager
def _spooled(ctx: RunContext) -> Iterator[str]:
    """The path of a file in the home, for as long as this lasts."""
    path = files.start_new(os.path.join(paths.made(paths.spool(ctx.home)), "bundle"))
    try:
        yield path
    finally:
        files.discard(path)


def _toml(word: str) -> str:
    """`word` as a part of a key."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
