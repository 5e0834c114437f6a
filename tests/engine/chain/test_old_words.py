"""What a person added before there were words: attempts and steps that have it themselves, in stores of then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.fake_agent import crash
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain import kept
from uwf.engine.chain.nodes import Plan
from uwf.engine.chain.tags import ATTEMPTS, THREADS, TOLD
from uwf.engine.chain.word import Word
from uwf.store.codec import Link


def without_words(rig: Rig, payload: dict[str, Any]) -> dict[str, Any]:
    """A plan, or a step, as it was written then."""
    [word] = [rig.store.get(id).payload for id in payload["told"]]
    plain = {key: value for key, value in payload.items() if key != "told"}
    return {**plain, "supplement": word["text"]}


def age_attempt(rig: Rig, id: str) -> None:
    """The attempt beside the head has its words itself, and nothing waits beside it."""
    ref = rig.attempt(id)
    assert ref is not None
    end = rig.store.get(ref.id).payload
    begun = rig.store.get(end["begun"]).payload
    with rig.store.transaction("test") as tx:
        start = tx.put("attempt", {**begun, "plan": without_words(rig, begun["plan"])})
        old = tx.put("attempt", {**end, "begun": Link(start)})
        tx.set_ref(ATTEMPTS + id, old, why="as it was then")
        tx.delete_ref(TOLD + id, why="as it was then")


def age_step(rig: Rig, id: str) -> None:
    """The head step has its words itself."""
    payload = rig.store.get(rig.head(id)).payload
    with rig.store.transaction("test") as tx:
        old = tx.put("step", without_words(rig, payload))
        tx.set_ref(THREADS + id, old, why="as it was then")


@pytest.fixture
def waits(rig: Rig) -> str:
    """A thread whose second step has failed, with what a person had added."""
    id = rig.start()
    rig.exec(id, WROTE)
    rig.exec(id, crash(), supplement="use tabs")
    age_attempt(rig, id)
    assert rig.waiting(id) == []
    return id


def test_it_is_told_to_the_step_that_comes_of_it_and_to_no_other(rig: Rig, waits: str) -> None:
    rig.resume(waits, CHANGES, supplement="no globals")
    news = rig.prompt.partition("## New information\n\n### From a person\n\nuse tabs\n\n### From ")[
        2
    ]
    assert "Z\n\nno globals" in news
    step = rig.steps(waits)[-1]
    assert (step.remark, step.supplement) == ("use tabs", "use tabs\n\nno globals")
    rig.exec(waits, WROTE)
    assert "## New information" not in rig.prompt
    assert "A person had added:\n\n> use tabs" in rig.prompt


def test_it_fails_on_and_is_told_on(rig: Rig, waits: str) -> None:
    rig.resume(waits, crash())
    rig.resume(waits, CHANGES)
    assert rig.steps(waits)[-1].supplement == "use tabs"
    assert rig.row(waits)["error"] is None


def test_fork_is_told_it_and_undo_lets_it_wait(rig: Rig, waits: str) -> None:
    fork = rig.fork(rig.head(waits), waits)
    assert rig.waiting(fork) == ["use tabs"]
    rig.undo(waits)
    assert rig.waiting(waits) == ["use tabs"]
    rig.exec(waits, WROTE)
    assert (rig.steps(waits)[-1].supplement, rig.waiting(waits)) == ("use tabs", [])


def test_poke_tells_it_with_its_remark(rig: Rig, waits: str) -> None:
    rig.poke(waits, "shorter", WROTE)
    assert rig.steps(waits)[-1].supplement == "use tabs\n\nshorter"


def test_next_round_is_told_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.stopped(id, "resume", supplement="a review came")
    last = rig.attempt(id)
    assert last is not None
    age_attempt(rig, id)
    rig.exec(id, WROTE)
    assert (rig.steps(id)[-1].round, rig.steps(id)[-1].supplement) == (2, "a review came")


def test_step_of_then_is_shown_and_its_words_wait_again_when_it_is_undone(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, supplement="use tabs")
    age_step(rig, id)
    page = rig.step(rig.head(id))
    assert (page["supplement"], page["told"]) == ("use tabs", [])
    assert rig.steps(id)[0].supplement == "use tabs"
    rig.exec(id, CHANGES)
    assert "A person had added:\n\n> use tabs" in rig.prompt
    rig.undo(id)
    assert rig.waiting(id) == []
    rig.undo(id)
    assert rig.waiting(id) == ["use tabs"]


def test_kept_reply_of_then_is_read(rig: Rig) -> None:
    plan = Plan("writer", 1, "Write.", "/", "a", "a", "b", told=(Word("x", "y", "bot", 1, "e"),))
    facts = {**vars(plan), "told": [vars(word) for word in plan.told]}
    assert kept.plan_of(facts) == plan
    assert kept.plan_of(json.loads(json.dumps(facts))) == plan
    old = {key: value for key, value in facts.items() if key not in ("told", "remark")}
    assert kept.plan_of({**old, "supplement": "use tabs"}).supplement == "use tabs"
    assert kept.plan_of({**old, "supplement": None}).supplement is None
