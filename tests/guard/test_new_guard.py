"""A new guard is one file and one line: this file is the one, the patched tuple is the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.guard.asking import refused
from tests.helpers.fake_agent import crash
from tests.helpers.rig import CHANGES, WROTE, Rig, everything
from uwf import config
from uwf.config import edit
from uwf.config_table import Table, count, key, some_duration
from uwf.engine.query.home import guard_status
from uwf.engine.run.admission import Admission
from uwf.errors import ConfigInvalid, ReplyKept
from uwf.guard import chain
from uwf.guard.capacity.machine import Left
from uwf.guard.contract import (
    AttemptFailed,
    AttemptOutcome,
    AttemptSucceeded,
    Guard,
    Host,
    Request,
    Status,
    StatusLine,
    refuse,
)
from uwf.record import replace
from uwf.store.protocols import Transaction
from uwf.store.sqlite import open_in_memory

STEPS = "curfew"


class Curfew(Guard):
    """Refuses after so many steps that went well. `breaks` makes it fail while it learns."""

    name = "curfew"
    breaks: ClassVar[bool] = False

    class Rules(Table, at="curfew"):
        """How many steps."""

        steps: int = key(count, 3)
        pause_s: float = key(some_duration, "90s")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._rules: Curfew.Rules = host.rules(Curfew.Rules)

    def enter(self, request: Request) -> None:
        if self._done() >= self._rules.steps:
            raise refuse("curfew", f"thread {request.thread} has to sleep", hint="uwf guard status")

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:
        if isinstance(outcome, AttemptSucceeded):
            tx.set_counter(STEPS, self._done() + 1)
        if self.breaks:
            raise ZeroDivisionError

    def status(self) -> Status:
        done, most = self._done(), self._rules.steps
        return Status((StatusLine("curfew", f"{done} of {most}", done / most),), {"curfew": done})

    def _done(self) -> int:
        return int(self._host.store.counter(STEPS) or 0)


@pytest.fixture(autouse=True)
def one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "GUARDS", (Curfew, *chain.GUARDS))
    monkeypatch.setattr(
        "uwf.guard.capacity.machine.look", lambda home: Left(None, None, None, None)
    )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """An engine whose home has the guard's table in its config."""
    (tmp_path / "config.toml").write_text("[curfew]\nsteps = 2\n")
    rig = Rig(open_in_memory(home=str(tmp_path)), str(tmp_path))
    settings = config.load(str(tmp_path))
    admission = Admission(rig.store, str(tmp_path), settings, "/bin")
    rig.engine = replace(rig.engine, config=settings, admission=admission)
    yield rig


def test_it_refuses_a_step_and_nothing_changes(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    before = everything(rig.store)
    refusal = refused(lambda: rig.run(id, "exec"))
    assert (refusal.reason, refusal.message) == ("curfew", f"thread {id} has to sleep")
    assert everything(rig.store) == before


def test_it_learns_with_what_is_published(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    assert rig.store.counter(STEPS) == 1
    head = rig.head(id)
    monkeypatch.setattr(Curfew, "breaks", True)
    with pytest.raises(ReplyKept, match="ZeroDivisionError"):
        rig.exec(id, CHANGES)
    assert (rig.store.counter(STEPS), rig.head(id)) == (1, head)  # neither without the other
    monkeypatch.setattr(Curfew, "breaks", False)
    rig.run(id, "exec")
    assert (rig.store.counter(STEPS), len(rig.steps(id))) == (2, 2)


def test_it_learns_of_failures_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[AttemptOutcome] = []
    monkeypatch.setattr(Curfew, "ended", lambda _, tx, request, outcome: told.append(outcome))
    rig.exec(rig.start(), crash())
    (outcome,) = told
    assert isinstance(outcome, AttemptFailed)
    assert (outcome.failure_class, outcome.is_retried) == ("exit_code", False)


def test_it_appears_in_the_status(rig: Rig) -> None:
    rig.exec(rig.start(), WROTE)
    status = guard_status.status(rig.engine.admission.guards)
    assert status.lines[0] == StatusLine("curfew", "1 of 2", 0.5)
    assert status.facts["curfew"] == 1
    assert {"drain", "breakers", "slots", "queue", "machine", "today"} < status.facts.keys()


def test_it_appears_among_the_settings_with_its_defaults(tmp_path: Path) -> None:
    home = str(tmp_path)
    found = {each.key: each.value for each in edit.settings(home)}
    assert (found["curfew.steps"], found["curfew.pause"]) == (3, "90s")
    edit.set_value(home, "curfew.pause", "5m")
    assert config.load(home).rules(Curfew.Rules) == Curfew.Rules(steps=3, pause_s=300.0)
    with pytest.raises(ConfigInvalid, match=r"curfew\.steps: 0 is not a whole number"):
        edit.set_value(home, "curfew.steps", "0")
