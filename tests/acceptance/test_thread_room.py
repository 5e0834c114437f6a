"""Reading needs neither room nor locks; what writes says which of them is missing, at once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.crash import disk
from tests.helpers.project import ONE, Project, reply
from uwf.store.sqlite import open_store

pytestmark = pytest.mark.skipif(not disk.can_fail(), reason=disk.WHY_NOT)

READING = (
    ("thread", "list"),
    ("thread", "show", "ID"),
    ("thread", "read", "ID"),
    ("thread", "export", "ID", "-o", "OUT"),
    ("step", "list", "ID"),
    ("store", "verify"),
    ("store", "stats"),
    ("guard", "status"),
)
FULL = "enospc write 1+", "store.db-"
NO_LOCKS = "enolck lock 1+", "store.db"


def completed(project: Project) -> str:
    id = project.begin(ONE)
    project.step(id, project.agent(reply(note="first")))
    return id


@pytest.mark.parametrize("words", READING, ids=lambda words: "-".join(words[:2]))
@pytest.mark.parametrize("order", [FULL, NO_LOCKS], ids=["full", "no-locks"])
def test_a_store_is_read(
    project: Project, tmp_path: Path, order: tuple[str, str], words: tuple[str, ...]
) -> None:
    id = completed(project)
    given = {"ID": id, "OUT": str(tmp_path / "out.uwf")}
    project(*(given.get(word, word) for word in words), env=disk.fault(*order))


@pytest.mark.parametrize(
    "order, code", [(FULL, "store_full"), (NO_LOCKS, "store_no_locks")], ids=["full", "no-locks"]
)
def test_what_writes_is_told_what_is_missing(
    project: Project, order: tuple[str, str], code: str
) -> None:
    id = completed(project)
    began = time.monotonic()
    done = project("--json", "workflow", "add", "one.yaml", expect=1, env=disk.fault(*order))
    assert done.error["code"] == code
    assert time.monotonic() - began < 5
    assert project.show(id)["status"] == "completed"


def test_no_store_is_begun_without_locks(project: Project) -> None:
    project.file("one.yaml", ONE)
    environ = disk.fault("enolck lock 1+", "store.db")
    done = project("--json", "thread", "start", "one.yaml", "-p", "x", expect=1, env=environ)
    assert done.error["code"] == "store_no_locks"
    assert [name for name in os.listdir(project.home) if name.startswith("store")] == []


def test_the_newest_changes_are_read_too(project: Project) -> None:
    """Those that are only in the WAL that a killed process left."""
    id = completed(project)
    path = str(project.home / "store.db")
    pid = os.fork()
    if pid == 0:
        with open_store(path).transaction("test") as tx:
            tx.set_ref("@uwf/registry/late", tx.put("text", "late"), why="late")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert os.path.getsize(f"{path}-wal")
    os.unlink(f"{path}-shm")
    for order in (FULL, NO_LOCKS):
        done = project("--json", "ref", "list", env=disk.fault(*order))
        assert "@uwf/registry/late" in done.out and id in done.out
