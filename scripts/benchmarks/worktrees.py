"""Worktrees: one is made against `git worktree add`, and kept after a step against `git stash create`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from benchmarks.measure import report, seconds
from uwf.workspace import repository, snapshot, tree
from uwf.workspace.git import Git
from uwf.workspace.snapshot import FilesSnapshot
from uwf.workspace.tree import Place

MADE_TIMES, KEPT_TIMES = 1.3, 1.5
CHANGED = 10
LARGEST_BYTES = 64 << 20


def bench_worktrees(folder: Path, files: int, rounds: int) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    identity = {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    repo = folder / "repo"

    def typed(cwd: Path, *words: str) -> None:
        env = {**environ, **identity}
        subprocess.run(["git", *words], cwd=cwd, env=env, check=True, capture_output=True)

    for number in range(files):
        path = repo / f"part{number // 100}" / f"room{number % 10}" / f"file{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"value = {number}\n" * 30)
    typed(repo, "init", "-q", "-b", "main")
    typed(repo, "add", "-A")
    typed(repo, "commit", "-qm", "begin")
    print(f"\nA worktree of {files} files, {CHANGED} of them changed in a step")

    def make(name: str) -> Git:
        found = repository.checkout_at(Git(str(repo), environ))
        git = Git(str(folder / name), environ)
        tree.make(git, Place(found.common, git.folder, name), found.head, lambda: None)
        return git

    def add(name: str) -> None:
        typed(repo, "worktree", "add", "-q", "-b", name, str(folder / name))

    made: list[float] = []
    added: list[float] = []
    for round in range(rounds):
        sides = [(made, make, f"ours{round}"), (added, add, f"theirs{round}")]
        for times, begin, name in sides[:: 1 if round % 2 else -1]:  # neither is always the first
            times.append(seconds(lambda: begin(name)))  # noqa: B023  # called at once
        for name in (f"ours{round}", f"theirs{round}"):
            typed(repo, "worktree", "remove", "--force", str(folder / name))
    report("made, against git worktree add", made, added, MADE_TIMES)

    git = make("ours")
    add("theirs")
    kept: list[float] = []
    stashed: list[float] = []
    last: FilesSnapshot | None = None
    for round in range(rounds + 1):
        for number in range(CHANGED):
            path = Path(f"part{number}", f"room{number}", f"file{number * 101}.py")
            for name in ("ours", "theirs"):
                (folder / name / path).write_text(f"round {round}\n")
        before = None if last is None else last.commit

        def keep(before: str | None = before) -> None:
            nonlocal last
            last = snapshot.take(git, "T", "1", before, LARGEST_BYTES)

        kept.append(seconds(keep))
        stashed.append(seconds(lambda: typed(folder / "theirs", "stash", "create")))
    # The first of each looks at files whose times say nothing yet.
    report("kept, against git stash create", kept[1:], stashed[1:], KEPT_TIMES)
