"""The store file: how it comes to be, what is refused in its place, and what opening it may not cost."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import uwf
from uwf.errors import (
    InputError,
    StoreBusy,
    StoreError,
    StoreTooNew,
    StoreUnreadable,
)
from uwf.store.sqlite import SqliteStore, open_store, schema


def fill(store: SqliteStore, count: int = 1) -> None:
    with store.transaction("test") as tx:
        for number in range(count):
            tx.set_ref(f"r/{number}", tx.put("k", number), why="x")


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_new_store_is_private(path: str) -> None:
    old = os.umask(0)
    try:
        store = open_store(path)
        fill(store)
        assert sorted(os.listdir(os.path.dirname(path))) == [
            "store.db",
            "store.db-mark",
            "store.db-shm",
            "store.db-wal",
        ]
        assert {mode(path + side) for side in ("", "-mark", "-shm", "-wal")} == {0o600}
        assert mode(os.path.dirname(path)) == 0o700
        store.close()
    finally:
        os.umask(old)
    assert sorted(os.listdir(os.path.dirname(path))) == ["store.db", "store.db-mark"]


def test_a_new_store_is_wal_and_says_who_made_it(disk: SqliteStore, path: str) -> None:
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    meta = dict(other.execute("SELECT key, value FROM meta"))
    assert meta["writer"] == f"uwf {uwf.__version__}" and meta["format"] == "1"
    other.close()


def test_an_absent_store_is_an_error_unless_it_may_be_made(path: str) -> None:
    with pytest.raises(StoreError, match=f"no store at {path}") as error:
        open_store(path, create=False)
    assert error.value.hint
    assert not os.path.exists(os.path.dirname(path))


@pytest.mark.parametrize(
    "name", ["a?b#c%20.db", "ü €.db", os.fsdecode(b"\xff\xfe.db"), "-x.db", "a'b.db"]
)
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    file = os.fsencode(name)
    path = os.path.join(os.fsencode(tmp_path), file)
    for _ in range(2):
        store = open_store(os.fsdecode(path))
        fill(store)
        store.close()
    assert sorted(os.listdir(os.fsencode(tmp_path))) == [file, file + b"-mark"]


def test_a_relative_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("store.db").close()
    open_store("store.db", create=False).close()
    assert os.listdir(tmp_path) == ["store.db"]


def test_what_was_written_is_there_after_reopening(path: str) -> None:
    store = open_store(path)
    fill(store, 100)
    refs, moves = store.refs(), store.moves_since(0)
    store.close()
    again = open_store(path, create=False)
    assert (again.refs(), again.moves_since(0)) == (refs, moves)
    again.close()


GARBAGE = {
    "empty": b"",
    "text": b"this is not a database, it is a letter to a friend\n" * 100,
    "one byte": b"S",
    "zeros": bytes(8192),
    "half a header": b"SQLite format 3\0" + bytes(20),
    "random": os.urandom(20_000),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("create", [True, False])
def test_an_unreadable_file_is_never_replaced(path: str, garbage: bytes, create: bool) -> None:
    os.makedirs(os.path.dirname(path))
    Path(path).write_bytes(garbage)
    for _ in range(2):
        with pytest.raises(StoreUnreadable, match=path) as error:
            open_store(path, create=create)
        assert error.value.hint == "uwf store restore BACKUP"
    assert Path(path).read_bytes() == garbage
    assert os.listdir(os.path.dirname(path)) == ["store.db"]


def test_the_wal_of_an_emptied_store_is_left_alone(path: str, tmp_path: Path) -> None:
    """SQLite would take the empty file for a new database and delete the WAL, which holds all there is."""
    store = open_store(path)
    fill(store)
    lost = tmp_path / "lost"
    lost.mkdir()
    (lost / "store.db").touch()
    wal = Path(f"{path}-wal").read_bytes()
    (lost / "store.db-wal").write_bytes(wal)
    with pytest.raises(StoreUnreadable, match="the file is empty"):
        open_store(str(lost / "store.db"))
    assert (lost / "store.db-wal").read_bytes() == wal
    store.close()


def test_a_wal_without_its_store_is_not_taken_for_nothing(path: str) -> None:
    """The store file was removed or renamed while its last changes were in the WAL."""
    store = open_store(path)
    fill(store)
    os.unlink(path)
    with pytest.raises(StoreUnreadable, match="is gone"):
        open_store(path)
    assert not os.path.exists(path)
    store.close()


def test_a_database_of_another_program_is_left_alone(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE ref (name)")
    other.commit()
    other.close()
    before = Path(path).read_bytes()
    with pytest.raises(StoreUnreadable, match="another program"):
        open_store(path)
    assert Path(path).read_bytes() == before


def test_a_newer_format_is_refused_by_name(disk: SqliteStore, path: str) -> None:
    fill(disk)
    other = sqlite3.connect(path)
    other.execute("UPDATE meta SET value = 'uwf 9.1.0' WHERE key = 'writer'")
    other.execute("PRAGMA user_version = 7")
    other.commit()
    other.close()
    with pytest.raises(StoreTooNew, match=r"written by uwf 9\.1\.0 in format 7.*reads format 1"):
        open_store(path)


def test_a_newer_format_without_its_tables_is_refused_too(disk: SqliteStore, path: str) -> None:
    other = sqlite3.connect(path)
    other.execute("DROP TABLE meta")
    other.execute("PRAGMA user_version = 7")
    other.commit()
    other.close()
    with pytest.raises(StoreTooNew, match="another version of uwf"):
        open_store(path)


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=str(tmp_path)):
        open_store(str(tmp_path))


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    for path in (tmp_path / "home" / "store.db", tmp_path / "home" / "a" / "store.db"):
        with pytest.raises(StoreError, match=str(path)):
            open_store(str(path))


def test_a_file_that_vanishes_while_it_is_opened_is_not_made_anew(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(path).close()
    look = schema._size

    def look_and_lose(path: str) -> int | None:
        size_bytes = look(path)
        os.unlink(path)
        return size_bytes

    monkeypatch.setattr(schema, "_size", look_and_lose)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(path)
    assert not os.path.exists(path)


@pytest.mark.parametrize("call", ["link", "open", "mkdir"])
def test_a_failing_disk_leaves_no_half_made_store(
    path: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        with pytest.raises(StoreError, match=f"cannot create {path}: Read-only file system"):
            open_store(path)
    assert not os.path.exists(os.path.dirname(path)) or os.listdir(os.path.dirname(path)) == []
    open_store(path).close()


def test_the_later_of_two_creators_uses_the_store_of_the_first(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one wins at the worst moment: when this one's file is finished, too."""
    make = schema._fill

    def be_late(temporary: str) -> None:
        make(temporary)
        monkeypatch.setattr(schema, "_fill", make)
        first = open_store(path)
        fill(first)
        first.close()

    monkeypatch.setattr(schema, "_fill", be_late)
    store = open_store(path)
    assert [ref.name for ref in store.refs()] == ["r/0"]
    store.close()
    assert sorted(os.listdir(os.path.dirname(path))) == ["store.db", "store.db-mark"]


