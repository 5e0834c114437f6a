"""The tables of a store file, how a new one is made, and how one is recognised.

`object` is a plain rowid table: on 1 KB objects WITHOUT ROWID takes three times the space. `ref_tag` repeats
the tags of `ref` as an index, so that "the newest threads of a status" is one walk; values over 200 bytes are
not in it. `ref_count` says how many refs each folder of names has, which would take a walk over all of them; triggers
keep it, so that it is right whatever version of uwf writes. `ref_end` finds refs by how their names end. `entry` holds
what happens often and once by its key, such as events. Stores of before there were these three get them with their next
write. `ref_log` is never rewritten.
`counter` and `sample` hold the guards' state. Hashes are 32 raw bytes; tags, the guards' values and those of entries
are MessagePack.
"""

from __future__ import annotations

import os
import sqlite3

import uwf
from uwf import clock, owned, points
from uwf.errors import StoreError, StoreTooNew, StoreUnreadable
from uwf.store.files import (
    SQLITE_SIDE_FILES,
    cannot_create,
    dangling,
    discard,
    publish_new,
    restoring,
    start_new,
    was_never_made,
)
from uwf.store.sql.database import END_CHARS
from uwf.store.sql.store import count_folders
from uwf.store.sqlite import high_water
from uwf.store.sqlite.database import Database, InMemory
from uwf.store.sqlite.faults import CANNOT_OPEN, GONE, READONLY, explain, is_busy, unreadable

NO_STORE = "no_store"
FORMAT = 1  # PRAGMA user_version
APPLICATION = 0x75776673  # PRAGMA application_id: "uwfs"

