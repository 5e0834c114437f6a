"""What threads have cost is counted once, by whom it was spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.fake_agent import Said, crash
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.app import App
from uwf.engine.query.home.costs import Cost, Costs


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App.open(str(tmp_path / "home"))


@pytest.fixture
def rig(app: App) -> Rig:
    return Rig(app.store(create=True), app.home)


def used(text: str, usd: float, tokens: float = 100) -> Said:
    return Said(text, usage={"usd": usd, "tokens": tokens})


def costs(app: App) -> Costs:
    return app.costs(app.threads("all").threads)


def brief(rows: tuple[Cost, ...]) -> list[tuple[str, int, int, float | None]]:
    return [(row.name, row.steps, row.failed, row.usd) for row in rows]


def test_each_role_and_state_has_what_its_steps_and_failed_attempts_used(
    app: App, rig: Rig
) -> None:
    one, two = rig.start(PAIR), rig.start(PAIR)
    rig.run(one, "exec", crash(usage={"usd": 1.0}))
    rig.run(one, "resume", used(WROTE, 0.1), used(APPROVED, 0.2), count=None)
    rig.run(two, "exec", used(WROTE, 4.0), count=1)
    found = costs(app)
    assert brief(found.by_role) == [("writer", 2, 1, 5.1), ("reviewer", 1, 0, 0.2)]
    assert brief(found.by_state) == [("idle", 1, 0, 4.0), ("completed", 2, 1, 1.3)]
    assert brief(found.by_workflow) == [("pair", 3, 1, 5.3)]
    assert brief(found.by_model) == [("fake", 3, 1, 5.3)]
    assert (found.total.threads, found.total.tokens) == (2, 300)
    assert found.total.duration_ms == sum(row.duration_ms for row in found.by_role)


def test_a_failed_attempt_that_no_step_followed_costs_as_well(app: App, rig: Rig) -> None:
    rig.run(rig.start(PAIR), "exec", crash(usage={"usd": 1.0}))
    assert brief(costs(app).by_role) == [("writer", 0, 1, 1.0)]


def test_steps_that_a_fork_shares_count_once(app: App, rig: Rig) -> None:
    id = rig.start(PAIR)
    rig.run(id, "exec", used(WROTE, 1.0), used(CHANGES, 1.0), count=2)
    app.fork(id)
    found = costs(app)
    assert (found.total.threads, found.total.steps, found.total.usd) == (2, 2, 2.0)


def test_what_was_undone_or_poked_stays_in_the_sum(app: App, rig: Rig) -> None:
    id = rig.start(PAIR)
    rig.run(id, "exec", used(WROTE, 1.0), count=1)
    rig.run(id, "poke", used(WROTE, 2.0), supplement="again")
    app.undo(id)
    app.undo(id)
    found = costs(app)
    assert brief((found.total,)) == [("total", 0, 0, 3.0)]
    assert found.by_role == ()


def test_what_nobody_reported_is_not_known(app: App, rig: Rig) -> None:
    rig.run(rig.start(PAIR), "exec", WROTE, count=1)
    total = costs(app).total
    assert (total.usd, total.tokens) == (None, None)
