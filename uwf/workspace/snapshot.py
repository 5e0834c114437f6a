"""The files of a worktree as a commit, and back.

A snapshot has all files that git tracks and all that it would (untracked, not ignored), as they lie there. It is made
with an index of its own, so what is staged stays as it is, and without hooks. Its parent is the commit that is checked
out, and a ref keeps both from `git gc`. Its author says that it is one.

Left out, and named, are untracked files that are too large, and repositories inside of the worktree.
"""

from __future__ import annotations

import os
import shutil
from shlex import quote

from uwf import points
from uwf.errors import WorkspaceError
from uwf.record import Record
from uwf.workspace.git import IDENTITY, own_git_folder, together
from uwf.workspace.repository import HEADS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.workspace.git import Git

AUTHOR = "uwf snapshot"
IDENTITY_OF_SNAPSHOT = {**IDENTITY, "GIT_AUTHOR_NAME": AUTHOR}
INDEX = "uwf-index"
"""The index that snapshots are made with, in git's own folder of the worktree."""

REFS = "refs/uwf/"

ALL_TIMES = 16
"""How many times as much as the largest untracked file all of them may be."""

UNDER_WAY = {
    "merge": "MERGE_HEAD",
    "cherry-pick": "CHERRY_PICK_HEAD",
    "revert": "REVERT_HEAD",
    "rebase": "rebase-merge",
    "am": "rebase-apply",
}
"""What may have begun in a worktree and not ended, by what git's own folder of it has meanwhile."""


class FilesSnapshot(Record):
    """Files as a `commit` with this `tree`, on top of the commit `head`. `left_out` are paths that are not in it."""

    commit: str
    tree: str
    head: str
    left_out: tuple[str, ...] = ()


class _Raw(Record):
    """What a commit says of itself."""

    tree: str
    parents: tuple[str, ...]
    is_snapshot: bool


def ref_of(thread: str, label: str, commit: str) -> str:
    """The ref that keeps a snapshot of `thread`."""
    return f"{REFS}{thread}/{label}-{commit[:12]}"


def take(
    git: Git,
    thread: str,
    label: str,
    before: str | None,
    largest_bytes: int,
    also: Sequence[bytes] = (),
) -> FilesSnapshot:
    """Keep the files of the worktree at git's folder under `refs/uwf/<thread>/<label>-…`.

    `before` is a commit that stands for the snapshot if nothing differs from it. Untracked files of more than
    `largest_bytes` are left out; files at the paths `also` are in it in any case. WorkspaceError where git cannot.
    """
    git_folder = _own(git)
    index = os.path.join(git_folder, INDEX)
    _copy_index(os.path.join(git_folder, "index"), index)
    there = git.with_index(index)
    differing, others, (head, old) = _looked(there, git, before)
    left_out = _left_out(git.folder, others, largest_bytes)
    changed = [*differing, *(path for path in others if path not in left_out), *also]
    if changed:
        _add(there, list(dict.fromkeys(changed)))
    tree = there.line("write-tree")
    if head is None:
        raise WorkspaceError(
            f"the worktree {git.folder} is on no commit", hint=f"git -C {quote(git.folder)} status"
        )
    name, _ = head
    kept = _is_same(old, name, tree)
    commit = (
        kept
        or there.run(
            *("commit-tree", tree, "-p", name, "-m", f"{thread} {label}"),
            identity=IDENTITY_OF_SNAPSHOT,
        )
        .decode()
        .strip()
    )
    points.at("snapshot: made")
    git.run("update-ref", ref_of(thread, label, commit), commit)
    return FilesSnapshot(
        commit, tree, name, tuple(sorted(path.decode(errors="replace") for path in left_out))
    )


def head_of(git: Git, commit: str) -> str:
    """The commit that was checked out when `commit` was made, which is itself where it is no snapshot."""
    [found] = _raw_of(git, commit)
    if found is None:
        raise WorkspaceError(
            f"commit {commit[:12]} is not in {git.folder} any more: somebody has deleted the ref that kept it",
            hint=f"git -C {quote(git.folder)} fsck --lost-found",
            code="no_commit",
        )
    name, raw = found
    return raw.parents[0] if raw.is_snapshot and raw.parents else name


def trees_of(git: Git, thread: str, *commits: str) -> set[str]:
    """The files of these commits, where they are there, and of all snapshots of `thread`, as trees."""
    found = {git.ask("rev-parse", "-q", "--verify", f"{each}^{{tree}}").text for each in commits}
    return found.union(git.line("for-each-ref", "--format=%(tree)", f"{REFS}{thread}/").split())


def in_the_way(git: Git, now: FilesSnapshot, commit: str) -> list[bytes]:
    """The paths of files that the snapshot `now` does not have and that those of `commit` would take the place of."""
    words = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", "--diff-filter=A")
    added = _split(git.run(*words, now.commit, commit))
    top = os.fsencode(git.folder)
    return [path for path in added if os.path.lexists(os.path.join(top, path))]


def put_back(git: Git, now: FilesSnapshot, commit: str, branch: str) -> None:
    """Put the files of the worktree back to those of `commit`. They are as `now` says, a snapshot taken just before.

    HEAD goes to `branch`, which goes to where it was then. Ignored files stay as they are but for those that are
    `in_the_way`.
    """
    head = head_of(git, commit)
    git_folder = _own(git)
    index = os.path.join(git_folder, INDEX)
    git.with_index(index).run("read-tree", "-m", "-u", now.commit, commit)
    points.at("snapshot: put back")
    for what, mark in UNDER_WAY.items():
        if os.path.exists(os.path.join(git_folder, mark)):
            git.ask(what, "--quit")
    set_head(git, branch, head)
    put_index(git, index, git_folder, head)


