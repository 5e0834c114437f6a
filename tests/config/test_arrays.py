"""Arrays of tables, `[[chores]]`: read, refused with file and line, shown, and changed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import config
from uwf.app.setup.settings import Settings
from uwf.config import cache, edit, keys, toml_file
from uwf.config_table import Table, bare_name, each, key, some_duration, text
from uwf.errors import ConfigInvalid


class Chore(Table, array="chores"):
    name: str = key(bare_name, unset="")
    room: str = key(text, needed=True)
    every_s: float | None = key(some_duration)
    asks: Mapping[str, str] = each(text)

    def check(self) -> None:
        if self.room == "attic" and self.every_s is not None:
            raise ValueError("the attic is tidied once")


class Absence(Table, array="deep.absences"):
    what: str = key(text, unset="")


TWO = """\
# chores of the house
[[chores]]
name = "sweep" # daily
room = "hall"
every = "1d"

[[chores]]
room = "attic"
asks = { who = "me" }

[chores.asks.more]
"""


@pytest.fixture(autouse=True)
def arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "ARRAYS", (Chore, Absence))


def write(home: Path, content: str) -> None:
    (home / "config.toml").write_text(content)


def text_of(home: Path) -> str:
    return (home / "config.toml").read_text()


HOUSE = TWO.replace("\n[chores.asks.more]\n", "")


def test_each_element_is_a_record_with_its_name_or_its_number(tmp_path: Path) -> None:
    write(tmp_path, HOUSE)
    sweep, attic = config.load(str(tmp_path)).elements(Chore)
    assert sweep == Chore(name="sweep", room="hall", every_s=86_400.0, asks={})
    assert attic == Chore(name="2", room="attic", every_s=None, asks={"who": "me"})


def test_elements_come_from_the_cache_as_from_the_file(tmp_path: Path) -> None:
    write(tmp_path, HOUSE)
    first = config.load(str(tmp_path))
    assert cache.read(str(tmp_path), HOUSE.encode()) == first.settings
    assert config.load(str(tmp_path)).elements(Chore) == first.elements(Chore)


def test_no_element_is_no_fault() -> None:
    assert config.defaults().elements(Chore) == ()
    assert config.defaults().elements(Absence) == ()


def test_an_array_may_stand_below_a_table(tmp_path: Path) -> None:
    write(tmp_path, "[[deep.absences]]\nwhat = 'a'\n[[deep.absences]]\nwhat = 'b'\n")
    found = config.load(str(tmp_path)).elements(Absence)
    assert [absence.what for absence in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("\n[[chores]]\nroom = 'x'\nrom = 'y'\n", 4, "chores.1.rom is not a known key; did you"),
        ("[[chores]]\nname = 'a'\nrom = 'y'\n", 3, "did you mean chores.a.room?"),
        ("[[chore]]\nroom = 'y'\n", 1, "chore is not a known key; did you mean chores?"),
        ("[[chores]]\nname = 'a'\n\nroom = 3\n", 4, "chores.a.room: 3 is not a text"),
        ("[[chores]]\nroom = 'x'\n[[chores]]\nname = 'a'\n", 3, "chores.a.room is missing"),
        ("[[chores]]\n", 1, "chores.1.room is missing"),
        ("a = 1\n", 1, "a is not a known key"),
        ("[[chores]]\nroom = 'x'\nname = 'a b'\n", 3, "chores.1.name: 'a b' is not a name"),
        ("[[chores]]\nroom = 'x'\nname = '7'\n", 3, "chores.1.name: '7' is not a name"),
        ("[chores]\nroom = 'x'\n", 1, "chores is an array of tables: [[chores]]"),
        ("chores = [1]\n", 1, "chores is an array of tables: [[chores]]"),
        ("[[chores]]\nroom = 'attic'\nevery = '1d'\n", 1, "chores.1: the attic is tidied once"),
        ("[[chores]]\nroom='''\nx\n'''\n[chores.asks]\nx = 1\n", 6, "chores.1.asks.x: 1 is not"),
        ("[[chores]]\nroom='x'\nasks = 1\n", 3, "chores.1.asks is a table"),
        ("deep.absences = 3", 1, "deep.absences is an array of tables: [[deep.absences]]"),
        ("deep = 3", 1, "deep is a table"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    tmp_path: Path, content: str, line: int, message: str
) -> None:
    write(tmp_path, content)
    with pytest.raises(ConfigInvalid) as caught:
        config.load(str(tmp_path))
    assert message in caught.value.message
    assert f"{tmp_path}/config.toml:{line}: " in caught.value.message


def test_two_of_one_name_are_refused_with_both_lines(tmp_path: Path) -> None:
    twice = "[[chores]]\nname = 'a'\nroom = 'x'\n"
    write(tmp_path, twice + twice)
    with pytest.raises(ConfigInvalid) as caught:
        config.load(str(tmp_path))
    file = f"{tmp_path}/config.toml"
    assert caught.value.message.startswith(f"{file}:4: a second one of chores is called a;")
    assert caught.value.message.endswith(f"the first is {file}:1")


def test_elements_are_listed_and_got_by_name_and_by_number(tmp_path: Path) -> None:
    write(tmp_path, HOUSE)
    found = {each.key: each.value for each in edit.settings(str(tmp_path))}
    assert found["chores.sweep.room"] == "hall"
    assert found["chores.sweep.every"] == "1d"
    assert found["chores.2.room"] == "attic"
    assert found["chores.2.asks.who"] == "me"
    assert found["chores.2.every"] is None


def test_one_key_of_an_element_is_set_and_comments_stay(tmp_path: Path) -> None:
    write(tmp_path, HOUSE)
    edit.set_value(str(tmp_path), "chores.sweep.room", "kitchen")
    edit.set_value(str(tmp_path), "chores.2.asks.who", "you")
    assert text_of(tmp_path) == HOUSE.replace("hall", "kitchen").replace('"me"', '"you"')
    edit.set_value(str(tmp_path), "chores.sweep.asks.who", "us")
    sweep, _ = config.load(str(tmp_path)).elements(Chore)
    assert sweep == Chore(name="sweep", room="kitchen", every_s=86_400.0, asks={"who": "us"})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chores.mop.room", '[[chores]] and name = "mop"'),
        ("chores.sweep.name", "change it in the file"),
        ("chores.sweep.rom", "did you mean chores.sweep.room"),
        ("chores.sweep", "chores.sweep is a table, not a value"),
        ("chores", "chores is a table, not a value"),
        ("chores.2.every", "chores.2: the attic is tidied once"),
    ],
)
def test_what_cannot_be_set_says_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    write(tmp_path, HOUSE)
    with pytest.raises(ConfigInvalid) as caught:
        Settings(FakeHome(str(tmp_path))).set(name, "1d")  # type: ignore[arg-type]
    assert message in caught.value.message
    assert caught.value.hint
    assert text_of(tmp_path) == HOUSE


class FakeHome:
    def __init__(self, home: str) -> None:
        self.home = home


def test_a_key_or_a_whole_element_is_taken_out(tmp_path: Path) -> None:
    write(tmp_path, HOUSE)
    edit.unset(str(tmp_path), ("chores", "sweep", "every"))
    assert "every" not in text_of(tmp_path)
    edit.unset(str(tmp_path), ("chores", "2"))
    assert [each.name for each in config.load(str(tmp_path)).elements(Chore)] == ["sweep"]
    edit.unset(str(tmp_path), ("chores", "sweep"))
    assert config.load(str(tmp_path)).elements(Chore) == ()
    assert tomllib.loads(text_of(tmp_path)) == {}
    with pytest.raises(ConfigInvalid, match="sweep is not set"):
        edit.unset(str(tmp_path), ("chores", "sweep"))


def test_what_an_element_needs_is_not_taken_out(tmp_path: Path) -> None:
    write(tmp_path, HOUSE)
    with pytest.raises(ConfigInvalid, match=r"chores\.sweep\.room is needed"):
        edit.unset(str(tmp_path), ("chores", "sweep", "room"))
    assert text_of(tmp_path) == HOUSE


PIECES = [
    "x{n} = 1",
    "x{n} = '''\nx = [\n'''",
    'x{n} = """a\n\\"""\n[[not]]\n"""',
    "x{n} = [ # [\n  1,\n\n  2 ]",
    "x{n} = {{ a = '#', b = 1 }}",
    "\"x {n}\".'y' = 1",
    "[t{n}] # x",
    "[[list]]",
    "[list.below{n}]",
    "[[list.more]]",
    "# [comment]",
    "",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_the_line_of_each_key_is_where_it_is_written(pieces: list[str], end: str) -> None:
    pieces = ["[[list]]", *pieces]
    written = [piece.format(n=at) for at, piece in enumerate(pieces)]
    source = "\n".join(written).replace("\n", end)
    tomllib.loads(source)
    starts, at = {}, 1
    for number, piece in enumerate(written):
        starts[number] = at
        at += piece.count("\n") + 1
    lines = toml_file.lines_of(source)
    for number, piece in enumerate(written):
        name = f"x{number}"
        found = {line for place, line in lines.items() if name in place or f"x {number}" in place}
        if piece.startswith(("x", '"x')):
            assert found == {starts[number]}
    elements = [
        place for place in lines if len(place) == 2 and place[0] == "list" and place[1] in range(99)
    ]
    assert [lines[place] for place in elements] == [
        starts[number] for number, piece in enumerate(written) if piece == "[[list]]"
    ]
