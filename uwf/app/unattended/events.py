"""What happens: events are taken in, decided by the triggers, listed, decided again."""

from __future__ import annotations

from uwf import clock
from uwf.engine.events import views
from uwf.engine.events.decision import NEW, SEEN, Decision
from uwf.engine.events.event import CLI, Event, checked
from uwf.errors import ConfigInvalid, InputError, NotFound, StateError, StoreError
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from uwf.app.queries import ThreadQueries
    from uwf.engine.events.deciding import Means
    from uwf.engine.events.taking import TakenEvent
    from uwf.engine.events.views import DecisionView, EventPage, EventRow
    from uwf.store.values import Unreadable
    from uwf.workflow.trigger import Trigger

__all__ = ("Event", "EventList", "Events", "Sent", "TriggerList", "TriggerRow", "checked")


WERE_GOOD = "triggers/good"
"""A counter: by the name of a trigger what it named when that was there."""


class Sent(Record):
    """An event that was sent: `state` is `new`, or `seen` when it had been taken before; `decision` is what came of
    it."""

    event: str
    state: str
    decision: DecisionView


class EventList(Record):
    """Events, the newest first, and what cannot be read in place of others."""

    events: tuple[EventRow, ...]
    unreadable: tuple[str, ...]


class TriggerRow(Record):
    """A trigger in use. `workflow` is the one whose file has it, None for one of the configuration."""

    name: str
    workflow: str | None
    trigger: Trigger


class TriggerList(Record):
    """The triggers in the order in which they are asked, and what was set aside since it cannot be read: name, why.
    `of` is the same object as long as there are no others.
    """

    triggers: tuple[TriggerRow, ...]
    set_aside: tuple[tuple[str, str], ...]
    of: object


