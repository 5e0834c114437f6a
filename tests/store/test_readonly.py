"""A store in a folder that cannot be written is read while no process has it open, and never written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.helpers.read_only import read_only
from uwf.errors import StoreBusy, StoreError
from uwf.store.leases import MemoryLeases
from uwf.store.sqlite import SqliteStore, faults, open_store, readonly
from uwf.store.whole.backup import backup
from uwf.store.whole.check import verify


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A store with one object, which no process has open."""
    path = str(tmp_path / "home" / "store.db")
    store = open_store(path)
    put(store, "one")
    store.close()
    return path


def put(store: SqliteStore, text: str) -> None:
    with store.transaction("test") as tx:
        tx.set_ref(text, tx.put("blob", text), tags={}, expect=None, why="test")


@pytest.fixture
def cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process may not write, while others may."""
    monkeypatch.setattr(os, "access", lambda *_: False)


def opened(path: str) -> SqliteStore:
    found = readonly.open_read_only(path)
    assert found is not None
    return SqliteStore(found, MemoryLeases())


def test_a_store_at_rest_is_read_where_nobody_can_write(path: str, tmp_path: Path) -> None:
    with read_only(os.path.dirname(path)):
        store = open_store(path)
        found = store.ref("one")
        assert found is not None and store.get(found.id).payload == "one"
        assert verify(store).problems == ()
        assert store.leases.holder("one") is None
        backup(store, str(tmp_path / "copy.db"))
        with pytest.raises(StoreError, match="read-only") as error:
            put(store, "two")
        assert error.value.code == faults.READONLY
        assert error.value.hint == f"ls -la {os.path.dirname(path)}"
        assert sorted(os.listdir(os.path.dirname(path))) == ["store.db", "store.db-mark"]
        store.close()
    copy = open_store(str(tmp_path / "copy.db"))
    assert copy.ref("one") == found
    copy.close()


def test_a_store_whose_latest_changes_are_in_a_wal_is_not_taken_for_one_at_rest(
    path: str, tmp_path: Path
) -> None:
    store = open_store(path)
    put(store, "two")
    folder = tmp_path / "copied"
    folder.mkdir()
    for name in ("store.db", "store.db-wal"):
        shutil.copy(f"{os.path.dirname(path)}/{name}", folder)
    store.close()
    copy = str(folder / "store.db")
    with (
        read_only(str(folder)),
        pytest.raises(StoreError, match=r"read-only|cannot be opened") as error,
    ):
        open_store(copy)
    assert error.value.hint == f"ls -la {folder}"
    again = open_store(copy)
    assert again.ref("two") is not None
    again.close()


@pytest.mark.usefixtures("cannot_write")
def test_what_others_write_meanwhile_is_never_mixed_in(path: str) -> None:
    reader, writer = opened(path), open_store(path)
    put(writer, "two")
    assert [ref.name for ref in reader.refs()] == ["one"]  # the file itself is as it was
    writer.close()
    with pytest.raises(StoreBusy, match="was changed while it was read"):
        reader.refs()
    with pytest.raises(StoreBusy):
        reader.close()
    later = opened(path)
    assert [ref.name for ref in later.refs()] == ["one", "two"]
    later.close()


@pytest.mark.usefixtures("cannot_write")
def test_a_file_that_seems_broken_because_it_changes_is_not_called_so(path: str) -> None:
    reader = opened(path)
    Path(path).write_bytes(b"x" * 4096)
    with pytest.raises(StoreBusy):
        verify(reader)


@pytest.mark.usefixtures("cannot_write")
def test_a_store_with_a_wal_is_not_at_rest(path: str) -> None:
    writer = open_store(path)
    put(writer, "two")
    assert readonly.open_read_only(path) is None
    writer.close()
    assert readonly.open_read_only(f"{path}-gone") is None


def test_where_this_process_may_write_no_store_is_at_rest(path: str) -> None:
    assert readonly.open_read_only(path) is None
