"""What may come next in a command line, as far as no store is asked."""

from __future__ import annotations

import pytest

from uwf.cli import complete, index, shells
from uwf.cli.command import COMMON
from uwf.cli.completion_line import answer


def words(line: str) -> list[str]:
    """What is offered for the last word of `line`."""
    found = answer(line.split(" "), shells.ALONE)
    assert found.kind == complete.WORDS
    return [word for word, _ in found.offers]


def kind(line: str) -> str:
    return answer(line.split(" "), shells.ALONE).kind


def test_groups_and_commands_are_offered_where_a_name_is_due() -> None:
    assert words("") == [*index.GROUPS, *index.in_group("")]
    assert words("co") == ["config"]
    assert words("config pa") == ["path"]
    assert words("--json --home /x config pa") == ["path"]


def test_options_are_offered_once_and_those_that_may_be_repeated_again() -> None:
    assert words("config path --j") == ["--json"]
    assert words("config path --json --j") == []
    assert words("thread start --label a=b --lab") == ["--label"]
    assert "--install-completion" in words("--") and "--install-completion" not in words("queue --")
    assert "-p" in words("thread start -")


def test_the_value_of_an_option_is_offered_behind_it_or_behind_its_equals_sign() -> None:
    assert words("workflow graph x --format d") == ["dot"]
    assert words("workflow graph x --format=d") == ["--format=dot"]
    assert words("workflow graph --format dot --thread x --json=") == []
    assert words("thread start x -p ") == []
    assert words("thread exec x -c 2 --until") == ["--until-done"]


def test_an_argument_is_offered_at_its_place_and_nothing_behind_the_last() -> None:
    assert words("guard drain o") == ["on", "off"]
    assert words("guard drain on o") == []
    assert words("guard drain -- o") == ["on", "off"]
    assert words("guard drain -- --j") == []


def test_several_words_in_one_are_offered_one_by_one() -> None:
    assert words("thread list --status idle,s") == ["idle,suspended"]
    assert "idle" not in words("thread list --status idle,")
    assert words("thread list --columns thread,pri") == ["thread,priority"]


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
    for _, meaning in answer(name.split(" "), shells.ALONE).offers:
        assert 0 < len(meaning) <= complete.MAX_MEANING and meaning.isprintable()