def full(store: SqliteStore) -> None:
    """No page more than there are."""
    (pages,) = store._database.one("PRAGMA page_count")
    store._database.one(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_writes_nothing_at_all(disk: SqliteStore) -> None:
    fill(disk)
    before = (disk.refs(), disk.moves_since(0), disk.stats())
    full(disk)
    with pytest.raises(StoreError, match="disk is full") as error, disk.transaction("test") as tx:
        tx.set_ref("r/0", tx.put("k", "small"), why="x")
        tx.put("k", os.urandom(1_000_000))
    assert error.value.code == "store_full"
    assert (disk.refs(), disk.moves_since(0), disk.stats()) == before
    disk._database.one("PRAGMA max_page_count = 1000000")
    fill(disk, 3)
    assert disk.count_refs() == 3


def test_a_swallowed_write_error_still_writes_nothing(disk: SqliteStore) -> None:
    """SQLite has rolled back by itself then: what follows must not be written alone."""
    fill(disk)
    before = (disk.refs(), disk.moves_since(0), disk.stats())
    id = disk.refs()[0].id
    full(disk)
    with pytest.raises(StoreError, match="nothing was written"), disk.transaction("test") as tx:
        with pytest.raises(StoreError, match="disk is full"):
            tx.put("k", os.urandom(1_000_000))
        with pytest.raises(RuntimeError, match="a write in it failed"):
            tx.set_ref("r/1", id, why="x")
    assert (disk.refs(), disk.moves_since(0), disk.stats()) == before


def test_a_full_tmpfs_is_a_clear_error(tmp_path: Path) -> None:
    """The same with a real file system, where this process may mount one."""
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(tmp_path)], capture_output=True
    )
    if mount.returncode:
        pytest.skip(f"cannot mount a small file system here: {mount.stderr.decode().strip()}")
    try:
        store = open_store(str(tmp_path / "store.db"))
        fill(store)
        with pytest.raises(StoreError) as error:
            for _ in range(100):
                with store.transaction("test") as tx:
                    tx.put("k", os.urandom(40_000))
        assert error.value.code in ("store_full", "store_io")
        assert [ref.name for ref in store.refs()] == ["r/0"]
        assert store.faults() == []
        store.close()
        again = open_store(str(tmp_path / "store.db"))
        assert [ref.name for ref in again.refs()] == ["r/0"]
        again.close()
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_read_only_store_is_read_and_not_written(disk: SqliteStore) -> None:
    """`query_only` answers as a read-only file does; permissions would not stop root."""
    fill(disk)
    disk._database.one("PRAGMA query_only = 1")
    assert disk.ref("r/0") is not None
    with pytest.raises(StoreError, match="read-only") as error:
        fill(disk)
    assert error.value.code == "store_readonly"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; see the bind mount below")
