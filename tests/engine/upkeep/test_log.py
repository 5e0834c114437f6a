"""The log: whole lines whoever writes, found again by what is in them, and nobody is stopped by it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.ticking import Ticking
from uwf.engine.chain.redact import Redactor
from uwf.engine.upkeep.log import index, writer
from uwf.engine.upkeep.log.search import LogFilter, LogSearch
from uwf.engine.upkeep.log.writer import Log
from uwf.errors import ConfigInvalid

DAY_MS = 86_400_000


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    ticking = Ticking()
    monkeypatch.setattr("uwf.clock.now_ms", ticking)
    return ticking


def log_of(home: str, *secrets: tuple[str, str]) -> Log:
    return Log(home, "test", lambda: Redactor(secrets))


def found(home: str, limit: int = 100, **wanted: Any) -> list[dict[str, Any]]:
    search = LogSearch(home)
    try:
        return [line.fields for line in search.newest(LogFilter(**wanted), limit)]
    finally:
        search.close()


def whats(home: str, **wanted: Any) -> list[str]:
    return [line["what"] for line in found(home, **wanted)]


def text_of(home: str) -> str:
    return "".join(path.read_text() for path in sorted(Path(home).glob("logs/*.jsonl")))


def test_a_line_has_what_it_is_about_and_who_wrote_it(home: str, now: Ticking) -> None:
    log_of(home).write("step_done", thread="T", step="S", event="E", role="writer", usage=None)
    [line] = found(home)
    about = {"thread": "T", "step": "S", "event": "E", "process": os.getpid(), "by": "test"}
    assert line == {"at": now.ms, "what": "step_done", **about, "role": "writer"}
    assert json.loads(text_of(home)) == line


def test_facts_hide_nothing_of_what_every_line_has(home: str) -> None:
    log_of(home).write("one", thread="T", what="a fact", at=3, process="x", by="y", role="z")
    [line] = found(home)
    assert (line["what"], line["what_"], line["at_"], line["process_"], line["by_"]) == (
        *("one", "a fact", 3, "x", "y"),
    )
    assert line["at"] > 3 and line["role"] == "z"


def test_lines_are_found_by_thread_event_time_and_words(home: str, now: Ticking) -> None:
    log = log_of(home)
    log.write("one", thread="A", event="E", message="The provider is overloaded.")
    middle_ms = now.ms + 1
    log.write("two", thread="B", event="E", message='Übergabe an step_3, "quoted"')
    log.write("three", thread="A")
    assert whats(home) == ["one", "two", "three"]
    assert whats(home, thread="A") == ["one", "three"]
    assert whats(home, event="E") == ["one", "two"]
    assert whats(home, since_ms=middle_ms) == ["two", "three"]
    assert whats(home, thread="A", since_ms=middle_ms) == ["three"]
    assert whats(home, limit=2) == ["two", "three"]
    assert whats(home, words="PROVIDER is over") == ["one"]
    assert whats(home, words="step_3") == whats(home, words="übergabe") == ["two"]
    assert whats(home, words="overloaded", thread="B") == []


@pytest.mark.parametrize(
    "words", ['"', "'", "!!", "* OR *", "a NEAR b", "(", "\\", "%", "what:one"]
)
def test_any_text_may_be_looked_for(home: str, words: str) -> None:
    log_of(home).write("one", message=f"a {words} b")
    whats(home, words=words)


def test_what_is_new_is_found_by_an_index_that_is_there(home: str) -> None:
    log = log_of(home)
    log.write("one")
    assert whats(home) == ["one"]
    log.write("two")
    assert whats(home, words="two") == ["two"]
    assert whats(home) == ["one", "two"]


@pytest.mark.parametrize("damage", ["gone", "garbage", "truncated", "another version", "no table"])
def test_an_index_that_is_gone_or_damaged_is_made_anew(home: str, damage: str) -> None:
    log = log_of(home)
    for number in range(300):
        log.write("one", number=number, message=f"some words {number}" * 9)
    assert len(whats(home, limit=1000)) == 300
    path = Path(home, "cache", "log.db")
    if damage == "gone":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"no database" * 1000)
    elif damage == "truncated":
        os.truncate(path, 9000)
    else:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version=99" if damage != "no table" else "DROP TABLE line")
        connection.close()
    log.write("two")
    assert whats(home, words="two") == ["two"]
    assert len(whats(home, limit=1000)) == 301


def test_without_a_place_for_the_index_the_log_is_searched_all_the_same(home: str) -> None:
    log_of(home).write("one", message="found")
    Path(home, "cache").write_text("in the way")
    assert whats(home, words="found") == ["one"]


@pytest.mark.parametrize("when", ["opened", "asked"])
def test_an_index_that_another_process_is_at_is_left_to_it(
    home: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr("uwf.engine.upkeep.log.index.BUSY_S", 0.05)
    log = log_of(home)
    log.write("one")
    assert whats(home) == ["one"]
    path = Path(home, "cache", "log.db")
    before = path.stat().st_ino
    log.write("two")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        if when == "opened":
            other.execute("BEGIN EXCLUSIVE")
            assert whats(home) == ["one", "two"]
        else:
            with closing(LogSearch(home)) as search:
                other.execute("BEGIN EXCLUSIVE")
                assert len(search.newest(LogFilter(), 10)) == 2
    assert path.stat().st_ino == before


def test_a_folder_in_the_place_of_the_index_is_no_reason_not_to_look(home: str) -> None:
    Path(home, "cache", "log.db").mkdir(parents=True)
    log_of(home).write("one")
    assert whats(home) == ["one"]


def test_lines_of_files_that_are_gone_are_forgotten(home: str, now: Ticking) -> None:
    log = log_of(home)
    log.write("old", message="words")
    now.ms += DAY_MS
    log.write("new", message="words")
    assert whats(home, words="words") == ["old", "new"]
    first, second = sorted(Path(home, "logs").iterdir())
    assert (first.name, second.name) == ("2023-11-14-001.jsonl", "2023-11-15-001.jsonl")
    first.unlink()
    assert whats(home, words="words") == ["new"]


def test_a_file_that_has_grown_large_is_followed_by_another(
    home: str, now: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FILE_BYTES", 1000)
    logs = log_of(home), log_of(home)
    for number in range(40):
        logs[number % 2].write("one", number=number)
    files = sorted(Path(home, "logs").iterdir())
    assert [path.name for path in files] == [f"2023-11-14-{n:03d}.jsonl" for n in (1, 2, 3)]
    assert all(path.stat().st_size < 1100 for path in files)
    assert [line["number"] for line in found(home)] == list(range(40))
    now.ms += DAY_MS
    logs[0].write("one")
    assert sorted(path.name for path in Path(home, "logs").iterdir())[-1] == "2023-11-15-001.jsonl"


def test_secrets_stay_out_of_it(home: str) -> None:
    facts = {"message": "token s3cr3t-value!", "deep": [{"s3cr3t-value": "x s3cr3t-value"}]}
    log_of(home, ("TOKEN", "s3cr3t-value")).write("one", **facts)
    assert "s3cr3t" not in text_of(home)
    assert text_of(home).count("[redacted:TOKEN]") == 3


def test_without_a_readable_config_only_what_is_no_secret_is_written(home: str) -> None:
    def unknown() -> Redactor:
        raise ConfigInvalid("config.toml is not TOML")

    Log(home, "test", unknown).write("one", thread="T", message="maybe a secret")
    [line] = found(home)
    assert (line["what"], line["thread"], "message" in line) == ("one", "T", False)


def test_what_is_no_json_and_what_is_long_is_written_as_text(home: str) -> None:
    log_of(home).write(
        "one", path=Path("/x"), lone="\ud800", long="x" * 100_000, many=list(range(999))
    )
    [line] = found(home)
    assert line["path"] == "/x"
    assert len(line["long"]) == writer.TEXT_CHARS + 1
    assert len(line["many"]) == 50


WRITER = """
import sys
from uwf.engine.chain.redact import Redactor
from uwf.engine.upkeep.log.writer import Log
log = Log(sys.argv[1], sys.argv[2], Redactor)
for number in range(200):
    log.write("one", number=number, text="x" * (number * 37 % 1900))
