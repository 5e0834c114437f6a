"""A desk at which events are decided, over a rig's threads and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.helpers.flows import PAIR
from tests.helpers.rig import Rig
from uwf.config.records import QueueConfig
from uwf.engine.actions import lifecycle
from uwf.engine.actions.lifecycle import Begin
from uwf.engine.chain import told, wake
from uwf.engine.chain.tags import LABEL, THREADS
from uwf.engine.chain.wake import Wake
from uwf.engine.chain.word import Word
from uwf.engine.events import noticing, stored, taking
from uwf.engine.events.deciding import Means
from uwf.engine.events.decision import Decision, Said, StoredEvent
from uwf.engine.events.event import Event
from uwf.engine.events.judging import Ready
from uwf.engine.events.matching import Rule, RuleTable
from uwf.engine.events.taking import TakenEvent
from uwf.errors import InputError
from uwf.record import replace
from uwf.store.values import Unreadable
from uwf.workflow.trigger import Trigger

NOW = 1_700_000_000_000


class Desk:
    """What a home's daemon does with events, with the clock in a test's hand."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.now_ms = NOW
        self.rules: list[Rule] = []
        self.queue = QueueConfig()
        self.asks_agent = False
        self.unreadable: list[Unreadable] = []
        self.sent = 0

    def on(self, *names: str, workflow: str | None = None, **words: Any) -> Rule:
        """A trigger on events of these names."""
        number = str(len(self.rules) + 1)
        trigger = Trigger(name=number, on=names, **words)
        trigger.check()
        rule = Rule(number if workflow is None else f"{workflow}/{number}", trigger, workflow)
        self.rules.append(rule)
        return rule

    @property
    def means(self) -> Means:
        return Means(
            self.rig.store, RuleTable(self.rules), self.queue, self._begin, self.asks_agent
        )

    def _begin(self, ready: Ready, event: Event) -> Begin:
        if ready.rule.trigger.start != "pair":
            raise InputError(f"no workflow {ready.rule.trigger.start!r}")
        begin = Begin(
            PAIR, ready.task or "", self.rig.engine.home, dict(ready.labels), event=event.key
        )
        lifecycle.check(begin)
        return begin

    def event(self, name: str = "a.b", **fields: Any) -> Event:
        self.sent += 1
        facts = {"id": f"e{self.sent}", "source": "forge", "at_ms": self.now_ms, "who": "ann"}
        return Event(name=name, **{**facts, "trust": "collaborator", **fields})

    def take(self, *events: Event) -> list[TakenEvent]:
        return taking.take(self.rig.store, events, self.now_ms)

    def decide(self) -> list[Decision]:
        return taking.decide(self.means, self.now_ms, on_unreadable=self.unreadable.append)

    def follows(self) -> list[Decision]:
        """What threads have done since is noticed and decided."""
        while noticing.notice(self.rig.store, self.means.rules, self.now_ms):
            continue
        return self.decide()

    def happens(self, name: str = "a.b", **fields: Any) -> Decision:
        """An event is taken and decided."""
        event = self.event(name, **fields)
        assert [one.state for one in self.take(event)] == ["new"]
        [decision] = [one for one in self.decide() if one.key == event.key]
        return decision

    def sends(self, event: Event) -> Decision:
        """What the command line does with an event."""
        return taking.take_and_decide(self.means, event, self.now_ms)

    def later(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)

    def thread(self, **labels: str) -> str:
        return self.rig.start(labels=labels)

    def told(self, thread: str) -> list[str]:
        return [word.text for word in self.words(thread)]

    def words(self, thread: str) -> Sequence[Word]:
        return told.waiting(self.rig.store, thread)

    def wake(self, thread: str) -> Wake | None:
        return wake.of(self.rig.ref(thread).tags, thread)

    def wakes_in(self, thread: str) -> float | None:
        """In how many seconds a thread wakes."""
        found = self.wake(thread)
        return None if found is None else (found.at_ms - self.now_ms) / 1000

    def stored(self, key: str) -> StoredEvent:
        return stored.find(self.rig.store, key)

    def threads(self) -> list[str]:
        return [ref.name.removeprefix(THREADS) for ref in self.rig.store.refs(THREADS)]

    def labels(self, thread: str) -> dict[str, str]:
        tags = self.rig.ref(thread).tags
        return {key.removeprefix(LABEL): tag for key, tag in tags.items() if key.startswith(LABEL)}


def codes(decision: Decision) -> list[str]:
    """The reasons in a decision."""
    return [said.code for said in decision.said if said.code is not None]


def layers(said: Sequence[Said]) -> list[str]:
    return [one.layer for one in said]


__all__ = ("NOW", "Desk", "codes", "layers", "replace")


@pytest.fixture
def desk(rig: Rig) -> Desk:
    return Desk(rig)


@pytest.fixture
def each_desk(each_rig: Rig) -> Desk:
    return Desk(each_rig)
