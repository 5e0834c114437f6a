"""A store that is not where it was is an error: it is neither an empty one nor one that has kept what was written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from uwf.app.opened import OpenHome
from uwf.errors import StoreError, StoreUnreadable
from uwf.store.sqlite import SqliteStore, open_store
from uwf.store.sqlite.faults import GONE
from uwf.store.whole.backup import backup


def move(store: SqliteStore, text: str, *, durable: bool = True) -> None:
    with store.transaction("test", durable=durable) as tx:
        tx.set_ref("@uwf/thread/x", tx.put("text", text), why=text)


def used(home: Path) -> str:
    """The path of a store that was used and closed."""
    path = str(home / "store.db")
    store = open_store(path)
    move(store, "months of work")
    store.close()
    return path


def deleted(path: str) -> None:
    for side in ("", "-wal", "-shm", "-mark"):
        os.unlink(path + side)


def with_its_folder(path: str) -> None:
    shutil.rmtree(os.path.dirname(path))


def by_another(path: str) -> None:
    deleted(path)
    open_store(path).close()


def renamed(path: str) -> None:
    os.rename(os.path.dirname(path), os.path.dirname(path) + ".old")


@pytest.mark.parametrize("take_away", [deleted, with_its_folder, by_another, renamed])
@pytest.mark.parametrize("durable", [True, False])
def test_what_is_written_into_a_store_that_was_taken_away_is_not_acknowledged(
    tmp_path: Path, take_away: Callable[[str], None], durable: bool
) -> None:
    path = str(tmp_path / "home" / "store.db")
    store = open_store(path)
    move(store, "a")
    take_away(path)
    with pytest.raises(StoreError, match="deleted, replaced or unmounted") as refused:
        move(store, "b", durable=durable)
    assert refused.value.code == GONE
    store.close()
    assert not os.path.exists(path) or open_store(path).refs() == []  # the other one is unharmed


@pytest.mark.parametrize("take_away", [deleted, by_another, renamed])
def test_nothing_is_looked_at_in_a_store_that_was_taken_away(
    tmp_path: Path, take_away: Callable[[str], None]
) -> None:
    path = str(tmp_path / "home" / "store.db")
    store = open_store(path)
    move(store, "a")
    take_away(path)
    with pytest.raises(StoreError, match="replaced"), store.snapshot():
        pass
    store.close()


def test_a_backup_put_in_place_of_the_open_store_is_another_store(tmp_path: Path) -> None:
    path, copy = str(tmp_path / "store.db"), str(tmp_path / "copy.db")
    store = open_store(path)
    move(store, "a")
    backup(store, copy)
    os.rename(copy, path)
    with pytest.raises(StoreError, match="replaced"):
        move(store, "b")
    store.close()


def test_a_mark_without_its_store_says_that_one_was_here(tmp_path: Path) -> None:
    path = used(tmp_path)
    os.unlink(path)
    for opening in (
        lambda: open_store(path),
        lambda: open_store(path, create=False),
        lambda: OpenHome(str(tmp_path)).reader(),
    ):
        with pytest.raises(StoreUnreadable, match=r"a store was at .* and is gone") as refused:
            opening()
        assert refused.value.code == GONE
        assert f"rm {path}-mark" in refused.value.message
    assert not os.path.exists(path)


def test_the_two_ways_on_lead_on(tmp_path: Path) -> None:
    path, copy = used(tmp_path / "home"), str(tmp_path / "copy.db")
    backup(open_store(path), copy)
    os.unlink(path)
    shutil.copy(copy, path)
    assert [ref.name for ref in open_store(path).refs()] == ["@uwf/thread/x"]
    deleted_too = used(tmp_path / "other")
    os.unlink(deleted_too)
    os.unlink(f"{deleted_too}-mark")
    assert open_store(deleted_too).refs() == []


@pytest.mark.parametrize("link", ["home", "home/store.db"])
def test_a_link_that_leads_nowhere_is_a_store_that_is_gone(tmp_path: Path, link: str) -> None:
    disk, home = tmp_path / "disk", tmp_path / "home"
    path = used(disk if link == "home" else home)
    if link == "home":
        home.symlink_to(disk)
    else:
        disk.mkdir()
        os.rename(path, disk / "store.db")
        (tmp_path / link).symlink_to(disk / "store.db")
    os.rename(disk, tmp_path / "unmounted")
    for opening in (
        lambda: open_store(str(home / "store.db")),
        lambda: OpenHome(str(home)).reader(),
    ):
        with pytest.raises(StoreUnreadable, match=f"{tmp_path / link} is a link to {disk}"):
            opening()
    os.rename(tmp_path / "unmounted", disk)
    assert len(OpenHome(str(home)).reader().refs()) == 1


def test_a_home_that_was_never_used_is_empty(tmp_path: Path) -> None:
    assert OpenHome(str(tmp_path / "never")).reader().refs() == []
