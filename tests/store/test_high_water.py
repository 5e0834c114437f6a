"""What was committed and is gone is noticed, also where SQLite itself notices nothing."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from uwf.errors import StoreUnreadable
from uwf.store.sqlite import SqliteStore, high_water, open_store
from uwf.store.whole.backup import backup


def move(store: SqliteStore, text: str, *, durable: bool = True) -> None:
    with store.transaction("test", durable=durable) as tx:
        tx.set_ref("@uwf/thread/x", tx.put("text", text), why=text)


def killed(store: SqliteStore, folder: Path) -> str:
    """The files of an open store as a killed process leaves them; the path of the copy."""
    shutil.copytree(os.path.dirname(store.place), folder)
    return str(folder / os.path.basename(store.place))


def noted(path: str) -> int:
    read = high_water.read(path)
    return 0 if read is None else read[1]


@pytest.mark.parametrize("left_bytes", [0, 20, 5000])
def test_a_store_whose_wal_was_cut_off_is_refused(
    disk: SqliteStore, tmp_path: Path, left_bytes: int
) -> None:
    for text in "abcde":
        move(disk, text)
    path = killed(disk, tmp_path / "copy")
    os.truncate(f"{path}-wal", left_bytes)
    for _ in range(2):  # also when an earlier command has opened it and SQLite has tidied up
        with pytest.raises(StoreUnreadable, match="has lost what was written last") as refused:
            open_store(path)
        assert f"without {path}-mark uwf goes on" in refused.value.message


def test_one_can_go_on_with_what_is_left(disk: SqliteStore, tmp_path: Path) -> None:
    move(disk, "a")
    path = killed(disk, tmp_path / "copy")
    os.unlink(f"{path}-wal")
    with pytest.raises(StoreUnreadable):
        open_store(path)
    os.unlink(high_water.path_of(path))
    left = open_store(path)
    assert left.refs() == []
    move(left, "b")
    left.close()
    assert noted(path) == 1


def test_an_intact_store_is_opened_after_a_kill(disk: SqliteStore, tmp_path: Path) -> None:
    move(disk, "a")
    left = open_store(killed(disk, tmp_path / "copy"))
    assert [ref.version for ref in left.refs()] == [1]
    left.close()


def test_what_a_power_cut_may_undo_is_not_noted(disk: SqliteStore) -> None:
    move(disk, "a")
    move(disk, "b", durable=False)
    assert noted(disk.place) == 1
    move(disk, "c")
    assert noted(disk.place) == 3


def test_a_rolled_back_move_is_not_noted(disk: SqliteStore) -> None:
    move(disk, "a")
    with pytest.raises(ZeroDivisionError), disk.transaction("test") as tx:
        tx.delete_ref("@uwf/thread/x", why="in vain")
        raise ZeroDivisionError
    assert noted(disk.place) == 1


def test_an_older_backup_can_be_put_in_its_place(disk: SqliteStore, tmp_path: Path) -> None:
    move(disk, "a")
    copy = str(tmp_path / "backup.db")
    backup(disk, copy)
    move(disk, "b")
    disk.close()
    shutil.copyfile(copy, disk.place)
    restored = open_store(disk.place)
    assert [ref.version for ref in restored.refs()] == [1]
    restored.close()


@pytest.mark.parametrize("damage", [b"", b"torn", bytes(32), b"x" * 32, bytes(28), bytes(33)])
def test_a_torn_note_compares_nothing(disk: SqliteStore, damage: bytes) -> None:
    move(disk, "a")
    Path(high_water.path_of(disk.place)).write_bytes(damage)
    other = open_store(disk.place)
    move(other, "b")
    other.close()
    assert noted(disk.place) == 2


def test_a_note_that_cannot_be_written_is_in_nobodys_way(disk: SqliteStore) -> None:
    os.mkdir(high_water.path_of(disk.place))
    move(disk, "a")
    other = open_store(disk.place)
    assert len(other.refs()) == 1
    other.close()


def test_a_note_that_is_a_pipe_is_not_waited_for(disk: SqliteStore) -> None:
    """A child writes, as one that waits in `open` would not end."""
    os.mkfifo(high_water.path_of(disk.place))
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        move(open_store(disk.place), "a")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert len(disk.refs()) == 1


def test_a_ref_that_is_not_where_its_log_says_is_a_fault(disk: SqliteStore) -> None:
    move(disk, "a")
    old = disk.refs()[0].id
    move(disk, "b")
    assert disk.faults() == []
    disk._database.run("UPDATE ref SET target = ?", (bytes.fromhex(old),))
    assert disk.faults() == ["the log disagrees with ref @uwf/thread/x"]