_TABLES = """
CREATE TABLE object (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    put_ms INTEGER NOT NULL,
    encoding INTEGER NOT NULL,  -- 0: data is the object, 1: zlib
    size INTEGER NOT NULL,      -- bytes of the object
    data BLOB NOT NULL
);
CREATE TABLE ref (
    name TEXT NOT NULL PRIMARY KEY,
    target BLOB NOT NULL,
    version INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    tags BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE ref_tag (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (key, value, name)
) WITHOUT ROWID;
CREATE TABLE ref_log (
    seq INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    old BLOB,
    new BLOB,
    tags BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    why TEXT NOT NULL,
    process TEXT NOT NULL
);
CREATE INDEX ref_log_name ON ref_log (name);
CREATE TABLE counter (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE sample (
    seq INTEGER PRIMARY KEY,
    series TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    value BLOB NOT NULL
);
CREATE INDEX sample_at ON sample (series, at_ms);
CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_FOLDER = "rtrim({0}, replace({0}, '/', ''))"  # a name up to its last slash
_COUNTS = (
    "CREATE TABLE ref_count (folder TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    f"CREATE TRIGGER ref_made AFTER INSERT ON ref BEGIN"
    f" INSERT INTO ref_count VALUES ({_FOLDER.format('new.name')}, 1)"
    " ON CONFLICT (folder) DO UPDATE SET number = number + 1; END",
    "CREATE TRIGGER ref_gone AFTER DELETE ON ref BEGIN"
    f" UPDATE ref_count SET number = number - 1 WHERE folder = {_FOLDER.format('old.name')}; END",
)

_ENDS = f"CREATE INDEX ref_end ON ref (substr(name, -{END_CHARS}))"

_ENTRIES = (
    "CREATE TABLE entry (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " state TEXT NOT NULL, value BLOB NOT NULL)",
    "CREATE UNIQUE INDEX entry_key ON entry (kind, key)",
    "CREATE INDEX entry_at ON entry (kind, at_ms)",
    "CREATE INDEX entry_state ON entry (kind, state, at_ms)",
)
_ADDED = "SELECT name FROM sqlite_master WHERE name IN ('ref_count', 'ref_end', 'entry')"


def connect(path: str, *, create: bool, wait_s: float) -> Database:
    """A connection to the store at `path`, which is made when absent and `create` is true.

    StoreUnreadable when there is a file that is no store, StoreTooNew when a newer uwf wrote it, StoreError when
    there is none. A file that cannot be read is never replaced. Where this process may not write, a store that no
    process has open can be read all the same.
    """
    marked = high_water.read(path)  # before the log is looked at, which may go on meanwhile
    size_bytes = _size(path)
    if size_bytes is None:
        _refuse_lost(path)
        if not create:
            raise StoreError(
                f"there is no store at {path}",
                hint="uwf thread start WORKFLOW -p TEXT",
                code=NO_STORE,
            )
        _create(path)
    elif size_bytes == 0:
        raise unreadable(path, "the file is empty, and a store never is")
    try:
        return _checked(Database(path, wait_s), marked)
    except StoreError as error:
        from uwf.store.sqlite import lone_reader

        if lone_reader.can_help(error):
            return _checked(lone_reader.LoneReader(path, wait_s, error), marked)
        if error.code not in (READONLY, CANNOT_OPEN):
            raise
        from uwf.store.sqlite.readonly import open_read_only

        read_only = open_read_only(path)
        if read_only is None:
            raise
        return _checked(read_only, marked)


def in_memory() -> Database:
    """An empty store that ends with its connection."""
    database = InMemory()
    _fill(database.connection)
    return database


def complete(database: Database) -> None:
    """Add what a store of an earlier uwf lacks, as part of the transaction that is open."""
    try:
        there = {row[0] for row in database.all(_ADDED)}
        if "ref_count" not in there:
            for sql in _COUNTS:
                database.run(sql)
            for row in count_folders(database).items():
                database.run("INSERT INTO ref_count VALUES (?, ?)", row)
        if "ref_end" not in there:
            database.run(_ENDS)
        if "entry" not in there:
            for sql in _ENTRIES:
                database.run(sql)
    except sqlite3.Error as error:
        raise explain(error, database.path) from error


def _checked(database: Database, marked: tuple[str, int] | None) -> Database:
    """The database, if it is a store and whole. It is closed when it is not."""
    try:
        _recognise(database)
        if marked is not None:
            _refuse_shortened(database, *marked)
    except BaseException:
        database.close()
        raise
    return database


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnreadable(f"cannot look at the store {path}: {error.strerror}") from error


def _refuse_lost(path: str) -> None:
    """StoreUnreadable when the store is not there and something tells that one was.

    An empty list would hide the loss, and a new store end the hope: a WAL holds committed data, and beside a new store
    it would be replayed into that.
    """
    link = dangling(path)
    if link is not None:
        target = os.path.realpath(link)
        raise StoreUnreadable(
            f"a store was at {path} and is gone: {link} is a link to {target}, which is not there; mount its disk "
            f"again, or begin anew with mkdir {target}",
            hint=f"ls -ld {link}",
            code=GONE,
        )
    if was_never_made(path) or _size(path) is not None:
        return
    if os.path.lexists(f"{path}-wal"):
        raise unreadable(path, f"the file is gone, but {path}-wal with its latest changes is there")
    mark = high_water.path_of(path)
    raise StoreUnreadable(
        f"a store was at {path} and is gone, only {mark} tells of it; put a backup in its place, "
        f"or begin anew with rm {mark}",
        hint=f"ls -la {os.path.dirname(path) or '.'}",
        code=GONE,
    )


def _recognise(database: Database) -> None:
    (application,) = database.one("PRAGMA application_id")
    if application != APPLICATION:
        raise unreadable(database.path, "it is a database of another program")
    (format,) = database.one("PRAGMA user_version")
    if format != FORMAT:
        writer = _writer(database)
        raise StoreTooNew(
            f"{database.path} was written by {writer} in format {format}; "
            f"this is uwf {uwf.__version__}, which reads format {FORMAT}",
            hint="pip install --upgrade uwf",
        )


def _refuse_shortened(database: Database, instance: str, move: int) -> None:
    """StoreUnreadable when moves that were committed durably are gone."""
    sql = "SELECT value, (SELECT max(seq) FROM ref_log) FROM meta WHERE key = 'instance'"
    own_instance, last = database.one(sql) or ("", 0)
    if own_instance == instance and (last or 0) < move:
        path = database.path
        raise StoreUnreadable(
            f"{path} has lost what was written last: it ends at move {last or 0}, and move {move} was committed; "
            f"{path}-wal was damaged or taken away, or an older copy stands in its place; "
            f"without {high_water.path_of(path)} uwf goes on with what is left",
            hint=restoring(path),
            code="store_shortened",
        )


def _writer(database: Database) -> str:
    """The uwf that wrote a store of another format, if its `meta` is still what it was."""
    try:
        row = database.one("SELECT value FROM meta WHERE key = 'writer'")
    except StoreError:
        row = None
    return row[0] if row else "another version of uwf"


def _create(path: str) -> None:
    """Make an empty store and publish it whole. When two processes do so at once, one of the two stays."""
    folder = os.path.dirname(path) or "."
    try:
        owned.make_folder(folder)
    except OSError as error:
        raise cannot_create(path, error) from error
    temporary = start_new(path)
    try:
        _write_file(temporary)
        points.at("store: filled")
        publish_new(temporary, path)
    except sqlite3.Error as error:
        from uwf.store.sqlite.locks import without_locks

        raise (is_busy(error) and without_locks(path)) or explain(error, path) from error
    finally:
        for side in ("", *SQLITE_SIDE_FILES):
            discard(temporary + side)


def new_instance() -> str:
    """What tells a store file from its copies: see `high_water`."""
    return os.urandom(16).hex()


def _write_file(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        # No other process can see the file yet: it is made durable once, when it is published.
        connection.execute("PRAGMA synchronous=OFF")
        _fill(connection)
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise StoreError(
                f"cannot create {path}: this disk cannot hold an SQLite WAL (mode {mode})"
            )
    finally:
        connection.close()


def _fill(connection: sqlite3.Connection) -> None:
    """Make an empty database a store that holds nothing yet."""
    facts = {
        "format": f"{FORMAT}",
        "writer": f"uwf {uwf.__version__}",
        "created": clock.iso(clock.now_ms()),
        "instance": new_instance(),
    }
    connection.executescript(
        f"BEGIN; PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT}; {_TABLES} COMMIT;"
    )
    for sql in (*_COUNTS, _ENDS, *_ENTRIES):
        connection.execute(sql)
    connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
