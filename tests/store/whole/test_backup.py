"""A backup is whole, consistent, private, and never in place of something else."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from uwf.errors import InputError, StoreBusy, StoreError
from uwf.store.codec import Link
from uwf.store.sqlite import SqliteStore, open_store
from uwf.store.whole import backup as module
from uwf.store.whole.backup import backup
from uwf.store.whole.check import verify

if TYPE_CHECKING:
    from uwf.working import OnWork


def fill(store: SqliteStore, count: int = 20) -> None:
    for number in range(count):
        with store.transaction("test", durable=False) as tx:
            old = tx.ref("a")
            id = tx.put("k", [number, Link(old.id) if old else None, "x" * 3000])
            tx.set_ref("a", id, tags={"n": str(number)}, why="x")
            tx.set_ref("b", id, tags={"n": str(number)}, why="x")
            tx.add_entry("event", str(number), number, "new", {"number": number})


def content(store: SqliteStore) -> object:
    return (
        store.refs(),
        list(store.ids()),
        store.moves_since(0),
        store.entries("event"),
        store.stats(),
    )


def test_a_backup_is_the_store_as_it_was(disk: SqliteStore, tmp_path: Path) -> None:
    fill(disk)
    copy = tmp_path / "copy.db"
    before = content(disk)
    assert backup(disk, str(copy)) == copy.stat().st_size
    fill(disk, 3)
    other = open_store(str(copy), create=False)
    assert content(other) == before
    assert verify(other, deep=True).problems == ()
    fill(other, 2)
    other.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "home"]


@pytest.mark.parametrize("there", ["file", "folder", "dangling link"])
def test_nothing_is_overwritten(disk: SqliteStore, tmp_path: Path, there: str) -> None:
    copy = tmp_path / "copy.db"
    if there == "file":
        copy.write_text("precious")
    elif there == "folder":
        copy.mkdir()
    else:
        copy.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=f"{copy} exists"):
        backup(disk, str(copy))
    if there == "file":
        assert copy.read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "home"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    disk: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.db"
    real = module.copied

    def slowly(store: SqliteStore, temporary: str, on_work: OnWork | None) -> None:
        real(store, temporary, on_work)
        copy.write_text("precious")

    monkeypatch.setattr(module, "copied", slowly)
    with pytest.raises(InputError, match="exists"):
        backup(disk, str(copy))
    assert copy.read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "home"]


def test_a_folder_that_is_not_there_is_bad_input(disk: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        backup(disk, str(tmp_path / "nowhere" / "copy.db"))


def test_a_full_disk_leaves_nothing_behind(
    disk: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(disk)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=r"cannot create .*copy\.db: No space left on device"):
        backup(disk, str(tmp_path / "copy.db"))
    assert os.listdir(tmp_path) == ["home"]


def test_a_small_file_system_is_a_clear_error(disk: SqliteStore, tmp_path: Path) -> None:
    fill(disk, 400)
    small = tmp_path / "small"
    small.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(small)], capture_output=True
    )
    if mount.returncode:
        pytest.skip(f"cannot mount a small file system here: {mount.stderr.decode().strip()}")
    try:
        with pytest.raises(StoreError, match=r"small/copy\.db: ") as error:
            backup(disk, str(small / "copy.db"))
        assert error.value.code in ("store_full", "store_io")
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


WRITER = """
import sys
from uwf.store.sqlite import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    with store.transaction("test", durable=False) as tx:
        id = tx.put("k", [number, "x" * 3000])
        tx.set_ref("a", id, tags={"n": str(number)}, why="x")
        tx.set_ref("b", id, tags={"n": str(number)}, why="x")
"""


def test_backups_are_consistent_while_another_process_writes(
    disk: SqliteStore, path: str, tmp_path: Path
) -> None:
    fill(disk, 200)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, path],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writer.stdout and writer.stdout.readline() == "ready\n"
        seen = set()
        for number in range(5):
            copy = tmp_path / f"{number}.db"
            backup(disk, str(copy))
            other = open_store(str(copy), create=False)
            a, b = other.ref("a"), other.ref("b")
            assert a and b and (a.id, a.tags) == (b.id, b.tags)
            assert verify(other, deep=True).problems == ()
            seen.add(a.tags["n"])
            other.close()
        assert len(seen) > 1, "nothing was written meanwhile, so nothing was tested"
    finally:
        writer.kill()
        writer.wait()


def test_two_backups_are_not_made_at_a_time(disk: SqliteStore, path: str, tmp_path: Path) -> None:
    other = open_store(path, wait_s=0.05)
    with disk.alone("backup"), pytest.raises(StoreBusy, match="cannot start backup of") as refused:
        backup(other, str(tmp_path / "copy.db"))
    assert refused.value.hint == f"fuser {path}-upkeep"
    assert refused.value.message.endswith("; gave up after 0.05 s")
    assert not (tmp_path / "copy.db").exists()
    assert backup(other, str(tmp_path / "copy.db")) > 0
    other.close()