"""


def test_processes_that_write_at_once_write_whole_lines(home: str) -> None:
    words = [sys.executable, "-c", WRITER, home]
    children = [subprocess.Popen([*words, str(n)], cwd=Path(__file__).parents[3]) for n in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    lines = [json.loads(line) for line in text_of(home).splitlines()]
    assert sorted((line["by"], line["number"]) for line in lines) == sorted(
        (str(n), number) for n in range(4) for number in range(200)
    )


def full(*_: object) -> int:
    raise OSError(28, "No space left on device")


def half(write: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    return lambda file, data: write(file, data[: len(data) // 2])


def test_a_full_disk_stops_nobody_and_leaves_no_half_line(
    home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of(home)
    log.write("one")
    write = os.write
    for broken in (full, half(write)):
        monkeypatch.setattr(os, "write", broken)
        log.write("lost")
        monkeypatch.setattr(os, "write", write)
    log.write("two")
    assert [json.loads(line)["what"] for line in text_of(home).splitlines()] == ["one", "two"]


def test_a_torn_line_hides_no_other(home: str) -> None:
    log = log_of(home)
    log.write("one")
    [path] = Path(home, "logs").iterdir()
    with open(path, "ab") as file:
        file.write(b'{"at":1,"wha\n[]\n{"at":"x","what":1}\n\xff\n')
    log.write("two")
    with open(path, "ab") as file:
        file.write(b'{"at":5,"what":"unfinished')
    assert whats(home) == ["one", "two"]
    with open(path, "ab") as file:
        file.write(b'"}\n')
    assert sorted(whats(home)) == ["one", "two", "unfinished"]


@pytest.mark.parametrize("there", ["a file", "nothing"])
def test_where_there_is_no_home_nothing_is_made(tmp_path: Path, there: str) -> None:
    home = tmp_path / "home"
    if there == "a file":
        home.write_text("mine")
    log_of(str(home)).write("one")
    assert os.listdir(tmp_path) == (["home"] if there == "a file" else [])


def test_a_process_that_was_stopped_with_the_lock_keeps_nobody(
    home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    log = log_of(home)
    log.write("one")
    monkeypatch.setattr(writer, "LOCK_PAUSE_S", 0)
    [path] = Path(home, "logs").iterdir()
    with open(path, "ab") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        log.write("two")
    assert whats(home) == ["one", "two"]


def test_following_gives_what_is_there_and_then_what_comes(
    home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of(home)
    for what in ("one", "two", "three"):
        log.write(what, thread="T")
    search = LogSearch(home)
    monkeypatch.setattr("time.sleep", lambda _: log.write("next", thread="T"))
    lines = search.follow(LogFilter(thread="T"), 2)
    assert [next(lines).fields["what"] for _ in range(4)] == ["two", "three", "next", "next"]
    search.close()


def test_a_batch_may_end_within_a_line(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH_BYTES", 7)
    log = log_of(home)
    for number in range(5):
        log.write("one", number=number)
    assert [line["number"] for line in found(home)] == list(range(5))
