"""Objects kept near: what is read is right or not there, whatever became of the file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from uwf.store import object_cache
from uwf.store.codec import encode, id_of
from uwf.store.object_cache import ObjectCache
from uwf.store.sqlite import open_store

DYING = """
import sys
from uwf import points
from uwf.store.codec import encode, id_of
from uwf.store.object_cache import ObjectCache
cache = ObjectCache(sys.argv[1])
for number in range(3):
    data = encode("k", number)
    cache.keep(id_of(data), data)
points.arm(sys.argv[2])
cache.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cache" / "objects.db")


def objects(count: int, begin: int = 0) -> dict[str, bytes]:
    made = (encode("k", ["x" * 1000, number]) for number in range(begin, begin + count))
    return {id_of(data): data for data in made}


def kept(path: str, found: dict[str, bytes]) -> None:
    cache = ObjectCache(path)
    for id, data in found.items():
        cache.keep(id, data)
    cache.close()


def test_what_was_kept_is_read_by_the_same_and_by_the_next(path: str) -> None:
    found = objects(3)
    cache = ObjectCache(path)
    for id, data in found.items():
        assert cache.raw(id) is None
        cache.keep(id, data)
        assert cache.raw(id) == data
    assert not os.path.exists(path)
    cache.close()
    cache.close()
    again = ObjectCache(path)
    assert [again.raw(id) for id in found] == list(found.values())
    assert again.find(next(iter(found))[:20], "object") == next(iter(found))
    assert again.raw("ab" * 32) is None
    again.close()


def test_reading_alone_makes_no_file(path: str) -> None:
    cache = ObjectCache(path)
    assert cache.raw("ab" * 32) is None
    cache.close()
    assert not os.path.exists(path)


def test_a_large_object_is_not_kept(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_cache, "LARGEST_BYTES", 10)
    kept(path, objects(1))
    assert not os.path.exists(path)


def test_it_does_not_grow_for_ever(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_cache, "MOST_BYTES", 300_000)
    for begin in range(0, 1000, 100):
        kept(path, objects(100, begin))
        assert os.stat(path).st_size < 500_000
    cache = ObjectCache(path)
    last = objects(100, 900)
    assert [cache.raw(id) for id in last] == list(last.values())
    cache.close()


def test_a_damaged_object_is_read_from_the_store_again(path: str) -> None:
    found = objects(2)
    kept(path, found)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE object SET data = zeroblob(length(data))")
    database.close()
    cache = ObjectCache(path)
    assert [cache.raw(id) for id in found] == [None, None]
    for id, data in found.items():
        cache.keep(id, data)
    cache.close()
    again = ObjectCache(path)
    assert [again.raw(id) for id in found] == list(found.values())
    again.close()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_spoilt_file_is_replaced(path: str, content: bytes) -> None:
    found = objects(2)
    os.makedirs(os.path.dirname(path))
    Path(path).write_bytes(content)
    kept(path, found)  # one that reads nothing finds out when it writes
    kept(path, found)
    cache = ObjectCache(path)
    assert [cache.raw(id) for id in found] == list(found.values())
    cache.close()


def test_where_no_file_can_be_made_it_is_the_same_as_none(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    found = objects(2)
    cache = ObjectCache(str(tmp_path / "cache" / "objects.db"))
    for id, data in found.items():
        cache.keep(id, data)
    cache.close()
    assert (tmp_path / "cache").read_text() == "in the way"


def test_it_may_be_deleted_while_it_is_in_use(path: str) -> None:
    found = objects(2)
    kept(path, found)
    cache = ObjectCache(path)
    assert cache.raw(next(iter(found))) is not None
    for name in os.listdir(os.path.dirname(path)):
        os.unlink(os.path.join(os.path.dirname(path), name))
    for more in (objects(2, 10), objects(2, 20)):
        for id, data in more.items():
            cache.keep(id, data)
        cache._write()
    assert [cache.raw(id) for id in more] == list(more.values())
    cache.close()
    kept(path, objects(2, 20))


def test_one_that_another_writes_to_is_not_waited_for(path: str) -> None:
    kept(path, objects(1))
    cache = ObjectCache(path)
    other = open_store(path)
    with other.transaction("test"):
        for id, data in objects(2, 10).items():
            cache.keep(id, data)
        cache.close()
    other.close()


@pytest.mark.parametrize("at", ["keep near: begun", "keep near: written", "keep near: done"])
def test_killed_while_it_is_written_it_is_as_good_as_before(path: str, at: str) -> None:
    assert subprocess.run([sys.executable, "-c", DYING, path, at]).returncode == -9
    data = encode("k", 1)
    cache = ObjectCache(path)
    assert cache.raw(id_of(data)) in (None, data)
    cache.close()
    kept(path, objects(2))
    assert len(list(open_store(path).ids())) >= 2
