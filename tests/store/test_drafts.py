"""Drafts: what every store promises of them, and what the files of the store on disk are like."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from uwf.errors import StoreError
from uwf.store.backup import backup
from uwf.store.drafts import Drafts
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_store

LARGE = os.urandom(300_000)


def test_draft_is_what_was_kept_last(store: Store) -> None:
    assert (store.draft("one"), store.drafts()) == (None, [])
    for data in (b"first", LARGE, b"", b"x" * (1 << 16), b"last"):
        store.keep_draft("one", data)
        assert store.draft("one") == data
    store.keep_draft("two", b"other")
    assert (store.draft("one"), store.draft("two")) == (b"last", b"other")
    assert store.drafts() == ["one", "two"]


def test_dropped_draft_is_gone_and_can_be_kept_again(store: Store) -> None:
    store.drop_draft("one")
    store.keep_draft("one", b"first")
    store.drop_draft("one")
    assert (store.draft("one"), store.drafts()) == (None, [])
    store.keep_draft("one", b"again")
    assert store.draft("one") == b"again"


def test_draft_is_no_part_of_a_transaction(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction() as tx:
        store.keep_draft("one", b"first")
        assert (tx.draft("one"), tx.drafts()) == (b"first", ["one"])
        raise KeyError
    assert store.draft("one") == b"first"
    assert (store.stats().objects, store.stats().refs) == (0, 0)


@pytest.mark.parametrize("name", ["", "a/b", "..", "%2E", "ü", "a b", "-x", "x.y", "x" * 101])
def test_other_names_have_no_drafts(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        store.keep_draft(name, b"first")
    store.drop_draft(name)
    assert (store.draft(name), store.drafts()) == (None, [])


def test_files_are_private_and_stay_with_their_store(disk: SqliteStore, path: str) -> None:
    old = os.umask(0)
    try:
        disk.keep_draft("one", b"first")
    finally:
        os.umask(old)
    folder = Path(f"{path}-drafts")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "one").stat().st_mode) == 0o600
    again = open_store(path)
    assert again.draft("one") == b"first"
    again.close()
    copy = str(folder.parent / "copy.db")
    backup(disk, copy)
    copied = open_store(copy)
    assert copied.drafts() == []
    copied.close()


@pytest.mark.parametrize("size", [0, 1, 20, 23, 24, 25, 100])
def test_half_a_draft_is_none(disk: SqliteStore, path: str, size: int) -> None:
    disk.keep_draft("one", b"x" * 100)
    file = Path(f"{path}-drafts/one")
    file.write_bytes(file.read_bytes()[:size])
    assert disk.draft("one") is None


def test_damaged_draft_is_none(disk: SqliteStore, path: str) -> None:
    disk.keep_draft("one", b"x" * 100)
    file = Path(f"{path}-drafts/one")
    whole = file.read_bytes()
    for place in (0, 7, 8, 23, 24, 60, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert disk.draft("one") is None
    file.write_bytes(whole + b"what a longer one had left")
    assert disk.draft("one") == b"x" * 100


def test_reader_sees_one_or_the_other(disk: SqliteStore, path: str) -> None:
    pages = [b"a" * 200_000, b"b" * 100_000]
    disk.keep_draft("one", pages[0])
    done = threading.Event()

    def write() -> None:
        for number in range(300):
            disk.keep_draft("one", pages[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    reader = Drafts(path)
    while not done.is_set():
        seen.add(reader.read("one"))
    writer.join()
    assert seen <= {*pages, None}
    assert reader.read("one") == pages[1]


@pytest.mark.parametrize("call", ["open", "pwrite", "makedirs"])
def test_disk_that_does_not_take_it_is_an_error_that_says_so(
    disk: SqliteStore, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(StoreError, match="No space left") as error:
            disk.keep_draft("one", b"first")
    assert (error.value.code, error.value.hint is None) == ("store_full", False)
    assert disk.draft("one") is None
    disk.keep_draft("one", b"again")
    assert disk.draft("one") == b"again"


def test_disk_that_takes_half_of_it_is_an_error(
    disk: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: plain(file, data[:50], at))
    with pytest.raises(StoreError, match="No space left"):
        disk.keep_draft("one", b"x" * 100)
    assert disk.draft("one") is None


def test_draft_that_is_a_link_is_not_followed(disk: SqliteStore, path: str, tmp_path: Path) -> None:
    disk.keep_draft("two", b"first")
    target = tmp_path / "mine"
    target.write_bytes(b"precious")
    Path(f"{path}-drafts/one").symlink_to(target)
    with pytest.raises(StoreError):
        disk.keep_draft("one", b"x")
    assert (disk.draft("one"), target.read_bytes()) == (None, b"precious")
