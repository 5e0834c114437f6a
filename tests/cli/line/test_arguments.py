from __future__ import annotations

import io
import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from uwf.cli.line import arguments
from uwf.errors import InputError


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    return content


@pytest.fixture
def terminal() -> Iterator[io.TextIOWrapper]:
    leader, follower = pty.openpty()
    with open(follower) as file:
        yield file
    os.close(leader)


@pytest.mark.parametrize("value", ["plain", "", "-x", " @x", "a@b", "ünï\n"])
def test_a_text_stands_for_itself(value: str) -> None:
    assert arguments.text_arg(value) == value


def test_a_file_stands_for_its_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf\xc3\xbc\r\n")
    assert arguments.text_arg(f"@{tmp_path}/a") == "ü\r\n"


def test_two_ats_stand_for_one() -> None:
    assert arguments.text_arg("@@home") == "@home"
    assert arguments.text_arg("@@") == "@"


def test_a_dash_stands_for_stdin(stdin: io.BytesIO) -> None:
    stdin.write("from ☃ outside".encode())
    stdin.seek(0)
    assert arguments.text_arg("-") == "from ☃ outside"


def test_stdin_that_is_a_terminal_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, terminal: io.TextIOWrapper
) -> None:
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(InputError, match="standard input is a terminal"):
        arguments.text_arg("-")


def test_stdin_that_is_closed_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="it is closed"):
        arguments.text_arg("-")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("@", r"\(no name\)"),
        ("@/no/such/file", "/no/such/file: No such file"),
        ("@/", "Is a directory"),
        ("@a\0b", "null byte"),
        ("bad \udcff byte", "not UTF-8"),
    ],
)
def test_what_gives_no_text_is_bad_input(value: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        arguments.text_arg(value)


def test_other_encodings_are_named_by_their_first_wrong_byte(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match="latin is not UTF-8 text: byte 3"):
        arguments.text_arg(f"@{tmp_path}/latin")


def test_the_limit_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "MAX_TEXT_BYTES", 10)
    (tmp_path / "a").write_bytes(b"x" * 10)
    assert arguments.text_arg(f"@{tmp_path}/a") == "x" * 10
    (tmp_path / "a").write_bytes(b"x" * 11)
    with pytest.raises(InputError, match="is larger than"):
        arguments.text_arg(f"@{tmp_path}/a")


@pytest.mark.parametrize("digits", [16, 20, 5000])
def test_a_number_that_no_store_holds_is_far_ahead(digits: int) -> None:
    assert arguments.moment_ms("9" * digits, "uwf digest --since") == arguments.LATEST_MS


@pytest.mark.parametrize("text", ["23:59", "tomorrow", "", "2h ago"])
def test_what_is_no_time_is_told_in_the_words_of_its_own_command(text: str) -> None:
    with pytest.raises(InputError, match="two hours from now") as refused:
        arguments.future_ms(text, "uwf guard pause on --until")
    assert refused.value.hint == "uwf guard pause on --until 2h"
    with pytest.raises(InputError, match="two hours ago") as refused:
        arguments.moment_ms(text, "uwf thread list --until")
    assert refused.value.hint == "uwf thread list --until 2h"
