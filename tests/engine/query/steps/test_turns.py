"""Every turn of a thread, in the order it came; and following a thread from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.fake_agent import Answers, Said, crash
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.progress import Turn
from uwf.engine.query import follow
from uwf.engine.query.steps import turns
from uwf.record import replace


def said(rig: Rig, id: str, only: str | None = None) -> list[tuple[Any, ...]]:
    rows = turns.of_thread(rig.store, rig.ref(id), only)
    return [(row.role, row.outcome, row.number, row.text) for row in rows]


def test_turns_are_kept_as_they_come(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    turns_said = ("---\n$status", ": done\n")
    rig.exec(id, Said("---\n$status: done\nfile: a\n---\nend", turns=turns_said))
    told = [event.text for event in rig.events if isinstance(event, Turn)]
    assert told == ["---\n$status", ": done\n"]
    rows = turns.of_thread(rig.store, rig.ref(id))
    assert [row.text for row in rows] == ["---\n$status", ": done\n", "file: a\n---\nend"]
    assert [row.at for row in rows] == sorted(row.at for row in rows)


def test_turns_of_failed_attempts_stand_before_those_of_their_step(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    rig.exec(id, crash(turns=("first try",)))
    rig.resume(id, crash(turns=("second try",)))
    rig.resume(id, APPROVED)
    assert said(rig, id) == [
        ("writer", "done", None, WROTE),
        ("reviewer", "exit_code", 1, "first try"),
        ("reviewer", "exit_code", 2, "second try"),
        ("reviewer", "approved", None, APPROVED),
    ]
    assert said(rig, id, rig.steps(id)[1].id) == said(rig, id)[1:]
    assert said(rig, id, rig.steps(id)[0].id) == said(rig, id)[:1]


def test_turns_of_attempts_beside_the_head_are_shown(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash(turns=("first try",)))
    rig.resume(id, crash(turns=("second try",)))
    assert [row[3] for row in said(rig, id)] == ["first try", "second try"]


def test_turns_of_what_runs_are_shown(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, crash(turns=("first try",)))

    seen: list[tuple[Any, ...]] = []

    def look(event: object) -> None:
        if isinstance(event, Turn):
            seen.extend(said(rig, id))

    rig.engine = replace(rig.engine, on_progress=look)
    rig.resume(id, Said(WROTE, turns=(WROTE[:5],)))
    assert seen == [
        ("writer", "exit_code", 1, "first try"),
        ("writer", "running", 2, WROTE[:5]),
    ]


def test_the_newest_turns_are_those_of_what_runs(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    seen: list[list[str]] = []

    def look(event: object) -> None:
        if isinstance(event, Turn):
            found = turns.newest(rig.store, rig.ref(id), 2)
            seen.append([turn.text for turn in found])

    rig.engine = replace(rig.engine, on_progress=look)
    one, two, three = WROTE[:5], WROTE[5:9], WROTE[9:]
    rig.exec(id, Said(WROTE, turns=(one, two, three)))
    assert seen == [[one], [one, two], [two, three]]
    assert turns.newest(rig.store, rig.ref(id), 2) == []


def test_thread_without_a_turn_has_none(rig: Rig) -> None:
    id = rig.start()
    assert said(rig, id) == []
    rig.exec(id, crash())
    assert said(rig, id) == []


def test_glance_at_a_thread_that_nobody_runs_is_the_only_one(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    (only,) = follow.follow([follow.Following(rig.store, rig.views, id)])
    assert only.thread.head == rig.head(id)
    assert (only.steps, only.turns) == ((), ())


def test_follower_sees_turns_and_steps_as_they_come(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_POLL_S", 0)
    id = rig.start()
    following = follow.follow([follow.Following(rig.store, rig.views, id)])
    glances: list[follow.Glance] = []

    def look(reply: str) -> Callable[[object], str]:
        def answer(ask: object) -> str:
            glances.append(next(following))
            return reply

        return answer

    rig.run(id, "exec", look(WROTE), look(CHANGES), count=2)
    glances += following
    assert [glance.thread.status for glance in glances] == ["running", "running", "idle"]
    assert [step.role for glance in glances for step in glance.steps] == ["writer", "reviewer"]
    assert [glance.thread.running is None for glance in glances] == [False, False, True]


class Impatient:
    """In place of `time`: where nothing is new, a test does not wait for it."""

    def sleep(self, seconds: float) -> None:
        self.left -= 1
        assert self.left, "there is nothing new"

    left = 100


class Follower:
    """Somebody who watches a thread, and looks when the test says so."""

    def __init__(self, rig: Rig, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(follow, "time", Impatient())
        self._following = follow.follow([follow.Following(rig.store, rig.views, id)])
        self.glances: list[follow.Glance] = []

    def then(self, answer: Answers) -> Callable[[object], Answers]:
        """An agent that is looked at before it says this."""

        def look(ask: object) -> Answers:
            self.glances.append(next(self._following))
            return answer

        return look

    def end(self) -> None:
        self.glances += self._following

    @property
    def texts(self) -> list[str]:
        return [turn.text for glance in self.glances for turn in glance.turns]

    @property
    def steps(self) -> list[str]:
        return [step.role for glance in self.glances for step in glance.steps]


def test_follower_hears_an_agent_that_says_everything_at_its_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    follower = Follower(rig, id, monkeypatch)
    rig.run(id, "exec", follower.then(WROTE), follower.then(CHANGES), WROTE, count=3)
    follower.end()
    assert follower.texts == [WROTE, CHANGES, WROTE]
    assert follower.steps == ["writer", "reviewer", "writer"]


def test_follower_hears_every_turn_once_when_a_reply_is_refused(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    follower = Follower(rig, id, monkeypatch)
    bad = Said("no reply", turns=("no ",))
    rig.run(id, "exec", follower.then(bad), follower.then(bad), follower.then(WROTE))
    follower.end()
    kept = [row.text for row in turns.of_thread(rig.store, rig.ref(id))]
    assert follower.texts == kept
    assert len(kept) == 7, "two replies of two turns, each with what was wrong, and the good one"


def test_follower_hears_what_a_failed_attempt_said_last(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    rig.exec(id, crash(turns=("before anybody looked",)))
    follower = Follower(rig, id, monkeypatch)
    rig.resume(id, follower.then(crash(text="all at once")))
    follower.end()
    assert follower.texts == ["all at once"]


def test_follower_is_told_of_no_old_step_after_a_poke_or_an_undo(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES, WROTE)
    follower = Follower(rig, id, monkeypatch)
    rig.poke(id, "shorter", follower.then(WROTE))
    follower.end()
    assert follower.steps == ["writer"]
    watched = follow._News(rig.store, id)
    watched.of(rig.ref(id))
    rig.undo(id)
    rig.undo(id)
    assert watched.of(rig.ref(id)) == ([], [])


def test_follower_reads_a_turn_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    id = rig.start()
    watched = follow._News(rig.store, id)
    watched.of(rig.ref(id))
    reads: list[str] = []
    get = rig.store.get
    told: list[str] = []

    def look(event: object) -> None:
        if isinstance(event, Turn):
            told.extend(turn.text for turn in watched.of(rig.ref(id))[1])

    def counting(node: str) -> Any:
        found = get(node)
        if found.kind == "turn":
            reads.append(node)
        return found

    rig.engine = replace(rig.engine, on_progress=look)
    monkeypatch.setattr(rig.store, "get", counting)
    said = ("---\n$status", *(f": done\nnote{n}" for n in range(20)))
    rig.exec(id, crash(turns=said))
    assert told == list(said)
    assert max(map(reads.count, reads)) <= 3, "once for its text, and to find the try it belongs to"


def test_thread_that_is_deleted_is_followed_no_more(rig: Rig) -> None:
    id = rig.start()
    with rig.store.transaction("test") as tx:
        tx.delete_ref(f"@uwf/thread/{id}", why="test")
    assert list(follow.follow([follow.Following(rig.store, rig.views, id)])) == []
