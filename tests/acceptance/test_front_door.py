"""What holds for every command: help, usage errors, streams, signals."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.program import PROGRAM, Uwf
from uwf.cli import index

GUIDES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))

BOX_OR_ESCAPE = re.compile(r"[\x1b╭│]")


def on_terminal(uwf: Uwf, *words: str, env: dict[str, str] | None = None) -> str:
    """What `uwf` writes when stdin, stdout and stderr are one terminal, 80 columns wide."""
    leader, follower = pty.openpty()
    process = uwf.start(
        *words,
        env={"TERM": "xterm-256color", "COLUMNS": "80", **(env or {})},
        **dict.fromkeys(("stdin", "stdout", "stderr"), follower),
    )
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 20)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux says so when the last writer has closed its end
            break
        if not piece:
            break
        seen += piece
    assert process.wait(20) is not None
    os.close(leader)
    return seen.decode(errors="replace")


def test_version_is_one_line(uwf: Uwf) -> None:
    assert uwf("--version").out == "uwf 0.1.0\n"
    assert uwf("--version", "--json", "whatever").out == "uwf 0.1.0\n"
    assert uwf("-q", "--version", expect=2).out == ""


def test_help_names_every_group_and_is_data(uwf: Uwf) -> None:
    done = uwf("--help")
    assert done.err == ""
    assert all(
        re.search(rf"^  (\w+, )?{group}\b", done.out, re.MULTILINE) for group in index.GROUPS
    )


def test_guides_are_listed_and_printed(uwf: Uwf) -> None:
    listed = uwf("help", "--json").json
    assert [each["topic"] for each in listed] == sorted(path.stem for path in GUIDES)
    assert all(each["topic"] in uwf("help").out and each["title"] for each in listed)
    guide = uwf("help", "workflow")
    text = next(path for path in GUIDES if path.stem == "workflow").read_text()
    assert (guide.out, guide.err) == (text, "")
    drawn = on_terminal(uwf, "help", "workflow", "--no-pager")
    assert text.splitlines()[0].removeprefix("# ") in drawn and "```" not in drawn


def test_a_guide_that_is_not_there_is_bad_usage_with_what_was_meant(uwf: Uwf) -> None:
    done = uwf("help", "workflwo", expect=2)
    assert done.err == (
        "error: there is no guide about 'workflwo'; did you mean workflow?\nhint: uwf help workflow\n"
    )
    assert uwf("help", "qqq", expect=2).err.endswith("hint: uwf help\n")


def test_the_words_of_a_command_are_a_topic_and_a_guide_comes_first(uwf: Uwf) -> None:
    for words in (["thread", "exec"], ["thread"], ["inbox"]):
        page = uwf(*words, "--help").out
        assert uwf("help", *words).out == page
        found = uwf("help", *words, "--json").json
        assert (found["topic"], found["text"]) == (" ".join(words), page.removesuffix("\n"))
    assert uwf("help", "daemon").out.startswith("# "), "a guide and a group"
    error = uwf("help", "thread", "exce", "--json", expect=2).error
    assert (error["code"], error["hint"]) == ("no_such_topic", "uwf help thread exec")
    assert uwf("help", "no", "thing", "--json", expect=2).error["hint"] == "uwf --help"


def test_help_is_asked_anywhere_on_a_line(uwf: Uwf) -> None:
    page = uwf("thread", "exec", "--help").out
    assert uwf("--json", "thread", "exec", "-h", "@last", "--wrong").out == page
    assert "no such command" in uwf("thread", "exce", "--help", expect=2).err
    assert uwf("thread", "show", "--", "--help", expect=4).out == ""


def test_a_group_alone_shows_its_help_on_stderr_as_bad_usage(uwf: Uwf) -> None:
    done = uwf("config", expect=2)
    assert done.out == ""
    assert "Usage: uwf config" in done.err


@pytest.mark.parametrize(
    ("line", "error", "hint"),
    [
        ("config pth", "uwf config: no such command 'pth'", "uwf config path"),
        ("confg path", "uwf: no such command 'confg'", "uwf config"),
        ("start one -p 'a b'", "uwf: no such command 'start'", "uwf thread start one -p 'a b'"),
        ("-q list --all", "uwf: no such command 'list'", "uwf -q thread list --all"),
        ("run @last", "uwf: no such command 'run'", "uwf thread exec @last"),
        ("exec @last", "uwf: no such command 'exec'", "uwf thread exec @last"),
        ("resume @last", "uwf: no such command 'resume'", "uwf thread resume @last"),
        ("show", "uwf: no such command 'show'", "uwf thread show"),
        ("prompt help", "'help' is not one of usage, workflow, adapter", "uwf prompt --help"),
        ("version", "uwf: no such command 'version'", "uwf --version"),
        ("magic status", "uwf: no such command 'magic'", "uwf --help"),
        ("thread exec x --budget y", "no such option --budget", "uwf thread exec --help"),
        ("conf path", "uwf: no such command 'conf'", "uwf config"),
        ("step shwo", "uwf step: no such command 'shwo'", "uwf step show"),
        ("config path --jsn", "uwf config path: no such option --jsn", "uwf config path --json"),
        ("config get", "uwf config get: missing argument 'KEY'", "uwf config get --help"),
        ("config path --home", "uwf config path: option '--home' requires", "config path --help"),
        ("--bad config path", "uwf: no such option --bad", "uwf --help"),
        ("config path more", "unexpected extra argument", "uwf config path --help"),
    ],
)
def test_bad_usage_is_two_lines_and_exit_2(uwf: Uwf, line: str, error: str, hint: str) -> None:
    words = shlex.split(line)
    done = uwf(*words, expect=2)
    assert done.out == ""
    first, second = done.err.splitlines()
    assert first.startswith("error: ") and error in first
    assert second.startswith("hint: ") and second.endswith(hint)
    told = uwf("--json", *words, expect=2).error
    assert told["code"] == "usage"
    assert error in told["message"]


def test_common_options_stand_before_and_after_the_command(uwf: Uwf, tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    for words in (
        ["--home", other, "config", "path", "--json"],
        ["--json", "config", "path", f"--home={other}"],
        ["--home=/elsewhere", "config", "path", "--json", "--home", other],
    ):
        assert uwf(*words).json["path"] == f"{other}/config.toml"


def test_nothing_is_written_outside_home(uwf: Uwf) -> None:
    uwf("config", "set", "limits.max_steps", "5")
    outside = [path for path in uwf.home.parent.rglob("*") if uwf.home not in (path, *path.parents)]
    assert {path.name for path in outside} == {"user", "project"}


def test_errors_are_json_on_stderr_with_json(uwf: Uwf) -> None:
    done = uwf("config", "get", "nothing", "--json", expect=2)
    assert done.out == ""
    assert done.error == {
        "code": "bad_config",
        "message": "nothing is not a known key",
        "hint": "uwf config list",
    }


def test_an_internal_fault_is_words_unless_debugging(uwf: Uwf, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import uwf.home\ndef broken(home): raise ZeroDivisionError('oops')\nuwf.home.config_file = broken\n"
    )
    quiet = uwf("config", "path", env={"PYTHONPATH": str(broken)}, expect=1)
    assert quiet.err.splitlines() == [
        "error: internal fault: ZeroDivisionError: oops; UWF_DEBUG=1 shows where, please report it",
        "hint: export UWF_DEBUG=1",
    ]
    loud = uwf("config", "path", env={"PYTHONPATH": str(broken), "UWF_DEBUG": "1"}, expect=1)
    assert "Traceback" in loud.err


def test_a_reader_that_left_ends_it_quietly(uwf: Uwf) -> None:
    process = uwf.start("config", "list")
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
@pytest.mark.parametrize("words", [["config", "list"], ["--version"], ["config", "path", "--json"]])
def test_a_full_disk_behind_stdout_is_an_error(uwf: Uwf, words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        process = uwf.start(*words, stdout=full)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"error" in err and b"No space left on device" in err
    assert len(err.splitlines()) == 1


def test_closed_streams_are_survived(uwf: Uwf) -> None:
    shell = ["/bin/sh", "-c", 'exec "$0" config path "$@"']
    for closing, code in (("<&-", 0), ("2>&-", 0), (">&-", 1), (">&- 2>&- <&-", 1)):
        done = subprocess.run(
            [*shell[:2], f'exec "$0" config path {closing}', PROGRAM],
            capture_output=True,
            env=uwf.environ,
            timeout=20,
        )
        assert done.returncode == code, (closing, done)
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_any_locale_writes_utf8(uwf: Uwf, locale: str) -> None:
    uwf("config", "set", "agents.snow.command", "cat 'ümläut ☃'")
    env = {"LANG": locale, "LC_ALL": locale, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert "ümläut ☃" in uwf("config", "list", env=env).out
    assert uwf("config", "get", "agents.snow.command", "-q", env=env).out == "cat 'ümläut ☃'\n"
    assert uwf("config", "list", "--json", env=env).json["agents.snow.command"] == "cat 'ümläut ☃'"


def test_bytes_that_are_no_text_crash_nothing(uwf: Uwf) -> None:
    done = subprocess.run(
        [PROGRAM.encode(), b"config", b"get", b"\xff\xfe"], capture_output=True, env=uwf.environ
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_terminal_gets_colour_and_anything_else_does_not(uwf: Uwf) -> None:
    assert "\x1b[" in on_terminal(uwf, "config", "list")
    assert "\x1b[1;38;5;160merror:" in on_terminal(uwf, "config", "get", "nothing")
    assert "\x1b[" not in on_terminal(uwf, "config", "list", env={"NO_COLOR": "1"})
    assert "\x1b[" not in on_terminal(uwf, "config", "list", env={"TERM": "dumb"})
    assert "\x1b" not in uwf("config", "list").out


def test_a_terminal_without_utf8_or_of_ten_columns_crashes_nothing(uwf: Uwf) -> None:
    uwf("config", "set", "agents.snow.command", "cat ☃")
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX"}
    assert "cat ?" in on_terminal(uwf, "config", "list", env=ascii_only)
    assert "error" not in on_terminal(uwf, "config", "list", env={"COLUMNS": "10"})
    assert "Usage" in on_terminal(uwf, "config", "list", "--help", env=ascii_only)


def test_a_stored_text_cannot_steer_the_terminal(uwf: Uwf) -> None:
    uwf("config", "set", "agents.evil.command", "cat \x1b]0;owned\x07 \x9b31m")
    shown = on_terminal(uwf, "config", "get", "agents.evil.command")
    assert "owned" in shown
    assert "\x1b]" not in shown and "\x9b" not in shown and "\x07" not in shown


def test_the_module_is_the_command(uwf: Uwf) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uwf", "--version"], capture_output=True, env=uwf.environ, text=True
    )
    assert done.stdout == "uwf 0.1.0\n"
