"""A front door on one page: everything it needs of a home, it asks the app for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.project import ONE
from uwf.app import App
from uwf.app.progress import StepStarted, Stop
from uwf.app.thread import acts
from uwf.clock import now_ms
from uwf.engine.chain.tags import THREADS
from uwf.errors import Busy, ConfigInvalid, InputError, NotFound, Refused, StateError, StoreError
from uwf.store.sqlite.database import LITTLE_KIB

if TYPE_CHECKING:
    from uwf.app.progress import Progress

DONE = "printf -- '---\\n$status: done\\nnote: fine\\n---\\nThe end.'"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(ONE)
    with App.open(str(tmp_path / "home")) as app:
        yield app


def test_home_that_was_never_used_is_empty_and_stays_so(app: App) -> None:
    assert app.threads("all").threads == []
    assert app.objects.figures().objects == 0
    with pytest.raises(NotFound):
        app.show("@last")
    assert not Path(app.home).exists()


def test_thread_from_its_start_to_its_second_round(app: App) -> None:
    thread = app.start("one.yaml", "Do it.", labels={"repo": "shop"}, budget={"steps": 9})
    assert (thread.status, thread.current_role, thread.budget) == ("idle", "worker", {"steps": 9})
    events: list[Progress] = []
    [first] = app.exec(thread.thread, agent=DONE, on_progress=events.append)
    assert (first.status, first.step_status, first.error) == ("completed", "done", None)
    assert [event.role for event in events if isinstance(event, StepStarted)] == ["worker"]
    [second] = app.resume("@last", agent=DONE, supplement="once more", count=None)
    assert second.round == 2
    [row, again] = app.steps.all("@last")
    assert (row.fields, again.round) == ({"note": "fine"}, 2)
    assert app.steps.read("@last~1").markdown.startswith("## Step 1: worker → done")
    assert "once more" in app.read("@last").markdown
    assert app.moves("@last")[0].why == "started"
    assert [thread.thread for thread in app.threads("history", labels={"repo": "shop"}).threads]


def test_failure_says_how_to_go_on(app: App) -> None:
    id = app.start("one.yaml", "Do it.").thread
    [failed] = app.exec(id, agent="false")
    assert failed.error is not None and failed.status == "suspended"
    assert app.way_on(id) == f"uwf thread resume {id} --agent false"
    with pytest.raises(StateError) as refused:
        list(app.exec(id, agent=DONE))
    assert refused.value.hint == app.way_on(id)
    assert app.steps.last_attempt(id) == failed.error.attempt


def test_words_that_wait_let_a_thread_go_on_without_more(app: App) -> None:
    id = app.start("one.yaml", "Do it.").thread
    assert app.way_on(id) == f"uwf thread exec {id}"
    for run in (app.exec, app.resume, app.resume):
        list(run(id, agent="false"))
    assert app.way_on(id) == f"uwf thread resume {id} --agent false --supplement TEXT"
    app.tell(id, "Try the other door.")
    assert app.way_on(id) == f"uwf thread exec {id} --agent false"
    [done] = app.exec(id, agent=DONE)
    by = f" --agent {shlex.quote(shlex.join(shlex.split(DONE)))}"
    assert (done.status, app.show(id).current_role) == ("completed", None)
    assert app.way_on(id) == f"uwf thread resume {id}{by} --supplement TEXT"
    app.tell(id, "And the window.")
    assert (app.show(id).status, app.show(id).current_role) == ("completed", "worker")
    assert app.way_on(id) == f"uwf thread exec {id}{by}"
    with pytest.raises(StateError) as refused:
        list(app.retry(id))
    assert refused.value.hint == app.way_on(id)


def test_who_says_it_is_a_name(app: App) -> None:
    id = app.start("one.yaml", "Do it.").thread
    for who in (" ", "two\nlines", "x" * 101):
        with pytest.raises(InputError, match="a name on one line, of up to 100") as refused:
            app.tell(id, "Words.", who=who)
        assert refused.value.hint == f"uwf thread tell {id} TEXT --from 'a name'"
    assert app.tell(id, "Words.", who="x" * 100).who == "x" * 100


def test_an_empty_answer_is_answered_with_the_command_that_was_typed(app: App) -> None:
    id = app.start("one.yaml", "Do it.").thread
    list(app.exec(id, agent="false"))
    with pytest.raises(InputError) as refused:
        app.answer(id, " ")
    assert refused.value.hint == f"uwf answer {id} 'TEXT'"


def test_acts_answer_with_the_thread_as_it_is_then(app: App) -> None:
    id = app.start("one.yaml", "Do it.").thread
    list(app.exec(id, agent=DONE))
    assert app.stop(id).ran is None
    forked = app.fork(f"{id}~0", "another way")
    assert forked.thread.forked_from is not None and forked.carried == ()
    assert app.compare(id, forked.thread.thread).shared == 1
    again = app.fork(forked.thread.thread)
    assert again.carried == ("another way",)
    assert app.cancel(again.thread.thread, "enough").end_reason == "enough"
    undone = app.undo(again.thread.thread)
    assert undone.thread.status != "cancelled"


def test_thread_that_runs_is_busy_for_all_others(app: App, tmp_path: Path) -> None:
    id = app.start("one.yaml", "Do it.").thread

    def look(_event: Progress) -> None:
        with App.open(app.home) as other:
            assert other.show(id).status == "running"
            assert other.running() == [id]
            [waited] = other.wait(id, timeout_s=0.0)
            assert (waited.thread.status, waited.in_time) == ("running", False)
            with pytest.raises(Busy):
                list(other.exec(id, agent=DONE))

    [done] = app.exec(id, agent=DONE, on_progress=look, stop=Stop())
    assert (done.status, app.running()) == ("completed", [])


def test_thread_is_carried_from_one_home_to_another(app: App, tmp_path: Path) -> None:
    id = app.start("one.yaml", "Do it.").thread
    bundle = BytesIO()
    app.export(id, bundle)
    with App.open(str(tmp_path / "other")) as other:
        for known in ((), (id,)):
            bundle.seek(0)
            found = other.import_threads(bundle, "a bundle")
            assert (found.threads, found.known) == ((id,), known)
        assert other.show(id).prompt == "Do it."


def test_switches_hold_for_every_front_door(app: App) -> None:
    id = app.start("one.yaml", "Do it.").thread
    app.guards.drain(True)
    with pytest.raises(Refused):
        list(app.exec(id, agent=DONE))
    assert app.guards.status().facts["drain"]
    app.guards.drain(False)
    assert app.guards.unpause() is False
    assert [done.status for done in app.exec(id, agent=DONE)] == ["completed"]


def test_invalid_config_hides_no_thread_and_is_told_of(app: App) -> None:
    app.start("one.yaml", "Do it.")
    Path(app.config_path).write_text("limits = 5")
    told: list[str] = []
    with App.open(app.home, warn=told.append) as other:
        [thread] = other.threads().threads
        assert other.agent_of(thread) == ""
        assert len(told) == 1
        with pytest.raises(ConfigInvalid):
            other.cancel("@last")


@pytest.mark.parametrize(
    "begin",
    [
        {"task": " \n"},
        {"labels": {"": "x"}},
        {"labels": {"a=b": "x"}},
        {"labels": {"a": "x\n"}},
        {"budget": {"usd": -1}},
        {"budget": {"time": float("nan")}},
        {"budget": {"euros": 1}},
    ],
    ids=str,
)
def test_thread_is_not_started_with_what_it_could_never_run_with(
    app: App, begin: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        app.start("one.yaml", **{"task": "Do it.", **begin})
    assert app.threads("all").threads == []


@pytest.mark.parametrize(
    "order",
    [{"count": 0}, {"count": -3}, {"supplement": " "}, {"wait_s": -1.0}, {"wait_s": float("nan")}],
    ids=str,
)
def test_run_is_refused_that_nothing_can_come_of(app: App, order: dict[str, Any]) -> None:
    id = app.start("one.yaml", "Do it.").thread
    with pytest.raises(InputError):
        list(app.exec(id, agent=DONE, **order))
    assert app.show(id).steps == 0


def test_who_stays_for_days_keeps_little_of_any_store_it_opens(tmp_path: Path) -> None:
    def kept(app: App) -> int:
        return int(app.store(create=True)._database.one("PRAGMA cache_size")[0])

    with App.open(str(tmp_path / "home")) as app:
        usual = kept(app)
        app.stay()
        assert kept(app) > usual  # both negative, in KiB
        app.close()
        assert kept(app) == -LITTLE_KIB


def test_what_is_stopped_is_due_at_no_moment(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs what is due may see that its run has ended before the one who has stopped it does."""
    id, seen = app.start("one.yaml", "Do it.").thread, []
    store = app.store()
    ref = store.ref(THREADS + id)
    assert ref is not None
    with store.transaction("test") as tx:
        tx.set_ref(ref.name, ref.id, tags={**ref.tags, "wokenFor": "person: by hand"}, why="test")

    def due() -> list[str]:
        return [each.thread for each in app.wakes.due(now_ms()).threads]

    monkeypatch.setattr(acts, "_end_run", lambda home, thread: seen.extend(due()))
    assert due() == [id]
    app.stop(id)
    assert seen == due() == []


def test_what_runs_is_ended_also_where_the_store_cannot_be_written(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, ended = app.start("one.yaml", "Do it.").thread, list[str]()

    def full(store: object, thread: str) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(acts.timer, "stopped", full)
    monkeypatch.setattr(acts, "_end_run", lambda home, thread: ended.append(thread))
    with pytest.raises(StoreError):
        app.stop(id)
    assert ended == [id]
