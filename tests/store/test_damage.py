"""A store that a disk, a crash or a hand has damaged: clear errors or clean recovery, never silent loss."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.store.conftest import alter
from uwf.errors import ObjectDamaged, ObjectMissing, StoreError, StoreUnreadable
from uwf.store.codec import Link, key_of
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_store
from uwf.store.whole.check import verify


def chain(store: Store, length: int, name: str = "head", size: int = 500) -> list[str]:
    """A chain of objects under one ref, a transaction each; ids from the first to the last."""
    ids: list[str] = []
    for number in range(length):
        with store.transaction("test") as tx:
            before = Link(ids[-1]) if ids else None
            ids.append(tx.put("step", {"before": before, "n": number, "text": name + "x" * size}))
            tx.set_ref(name, ids[-1], tags={"n": str(number)}, why="step")
    return ids


def test_a_flipped_bit_is_never_read_as_data(kept: Store) -> None:
    first, second = chain(kept, 2)
    data = bytearray(kept.raw(first))
    for place in (0, 1, len(data) // 2, len(data) - 1):
        wrong = bytes([*data[:place], data[place] ^ 1, *data[place + 1 :]])
        alter(kept, "UPDATE object SET data = ? WHERE id = ?", wrong, key_of(first))
        for read in (kept.get, kept.raw):
            with pytest.raises(ObjectDamaged, match=first) as error:
                read(first)
            assert error.value.hint
    assert kept.get(second).payload["n"] == 1


TYPES_OF_SQLITE = [("data = 'text'",), ("data = CAST(data || x'ff' AS TEXT)",), ("data = 7",)]


def of_both(*changes: tuple[Any, ...], of_a_file: list[tuple[Any, ...]]) -> Any:
    """Changes with their arguments, in each kind of store; those of a file alone give values another type."""
    found = [(kind, *each) for kind in ("disk", "postgres") for each in changes]
    return pytest.mark.parametrize(
        ("kept", "change", "args"),
        [
            (kind, change, args)
            for kind, change, *args in found + [("disk", *each) for each in of_a_file]
        ],
        indirect=["kept"],
    )


@of_both(
    ("data = substr(data, 1, 100)",),
    ("data = ?", b""),
    ("data = ?", bytes(500)),
    ("size = size - 1",),
    ("size = size + 1",),
    ("size = 0",),
    ("size = 1099511627776",),
    ("encoding = 0",),
    ("encoding = 2",),
    of_a_file=TYPES_OF_SQLITE,
)
def test_a_damaged_compressed_object_is_never_read_as_data(
    kept: Store, change: str, args: list[bytes]
) -> None:
    with kept.transaction("test") as tx:
        id = tx.put("k", "so it goes " * 20_000)
    alter(kept, f"UPDATE object SET {change}", *args)
    with pytest.raises((ObjectDamaged, StoreUnreadable)) as error:
        kept.get(id)
    assert error.value.message.isprintable() and len(error.value.message) < 500
    (problem,) = verify(kept, deep=True).problems
    assert (problem.kind, problem.id) == ("damaged", id)


@of_both(
    ("tags = ?", b""),
    ("tags = ?", b"\xc1"),
    ("tags = ?", b"\x01"),
    ("target = ?", b"\0"),
    of_a_file=[("tags = 7",), ("target = 'a'",), ("tags = 'ü'",)],
)
def test_a_damaged_ref_is_an_error_not_a_guess(kept: Store, change: str, args: list[bytes]) -> None:
    chain(kept, 1)
    alter(kept, f"UPDATE ref SET {change}", *args)
    for read in (lambda: kept.ref("head"), kept.refs, lambda: verify(kept)):
        with pytest.raises(StoreUnreadable, match="a ref is damaged"):
            read()
    assert kept.faults()


def test_a_damaged_log_is_an_error_not_a_guess(kept: Store) -> None:
    chain(kept, 1)
    alter(kept, "UPDATE ref_log SET tags = ?", b"\xc1")
    for read in (lambda: kept.moves("head"), lambda: kept.moves_since(0)):
        with pytest.raises(StoreUnreadable, match="the log is damaged"):
            read()


def test_a_compressed_bomb_is_stopped_at_the_recorded_size(kept: Store) -> None:
    import tracemalloc
    import zlib

    with kept.transaction("test") as tx:
        id = tx.put("k", "so it goes " * 20_000)
    bomb = zlib.compress(bytes(500_000_000), 9)
    alter(kept, "UPDATE object SET data = ?", bomb)
    tracemalloc.start()
    with pytest.raises(ObjectDamaged):
        kept.get(id)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_an_object_that_is_whole_but_no_node_is_damaged(kept: Store) -> None:
    from uwf.store.codec import id_of

    with kept.transaction("test") as tx:
        tx.put("k", 1)
    alter(kept, "UPDATE object SET id = ?, data = ?", key_of(id_of(b"hello")), b"hello")
    with pytest.raises(ObjectDamaged, match="not an object"):
        kept.get(id_of(b"hello"))
    assert [problem.kind for problem in verify(kept, deep=True).problems] == ["damaged"]


def test_a_deleted_row_is_a_missing_object(kept: Store) -> None:
    first, _ = chain(kept, 2)
    alter(kept, "DELETE FROM object WHERE id = ?", key_of(first))
    with pytest.raises(ObjectMissing, match=first):
        kept.get(first)


def copy_with_wal(store: SqliteStore, path: str, to: Path) -> str:
    """The files as a power cut would leave them: the store still open, nothing checkpointed at the end."""
    to.mkdir()
    for side in ("", "-wal"):
        shutil.copyfile(path + side, f"{to}/store.db{side}")
    return f"{to}/store.db"


@pytest.mark.parametrize("part", [0.0, 0.1, 0.37, 0.5, 0.75, 0.99, 1.0])
def test_a_truncated_wal_recovers_to_a_whole_transaction(
    disk: SqliteStore, path: str, tmp_path: Path, part: float
) -> None:
    ids = chain(disk, 20)
    cut = copy_with_wal(disk, path, tmp_path / "cut")
    size = os.path.getsize(f"{cut}-wal")
    os.truncate(f"{cut}-wal", int(size * part))
    store = open_store(cut, create=False)
    ref = store.ref("head")
    if ref is None:
        assert part < 0.2
    else:
        assert ref.id == ids[int(ref.tags["n"])] and ref.version == int(ref.tags["n"]) + 1
        assert part < 1 or ref.id == ids[-1]
        assert len(store.moves("head")) == ref.version
    assert verify(store, deep=True).problems == ()
    chain(store, 3, "goes on")
    store.close()


@pytest.mark.parametrize("place", [40, 5_000, 40_000, -100, -4_000])
def test_a_torn_wal_page_recovers_to_a_whole_transaction(
    disk: SqliteStore, path: str, tmp_path: Path, place: int
) -> None:
    ids = chain(disk, 20)
    cut = copy_with_wal(disk, path, tmp_path / "cut")
    with open(f"{cut}-wal", "r+b") as wal:
        wal.seek(place, os.SEEK_SET if place > 0 else os.SEEK_END)
        wal.write(b"\xa5" * 60)
    store = open_store(cut, create=False)
    ref = store.ref("head")
    assert ref is None or ref.id == ids[int(ref.tags["n"])]
    assert ref is None or not 0 < place < 10_000
    assert verify(store, deep=True).problems == ()
    store.close()


def reads(path: str, ids: list[str]) -> tuple[int, list[StoreError]]:
    """How many of `ids` can be read, and the errors that the others end in. Anything else fails the test."""
    good, errors = 0, []
    try:
        store = open_store(path)
    except StoreError as error:
        return 0, [error]
    for id in ids:
        try:
            node = store.get(id)
            assert ids[node.payload["n"]] == id
            good += 1
        except ObjectMissing as error:
            raise AssertionError("an object that was stored is silently gone") from error
        except StoreError as error:
            errors.append(error)
    store.close()
    return good, errors


@pytest.mark.parametrize("lost", [1, 100, 4096, 50_000, 150_000])
def test_a_cut_off_store_file_is_an_error_not_a_loss(path: str, lost: int) -> None:
    store = open_store(path)
    ids = chain(store, 200)
    store.close()
    size = os.path.getsize(path)
    assert size > lost
    os.truncate(path, size - lost)
    good, errors = reads(path, ids)
    assert errors and good + len(errors) >= 1
    assert all(isinstance(error, StoreUnreadable | ObjectDamaged) for error in errors)
    assert os.path.getsize(path) == size - lost


def test_every_torn_page_is_noticed(path: str, tmp_path: Path) -> None:
    """Half of one page is lost, each page in turn: what is still read is right, and deep verify complains."""
    store = open_store(path)
    ids = chain(store, 30, size=900)
    store.close()
    whole = Path(path).read_bytes()
    torn = tmp_path / "torn.db"
    for start in range(0, len(whole), 4096):
        half = whole[start + 2048 : start + 4096]
        if not any(half):
            continue
        torn.write_bytes(whole[: start + 2048] + bytes(2048) + whole[start + 4096 :])
        try:
            store = open_store(str(torn))
        except StoreError:
            continue
        for id in ids:
            with contextlib.suppress(StoreError, ObjectMissing):
                assert ids[store.get(id).payload["n"]] == id
        with contextlib.suppress(StoreUnreadable):
            assert verify(store, deep=True).problems, f"page {start // 4096 + 1} is torn unnoticed"
        store.close()