def test_a_read_only_file_is_read_and_not_written(path: str) -> None:
    store = open_store(path)
    fill(store)
    store.close()
    os.chmod(path, 0o400)
    store = open_store(path)
    assert store.ref("r/0") is not None
    with pytest.raises(StoreError, match="read-only"):
        fill(store)
    store.close()


@pytest.mark.parametrize("state", ["closed", "open"])
def test_a_read_only_file_system_is_an_error_or_is_read(path: str, state: str) -> None:
    store = open_store(path)
    fill(store)
    if state == "closed":
        store.close()
    folder = os.path.dirname(path)
    bind = ["mount", "--bind", folder, folder]
    if subprocess.run(bind, capture_output=True).returncode:
        pytest.skip("cannot mount here; the tests with query_only and chmod remain")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        try:
            reader = open_store(path)
        except StoreError as error:
            assert "cannot" in error.message and path in error.message
        else:
            assert reader.ref("r/0") is not None
            with pytest.raises(StoreError, match="read-only"):
                fill(reader)
            reader.close()
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    if state == "open":
        store.close()
    again = open_store(path)
    fill(again, 2)
    assert again.count_refs() == 2
    again.close()


def test_waiting_for_a_writer_is_bounded(disk: SqliteStore, path: str) -> None:
    hurried = open_store(path, wait_s=0.05)
    with (
        disk.transaction("test"),
        pytest.raises(
            StoreBusy, match=r"store\.db is in use by another process; gave up after 0\.05 s"
        ) as error,
        hurried.transaction("test"),
    ):
        pass
    assert error.value.hint
    fill(hurried)
    hurried.close()


