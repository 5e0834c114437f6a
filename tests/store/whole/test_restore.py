"""A backup takes the place of the store whole or not at all, under nobody's feet, and nothing is lost by it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.whole.test_backup import content, fill
from uwf.errors import InputError, StoreBusy, StoreError, StoreUnreadable
from uwf.store.leases import FileLeases
from uwf.store.sqlite import open_store
from uwf.store.whole import restore as module
from uwf.store.whole.backup import backup
from uwf.store.whole.restore import restore


@pytest.fixture
def copy(path: str, tmp_path: Path) -> str:
    """A backup of a store that has gone on since then."""
    store = open_store(path)
    fill(store)
    backup(store, str(tmp_path / "copy.db"))
    fill(store, 3)
    store.close()
    return str(tmp_path / "copy.db")


def read(path: str) -> object:
    store = open_store(path, create=False)
    try:
        return content(store)
    finally:
        store.close()


def everything_in(folder: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_the_backup_is_the_store_and_what_was_there_is_kept(path: str, copy: str) -> None:
    was, saved = read(path), read(copy)
    done = restore(copy, path)
    assert read(path) == saved
    assert done.replaced is not None and os.path.dirname(done.replaced).endswith("/replaced")
    assert (done.refs, done.bytes) == (2, os.stat(path).st_size)
    assert read(f"{done.replaced}/store.db") == was
    assert restore(f"{done.replaced}/store.db", path).replaced != done.replaced
    assert read(path) == was


def test_what_only_the_wal_had_is_kept(path: str, copy: str) -> None:
    """As it is when the last process of a store was killed."""
    script = "import os, sys\nfrom tests.store.whole.test_backup import fill\nfrom uwf.store.sqlite import open_store\n"
    script += "fill(open_store(sys.argv[1]), 5)\nos._exit(9)"
    subprocess.run([sys.executable, "-c", script, path], cwd=Path(__file__).parents[3])
    assert os.stat(f"{path}-wal").st_size > 0
    saved = read(copy)
    done = restore(copy, path)
    kept = open_store(f"{done.replaced}/store.db", create=False)
    assert kept.ref("a").version == 28  # type: ignore[union-attr]
    kept.close()
    assert read(path) == saved


@pytest.mark.parametrize("left_bytes", [0, 10, 5000])
def test_a_store_that_cannot_be_read_is_replaced_and_kept(
    path: str, copy: str, left_bytes: int
) -> None:
    os.truncate(path, left_bytes)
    Path(f"{path}-wal").write_bytes(b"what is left of a log")
    saved, broken = read(copy), Path(path).read_bytes()
    done = restore(copy, path)
    assert read(path) == saved
    assert Path(f"{done.replaced}/store.db-wal").read_bytes() == b"what is left of a log"
    if left_bytes:
        assert Path(f"{done.replaced}/store.db").read_bytes() == broken


KILLED = """
import sys
from uwf import points
from uwf.store.whole.restore import restore
points.arm(sys.argv[3])
restore(sys.argv[1], sys.argv[2])
"""


@pytest.mark.parametrize("at", ["kept", "cleared", "swapped"])
def test_a_restore_that_is_killed_leaves_no_empty_store_and_is_done_again(
    path: str, copy: str, at: str
) -> None:
    """In place of a store that cannot be read. That of a sound one is killed by tests/crash."""
    os.truncate(path, 5000)
    saved = read(copy)
    words = [sys.executable, "-c", KILLED, copy, path, f"restore: {at}"]
    assert subprocess.run(words, cwd=Path(__file__).parents[3]).returncode == -9
    if at == "swapped":
        assert read(path) == saved
    else:
        with pytest.raises(StoreUnreadable):
            read(path)
    restore(copy, path)
    assert read(path) == saved


@pytest.mark.parametrize("gone", ["all", "the file", "the file and its mark"])
def test_a_store_that_is_gone_comes_back(path: str, copy: str, gone: str) -> None:
    endings = {"all": ("", "-wal", "-mark"), "the file": ("",)}.get(gone, ("", "-mark"))
    for ending in endings:
        if os.path.exists(path + ending):
            os.unlink(path + ending)
    restore(copy, path)
    assert read(path) == read(copy)


def test_a_home_that_never_was_gets_a_store(copy: str, tmp_path: Path) -> None:
    assert restore(copy, str(tmp_path / "new" / "store.db")).replaced is None
    assert read(str(tmp_path / "new" / "store.db")) == read(copy)


def truncated(copy: str) -> None:
    os.truncate(copy, os.stat(copy).st_size - 9000)


def one_page_torn(copy: str) -> None:
    with open(copy, "r+b") as file:
        file.seek(os.stat(copy).st_size - 6000)
        file.write(os.urandom(5000))


def a_letter(copy: str) -> None:
    Path(copy).write_text("Dear store,\n")


def nothing(copy: str) -> None:
    os.truncate(copy, 0)


@pytest.mark.parametrize("damage", [truncated, one_page_torn, a_letter, nothing])
def test_a_torn_or_wrong_file_changes_nothing(path: str, copy: str, damage: object) -> None:
    damage(copy)  # type: ignore[operator]
    before = everything_in(os.path.dirname(path))
    with pytest.raises(StoreError) as refused:
        restore(copy, path)
    assert "nothing was changed" in refused.value.message
    assert everything_in(os.path.dirname(path)) == before
    read(path)


@pytest.mark.parametrize("file", ["nowhere.db", "", "store.db"])
def test_what_is_no_backup_is_bad_input(path: str, copy: str, file: str) -> None:
    before = everything_in(os.path.dirname(path))
    with pytest.raises(InputError):
        restore(os.path.join(os.path.dirname(path), file), path)
    assert everything_in(os.path.dirname(path)) == before


def test_a_store_that_a_process_has_open_is_not_replaced(path: str, copy: str) -> None:
    other = open_store(path)
    before = content(other)
    with pytest.raises(StoreBusy, match="another process has") as refused:
        restore(copy, path)
    assert refused.value.hint == f"fuser {path}"
    assert content(other) == before
    other.close()
    assert not os.path.exists(f"{os.path.dirname(path)}/replaced")
    restore(copy, path)


def test_a_store_is_not_replaced_under_a_run_even_if_it_cannot_be_read(
    path: str, copy: str
) -> None:
    os.truncate(path, 10)
    leases = FileLeases(f"{os.path.dirname(path)}/threads.lock")
    lease = leases.take("a thread")
    assert lease is not None
    with pytest.raises(StoreBusy, match="runs a thread"):
        restore(copy, path)
    leases.release(lease)
    with pytest.raises(StoreUnreadable):
        read(path)
    restore(copy, path)
    read(path)


def test_a_store_is_not_replaced_under_a_daemon(path: str, copy: str) -> None:
    leases = FileLeases(f"{os.path.dirname(path)}/daemon.lock")
    lease = leases.take("leader")
    assert lease is not None
    with pytest.raises(StoreBusy, match="is the daemon of") as refused:
        restore(copy, path)
    assert refused.value.hint == "uwf daemon stop"
    leases.release(lease)
    restore(copy, path)


def test_a_full_disk_changes_nothing(path: str, copy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything_in(os.path.dirname(path))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "sync", fail)
    with pytest.raises(OSError, match="No space"):
        restore(copy, path)
    assert everything_in(os.path.dirname(path)) == before


WRITER = """
import sys
from tests.store.whole.test_backup import fill
from uwf.store.sqlite import open_store
store = open_store(sys.argv[1])
fill(store, 1)
print("wrote", flush=True)
sys.stdin.readline()
fill(store, 1)
store.close()
"""


@pytest.fixture
def writer(path: str) -> Iterator[list[subprocess.Popen[str]]]:
    """A process that may be begun in the middle of a restore."""
    begun: list[subprocess.Popen[str]] = []
    yield begun
    for process in begun:
        process.kill()
        process.wait()


def test_who_writes_to_the_new_store_at_once_loses_nothing(
    path: str, copy: str, monkeypatch: pytest.MonkeyPatch, writer: list[subprocess.Popen[str]]
) -> None:
    """The old store is closed when the new one has a WAL of the same name."""
    swap = module._swap

    def swap_and_be_written(temporary: str, path: str) -> None:
        swap(temporary, path)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, path],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        writer.append(process)
        assert process.stdout is not None and process.stdout.readline() == "wrote\n"

    monkeypatch.setattr(module, "_swap", swap_and_be_written)
    restore(copy, path)
    assert writer[0].communicate("go on\n", timeout=30) and writer[0].returncode == 0
    store = open_store(path, create=False)
    assert store.ref("a").version == 22  # type: ignore[union-attr]
    store.close()
