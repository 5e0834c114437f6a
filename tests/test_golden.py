"""A store of every released version is opened forever: what it holds is read, verified, migrated and gone on with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.fake_agent import reply
from tests.helpers.rig import Rig
from uwf.engine.chain.tags import THREADS
from uwf.engine.query.thread_view import ThreadView
from uwf.engine.upkeep import migrate
from uwf.store.database import open_place
from uwf.store.protocols import Store
from uwf.store.sqlite import open_store
from uwf.store.whole.check import verify
from uwf.store.whole.copying import copy

GOLDEN = Path(__file__).parent / "golden"
TASKS = {
    "Stay at the start.": ("idle", 0, 1),
    "Stand between two roles.": ("idle", 1, 1),
    "Ask a person.": ("suspended", 1, 1),
    "Fail.": ("suspended", 0, 1),
    "Be cancelled.": ("cancelled", 0, 1),
}


@pytest.fixture(params=["file", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """Where the copy of a golden store is."""
    where: str = request.param
    return where


@pytest.fixture(params=sorted(GOLDEN.glob("*.db")), ids=lambda path: path.stem)
def rig(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Iterator[Rig]:
    """An engine over a copy of a golden store: the file itself is never written."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(request.param, home / "store.db")
    store: Store = open_store(str(home / "store.db"), create=False)
    if kind == "postgres":
        file, store = store, open_place(request.getfixturevalue("database"))
        copy(file, store)
        file.close()
    yield Rig(store, str(home))
    store.close()


def by_task(rig: Rig, task: str) -> list[ThreadView]:
    rows = [rig.views.thread(ref) for ref in rig.store.refs(THREADS)]
    return [row for row in rows if row.prompt == task]


def test_there_is_a_golden_store() -> None:
    assert list(GOLDEN.glob("*.db"))


def test_every_object_is_whole(rig: Rig) -> None:
    report = verify(rig.store, deep=True)
    assert report.problems == ()
    assert report.objects > 30


@pytest.mark.parametrize("task", TASKS)
def test_a_thread_stands_where_it_stood(rig: Rig, task: str) -> None:
    [row] = by_task(rig, task)
    assert (row.status, row.steps, row.rounds) == TASKS[task]


def test_a_thread_of_two_rounds_has_all_its_steps(rig: Rig) -> None:
    [done] = [row for row in by_task(rig, "Go twice round.") if row.status == "completed"]
    steps = rig.step_rows(done.head)
    assert [(step["role"], step["status"], step["round"]) for step in steps] == [
        ("writer", "written", 1),
        ("reviewer", "bad", 1),
        ("writer", "written", 1),
        ("reviewer", "good", 1),
        ("writer", "written", 2),
        ("reviewer", "good", 2),
    ]
    again = rig.step(steps[4]["step"])
    assert again["supplement"] == "The review says no."
    assert "The review says no." in again["prompt"]
    assert again["usage"] == {"tokens": 12, "usd": 0.25}
    assert again["turns"]


def test_a_large_reply_is_read_whole(rig: Rig) -> None:
    [row] = by_task(rig, "Stand between two roles.")
    [step] = rig.step_rows(row.head)
    assert len(rig.step(step["step"])["body"]) > 250_000


def test_a_failed_attempt_is_still_told(rig: Rig) -> None:
    [row] = by_task(rig, "Fail.")
    assert row.error is not None
    assert row.error.code == "exit_code"


def test_a_thread_goes_on(rig: Rig) -> None:
    [row] = by_task(rig, "Ask a person.")
    id = row.thread
    rig.resume(id, reply("written", "In blue.", file="a.py"), supplement="Blue.")
    assert rig.exec(id, reply("good")).thread.status == "completed"


def test_what_a_person_had_added_is_told_once(rig: Rig) -> None:
    [fork] = [row for row in by_task(rig, "Go twice round.") if row.forked_from is not None]
    said = "Try another way."
    rig.exec(fork.thread, reply("good"))
    assert rig.prompt.count(said) == 1
    assert rig.step(rig.head(fork.thread))["supplement"] == said
    rig.undo(fork.thread)
    rig.exec(fork.thread, reply("good"))
    assert rig.prompt.count(said) == 1
    assert rig.step(rig.head(fork.thread))["supplement"] == said


def test_older_entries_are_migrated(rig: Rig) -> None:
    report = migrate.migrate(rig.store, dry_run=False)
    assert (report.moved, report.conflicts) == (2, ())
    assert verify(rig.store).problems == ()
    assert migrate.migrate(rig.store, dry_run=False).moved == 0
