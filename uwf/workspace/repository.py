"""What a folder is part of: its repository, the commit and the branch that are checked out there."""

from __future__ import annotations

import os
from shlex import quote

from uwf.errors import InputError, WorkspaceError
from uwf.record import Record
from uwf.workspace.git import own_git_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.workspace.git import Git

HEADS = "refs/heads/"


class Checkout(Record):
    """A checkout of the repository whose common git folder is `common`. `top` is its topmost folder and `within` where
    the asked-for folder stands in it, "" for `top` itself. `branch` is None where HEAD is at a commit alone.
    """

    common: str
    top: str
    within: str
    head: str
    branch: str | None


class Holder(Record):
    """A checkout that has a branch; `is_busy` in the middle of a rebase of it."""

    path: str
    is_busy: bool = False


def checkout_at(git: Git) -> Checkout:
    """The checkout that git's folder is in. InputError where a worktree cannot begin there."""
    git, folder = git.looking_above(), git.folder
    answer = git.ask(
        *("rev-parse", "--is-inside-work-tree", "--is-bare-repository"),
        *("--path-format=absolute", "--git-common-dir"),
    )
    if answer.code:
        if "not a git repository" in answer.said:
            raise InputError(
                f"{folder} is in no git repository, and a worktree is one of a repository",
                hint="git init && git add -A && git commit -m begin",
                code="no_repository",
            )
        said = " ".join(answer.said.removeprefix("fatal: ").split())[:500]
        raise InputError(f"git cannot read the repository of {folder}: {said}", code="git_failed")
    inside, bare, common = answer.text.split("\n", 2)
    if inside != "true":
        what = "a bare repository" if bare == "true" else "inside of a git folder"
        raise InputError(
            f"{folder} is {what}: a thread begins in a checkout",
            hint=f"git -C {quote(common)} worktree add ../checkout",
            code="no_checkout",
        )
    top, within = git.line("rev-parse", "--show-toplevel"), git.line("rev-parse", "--show-prefix")
    head = git.commit_of("HEAD")
    if head is None:
        raise InputError(
            f"the repository at {top} has no commit yet: there is nothing that a worktree could hold",
            hint=f"git -C {quote(top)} commit --allow-empty -m begin",
            code="no_commit",
        )
    branch = git.ask("symbolic-ref", "-q", "--short", "HEAD")
    return Checkout(
        common, top, within.rstrip("/"), head, branch.text if branch.code == 0 else None
    )


def has_changes(git: Git) -> bool:
    """Whether anything in the checkout is not committed, files that git does not know included."""
    return bool(git.run("status", "--porcelain", "-z", "--ignore-submodules=none"))


def has_commits_in_submodules(git: Git) -> bool:
    """Whether a submodule of the worktree has commits that none of its remotes has: they go with the worktree."""
    own = own_git_folder(git.folder)
    if own is None or not os.path.isdir(os.path.join(own, "modules")):
        return False
    count = "git rev-list --count --all HEAD --not --remotes"
    answer = git.ask("submodule", "--quiet", "foreach", "--recursive", count)
    return answer.code != 0 or any(line.strip() != "0" for line in answer.text.splitlines())


def check_branch_name(git: Git, branch: str) -> None:
    """InputError for what cannot be the name of a branch."""
    is_name = git.ask("check-ref-format", HEADS + branch).code == 0
    if not is_name or branch.startswith("-") or branch == "HEAD" or not branch.isprintable():
        raise InputError(
            f"{branch!r} cannot be the name of a branch",
            hint="uwf thread start WORKFLOW -p TEXT --worktree fix-parser",
            code="bad_branch",
        )


def holder(git: Git, branch: str) -> Holder | None:
    """The checkout that has `branch`, also in the middle of a rebase."""
    listed = git.run("worktree", "list", "--porcelain", "-z").decode(errors="surrogateescape")
    for entry in listed.split("\0\0"):
        fields = dict(part.partition(" ")[::2] for part in entry.split("\0") if part)
        path = fields.get("worktree", "")
        if not path or "bare" in fields or "prunable" in fields:
            continue
        is_busy = _is_under_way(git, path, branch)
        if fields.get("branch") == HEADS + branch or is_busy:
            return Holder(path, is_busy)
    return None


def _is_under_way(git: Git, path: str, branch: str) -> bool:
    """Whether a rebase of `branch`, or a merge into it, has begun in the checkout and not ended."""
    if not os.path.isdir(path):
        return False
    folder = git.at(path).ask("rev-parse", "--absolute-git-dir")
    if folder.code:
        return False
    for kind in ("rebase-merge", "rebase-apply"):
        try:
            with open(os.path.join(folder.text, kind, "head-name"), errors="replace") as file:
                if file.read().strip() == HEADS + branch:
                    return True
        except OSError:
            continue
    return False


def branches(git: Git, prefix: str = "") -> list[str]:
    """The branches whose names begin so; none where there is no repository."""
    answer = git.looking_above().ask("for-each-ref", "--format=%(refname)", HEADS)
    names = (line.removeprefix(HEADS) for line in answer.text.splitlines())
    return [] if answer.code else [name for name in names if name.startswith(prefix)]


def gone(common: str) -> WorkspaceError:
    """The error for a repository that is not there any more."""
    return WorkspaceError(
        f"the repository {common} of this worktree is not there any more",
        hint=f"ls -ld {quote(common)}",
        code="no_repository",
    )