class Events:
    """What `app.events` can do."""

    def __init__(self, home: ThreadQueries) -> None:
        self._home = home

    def take(self, events: Sequence[Event]) -> list[TakenEvent]:
        """Store events durably, all in one transaction: what this has answered is safe. Nothing is decided yet.

        Raises `InputError` for one that is none; then none is stored.
        """
        from uwf.engine.events import taking

        taken = taking.take(self._home.store(create=True), events, clock.now_ms())
        self._home.poke_daemon()
        return taken

    def send(self, event: Event) -> Sent:
        """Take an event and decide it at once: no daemon is needed for it. That of the person who sits here is told in
        the transaction that stores it.
        """
        from uwf.engine.events import stored, taking

        if event.is_of_person:
            decision = taking.take_and_decide(self._means(create=True), event, clock.now_ms())
            state = SEEN if decision.state == SEEN else NEW
            return Sent(event.key, state, views.decision(self._after(decision)))
        [taken] = self.take([event])
        known = stored.find(self._home.store(), event.key)
        while known.decision is None:
            self.decide()
            known = stored.find(self._home.store(), event.key)
        decision = known.decision if taken.state == NEW else taking.seen(known)
        return Sent(event.key, taken.state, views.decision(decision))

    def own(
        self,
        name: str,
        *,
        id: str | None = None,
        thread: str | None = None,
        labels: Mapping[str, str] | None = None,
        data: Any = None,
        is_urgent: bool = False,
        who: str | None = None,
    ) -> Event:
        """An event of the command line, by default a person's; by an agent inside of a step it is that thread's act."""
        for what, text in (("id", id), ("name", name)):
            hidden = self._home.redactor.found_in(text or "")
            if hidden:
                raise InputError(
                    f"the {what} of the event holds a secret, {', '.join(hidden)}: others look it up by that",
                    hint="uwf event send NAME --data JSON",
                )
        self._home.tell_hidden(f"{data} {labels} {who}", "the event")
        by, speaker = self._home.own_thread(), self._home.speaker()
        now_ms = self._home.now_ms()
        return Event(
            id=clock.ulid(now_ms) if id is None else id,
            source=CLI,
            name=name,
            at_ms=now_ms,
            who=who or speaker.who,
            trust=speaker.trust,
            data=data,
            thread=thread,
            labels=labels or {},
            is_urgent=is_urgent,
            cause=by,
        )

    def decide(
        self,
        now_ms: int | None = None,
        *,
        ask: bool = True,
        on_unreadable: Callable[[Unreadable], None] | None = None,
    ) -> list[DecisionView]:
        """Decide what is stored and open, up to a few hundred events: call again until none is left.

        Without `ask` those for which the agent of the glance is to be asked stay so: see `asking` and `answer`.
        `on_unreadable` is told what is set aside; without it, a person is warned.
        """
        from uwf.engine.events import interrupting, noticing, taking

        if not self._home.has_store():
            return []
        at_ms = self._home.now_ms() if now_ms is None else now_ms
        means = self._means()
        interrupting.carry_out(means.store)  # what a process that was killed has left
        while noticing.notice(means.store, means.rules, at_ms):
            continue
        set_aside = on_unreadable or (lambda one: self._home.warn(f"set aside: {one.why}"))
        found = taking.decide(means, at_ms, on_unreadable=set_aside)
        return [views.decision(self._after(decision, ask=ask)) for decision in found]

    def asking(self) -> list[str]:
        """The events for which the agent of the glance is to be asked."""
        from uwf.engine.events import decision, stored

        found = stored.several(
            self._home.reader(), state=decision.ASKING, on_unreadable=lambda _: None
        )
        return [one.event.key for one in found]

    def answer(self, key: str) -> DecisionView:
        """Ask the agent of the glance about an event, and do what follows. It may take as long as that agent may."""
        from uwf.engine.events import stored

        known = stored.find(self._home.reader(), key)
        if known.decision is None:
            raise NotFound(f"event {key} is not decided yet", hint=f"uwf event show {key}")
        return views.decision(self._asked(known.decision))

    def list(
        self,
        *,
        state: Sequence[str] = (),
        name: str | None = None,
        thread: str | None = None,
        since_ms: int | None = None,
        limit: int | None = None,
    ) -> EventList:
        """Events, the newest first: in one of these states, of this name (`*` at its end stands for anything), about
        this thread, taken at or after `since_ms`."""
        from uwf.engine.events import listing
        from uwf.engine.events.decision import STATES

        for word in state:
            if word not in STATES:
                raise InputError(
                    f"{word!r} is no state of an event; there are {', '.join(STATES)}",
                    hint=f"uwf event list --state {NEW}",
                )
        reader = self._home.reader()
        id = None if thread is None else self._home.thread_id(thread)
        unreadable: list[Unreadable] = []
        found = listing.events(
            reader,
            state=tuple(state),
            name=name,
            thread=id,
            since_ms=since_ms,
            limit=limit,
            on_unreadable=unreadable.append,
        )
        return EventList(tuple(map(views.row, found)), tuple(one.why for one in unreadable))

    def show(self, event: str) -> EventPage:
        """An event by its id, or by 4 or more characters that it alone begins or ends with."""
        from uwf.engine.events import listing, stored

        reader = self._home.reader()
        return views.page(stored.find(reader, listing.key_of(reader, event)))

    def replay(self, event: str) -> DecisionView:
        """Decide an event again, by the triggers of today."""
        from uwf.engine.events import listing, taking

        key = listing.key_of(self._home.reader(), event)
        return views.decision(self._after(taking.replay(self._means(), key, clock.now_ms())))

    def test(self, event: Event) -> DecisionView:
        """What would follow from an event if it came now, and why. Nothing is changed."""
        from uwf.engine.events import taking
        from uwf.store.sqlite import open_in_memory

        means = self._means()
        if not self._home.has_store():
            means = replace(means, store=open_in_memory(self._home.gate))
        return views.decision(taking.rehearse(means, event, clock.now_ms()))

    def waiting(self, thread: str) -> tuple[Event, ...]:
        """The events whose words wait for a thread."""
        from uwf.engine.events import looking

        return tuple(looking.waiting(self._home.reader(), thread))

    def no_more(self, thread: str, key: str, reason: str) -> bool:
        """A thread is told of an event no more, for a reason that the event keeps. Whether it still has something to
        wake for.
        """
        from uwf.engine.events import looking

        return looking.no_more(self._home.store(), thread, key, reason)

    def tell_more(self, thread: str, key: str, text: str) -> None:
        """Tell a thread more about an event of which words wait for it."""
        from uwf.engine.events import looking

        looking.tell_more(self._home.store(), thread, key, text)

    def triggers(self) -> TriggerList:
        """The triggers in use."""
        rules = self._home.rules()
        rows = (TriggerRow(rule.name, rule.workflow, rule.trigger) for rule in rules.rules)
        aside = tuple((one.name, one.why) for one in rules.set_aside)
        return TriggerList(tuple(rows), aside, rules)

    def problems(self) -> dict[str, str]:
        """By name, the triggers that cannot do what is written: the workflow that they start, or their thread, is not
        there.
        """
        from uwf.app.unattended import references

        return references.of_rules(self._home, self._home.rules().rules)

    def remember_good(self, problems: Mapping[str, str]) -> None:
        """Keep what the triggers of the configuration name that is there: all but the `problems`."""
        named = {
            rule.name: rule.trigger.names
            for rule in self._home.rules().rules
            if rule.workflow is None
        }
        named = {name: what for name, what in named.items() if what}
        if not named:
            return
        store = self._home.store(create=True)
        known = store.counter(WERE_GOOD)
        before = known if isinstance(known, dict) else {}
        good = {
            name: before.get(name) if name in problems else what for name, what in named.items()
        }
        good = {name: what for name, what in good.items() if what is not None}
        if good != before:
            with store.transaction("triggers good", durable=False) as tx:
                tx.set_counter(WERE_GOOD, good)

    def refuse_wrong(self) -> None:
        """Raise `ConfigInvalid` for a trigger of the configuration that names what was never there. One that has turned
        bad is no reason to run nothing: it is set aside.
        """

        from uwf.app.unattended import references
        from uwf.config.toml_file import editing

        try:
            known = self._home.reader().counter(WERE_GOOD)
            good = known if isinstance(known, dict) else {}
            new = [
                rule
                for rule in self._home.rules().rules
                if rule.workflow is None and good.get(rule.name) != rule.trigger.names
            ]
            wrong = references.of_rules(self._home, new)
        except StoreError:
            return  # which is told where it is needed
        for why in wrong.values():
            raise ConfigInvalid(why, hint=editing(self._home.config_path))

    def crowded_since_ms(self) -> int | None:
        """Since when so many threads are due that fuzzy events have to be urgent to wake one; None: they need not."""
        from uwf.engine.events import crowding

        return crowding.noted(self._home.reader())

    def _after(self, decision: Decision, *, ask: bool = True) -> Decision:
        """What follows outside of the store: runs are stopped, the daemon is woken, the agent is asked."""
        from uwf.engine.events import interrupting

        if decision.deeds:
            interrupting.carry_out(self._home.store())
            self._home.poke_daemon()
        return self._asked(decision) if ask and decision.asks else decision

    def _asked(self, decision: Decision) -> Decision:
        from uwf.app.unattended import event_means
        from uwf.engine.events import taking

        for ask in decision.asks:
            answer = event_means.answer(self._home, decision.key, ask)
            try:
                means = self._means()
                decision = taking.answered(means, decision.key, ask, answer, clock.now_ms())
            except StateError:
                continue  # another process was quicker
        return self._after(decision, ask=False)

    def _means(self, *, create: bool = False) -> Means:
        from uwf.app.unattended import event_means

        return event_means.of(self._home, create=create)
