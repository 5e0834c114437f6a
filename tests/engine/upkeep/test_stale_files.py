"""Files that a killed uwf had not finished are known by their names, whoever wrote them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from uwf import clock
from uwf.agent.process import pump
from uwf.agent.process.fifo import Fifo
from uwf.config import cache, edit
from uwf.engine.upkeep import stale_files
from uwf.home import SCHEMAS, SPOOL
from uwf.store import files
from uwf.store.sqlite import open_store

HOUR_S = 3600


def in_a_child(work: Callable[[], object], *, dies_at: tuple[object, str]) -> None:
    """Do `work` in a process that is gone at the first call of what `dies_at` names."""
    pid = os.fork()
    if pid == 0:
        try:
            setattr(*dies_at, lambda *_, **__: os._exit(9))
            work()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


def age(home: Path, seconds: float) -> list[str]:
    """Make every file look written so long ago; their paths, without that of the lock, which stays."""
    paths = sorted(str(path) for path in home.rglob("*") if not path.is_dir())
    for path in paths:
        os.utime(path, (clock.own_ms() / 1000 - seconds,) * 2)
    return [path for path in paths if path != f"{home}/config.lock"]


def make_store(home: Path) -> None:
    open_store(f"{home}/store.db").close()


def spool(home: Path) -> None:
    vars(os).pop("O_TMPFILE", None)
    os.makedirs(home / SPOOL)
    pump._nameless_file(str(home / SPOOL))


def write_schema(home: Path) -> None:
    os.makedirs(home / SCHEMAS)
    files.publish_new(files.start_new(str(home / SCHEMAS / "abc.json")), "never")


WRITERS: dict[str, tuple[Callable[[Path], object], tuple[object, str]]] = {
    "store": (make_store, (os, "link")),
    "schema": (write_schema, (os, "link")),
    "cache": (lambda home: cache.write(str(home), b"", {}), (os, "replace")),
    "spool": (spool, (os, "unlink")),
    "events": (lambda home: Fifo(str(home / SPOOL), bool).__enter__(), (os, "open")),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_a_killed_writer_leaves_is_found_after_an_hour(tmp_path: Path, writer: str) -> None:
    work, dies_at = WRITERS[writer]
    in_a_child(lambda: work(tmp_path), dies_at=dies_at)
    left = age(tmp_path, HOUR_S - 60)
    assert left
    assert stale_files.find(str(tmp_path)) == []
    age(tmp_path, HOUR_S + 1)
    assert stale_files.find(str(tmp_path)) == left
    assert all(stale_files.remove(path) for path in [*left, *left])
    assert stale_files.find(str(tmp_path)) == []


def set_max_steps(home: Path) -> None:
    edit.set_value(str(home), "limits.max_steps", "3")


@pytest.mark.parametrize("link", [False, True])
def test_unfinished_settings_are_found_at_once(tmp_path: Path, link: bool) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "dotfiles"
    home.mkdir()
    elsewhere.mkdir()
    if link:
        (elsewhere / "mine.toml").touch()
        (home / "config.toml").symlink_to(elsewhere / "mine.toml")
    in_a_child(lambda: set_max_steps(home), dies_at=(os, "replace"))
    [left] = stale_files.find(str(home))
    assert os.path.dirname(left) == str(elsewhere if link else home)
    assert stale_files.remove(left)
    assert stale_files.find(str(home)) == []
    set_max_steps(home)


def test_settings_that_are_being_written_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, replace = [], os.replace

    def look(draft: str, path: str) -> None:
        assert os.path.exists(draft)
        found.extend(stale_files.find(str(tmp_path)))
        replace(draft, path)

    monkeypatch.setattr(os, "replace", look)
    set_max_steps(tmp_path)
    assert found == []


def test_the_store_that_a_killed_writer_had_published_stays(tmp_path: Path) -> None:
    in_a_child(lambda: make_store(tmp_path), dies_at=(files, "discard"))
    first, second = sorted(tmp_path.iterdir())
    assert first.samefile(second)
    [draft] = stale_files.find(str(tmp_path))  # at once: it is finished
    assert draft == str(second)
    stale_files.remove(draft)
    make_store(tmp_path)
    assert first.exists() and not second.exists()


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    draft = files.start_new(str(tmp_path / "store.db"))
    age(tmp_path, 10 * HOUR_S)
    assert stale_files.find(str(tmp_path)) == []
    files.discard(draft)


def test_nothing_else_in_a_home_is_taken_for_unfinished(tmp_path: Path) -> None:
    make_store(tmp_path)
    edit.set_value(str(tmp_path), "limits.max_steps", "3")
    cache.write(str(tmp_path), b"", {})
    for name in ("store.db-wal", "store.db.new", "my.new-1-notes", "config.toml.tmp", "spool-1"):
        (tmp_path / name).touch()
    (tmp_path / "store.db.new-1-00000000").mkdir()
    age(tmp_path, 10 * HOUR_S)
    assert stale_files.find(str(tmp_path)) == []
    assert stale_files.find(str(tmp_path / "not" / "made")) == []
