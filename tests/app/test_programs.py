"""A small program that a home asks: where it works, and what it finds there."""

from __future__ import annotations

from pathlib import Path

import pytest

from uwf.app import programs


def test_it_works_for_its_home_and_gets_nothing_that_is_for_this_process_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "UWF_CRASH_AT", "FORCE_COLOR")
    for name in (*alone, "OF_THE_USER"):
        monkeypatch.setenv(name, "1")
    answer = programs.ask(
        str(tmp_path), ("/bin/sh", "-c", "pwd -P; env; cat"), timeout_s=10, env={"MORE": "2"}
    )
    folder, *found = answer.out.decode().splitlines()
    assert folder == str(tmp_path.resolve())
    assert {f"UWF_HOME={tmp_path}", "OF_THE_USER=1", "MORE=2"} <= set(found)
    assert not {line.partition("=")[0] for line in found} & set(alone)


def test_it_is_told_text_whatever_that_holds(tmp_path: Path) -> None:
    answer = programs.ask(str(tmp_path), ("cat",), timeout_s=10, stdin="ä \udcff")
    assert answer.out.decode() == "ä ?"


def test_this_uwf_is_a_command(tmp_path: Path) -> None:
    (tmp_path / "uwf").mkdir()
    (tmp_path / "uwf" / "__main__.py").write_text("print('a file of the folder')")
    answer = programs.ask(str(tmp_path), programs.own_command("--version"), timeout_s=30)
    assert answer.code == 0 and b"a file" not in answer.out


def test_only_this_uwf_is_given_the_password_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UWF_STORE", "postgresql://ann:s3cret@h/db")
    monkeypatch.setattr(programs, "own_command", lambda *words: ["sh", *words])
    words = ("-c", "printenv UWF_STORE")
    asked = programs.ask(str(tmp_path), ("sh", *words), timeout_s=10)
    own = programs.ask_own(str(tmp_path), words, timeout_s=10, most_bytes=None, stop=None)
    assert asked.out == b"postgresql://ann@h/db\n"
    assert own.out == b"postgresql://ann:s3cret@h/db\n"
