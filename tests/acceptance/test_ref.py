"""`uwf ref`: names that point at objects."""

from __future__ import annotations

import json

import pytest

from tests.helpers.program import Uwf


@pytest.fixture
def a(uwf: Uwf) -> str:
    return uwf("cas", "put", "-", "-q", input="a").out.strip()


@pytest.fixture
def b(uwf: Uwf) -> str:
    return uwf("cas", "put", "-", "-q", input="b").out.strip()


def test_a_new_ref_has_version_1_and_its_tags(uwf: Uwf, a: str) -> None:
    made = uwf("ref", "set", "x/y", a[:6], "--tag", "k=v=w", "--tag", "n=1", "--json").json
    assert made == uwf("ref", "get", "x/y", "--json").json
    assert isinstance(made.pop("updatedAt"), int)
    assert made == {"name": "x/y", "id": a, "version": 1, "tags": {"k": "v=w", "n": "1"}}


def test_tags_that_are_not_named_stay(uwf: Uwf, a: str, b: str) -> None:
    uwf("ref", "set", "r", a, "--tag", "keep=1", "--tag", "change=1", "--tag", "drop=1")
    moved = uwf("ref", "set", "r", b, "--tag", "change=2", "--tag", "drop=", "--json").json
    assert moved["tags"] == {"keep": "1", "change": "2"}
    assert moved["version"] == 2


def test_expect_moves_only_what_is_where_it_should_be(uwf: Uwf, a: str, b: str) -> None:
    uwf("ref", "set", "r", a, "--expect", "none")
    lost = uwf("ref", "set", "r", b, "--expect", "none", "--json", expect=5).error
    assert lost["code"] == "conflict"
    assert lost["hint"] == "uwf ref log r"
    assert "but it points to" in uwf("ref", "set", "r", a, "--expect", b, expect=5).err
    assert uwf("ref", "get", "r", "-q").out.strip() == a
    assert uwf("ref", "set", "r", b, "--expect", a, "-q").out.strip() == b


def test_a_ref_of_the_old_layout_can_be_built(uwf: Uwf, a: str) -> None:
    name = "@uwf/history/01ARZ3NDEKTSV4RRFFQ69G5FAV"
    uwf("ref", "set", name, a, "--tag", "completedAt=1700000000000", "--tag", "reason=done")
    [found] = uwf("ref", "list", "@uwf/history/", "--json").json
    assert (found["name"], found["tags"]["reason"]) == (name, "done")


def test_list_filters_by_prefix_and_tags(uwf: Uwf, a: str) -> None:
    for name, colour, size in (("p/1", "red", "s"), ("p/2", "blue", "s"), ("q/3", "red", "l")):
        uwf("ref", "set", name, a, "--tag", f"colour={colour}", "--tag", f"size={size}")

    def names(*words: str) -> list[str]:
        return uwf("ref", "list", *words, "-q").out.split()

    assert names() == ["p/1", "p/2", "q/3"]
    assert names("p/") == ["p/1", "p/2"]
    assert names("--tag", "colour=red") == ["p/1", "q/3"]
    assert names("--tag", "colour=red", "--tag", "colour=blue", "--tag", "size=s") == ["p/1", "p/2"]
    assert names("nothing") == []
    table = uwf("ref", "list").out.splitlines()
    assert table[0].split() == ["NAME", "ID", "VERSION", "TAGS"]
    assert table[1].split() == ["p/1", a[:12], "1", "colour=red", "size=s"]


def test_the_log_explains_every_move_and_outlives_the_ref(uwf: Uwf, a: str, b: str) -> None:
    uwf("ref", "set", "r", a)
    uwf("ref", "set", "r", b, "--tag", "k=v")
    assert uwf("ref", "delete", "r", "--json").json == {"name": "r", "deleted": b}
    uwf("ref", "get", "r", expect=4)
    moves = uwf("ref", "log", "r", "--json").json
    assert [(m["version"], m["old"], m["new"], m["why"]) for m in moves] == [
        (1, None, a, "ref set"),
        (2, a, b, "ref set"),
        (3, b, None, "ref delete"),
    ]
    assert moves[1]["tags"] == {"k": "v"}
    assert all(m["process"].startswith("pid ") and m["at"] > 0 for m in moves)
    assert uwf("ref", "set", "r", a, "--json").json["version"] == 4
    assert len(uwf("ref", "log", "r").out.splitlines()) == 5


def test_an_empty_home_has_no_refs(uwf: Uwf) -> None:
    assert uwf("ref", "list", "--json").json == []
    assert uwf("ref", "list").out == ""
    for words in (["get", "r"], ["log", "r"], ["delete", "r"]):
        assert uwf("ref", *words, "--json", expect=4).error["code"] == "no_such_ref"
    assert not uwf.home.exists()


@pytest.mark.parametrize("name", ["", "a//b", "/a", "a/", "a/../b", "a\tb", "x" * 201])
def test_names_that_are_none_are_refused(uwf: Uwf, a: str, name: str) -> None:
    assert "is not a ref name" in uwf("ref", "set", name, a, expect=2).err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["r", "0" * 64], 4),
        (["r", "abc"], 2),
        (["r", "{a}", "--tag", "novalue"], 2),
        (["r", "{a}", "--tag", "=v"], 2),
        (["r", "{a}", "--expect", "0" * 64], 4),
        (["r"], 2),
    ],
)
def test_bad_input_changes_nothing(uwf: Uwf, a: str, words: list[str], code: int) -> None:
    done = uwf("ref", "set", *(word.replace("{a}", a) for word in words), expect=code)
    assert 1 <= len(done.err.splitlines()) <= 2
    assert uwf("ref", "list", "--json").json == []


def test_of_many_racing_to_make_a_ref_one_wins(uwf: Uwf, a: str) -> None:
    racers = [uwf.start("ref", "set", "r", a, "--expect", "none", "--json") for _ in range(8)]
    ended = [(racer.communicate(timeout=60), racer.returncode) for racer in racers]
    assert sorted(code for _, code in ended) == [0] + [5] * 7
    for (_, err), code in ended:
        assert code == 0 or json.loads(err)["error"]["code"] == "conflict"
    assert uwf("ref", "get", "r", "--json").json["version"] == 1
