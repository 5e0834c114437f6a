"""What takes long tells how far it is, and comes to the same as without."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from uwf.store.sqlite import SqliteStore, open_store
from uwf.store.sqlite import store as sqlite_store
from uwf.store.whole import bundle, check, gc
from uwf.store.whole.backup import backup
from uwf.store.whole.restore import restore

OBJECTS = 40


@pytest.fixture
def made(tmp_path: Path) -> SqliteStore:
    """A store with as many objects as are needed, and as many that are not."""
    store = open_store(str(tmp_path / "store.db"))
    with store.transaction("fill") as tx:
        for number in range(OBJECTS):
            tx.set_ref(f"ref/{number}", tx.put("text", f"{number} " * 500), why="fill")
            tx.put("text", f"garbage {number}")
    return store


class Heard:
    """What was told, and what was done then."""

    def __init__(self, meanwhile: Callable[[], object] = bool) -> None:
        self.told: dict[str, list[tuple[int, int]]] = {}
        self._meanwhile = meanwhile

    def __call__(self, doing: str, done: int, total: int) -> None:
        self.told.setdefault(doing, []).append((done, total))
        self._meanwhile()


def to(most: int, total: int) -> list[tuple[int, int]]:
    return [(done, total) for done in range(1, most + 1)]


def test_verify_and_gc_tell_each_object(made: SqliteStore) -> None:
    heard = Heard()
    assert check.verify(made, deep=True, on_work=heard) == check.verify(made, deep=True)
    assert heard.told == {
        "reading objects": to(OBJECTS, 2 * OBJECTS),
        "reading what no ref needs": to(OBJECTS, OBJECTS),
        "examining the file": [(0, 0)],
    }
    heard = Heard()
    assert gc.collect(made, 0, on_work=heard).removed == OBJECTS
    assert heard.told["looking for what is needed"][:OBJECTS] == to(OBJECTS, 0)
    assert heard.told["removing objects"] == to(OBJECTS, OBJECTS)


def test_a_backup_in_parts_is_of_one_moment_while_others_write(
    made: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "PAGES_AT_ONCE", 1)
    other = open_store(made.place)

    def write() -> None:
        with other.transaction("meanwhile", durable=False) as tx:
            tx.put("text", f"{len(heard.told)} {sum(map(len, heard.told.values()))}")

    heard = Heard(write)
    backup(made, str(tmp_path / "copy.db"), on_work=heard)
    [(doing, told)] = heard.told.items()
    pages = told[0][1]
    assert (doing, told) == ("copying pages", to(pages, pages)) and pages > 1
    with closing(open_store(str(tmp_path / "copy.db"), create=False)) as copy:
        assert copy.stats().objects == 2 * OBJECTS
    assert made.stats().objects == 2 * OBJECTS + pages
    other.close()
    made.close()
    heard = Heard()
    restore(str(tmp_path / "copy.db"), made.place, heard)
    assert next(iter(heard.told)) == "copying pages" and "reading objects" in heard.told


def test_an_import_tells_what_it_checks_and_stores(made: SqliteStore, tmp_path: Path) -> None:
    stream = BytesIO()
    bundle.export_bundle(made, ["ref/0", "ref/1"], stream)
    stream.seek(0)
    heard = Heard()
    with closing(open_store(str(tmp_path / "other.db"))) as other:
        bundle.import_bundle(other, stream, allow=bool, on_work=heard)
    assert heard.told["checking objects"] == to(4, 0)
    assert [done for done, _ in heard.told["storing objects"]] == [1, 2, 3, 4]