def settle(git: Git, branch: str, commit: str) -> None:
    """Let HEAD be `branch` at `commit`, which has the files of the snapshot that was taken just now: nothing is changed
    or staged then.
    """
    git_folder = _own(git)
    set_head(git, branch, commit)
    put_index(git, os.path.join(git_folder, INDEX), git_folder, commit)


def set_head(git: Git, branch: str, commit: str) -> None:
    """Let HEAD be `branch`, and that be at `commit`; no file is touched."""
    git.run("symbolic-ref", "HEAD", HEADS + branch)
    git.run("update-ref", "-m", "uwf", "HEAD", commit)


def put_index(git: Git, index: str, git_folder: str, head: str) -> None:
    """Make the file `index`, which knows the files as they lie there, the worktree's own, with nothing staged on
    `head`."""
    git.with_index(index).run("read-tree", "--reset", head)
    os.rename(index, os.path.join(git_folder, "index"))
    git.ask("update-index", "-q", "--refresh")


def _own(git: Git) -> str:
    found = own_git_folder(git.folder)
    if found is None:
        raise WorkspaceError(
            f"{git.folder} is no worktree of git any more: its file .git is gone, or leads nowhere",
            hint="uwf worktree list",
            code="no_worktree",
        )
    return found


def _copy_index(source: str, copy: str) -> None:
    """With its time: git takes a file for unchanged whose time is older than that of the index."""
    for leftover in (copy, f"{copy}.lock"):
        if os.path.exists(leftover):
            os.unlink(leftover)
    if os.path.exists(source):
        shutil.copy2(source, copy)


def _looked(
    there: Git, git: Git, before: str | None
) -> tuple[list[bytes], list[bytes], list[tuple[str, _Raw] | None]]:
    """The paths whose files differ from the index, those of files that it does not know, and the commits HEAD and
    `before`.
    """
    words = ("status", "--porcelain", "-z", "-uall", "--no-renames", "--ignore-submodules=dirty")
    said, commits = together(lambda: there.run(*words), lambda: _raw_of(git, "HEAD", before))
    differing: list[bytes] = []
    others: list[bytes] = []
    for entry in _split(said):
        (others if entry.startswith(b"??") else differing).append(entry[3:])
    return differing, others, commits


def _split(paths: bytes) -> list[bytes]:
    return paths.split(b"\0")[:-1]


def _left_out(folder: str, others: list[bytes], largest_bytes: int) -> set[bytes]:
    """Those of the untracked paths that are repositories of their own, or too large: each for itself, and the largest
    of more than all of them may be.
    """
    found, total = set[bytes](), 0
    for size, path in sorted((_size(folder, path), path) for path in others):
        if path.endswith(b"/") or size > largest_bytes or total + size > ALL_TIMES * largest_bytes:
            found.add(path)
        else:
            total += size
    return found


def _size(folder: str, path: bytes) -> int:
    try:
        return os.lstat(os.path.join(os.fsencode(folder), path)).st_size
    except OSError:
        return 0  # it has gone


def _add(git: Git, changed: list[bytes]) -> None:
    """Bring the index up to the files at these paths."""
    paths = b"\0".join(changed) + b"\0"
    words = ("update-index", "-z", "--add", "--remove", "--replace", "--stdin")
    if git.ask(*words, stdin=paths).code:
        # Behind a link that has taken the place of a folder, or gone since it was listed.
        there = {path: _is_there(os.fsencode(git.folder), path) for path in changed}
        gone = [path for path in changed if not there[path]]
        if gone:
            git.run(
                *("update-index", "-z", "--force-remove", "--stdin"),
                stdin=b"\0".join(gone) + b"\0",
            )
        left = [path for path in changed if there[path]]
        if left:
            git.run(*words, stdin=b"\0".join(left) + b"\0")


def _is_there(top: bytes, path: bytes) -> bool:
    """Whether the path leads to a file, or another repository, by folders alone."""
    above = os.path.dirname(path)
    while above:
        if os.path.islink(os.path.join(top, above)):
            return False
        above = os.path.dirname(above)
    whole = os.path.join(top, path)
    is_folder = os.path.isdir(whole) and not os.path.islink(whole)
    return os.path.lexists(os.path.join(whole, b".git") if is_folder else whole)


def _raw_of(git: Git, *names: str | None) -> list[tuple[str, _Raw] | None]:
    """Each commit with its full name; None for what there is not."""
    asked = [name for name in names if name]
    out = git.run("cat-file", "--batch", stdin="".join(f"{name}\n" for name in asked).encode())
    found: dict[str, tuple[str, _Raw] | None] = {}
    for name in asked:
        line, _, out = out.partition(b"\n")
        fields = line.decode(errors="replace").split(" ")
        if fields[-1] == "missing" or len(fields) != 3:
            found[name] = None
            continue
        size = int(fields[2])
        body, out = out[:size], out[size + 1 :]
        found[name] = (fields[0], _read(body)) if fields[1] == "commit" else None
    return [found.get(name) if name else None for name in names]


def _read(body: bytes) -> _Raw:
    header = body.partition(b"\n\n")[0].split(b"\n")
    tree, parents, is_snapshot = "", [], False
    for line in header:
        key, _, value = line.partition(b" ")
        if key == b"tree":
            tree = value.decode()
        elif key == b"parent":
            parents.append(value.decode())
        elif key == b"author":
            is_snapshot = value.startswith(AUTHOR.encode() + b" <")
    return _Raw(tree, tuple(parents), is_snapshot)


def _is_same(old: tuple[str, _Raw] | None, head: str, tree: str) -> str | None:
    """The commit that was `old`, if a snapshot of these files on `head` would say nothing else."""
    if old is None:
        return None
    name, raw = old
    if raw.is_snapshot and raw.tree == tree and raw.parents == (head,):
        return name
    return None
