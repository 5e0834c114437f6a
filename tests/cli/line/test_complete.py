"""What may come next in a command line, as far as no store is asked; and what no shell is told."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.repository import copied, typed
from uwf.cli import index
from uwf.cli.command import COMMON, SHELLS
from uwf.cli.line import complete
from uwf.cli.line.complete import MAX_MEANING, candidates, harmless, is_harmless


def words(line: str) -> list[str]:
    """What is offered for the last word of `line`."""
    found = candidates(line.split(" "))
    assert found.kind == complete.WORDS
    return [each.word for each in found.words]


def kind(line: str) -> str:
    return candidates(line.split(" ")).kind


def test_groups_and_commands_are_offered_where_a_name_is_due() -> None:
    assert words("") == [*index.GROUPS, *index.in_group("")]
    assert words("co") == ["config"]
    assert words("config pa") == ["path"]
    assert words("--json --home /x config pa") == ["path"]
    assert words("help workf") == ["workflow"]
    assert words("prompt ad") == ["adapter"]


def test_options_are_offered_once_and_those_that_may_be_repeated_again() -> None:
    assert words("config path --j") == ["--json"]
    assert words("config path --json --j") == []
    assert words("thread start --label a=b --lab") == ["--label"]
    assert "--install-completion" in words("--") and "--install-completion" not in words(
        "queue list --"
    )
    assert words("queue --") == ["--help"]
    assert "-p" in words("thread start -")


def test_the_value_of_an_option_is_offered_behind_it_or_behind_its_equals_sign() -> None:
    assert words("workflow graph x --format d") == ["dot"]
    assert words("workflow graph x --format=d") == ["--format=dot"]
    assert words("workflow graph --format dot --thread x --json=") == []
    assert words("thread start x -p ") == []
    assert words("thread exec x -c 2 --until") == ["--until-done"]


def test_behind_an_option_that_may_stand_bare_another_one_is_offered() -> None:
    assert words("thread start x --worktree --prom") == ["--prompt"]


def test_branches_are_those_of_the_repository_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = copied(tmp_path / "repo")
    typed(repo, "branch", "fix-parser")
    monkeypatch.chdir(repo / "deep")
    assert words("thread start x --worktree fi") == ["fix-parser"]
    assert words("thread merge x --onto ") == ["fix-parser", "main"]
    monkeypatch.chdir(tmp_path)
    assert words("thread merge x --onto ") == []


def test_the_shell_to_install_for_is_offered() -> None:
    assert words("--install-completion z") == ["zsh"]
    assert words("--show-completion ") == list(SHELLS)


def test_an_argument_is_offered_at_its_place_and_nothing_behind_the_last() -> None:
    assert words("guard drain o") == ["on", "off"]
    assert words("guard drain on o") == []
    assert words("guard drain -- o") == ["on", "off"]
    assert words("guard drain -- --j") == []


def test_several_words_in_one_are_offered_one_by_one() -> None:
    assert words("thread list --status idle,s") == ["idle,suspended"]
    assert "idle" not in words("thread list --status idle,")
    assert words("thread list --columns thread,pri") == ["thread,priority"]


def test_the_key_of_a_condition_is_offered_and_then_what_there_is_for_it() -> None:
    assert words("thread exec --where s") == ["status="]
    assert words("thread exec --where status=idle,su") == ["status=idle,suspended"]
    assert words("thread retry x y --where class=net") == ["class=network"]
    assert words("thread cancel --where label=") == []
    assert words("thread list --sort pri") == ["priority"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("store backup ", complete.FILES),
        ("thread start --cwd ", complete.FOLDERS),
        ("thread start --cwd=/t", complete.FOLDERS),
        ("--home ", complete.FOLDERS),
        ("workflow validate a.yaml b", complete.YAML),
        ("thread start ./", complete.YAML),
        ("thread start ~", complete.YAML),
    ],
)
def test_names_of_files_are_left_to_the_shell(line: str, what: str) -> None:
    assert kind(line) == what


@pytest.mark.parametrize("line", ["bogus ", "thread bogus ", "thread bogus --x", "thread list x"])
def test_nothing_is_offered_where_the_line_is_wrong(line: str) -> None:
    assert words(line) == []


@pytest.mark.parametrize("name", index.MODULES)
def test_every_declaration_says_what_completion_knows(name: str) -> None:
    for param in (*index.load(name).params, *COMMON):
        assert param.spec.complete in {"", *complete.KNOWN}


@pytest.mark.parametrize("name", ["", "thread ", "workflow ", "guard ", "thread start --"])
def test_every_meaning_is_one_short_line(name: str) -> None:
    for each in candidates(name.split(" ")).words:
        assert 0 < len(each.meaning) <= complete.MAX_MEANING and each.meaning.isprintable()


# -- what strangers wrote is offered only when no shell can obey it

HOSTILE = r"a$(x) a\$(x) a`x` a;b a|b a&b a<b a>b a*b a?b a[b] a{b,c} a!b a#b a'b a%b -p ~x =ls +x".split()


@pytest.mark.parametrize(
    "word", [*HOSTILE, "", "a b", 'a"b', "a\nb", "a\tb", "a\x1b]0;x", "ä", "ソ"]
)
def test_what_a_shell_could_read_as_more_than_a_word_is_not_offered(word: str) -> None:
    assert not is_harmless(word)


@pytest.mark.parametrize("word", ["@last", "@last~2", "01ARZ/writer@1", "a.b-c_d+e", "k=v", "x:y"])
def test_what_commands_take_is_offered(word: str) -> None:
    assert is_harmless(word)


@given(st.text())
@example("~")
def test_what_is_offered_needs_no_quotes(word: str) -> None:
    if is_harmless(word):
        assert shlex.quote(word.replace("~", "")) in (word.replace("~", ""), "''")


@given(st.text())
@example("\\$(touch P) `touch P` \"x\" 'y' \x1b]0;z\x07 \x9b31m\n[red] %F")
@example("word " * 100)
@example("x" * 1000)
def test_a_meaning_is_one_short_line_that_nothing_obeys(text: str) -> None:
    said = harmless(text)
    assert len(said) <= MAX_MEANING
    assert (said.isascii() and said.isprintable()) or not said
    assert not set(said) & set("\\$`\"'()[]{};&|<>*?!#%^")
