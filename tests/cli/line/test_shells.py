"""Installing completion, and how bash's line is understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from uwf.cli.command import INSTALL_COMPLETION, SHOW_COMPLETION
from uwf.cli.line import shells
from uwf.cli.screen.output import Output
from uwf.errors import InputError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a person without any settings."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ZDOTDIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("shell", "script", "rc"),
    [
        ("bash", ".bash_completions/uwf.sh", ".bashrc"),
        ("zsh", ".zfunc/_uwf", ".zshrc"),
        ("fish", ".config/fish/completions/uwf.fish", None),
    ],
)
def test_a_script_is_installed_and_named_once_in_the_settings(
    home: Path, shell: str, script: str, rc: str | None
) -> None:
    for _ in range(2):
        assert shells.install(shell) == str(home / script)
    assert (home / script).read_text() == shells.SCRIPTS[shell]
    if rc is not None:
        assert (home / rc).read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("shell", "older"),
    [
        ("bash", "source '{home}/.bash_completions/uwf.sh'"),
        ("zsh", "fpath+=~/.zfunc; autoload -Uz compinit; compinit"),
    ],
)
def test_an_older_line_of_the_settings_will_do(home: Path, shell: str, older: str) -> None:
    rc = home / f".{shell}rc"
    rc.write_text(older.format(home=home))
    shells.install(shell)
    assert rc.read_text() == older.format(home=home)


def test_settings_are_added_to_not_written_anew(home: Path) -> None:
    real = home / "dotfiles"
    real.write_bytes(b"export A=\xe4")
    (home / ".bashrc").symlink_to(real)
    shells.install("bash")
    assert (home / ".bashrc").is_symlink()
    assert real.read_bytes().startswith(b"export A=\xe4\nsource ")


def test_settings_that_a_link_only_promises_are_made_behind_it(home: Path) -> None:
    (home / ".bashrc").symlink_to(home / "dotfiles")
    shells.install("bash")
    assert (home / "dotfiles").read_text().startswith("source ")


def test_zsh_and_fish_keep_their_files_where_they_are_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZDOTDIR", f"{home}/it's zsh")
    (home / "it's zsh").mkdir()
    (home / "it's zsh" / ".zshrc").write_text("fpath+=~/.zfunc; autoload -Uz compinit; compinit\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{home}/xdg")
    assert shells.install("zsh") == f"{home}/it's zsh/.zfunc/_uwf"
    assert shells.install("fish") == f"{home}/xdg/fish/completions/uwf.fish"
    assert "'\"'\"'" in (home / "it's zsh" / ".zshrc").read_text()
    assert not (home / ".zshrc").exists() and not (home / ".config").exists()


def test_a_relative_config_folder_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "here")
    assert shells.install("fish") == f"{home}/.config/fish/completions/uwf.fish"


@pytest.mark.parametrize("words", [["dash"], ["powershell"], [""], ["bash", "zsh"]])
@pytest.mark.parametrize("option", [INSTALL_COMPLETION, SHOW_COMPLETION])
def test_a_shell_that_there_is_no_script_for_is_refused(
    home: Path, option: str, words: list[str]
) -> None:
    with pytest.raises(InputError) as refused:
        shells.run([option, *words], Output())
    assert refused.value.hint == f"uwf {option} bash"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("shell", shells.SCRIPTS)
def test_no_script_evaluates_anything(shell: str) -> None:
    assert not re.search(r"\b(eval|source)\b|\$\{\(e", shells.SCRIPTS[shell])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("uwf ", ["uwf", ""]),
        ("uwf th", ["uwf", "th"]),
        ("uwf  thread   show @l", ["uwf", "thread", "show", "@l"]),
        ("uwf x --agent=m", ["uwf", "x", "--agent=m"]),
        ("uwf x -p 'two words' --ag", ["uwf", "x", "-p", "two words", "--ag"]),
        ("uwf x 'not clo", ["uwf", "x", "not clo"]),
        ('uwf x "@l', ["uwf", "x", "@l"]),
        ("uwf x a\\ b", ["uwf", "x", "a b"]),
        ("uwf x a\\", ["uwf", "x", "a"]),
        ("uwf x $(y) # z", ["uwf", "x", "$(y)", "#", "z"]),
    ],
)
def test_the_line_of_bash_is_taken_apart(line: str, words: list[str]) -> None:
    assert shells._split(line) == words


@pytest.mark.parametrize(
    ("line", "tail", "said"),
    [
        ("uwf --install-completion z", "z", "words\nzsh\n"),
        ("uwf workflow graph x --format=d", "d", "words\ndot\n"),
        ("uwf workflow graph x --format d", "d", "words\ndot\n"),
        ("uwf thread list --status idle,s", "idle,s", "words\nidle,suspended\n"),
        ("uwf store backup x", "x", "files\n"),
    ],
)
def test_bash_is_told_what_it_is_to_insert(line: str, tail: str, said: str) -> None:
    assert shells.answer("bash", ["--", line, tail]) == said


@pytest.mark.parametrize("shell", ["complete_zsh", "complete_bash", "source_fish", ""])
def test_a_script_that_is_not_ours_is_told_nothing(shell: str) -> None:
    assert shells.answer(shell, ["--", "thread", ""]) == ""
    assert shells.answer("zsh", []) == ""