def test_readers_do_not_wait_for_a_writer(disk: SqliteStore, path: str) -> None:
    fill(disk)
    hurried = open_store(path, wait_s=0)
    with disk.transaction("test") as tx:
        tx.set_ref("r/1", tx.put("k", 1), why="x")
        assert [ref.name for ref in hurried.refs()] == ["r/0"]
    assert [ref.name for ref in hurried.refs()] == ["r/0", "r/1"]
    hurried.close()


def test_a_snapshot_does_not_move(disk: SqliteStore, path: str) -> None:
    other = open_store(path, wait_s=0)
    fill(disk)
    with other.snapshot():
        fill(disk, 3)
        assert other.count_refs() == 1
    assert other.count_refs() == 3
    other.close()


def test_a_snapshot_waits_as_a_transaction_does(
    disk: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first read may meet a process that recovers the WAL; it is tried again, and leaves nothing open."""
    run = disk._database.run
    failures = [sqlite3.OperationalError("database is locked")] * 2
    failures[0].sqlite_errorcode = sqlite3.SQLITE_BUSY

    def busy_at_first(sql: str, *args: object) -> object:
        if sql.startswith("SELECT 1 FROM meta") and failures:
            raise failures.pop()
        return run(sql, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(disk._database, "run", busy_at_first)
    with disk.snapshot():
        assert disk.refs() == []
    assert failures == []
    fill(disk)


def test_durability_is_set_for_each_transaction(disk: SqliteStore) -> None:
    """2 is FULL, an fsync for every commit; 1 is NORMAL, an fsync for every checkpoint."""
    for durable in (True, False, False, True, True, False):
        with disk.transaction("test", durable=durable):
            assert disk._database.one("PRAGMA synchronous") == (2 if durable else 1,)


def test_a_value_too_large_for_sqlite_is_bad_input(disk: SqliteStore) -> None:
    disk._database.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 50_000)
    with pytest.raises(InputError, match="this large"), disk.transaction("test") as tx:
        tx.put("k", os.urandom(60_000))
    assert disk.stats().objects == 0


def test_an_interrupt_as_a_transaction_begins_leaves_none_open(
    disk: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = disk._database.run

    def interrupted(sql: str, *args: object) -> object:
        result = run(sql, *args)  # type: ignore[arg-type]
        if sql.startswith("BEGIN"):
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(disk._database, "run", interrupted)
    with pytest.raises(KeyboardInterrupt), disk.transaction("test"):
        pass
    monkeypatch.undo()
    fill(disk)
    assert disk.count_refs() == 1


def test_a_closed_store_says_so(path: str) -> None:
    store = open_store(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.refs()


def test_large_objects_take_less_room(disk: SqliteStore) -> None:
    with disk.transaction("test") as tx:
        dull = tx.put("k", "to and fro " * 20_000)
        wild = tx.put("k", os.urandom(200_000))
        small = tx.put("k", "x" * 60_000)
    assert disk.stored_bytes([dull]) < 20_000
    assert disk.stored_bytes([wild]) == len(disk.raw(wild))
    assert disk.stored_bytes([small]) == len(disk.raw(small))
    assert disk.get(dull).payload == "to and fro " * 20_000


def test_listing_a_tag_is_a_walk_of_the_index(disk: SqliteStore) -> None:
    """Nothing is scanned or sorted but the page itself: 20 of 2,000 among 100,000 take microseconds."""
    plans: list[list[str]] = []
    execute = disk._database.all

    def explain(sql: str, args: tuple[object, ...] = ()) -> list[object]:
        plans.append([row[3] for row in execute(f"EXPLAIN QUERY PLAN {sql}", args)])
        return execute(sql, args)

    disk._database.all = explain  # type: ignore[method-assign]
    disk.refs("r/", tags={"s": "idle"}, newest_first=True, limit=20)
    disk.refs("r/", tags={"s": ("idle", "done")}, newest_first=True, limit=20)
    walk = "SEARCH t USING PRIMARY KEY (key=? AND value=? AND name>? AND name<?)"
    for plan, walks in zip(plans, (1, 2), strict=True):
        assert plan.count(walk) == walks
        before_the_page = plan[: plan.index("SCAN page")]
        assert not [line for line in before_the_page if "SCAN" in line or "TEMP" in line]
        assert "SEARCH ref USING PRIMARY KEY (name=?)" in plan
    plans.clear()
    disk.refs("r/", newest_first=True, limit=20)
    assert plans == [["SEARCH t USING PRIMARY KEY (name>? AND name<?)"]]


IMPORTS = """
import sys, uwf.store.sqlite
late = {"typing", "dataclasses", "re", "json", "enum", "pathlib", "subprocess", "tempfile", "shutil", "logging",
        "inspect", "random", "secrets", "hashlib", "threading", "contextlib", "decimal"}
print(sorted(late & set(sys.modules)))
"""


def test_the_store_imports_nothing_slow() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", IMPORTS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "[]"


WITHOUT_COUNTS = "DROP TRIGGER ref_made; DROP TRIGGER ref_gone; DROP TABLE ref_count"


def test_a_store_of_before_there_were_counts_is_counted_and_gets_them_with_a_write(
    disk: SqliteStore, path: str
) -> None:
    with disk.transaction("test") as tx:
        id = tx.put("k", 1)
        for name in ("a/1", "a/2", "a/b/3", "é/4", "5"):
            tx.set_ref(name, id, why="test")
    disk.close()
    with sqlite3.connect(path) as connection:
        connection.executescript(WITHOUT_COUNTS)
    store = open_store(path)
    looking = open_store(path)

    def counts() -> list[int]:
        prefixes = ("", "a/", "a/b/", "é/", "a", "b/")
        return [looking.count_refs(prefix) for prefix in prefixes]

    assert counts() == [5, 3, 1, 1, 3, 0]
    assert looking.faults() == []
    with pytest.raises(ZeroDivisionError), store.transaction("test") as tx:
        tx.set_ref("a/6", id, why="test")
        raise ZeroDivisionError
    assert counts() == [5, 3, 1, 1, 3, 0]
    with store.transaction("test") as tx:
        tx.set_ref("a/6", id, why="test")
        tx.set_ref("a/6", tx.put("k", 2), why="test")
        tx.delete_ref("a/b/3", why="test")
    assert counts() == [5, 3, 0, 1, 3, 0]
    with looking.transaction("test") as tx:  # by a connection that was open before
        tx.set_ref("a/7", id, why="test")
    assert counts() == [6, 4, 0, 1, 4, 0]
    assert looking.faults() == []
    store.close()
    looking.close()


def test_a_store_of_before_names_were_found_by_their_end_finds_them_and_gets_the_index(
    disk: SqliteStore, path: str
) -> None:
    with disk.transaction("test") as tx:
        tx.set_ref("a/12345", tx.put("k", 1), why="test")
    disk.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX ref_end")
    store = open_store(path)
    how = "EXPLAIN QUERY PLAN SELECT name FROM ref WHERE name > 'a' AND substr(name, -4) = '2345'"
    assert store.names("a/", ending="2345") == ["a/12345"]
    assert "ref_end" not in str(store._database.all(how))
    with store.transaction("test") as tx:
        tx.set_ref("a/92345", tx.put("k", 2), why="test")
    assert store.names("a/", ending="2345") == ["a/12345", "a/92345"]
    assert "ref_end" in str(store._database.all(how))
    store.close()


def test_a_wrong_count_is_found(disk: SqliteStore) -> None:
    with disk.transaction("test") as tx:
        tx.set_ref("a/1", tx.put("k", 1), why="test")
    disk._database.run("UPDATE ref_count SET number = 7")
    assert disk.faults() == ["the count of refs in a/ is wrong"]
