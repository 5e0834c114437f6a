"""The spool folder: whole files are taken in once and in order; what is no event is moved aside with its reason."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from uwf.app.unattended.events import Event
from uwf.daemon.intake import spool
from uwf.errors import InputError, StoreError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "events"
    folder.mkdir()
    return folder


class Kept:
    """Stores in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, events: Sequence[Event]) -> None:
        if any(event.name == "bad" for event in events):
            raise InputError("no such name")
        self.events += events

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]


def put(folder: Path, file: str, **event: object) -> None:
    (folder / file).write_text(json.dumps(event))


def test_without_a_folder_nothing_waits(tmp_path: Path) -> None:
    assert spool.take_in(str(tmp_path), Kept()).files == 0
    assert spool.refused(str(tmp_path)) == []


def test_whole_files_are_taken_in_their_order_and_removed(tmp_path: Path, folder: Path) -> None:
    put(folder, "2.json", name="second")
    put(folder, "1.json", name="first", id="f", trust="owner", who="me", data={"a": 1})
    put(folder, ".3.json", name="half")
    put(folder, "4.tmp", name="half")
    kept = Kept()
    assert spool.take_in(str(tmp_path), kept).files == 2
    assert kept.names == ["first", "second"]
    assert sorted(os.listdir(folder)) == [".3.json", "4.tmp"]
    first, second = kept.events
    assert (first.id, first.source, first.trust, first.who) == ("f", "spool", "owner", "me")
    assert (second.trust, second.who) == ("bot", "spool")


def test_a_file_that_is_read_twice_is_one_event_and_the_same_words_again_are_another(
    tmp_path: Path, folder: Path
) -> None:
    put(folder, "1.json", name="tick")
    first = spool.read(str(tmp_path), "1.json")
    assert first is not None and first == spool.read(str(tmp_path), "1.json")
    os.utime(folder / "1.json", (1, 1))
    again = spool.read(str(tmp_path), "1.json")
    assert again is not None and again.event is not None and first.event is not None
    assert again.event.id != first.event.id


def test_what_cannot_be_stored_now_stays(tmp_path: Path, folder: Path) -> None:
    put(folder, "1.json", name="first")

    def full(_events: Sequence[Event]) -> None:
        raise StoreError("the disk is full")

    with pytest.raises(StoreError):
        spool.take_in(str(tmp_path), full)
    assert spool.waiting(str(tmp_path)) == ["1.json"]


def test_what_is_no_event_is_moved_aside_with_its_reason(tmp_path: Path, folder: Path) -> None:
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_bytes(b"x" * (2 << 20))
    (folder / "c.json").symlink_to("/etc/passwd")
    os.mkfifo(folder / "d.json")
    (folder / "e.json").mkdir()
    put(folder, "f.json", nmae="typo")
    put(folder, "g.json", name="bad")
    put(folder, "h.json", name="good")
    kept = Kept()
    spool.take_in(str(tmp_path), kept)
    assert kept.names == ["good"]
    assert spool.waiting(str(tmp_path)) == []
    assert [(each.name, each.why[:22]) for each in spool.refused(str(tmp_path))] == [
        ("a.json", "it is not JSON: expect"),
        ("b.json", "it is longer than 1 Mi"),
        ("c.json", "it is a link"),
        ("d.json", "it is not a regular fi"),
        ("e.json", "it is not a regular fi"),
        ("f.json", "'nmae' is no field of "),
        ("g.json", "no such name"),
    ]
    assert os.readlink(folder / "refused" / "c.json") == "/etc/passwd"


def test_a_name_that_was_refused_before_overwrites_nothing(tmp_path: Path, folder: Path) -> None:
    for content in ("first", "second", "third"):
        (folder / "a.json").write_text(content)
        spool.take_in(str(tmp_path), Kept())
    assert [each.name for each in spool.refused(str(tmp_path))] == [
        "a.2.json",
        "a.3.json",
        "a.json",
    ]
    assert (folder / "refused" / "a.json").read_text() == "first"


def test_many_are_taken_in_bounded_batches(tmp_path: Path, folder: Path) -> None:
    for number in range(spool.MOST + 3):
        put(folder, f"{number:04}.json", name="tick")
    kept = Kept()
    assert spool.take_in(str(tmp_path), kept).files == spool.MOST
    assert spool.take_in(str(tmp_path), kept).files == 3
    assert len({event.id for event in kept.events}) == spool.MOST + 3


def test_one_that_cannot_be_taken_away_is_told_and_in_nobodys_way(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "1.json", name="stuck")
    put(folder, "2.json", name="good")
    unlink = os.unlink

    def refuse(path: str) -> None:
        if path.endswith("1.json"):
            raise PermissionError(1, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(os, "unlink", refuse)
    kept = Kept()
    taken = spool.take_in(str(tmp_path), kept)
    assert taken.stuck == {"1.json": "it cannot be taken away: Operation not permitted"}
    assert spool.take_in(str(tmp_path), kept, taken.stuck).files == 0
    assert kept.names == ["stuck", "good"]
