"""Sources that say lines of JSON: a command, and a file that grows."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from uwf.config.sources import Source
from uwf.daemon.sources import lines as reading
from uwf.daemon.sources.polled import Polled, PollTask
from uwf.daemon.sources.polling import poll

Poll = Callable[..., Polled]


@pytest.fixture
def say(tmp_path: Path) -> Poll:
    """Polls a command that is the Python code it is given, after what the last poll has left."""
    cursor: Any = None

    def say(code: str, **source: Any) -> Polled:
        nonlocal cursor
        words = (sys.executable, "-c", f"import json, os, sys, time\n{code}")
        made = Source(name="ci", kind="command", command=words, **{"timeout_s": 10.0, **source})
        found = poll(PollTask(made, str(tmp_path), cursor=cursor))
        cursor = json.loads(json.dumps(found.cursor))
        return found

    return say


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@pytest.fixture
def tail(file: Path, tmp_path: Path) -> Poll:
    """Polls the file, after what the last poll has left."""
    cursor: Any = None

    def tail(**source: Any) -> Polled:
        nonlocal cursor
        made = Source(name="ci", kind="file", path=str(file), **source)
        found = poll(PollTask(made, str(tmp_path), cursor=cursor))
        cursor = json.loads(json.dumps(found.cursor))
        return found

    return tail


def names(found: Polled) -> list[str]:
    return [event.name for event in found.events]


def add(file: Path, *events: str) -> None:
    with file.open("a") as log:
        log.writelines(f'{{"name": "{name}"}}\n' for name in events)


def test_each_line_of_a_command_is_an_event(say: Poll) -> None:
    found = say('print(\'{"name": "a", "id": "1"}\\n\\n{"name": "b", "trust": "stranger"}\')')
    assert names(found) == ["a", "b"]
    assert [(event.source, event.trust) for event in found.events] == [
        ("ci", "bot"),
        ("ci", "stranger"),
    ]
    assert found.faults == ()


def test_with_an_event_each_line_is_its_data(say: Poll) -> None:
    found = say("print(json.dumps({'job': 7}))", event="ci.done")
    [event] = found.events
    assert (event.name, event.data) == ("ci.done", {"job": 7})


def test_what_a_command_said_the_last_time_is_no_news(say: Poll) -> None:
    assert names(say('print(\'{"name": "a"}\\n{"name": "b"}\')')) == ["a", "b"]
    assert names(say('print(\'{"name": "b"}\\n{"name": "c"}\')')) == ["c"]
    assert names(say('print(\'{"name": "a"}\')')) == ["a"]


def test_a_cursor_is_handed_back(say: Poll) -> None:
    code = (
        "at = int(os.environ['UWF_CURSOR'] or 0)\n"
        "print(json.dumps({'name': f'n{at}'}))\n"
        "print(json.dumps({'cursor': str(at + 1)}))"
    )
    assert names(say(code)) == ["n0"]
    assert names(say(code)) == ["n1"]
    assert say("sys.exit('broken')").faults == ("it ended with exit code 1: broken",)
    assert names(say(code)) == ["n2"]


def test_many_events_come_in_several_polls_and_none_twice(
    say: Poll, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 3)
    code = "for n in range(8): print(json.dumps({'name': f'n{n}'}))"
    found = [say(code) for _ in range(4)]
    assert [name for each in found for name in names(each)] == [f"n{n}" for n in range(8)]
    assert [each.is_cut for each in found] == [True, True, False, False]


def test_lines_that_are_none_are_named_and_passed_over(say: Poll) -> None:
    found = say("print('x\\n' * 5 + '{\"name\": \"a\"}')")
    assert names(found) == ["a"]
    assert found.faults[0].startswith("line 1: it is not JSON")
    assert found.faults[-1] == "and 2 lines more"


def test_a_command_that_hangs_is_ended_with_what_it_began(say: Poll, tmp_path: Path) -> None:
    there = shlex.quote(str(tmp_path / "pid"))
    code = (
        "print(json.dumps({'name': 'a'}), flush=True)\n"
        f"os.system('sleep 100 & echo $! > {there}')\n"
        "sys.stdout.write('{\"na'); sys.stdout.flush()\n"
        "time.sleep(100)"
    )
    begin_s = time.monotonic()
    found = say(code, timeout_s=1.0)
    assert time.monotonic() - begin_s < 8
    assert names(found) == ["a"]
    assert found.faults == ("it did not end within 1 s, and was ended",)
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_what_a_command_leaves_behind_is_not_waited_for(say: Poll) -> None:
    begin_s = time.monotonic()
    found = say("os.system('sleep 100 &'); print(json.dumps({'name': 'a'}))")
    assert time.monotonic() - begin_s < 8
    assert names(found) == ["a"] and found.faults == ()


def test_a_command_without_end_is_ended(say: Poll) -> None:
    found = say("while True: print('x' * 100_000)")
    assert "it said more than 8 MiB, and was ended" in found.faults


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    source = Source(name="ci", kind="command", command=("/nowhere/x",), timeout_s=5.0)
    found = poll(PollTask(source, str(tmp_path)))
    assert found.faults == ("it could not be run: '/nowhere/x': no such file",)


def test_new_lines_of_a_file_are_taken_once_they_are_whole(tail: Poll, file: Path) -> None:
    add(file, "a", "b")
    with file.open("a") as log:
        log.write('{"name": ')
    assert names(tail()) == ["a", "b"]
    assert names(tail()) == []
    with file.open("a") as log:
        log.write('"c"}\n')
    assert names(tail()) == ["c"]


def test_the_same_line_again_is_another_event(tail: Poll, file: Path) -> None:
    add(file, "a")
    first = tail().events
    add(file, "a")
    again = tail().events
    assert first[0].id != again[0].id


def test_a_file_that_was_put_aside_is_read_to_its_end_first(tail: Poll, file: Path) -> None:
    add(file, "a")
    assert names(tail()) == ["a"]
    add(file, "b")
    file.rename(f"{file}.1")
    add(file, "c")
    found = tail()
    assert names(found) == ["b"] and found.is_cut
    assert names(tail()) == ["c"]


def test_a_file_that_was_begun_anew_is_read_from_its_beginning(tail: Poll, file: Path) -> None:
    add(file, "a", "b")
    tail()
    os.truncate(file, 0)
    add(file, "c")
    assert names(tail()) == ["c"]


def test_the_same_line_in_a_file_that_was_begun_anew_is_another_event(
    tail: Poll, file: Path
) -> None:
    add(file, "a", "b")
    first = tail().events
    os.truncate(file, 0)
    add(file, "a")
    again = tail().events
    assert [event.name for event in again] == ["a"] and again[0].id != first[0].id
    assert names(tail()) == []


def test_a_file_that_was_begun_anew_and_has_grown_since_is_read_from_its_beginning(
    tail: Poll, file: Path
) -> None:
    add(file, "a", "b")
    tail()
    os.truncate(file, 0)
    add(file, "x", "y", "z")
    assert names(tail()) == ["x", "y", "z"]


def test_where_an_older_version_has_left_a_file_it_is_read_on(tail: Poll, file: Path) -> None:
    add(file, "a")
    cursor = {"inode": file.stat().st_ino, "offset": file.stat().st_size}
    add(file, "b")
    source = Source(name="ci", kind="file", path=str(file))
    assert names(poll(PollTask(source, "", cursor=cursor))) == ["b"]


def test_what_a_command_says_again_is_known_however_much_it_is(
    say: Poll, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 3)
    monkeypatch.setattr("uwf.daemon.sources.command.MOST_KNOWN", 4)
    code = "[print(json.dumps({'name': f'n{n}'})) for n in range(10)]"
    found = [say(code) for _ in range(5)]
    assert [name for each in found for name in names(each)] == [f"n{n}" for n in range(10)]
    assert [each.is_cut for each in found] == [True, True, True, False, False]


def test_what_a_command_had_no_time_to_say_again_is_still_known(say: Poll) -> None:
    assert names(say("[print(json.dumps({'name': f'n{n}'})) for n in range(3)]")) == [
        *("n0", "n1", "n2")
    ]
    assert names(say("print(json.dumps({'name': 'n0'})); sys.exit(1)")) == []
    assert names(say("[print(json.dumps({'name': f'n{n}'})) for n in range(4)]")) == ["n3"]


def test_many_lines_come_in_several_polls(
    tail: Poll, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 3)
    add(file, *(f"n{n}" for n in range(7)))
    found = [tail() for _ in range(3)]
    assert [name for each in found for name in names(each)] == [f"n{n}" for n in range(7)]
    assert [each.is_cut for each in found] == [True, True, False]


def test_lines_that_are_none_do_not_stop_the_file(tail: Poll, file: Path) -> None:
    file.write_bytes(b"\xff\n" + b"x" * (2 << 20) + b"\n")
    add(file, "a")
    found = tail()
    assert names(found) == ["a"]
    assert len(found.faults) == 2


def test_a_line_without_end_is_passed_over(
    tail: Poll, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uwf.daemon.sources.file.MOST_BYTES", 1000)
    file.write_text("x" * 2500)
    assert tail().faults == ("a line is longer than 0 MiB",)
    tail()
    with file.open("a") as log:
        log.write("\n")
    add(file, "a")
    assert names(tail()) == ["a"]


@pytest.mark.parametrize("make", [lambda path: None, os.mkfifo, os.mkdir])
def test_what_is_no_file_is_told(tail: Poll, file: Path, make: Callable[[Path], None]) -> None:
    make(file)
    [fault] = tail().faults
    assert fault.startswith(f"cannot read {file}: ")


def is_gone(pid: int) -> bool:
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
