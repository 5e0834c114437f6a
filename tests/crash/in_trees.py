"""Threads that work in worktrees: what there is before a command on one is killed, and what must be there after it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.crash import reading
from tests.crash.before import started
from tests.crash.going_on import step_on
from tests.crash.processes import Obstacle
from tests.crash.world import World
from uwf.workspace.tree import is_whole

PLANTING = "plant"
"""What an agent does that changes a file in each step."""


def repository(world: World) -> None:
    """The project is a repository with a commit, and a thread that works in it as it is."""
    (world.project / "readme").write_text("Read me.\n")
    git(world, "init", "-q", "-b", "main")
    git(world, "add", "-A")
    git(world, "-c", "user.name=Ann", "-c", "user.email=a@b", "commit", "-qm", "begin")
    started(world)


def git(world: World, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=world.project, env=world.environ(), capture_output=True, text=True
    )
    if done.returncode:
        raise Obstacle(f"git {' '.join(words)}: {done.stderr}")
    return done.stdout


def start_in_tree(world: World) -> list[str]:
    return ["thread", "start", world.workflow, "-p", "Write about crashes.", "--worktree"]


def stepped(steps: int) -> Callable[[World], None]:
    """A thread in a worktree has taken steps, in each of which a file was planted."""

    def upset(world: World) -> None:
        world.must(*start_in_tree(world))
        if steps:
            world.must("thread", "exec", "@last", "-c", str(steps), agent=PLANTING)

    return upset


def ended_in_tree(world: World) -> None:
    """It has ended, and has changed nothing."""
    world.must(*start_in_tree(world))
    world.must("thread", "cancel", "@last")


def folder(world: World) -> Path:
    with world.store() as store:
        return world.home / "worktrees" / reading.threads(store)[-1]


def has_tree(world: World) -> bool:
    return folder(world).exists()


def steps_of_last(world: World) -> int:
    with world.store() as store:
        newest = reading.threads(store)[-1]
    return sum(row["thread"] == newest for row in reading.step_rows(world))


def is_brought_in(world: World) -> bool:
    return "step-1" in git(world, "ls-tree", "--name-only", "main")


def all_whole(world: World) -> None:
    """A step is taken, and the worktree is whole."""
    step_on(world)
    if not is_whole(str(folder(world))) or git(world, "-C", str(folder(world)), "status", "-s"):
        raise Obstacle("the worktree is not whole")


def planted_is_kept(world: World) -> None:
    """The last step has both of its snapshots, which have what it has planted."""
    row = reading.step_rows(world)[-1]
    files = git(world, "ls-tree", "--name-only", row["worktree"]["after"]).split()
    if "step-1" not in files or not git(world, "cat-file", "-t", row["worktree"]["before"]):
        raise Obstacle(f"the snapshot has only {files}")


def first_step_is_back(world: World) -> None:
    """The next step finds the files as they were after the first one."""
    step_on(world)
    files = sorted(path.name for path in folder(world).glob("step-*"))
    if files != ["step-1"]:
        raise Obstacle(f"the worktree has {files}")


def git_knows_of_none(world: World) -> None:
    listed = git(world, "worktree", "list", "--porcelain").split("\n\n")
    if len([entry for entry in listed if entry.strip()]) != 1:
        raise Obstacle(f"git still knows of a worktree: {listed}")


def checkout_is_clean(world: World) -> None:
    if git(world, "status", "--short") or not (world.project / "step-1").exists():
        raise Obstacle("the checkout did not go along")
