"""`uwf store`: checking, cleaning and copying the whole."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.helpers.program import Uwf
from uwf.display.numbers import size


@pytest.fixture
def chain(uwf: Uwf) -> list[str]:
    """Three objects, each linking to the one before, the last named by the ref `top`; and one that nobody needs."""
    ids: list[str] = []
    for number in range(3):
        content = {"n": number, "before": {"$ref": ids[-1]} if ids else None}
        put = uwf("cas", "put", "-", "--kind", "link", "-q", input=json.dumps(content))
        ids.append(put.out.strip())
    uwf("ref", "set", "top", ids[-1])
    uwf("cas", "put", "-", input="nobody needs me")
    return ids


def damage(uwf: Uwf, id: str, change: str) -> None:
    with sqlite3.connect(uwf.home / "store.db") as database:
        assert database.execute(f"{change} WHERE id = ?", [bytes.fromhex(id)]).rowcount == 1
    database.close()


def test_a_sound_store_verifies(uwf: Uwf, chain: list[str]) -> None:
    assert uwf("store", "verify", "--json").json == {"objects": 3, "refs": 1, "problems": []}
    assert uwf("store", "verify", "--deep", "--json").json["objects"] == 4
    assert uwf("store", "verify").out == "3 reachable objects sound, 1 ref, 0 problems\n"
    assert uwf("store", "verify", "--deep").out == "4 objects sound, 1 ref, 0 problems\n"


def test_a_missing_object_is_named_with_the_ref_that_needs_it(uwf: Uwf, chain: list[str]) -> None:
    damage(uwf, chain[0], "DELETE FROM object")
    [problem] = uwf("store", "verify", "--json", expect=1).json["problems"]
    assert (problem["kind"], problem["id"], problem["neededBy"]) == ("missing", chain[0], ["top"])
    done = uwf("store", "verify", expect=1)
    assert done.out.startswith("missing: ") and "needed by top" in done.out
    walked = uwf("cas", "walk", chain[2], "--json", expect=1)
    assert [line["id"] for line in walked.json_lines] == [chain[2], chain[1]]
    assert chain[0] in walked.err


def test_a_damaged_object_is_an_error_and_never_data(uwf: Uwf, chain: list[str]) -> None:
    damage(uwf, chain[1], "UPDATE object SET data = zeroblob(length(data))")
    [problem] = uwf("store", "verify", "--json", expect=1).json["problems"]
    assert (problem["kind"], problem["id"], problem["neededBy"]) == ("damaged", chain[1], ["top"])
    done = uwf("cas", "get", chain[1], "--json", expect=1)
    assert (done.out, done.error["code"]) == ("", "object_damaged")
    assert uwf("store", "gc", "--grace", "0s", expect=1).out == ""


def test_gc_removes_what_nobody_needs_after_its_grace(uwf: Uwf, chain: list[str]) -> None:
    assert uwf("store", "gc", "--json").json["removed"] == 0
    dry = uwf("store", "gc", "--grace", "0s", "--dry-run", "--json").json
    assert (dry["kept"], dry["removed"], dry["dryRun"]) == (3, 1, True)
    assert dry["freedBytes"] > 0
    assert uwf("store", "gc", "--grace", "0s", "--json").json == {**dry, "dryRun": False}
    assert uwf("store", "gc", "--grace", "0s", "--json").json["removed"] == 0
    assert uwf("cas", "has", chain[0]).code == 0


@pytest.mark.parametrize("grace", ["14", "two days", "", "-1d"])
def test_a_grace_that_is_no_duration_is_refused(uwf: Uwf, chain: list[str], grace: str) -> None:
    assert "is not a duration" in uwf("store", "gc", "--grace", grace, expect=2).err


def test_a_backup_is_a_store(uwf: Uwf, chain: list[str]) -> None:
    made = uwf("store", "backup", "copy.db", "--json").json
    copy = Path(made["file"])
    assert copy == uwf.cwd / "copy.db"
    assert copy.stat().st_size == made["bytes"]
    assert copy.stat().st_mode & 0o777 == 0o600
    other = uwf.cwd / "other"
    other.mkdir()
    copy.rename(other / "store.db")
    found = uwf("store", "verify", "--deep", "--json", "--home", other).json
    assert (found["objects"], found["problems"]) == (4, [])


def test_a_backup_overwrites_nothing(uwf: Uwf, chain: list[str]) -> None:
    (uwf.cwd / "mine").write_text("mine")
    assert "exists" in uwf("store", "backup", "mine", expect=2).err
    assert (uwf.cwd / "mine").read_text() == "mine"
    assert uwf("store", "backup", "no/such/folder/file", expect=None).code in (1, 2)
    assert sorted(os.listdir(uwf.cwd)) == ["mine"]


def test_stats_count_and_measure(uwf: Uwf, chain: list[str]) -> None:
    found = uwf("store", "stats", "--json").json
    assert f"objects  4, {size(found['bytes'])} (" in uwf("store", "stats").out
    assert (found["objects"], found["refs"], found["moves"], found["entries"]) == (4, 1, 1, 0)
    assert found["path"] == str(uwf.home / "store.db")
    assert found["fileBytes"] >= (uwf.home / "store.db").stat().st_size > 0


def test_a_store_is_copied_whole_and_again(uwf: Uwf, chain: list[str]) -> None:
    done = uwf("store", "copy", uwf.home, "other", "--json").json
    assert (done["place"], done["new"]) == (str(uwf.cwd / "other" / "store.db"), 4)
    assert (done["objects"], done["refs"], done["moves"]) == (4, 1, 1)
    for words in (("store", "verify", "--deep"), ("ref", "log", "top"), ("cas", "walk", chain[2])):
        there = uwf(*words, "--json", "--home", uwf.cwd / "other")
        assert there.out == uwf(*words, "--json").out
    again = uwf("store", "copy", uwf.home / "store.db", "other")
    assert again.out.endswith("has all of it: 4 objects (0 new), 1 ref, 1 move\n")


def test_what_cannot_be_copied_is_said(uwf: Uwf, chain: list[str]) -> None:
    same = uwf("store", "copy", ".", uwf.cwd / "store.db", "--json", expect=2).error
    assert "both what is copied and its copy" in same["message"]
    assert os.listdir(uwf.cwd) == []
    in_other = ("-q", "--home", uwf.cwd / "other")
    mine = uwf("cas", "put", "-", *in_other, input="x").out.strip()
    uwf("ref", "set", "mine", mine, *in_other)
    own = uwf("store", "copy", uwf.home, "other", "--json", expect=5).error
    assert own["code"] == "store_not_empty" and "mine" in own["message"]


def test_a_backup_is_put_back_and_what_it_replaces_is_kept(uwf: Uwf, chain: list[str]) -> None:
    uwf("store", "backup", "copy.db")
    later = uwf("cas", "put", "--kind", "note", "-", "-q", input='"later"').out.strip()
    done = uwf("store", "restore", "copy.db", "--json").json
    assert (done["refs"], done["objects"], done["file"]) == (1, 4, str(uwf.cwd / "copy.db"))
    assert uwf("cas", "has", later, expect=4)
    kept = Path(done["replaced"])
    assert kept.parent == uwf.home / "replaced"
    uwf("store", "restore", kept / "store.db", "-q")
    assert uwf("cas", "has", later, expect=0)


def test_a_wrong_backup_is_said_and_nothing_is_changed(uwf: Uwf, chain: list[str]) -> None:
    (uwf.cwd / "letter.db").write_text("Dear store,")
    error = uwf("store", "restore", "letter.db", "--json", expect=1).error
    assert error["message"].endswith("; nothing was changed")
    assert error["hint"] == f"ls -la {uwf.cwd}"
    assert uwf("store", "restore", "nowhere.db", "--json", expect=2).error["hint"] == error["hint"]
    assert uwf("store", "verify", "--deep", "--json").json["objects"] == 4


def test_a_restore_into_no_home_makes_one_for_a_sound_backup_alone(
    uwf: Uwf, chain: list[str]
) -> None:
    uwf("store", "backup", "copy.db")
    (uwf.cwd / "letter.db").write_text("Dear store,")
    other = uwf.cwd / "other"
    uwf("store", "restore", "letter.db", "--home", other, expect=1)
    assert not other.exists()
    uwf("store", "restore", "copy.db", "--home", other)
    assert uwf("store", "verify", "--json", "--home", other).json["refs"] == 1


@pytest.mark.parametrize("words", [["verify"], ["gc"], ["backup", "copy"], ["stats"]])
def test_a_home_without_a_store_is_an_error_here(uwf: Uwf, words: list[str]) -> None:
    assert "there is no store at" in uwf("store", *words, expect=1).err
    assert not uwf.home.exists()


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500], ids=["empty", "foreign"])
def test_a_file_that_is_no_store_is_an_error_and_stays(uwf: Uwf, content: bytes) -> None:
    uwf.home.mkdir()
    (uwf.home / "store.db").write_bytes(content)
    for words in (["store", "verify"], ["ref", "list"], ["cas", "put", "/dev/null"]):
        assert uwf(*words, "--json", expect=1).error["code"] == "store_unreadable"
    assert (uwf.home / "store.db").read_bytes() == content


def test_the_store_is_private(uwf: Uwf, chain: list[str]) -> None:
    assert uwf.home.stat().st_mode & 0o777 == 0o700
    assert (uwf.home / "store.db").stat().st_mode & 0o777 == 0o600


def test_the_backup_of_the_day_is_verified_and_tried(uwf: Uwf, chain: list[str]) -> None:
    first = uwf("store", "backup", "--json").json
    assert Path(first["file"]).parent == uwf.home / "backups"
    uwf("config", "set", "backup.keep_daily", "1")
    uwf("config", "set", "backup.keep_weekly", "0")
    second = uwf("store", "backup", "--json").json
    assert second["removed"] == [first["file"]]
    assert uwf("store", "drill", "--json").json["file"] == second["file"]
    assert uwf("store", "drill").out.endswith("s\n")
    (uwf.home / "store.db").write_bytes(b"torn")
    hint = uwf("store", "verify", "--json", expect=1).error["hint"]
    assert hint == f"uwf store restore {second['file']}"
    uwf(*hint.split()[1:])
    assert uwf("store", "verify", "--deep", "--json").json["objects"] == 4


@pytest.mark.parametrize("folder", ["backups", "", "~no-such-user/x"])
def test_a_folder_for_backups_is_an_absolute_path(uwf: Uwf, folder: str) -> None:
    assert "backup.folder" in uwf("config", "set", "backup.folder", folder, expect=2).err


def test_gc_removes_logs_that_are_too_old(uwf: Uwf, chain: list[str]) -> None:
    uwf("store", "backup")  # which is in the log
    old = uwf.home / "logs" / "2020-01-01-001.jsonl"
    old.write_text("{}\n")
    os.utime(old, (1_577_836_800,) * 2)
    assert uwf("store", "gc", "--dry-run", "--json").json["logs"] == [old.name]
    assert "removed 1 log" in uwf("store", "gc").out and not old.exists()
    assert uwf("store", "gc", "--json").json["logs"] == []


@pytest.mark.parametrize("time", ["25:00", "4", "04:60", "4pm", "04:0", "\u0664:00"])
def test_a_time_of_day_is_one(uwf: Uwf, time: str) -> None:
    assert "is no time of day" in uwf("config", "set", "keep.collect_at", time, expect=2).err
    uwf("config", "set", "keep.collect_at", "23:30")
    assert uwf("config", "get", "keep.collect_at").out == "23:30\n"


def test_a_copy_of_what_is_no_store_says_how_one_is_named(uwf: Uwf) -> None:
    error = uwf("store", "copy", uwf.cwd / "nowhere", uwf.cwd / "there", "--json", expect=1).error
    assert error["code"] == "no_store"
    assert f"{uwf.cwd}/nowhere/store.db" in error["message"]
    assert "postgresql://USER@HOST/DATABASE" in error["message"]
    assert error["hint"] == "uwf store copy --help"
    assert not (uwf.cwd / "there").exists()
