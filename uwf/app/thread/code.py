"""The code of threads that have worktrees, as git has it: compared, and carried to another home."""

from __future__ import annotations

import os
import time
from shlex import quote

from uwf import config as settings
from uwf.app.thread import run_context, worktrees
from uwf.engine.actions import transfer
from uwf.engine.chain import hosts
from uwf.engine.chain import thread as threads
from uwf.engine.chain import worktree as chained
from uwf.engine.chain.tags import HOST, THREADS, WORKFLOW
from uwf.engine.run import lock
from uwf.engine.run.recovery import intake
from uwf.engine.run.worktree import travel, worktree_making, worktree_tags
from uwf.engine.run.worktree import worktree as trees
from uwf.errors import InputError, StateError
from uwf.record import Record
from uwf.store import files
from uwf.workspace import carrying, repository, tree
from uwf.workspace.git import Git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

    from uwf.app.opened import OpenHome
    from uwf.engine.actions.transfer import Imported
    from uwf.store.values import Ref
    from uwf.working import OnWork

MOST_DIFF_BYTES = 8 << 20
"""Of a longer difference the beginning is told."""


class CodeDiff(Record):
    """What differs between the files of two commits, as git says it."""

    base: str
    commit: str
    text: str


def diff(home: OpenHome, one: Ref, other: Ref | None = None) -> CodeDiff | None:
    """What differs between the files at the heads of two threads, or between those that one began with and has now.

    None where they have no worktrees of one repository.
    """
    ours, theirs = _files(home, one), None if other is None else _files(home, other)
    if ours is None or (other is not None and (theirs is None or theirs[0] != ours[0])):
        return None
    repo, base, commit = ours if theirs is None else (ours[0], ours[2], theirs[2])
    return CodeDiff(base, commit, _said(repo, base, commit))


def between(home: OpenHome, ref: Ref, before: str, after: str) -> CodeDiff | None:
    """What differs between two snapshots of a thread's worktree, rid of secrets: it may be sent to others."""
    found = _files(home, ref)
    if found is None:
        return None
    return CodeDiff(before, after, home.redactor.text(_said(found[0], before, after)))


def _said(repo: str, base: str, commit: str) -> str:
    """What git says of the difference between two commits; of much the beginning, and how to see it whole."""
    words = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "-M", base, commit, "--")
    said = Git(repo, settings.environment()).run(*words)
    text = said[:MOST_DIFF_BYTES].decode(errors="replace")
    if len(said) > MOST_DIFF_BYTES:
        text += (
            f"\n… {len(said) - MOST_DIFF_BYTES} bytes more: git -C {repo} diff {base} {commit}\n"
        )
    return text


def _files(home: OpenHome, ref: Ref) -> tuple[str, str, str] | None:
    """The repository of a thread's worktree, the commit it began with, and the one with the files at its head."""
    found = chained.of(ref.tags, ref.name.removeprefix(THREADS), home.home)
    if found is None:
        return None
    found = worktree_tags.here(home.config, home.redactor, found)
    commit = chained.files_at(home.reader(), ref.id, ref.id) or found.base
    last_host = ref.tags.get(HOST)
    if last_host is not None and os.path.isdir(found.repo):
        context = run_context.of(home)
        travel.fetch(context, threads.read(context.store, ref), found, commit, last_host)
    return found.repo, found.base, commit


def export_to(home: OpenHome, id: str, path: str, code: str) -> int:
    """Export a thread into the new file `path`, and what git has of its worktree into the new file `code`."""
    with lock.hold(run_context.of(home), id) as context:
        thread = worktree_tags.placed(context, intake.recover(context, id)[0])
        found = worktree_tags.of(context, thread)
        if found is None:
            raise StateError(
                f"thread {id} has no worktree",
                hint=f"uwf thread export {id} -o {quote(path)}",
                code="no_worktree",
            )
        if hosts.away(thread.tags, context.host) is not None:
            thread = worktree_making.whole(context, thread, time.sleep)
            found = worktree_tags.of(context, thread) or found
        kept = found.kept
        if tree.is_whole(found.path):
            kept = trees.keep(context, thread, "exported").commit
        named = [*chained.commits(context.cache, thread.head), found.base]
        unfinished = os.path.abspath(files.start_new(code))
        try:
            git = Git(found.repo, context.environ)
            carrying.pack(git, id, [*named, *([kept] if kept else [])], unfinished)
            os.chmod(unfinished, files.FILE_MODE)
            if not files.publish_new(unfinished, code):
                raise InputError(
                    f"{code} is there already",
                    hint=f"uwf thread export {id} --worktree -o {quote(files.another_name(path))}",
                )
        finally:
            files.discard(unfinished)
        try:
            extra = {} if kept is None else {chained.KEPT: kept}
            return transfer.export_to(context.store, id, path, extra)
        except BaseException:
            files.discard(code)
            raise


def import_threads(
    home: OpenHome, stream: IO[bytes], name: str, cwd: str, code: str, on_work: OnWork | None
) -> Imported:
    """Take in threads, each with a worktree of the repository at `cwd`, whose code is in the file `code`."""
    checkout = repository.checkout_at(Git(cwd, settings.environment()))
    git, code = Git(checkout.common, settings.environment()), os.path.abspath(code)
    if not os.path.isfile(code):
        raise InputError(
            f"{code} is not there, which has the code of {name}",
            hint="uwf thread export THREAD --worktree -o FILE",
        )
    carrying.check(git, code)

    def in_tree(id: str, told: dict[str, str]) -> dict[str, str]:
        branch = told.get(chained.BRANCH, "")
        if chained.BASE not in told:
            raise InputError(
                f"{name} says nothing of a worktree",
                hint=f"uwf thread import {quote(name)}",
                code="no_worktree",
            )
        for named in (branch, told.get(chained.ONTO, branch)):
            repository.check_branch_name(git, named)
        chained.check_carried(told)
        if git.commit_of(repository.HEADS + branch) is not None:
            branch = chained.branch_for(told.get(WORKFLOW, ""), id)
        carrying.unpack(git, id, code)
        return chained.settled_at(told, id, home.home, checkout.common, branch)

    store = home.store(create=True)
    found = transfer.import_threads(
        store, stream, name, home.home, home.gate, in_tree=in_tree, on_work=on_work
    )
    context = run_context.of(home)
    for id in found.threads:
        worktrees.begun(home, threads.current(context.store, context.cache, id))
    return found
