"""The one order in which an event is decided: triggers that match → filter → glance → debounce → priority → run.

An id that was taken before is not decided again. Each "no" is noted with its reason. What can be found out without a
lock, such as what a template says, is found first (`prepare`); the rest, with all that follows from it, is part of one
transaction (`Deciding`).
"""

from __future__ import annotations

from uwf.engine.chain import told, wake
from uwf.engine.chain.tags import (
    CANCELLED,
    STATUS,
    SUSPEND_MESSAGE,
    SUSPENDED_ROLE,
    THREADS,
    TITLE,
    WORKFLOW,
    labels_of,
)
from uwf.engine.chain.thread import runner
from uwf.engine.events import acting, causes, crowding, interrupting, judging, targets, timing
from uwf.engine.events.decision import (
    ASKING,
    BUSY,
    CANNOT_START,
    COOLDOWN,
    DEBOUNCE,
    DECLINED,
    ENDED,
    FILTER,
    GLANCE,
    IGNORED,
    NO_PROGRESS,
    NO_TRIGGER,
    PRIORITY,
    QUEUE_FULL,
    REFUSED,
    RUN,
    TOLD,
    TRIGGER,
    WRONG,
    Ask,
    Decision,
    Deed,
    Said,
)
from uwf.engine.events.event import CLI
from uwf.engine.events.judging import Ready
from uwf.engine.events.matching import Rule
from uwf.errors import UwfError
from uwf.record import Record
from uwf.trust import OWNER
from uwf.workflow.condition import ConditionInvalid
from uwf.workflow.trigger import FUZZY, INTERRUPT, MERGE, REJECT, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from uwf.config.records import QueueConfig
    from uwf.engine.actions.lifecycle import Begin
    from uwf.engine.events.crowding import Crowding
    from uwf.engine.events.decision import StoredEvent
    from uwf.engine.events.event import Event
    from uwf.engine.events.matching import RuleTable
    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Ref

    Found: TypeAlias = "Ready | Beginning | Said"
    """What one rule says by itself: for whom, or why not."""

USUAL, URGENT = 3, 5
"""Urgencies, of 1 to 5: where nobody has said, and where somebody has."""

OF_PERSON = Rule("direct", Trigger(on=("*",), priority=wake.PERSON))
OF_PROGRAM = Rule("direct", Trigger(on=("*",)))
"""For an event of the command line that names its threads, and that no trigger is on."""


class Means(Record):
    """What deciding needs of a home: its store and rules, whether an agent is asked at a glance, and how a thread is
    begun by what a rule says. `begin` raises `UwfError` where that cannot be.
    """

    store: Store
    rules: RuleTable
    queue: QueueConfig
    begin: Callable[[Ready, Event], Begin]
    asks_agent: bool = False


class Beginning(Record):
    """A rule that lets an event pass, and the thread that it begins."""

    ready: Ready
    begin: Begin


class GlanceAnswer(Record):
    """What a glance says: whether it is worth a run, how urgent it is (1 to 5), and why."""

    should_run: bool
    urgency: int
    reason: str


def prepare(means: Means, event: Event) -> list[Found]:
    """What the rules on an event say by themselves."""
    rules = means.rules.of(event.name) or _direct(event)
    if not rules:
        return [Said(TRIGGER, False, f"no trigger is on {event.name}", NO_TRIGGER)]
    variables = event.variables
    found: list[Found] = []
    for rule in rules:
        found += (rule.said, prepared(means, event, rule, variables))
    return found


def prepared(means: Means, event: Event, rule: Rule, variables: Mapping[str, Any]) -> Found:
    """What one rule says to an event with these `variables` by itself."""
    begins = rule.trigger.start is not None
    if rule.needs_liquid and not begins:  # which takes milliseconds: not for nobody
        aim = judging.judge(event, rule, variables, in_words=False)
        nobody = aim if isinstance(aim, Said) else targets.of(means.store, event, aim)
        if isinstance(nobody, Said):
            return nobody
    ready = judging.judge(event, rule, variables)
    if isinstance(ready, Said) or not begins:
        return ready
    try:
        return Beginning(ready, means.begin(ready, event))
    except UwfError as error:
        return Said(RUN, False, error.message, CANNOT_START, rule.name)


def for_nobody(event: StoredEvent, found: Sequence[Found], now_ms: int) -> Decision:
    """The decision where no rule lets an event pass: it needs no transaction."""
    said = tuple(one for one in found if isinstance(one, Said))
    return Decision(event.event.key, _refused_or_ignored(said), now_ms, said)


def _refused_or_ignored(said: Sequence[Said]) -> str:
    return REFUSED if any(one.code in WRONG for one in said) else IGNORED


def _direct(event: Event) -> tuple[Rule, ...]:
    if event.source != CLI or not (event.thread or event.labels):
        return ()
    return (OF_PERSON if event.trust == OWNER else OF_PROGRAM,)


class Deciding:
    """One event in one transaction."""

    def __init__(
        self,
        means: Means,
        tx: Transaction,
        event: StoredEvent,
        now_ms: int,
        crowding: Crowding,
    ) -> None:
        self._means = means
        self._tx = tx
        self._stored = event
        self._event = event.event
        self._now_ms = now_ms
        self._crowding = crowding
        self._said: list[Said] = []
        self._deeds: list[Deed] = []
        self._asks: list[Ask] = []

    def all_of(self, found: Sequence[Found]) -> Decision:
        """Decide by all rules that were prepared, and do what follows."""
        for one in found:
            if isinstance(one, Said):
                self._said.append(one)
            elif isinstance(one, Beginning):
                self._begin(one.ready, one.begin)
            else:
                self._for_threads(one)
        return self._decision()

    def answered(self, ask: Ask, found: Found, answer: GlanceAnswer) -> Decision:
        """Go on where the agent of the glance was asked, with its answer."""
        before = self._stored.decision
        assert before is not None, "who was asked was asked by a decision"
        self._said += before.said
        self._deeds += before.deeds
        self._asks += (one for one in before.asks if one != ask)
        ref = self._tx.ref(THREADS + ask.thread)
        if isinstance(found, Said):
            self._said.append(found)
        elif ref is not None and isinstance(found, Ready):
            self._for_thread(found, ref, answer)
        return self._decision()

    def _decision(self) -> Decision:
        if self._asks:
            state = ASKING
        elif self._deeds:
            state = TOLD
        else:
            state = _refused_or_ignored(self._said)
        return Decision(
            self._event.key,
            state,
            self._now_ms,
            tuple(self._said),
            tuple(self._deeds),
            tuple(self._asks),
        )

    def _begin(self, ready: Ready, begin: Begin) -> None:
        rule = ready.rule
        until_ms = timing.cools_until(
            acting.window(self._tx, acting.FOR_NEW, rule), rule.trigger, self._now_ms
        )
        if until_ms is not None and not self._event.is_urgent:
            self._say(DEBOUNCE, False, f"its cooldown lasts until {_at(until_ms)}", COOLDOWN, rule)
            return
        thread = acting.begin(self._means.store, self._tx, begin, self._event, rule, self._now_ms)
        self._deeds.append(Deed(thread.id, rule.name, True, self._now_ms, thread.head))
        self._say(RUN, True, f"begins a thread of {begin.workflow.name}", None, rule, thread.id)

    def _for_threads(self, ready: Ready) -> None:
        found = targets.of(self._tx, self._event, ready)
        if isinstance(found, Said):
            self._said.append(found)
            return
        for ref in found:
            self._for_thread(ready, ref, None)

    def _for_thread(self, ready: Ready, ref: Ref, answer: GlanceAnswer | None) -> None:
        """The layers from a rule and one of its threads on."""
        rule, thread = ready.rule, ref.name.removeprefix(THREADS)
        is_busy = runner(self._means.store, thread) is not None
        if not self._passes(rule, ref, thread, is_busy):
            return
        urgency = URGENT if self._event.is_urgent else USUAL
        if rule.trigger.class_ == FUZZY:
            found = self._glance(rule, ref, thread, is_busy, answer)
            if found is None:
                return
            urgency = max(urgency, found) if self._event.is_urgent else found
        acting.tell(self._tx, thread, self._event, ready.text)
        wake_ms = self._wake(rule, ref, thread, is_busy, urgency)
        self._deeds.append(Deed(thread, rule.name, False, wake_ms, ref.id))
        if is_busy and rule.trigger.when_busy == INTERRUPT:
            interrupting.wish(self._tx, thread, self._now_ms)

    def _passes(self, rule: Rule, ref: Ref, thread: str, is_busy: bool) -> bool:
        if ref.tags.get(STATUS) == CANCELLED:
            self._say(FILTER, False, "the thread is cancelled", ENDED, rule, thread)
            return False
        since = causes.no_progress_since(self._tx, self._stored, thread, ref.id)
        if since is not None:
            why = f"an echo of the thread's own act, which has made no step since event {since}"
            self._say(FILTER, False, why, NO_PROGRESS, rule, thread)
            return False
        if is_busy and rule.trigger.when_busy == REJECT:
            self._say(FILTER, False, "the thread runs, and when_busy is reject", BUSY, rule, thread)
            return False
        return True

    def _glance(
        self, rule: Rule, ref: Ref, thread: str, is_busy: bool, answer: GlanceAnswer | None
    ) -> int | None:
        """How urgent a fuzzy event is; None: it is not worth a run, or that is asked first."""
        if answer is None:
            answer = self._by_rule(rule, ref, thread, is_busy)
            if answer is not None and answer.should_run and self._means.asks_agent:
                self._asks.append(Ask(rule.name, thread))
                self._say(GLANCE, True, "the agent of the glance is asked", None, rule, thread)
                return None
        if answer is None:
            return None
        code = None if answer.should_run else DECLINED
        self._say(GLANCE, answer.should_run, answer.reason, code, rule, thread)
        return answer.urgency if answer.should_run else None

    def _by_rule(self, rule: Rule, ref: Ref, thread: str, is_busy: bool) -> GlanceAnswer | None:
        """What the condition of the glance says; None where it cannot be answered."""
        if rule.glance is None:
            return GlanceAnswer(True, USUAL, "there is no rule for the glance")
        variables = {
            **self._event.variables,
            "thread": thread_variables(self._tx, ref, thread, is_busy=is_busy),
        }
        try:
            holds = rule.glance.holds(variables)
        except ConditionInvalid as error:
            why = f"its glance: {error.message}"
            self._say(GLANCE, False, why, judging.code_of(error), rule, thread)
            return None
        return GlanceAnswer(holds, USUAL, f"{'so' if holds else 'not so'}: {rule.glance.text}")

    def _wake(self, rule: Rule, ref: Ref, thread: str, is_busy: bool, urgency: int) -> int | None:
        """Let the thread wake; when that is, None where it is told and no more."""
        kind = rule.trigger.priority
        is_fuzzy = rule.trigger.class_ == FUZZY
        if is_fuzzy and self._crowding.is_high and urgency < crowding.URGENT_ENOUGH:
            why = (
                f"told, not woken: {self._crowding.due} threads or more are due, and its urgency is {urgency}, "
                f"less than {crowding.URGENT_ENOUGH}"
            )
            self._say(PRIORITY, True, why, QUEUE_FULL, rule, thread)
            return None
        if is_busy and rule.trigger.when_busy == MERGE:
            kind = wake.ECONOMY
        wake_ms = acting.wake_up(
            self._tx,
            ref,
            self._event,
            rule,
            kind,
            self._now_ms,
            is_urgent=urgency >= URGENT,
        )
        if wake_ms > self._now_ms:
            self._say(DEBOUNCE, True, f"wakes at {_at(wake_ms)}", None, rule, thread)
        self._say(PRIORITY, True, kind, None, rule, thread)
        return wake_ms

    def _say(
        self,
        layer: str,
        ok: bool,
        why: str,
        code: str | None,
        rule: Rule,
        thread: str | None = None,
    ) -> None:
        self._said.append(Said(layer, ok, why, code, rule.name, thread))


def thread_variables(
    reader: Store | Transaction, ref: Ref, thread: str, *, is_busy: bool
) -> dict[str, Any]:
    """What a glance may look at of a thread."""
    return {
        "id": thread,
        "status": "running" if is_busy else ref.tags.get(STATUS),
        "workflow": ref.tags.get(WORKFLOW),
        "labels": labels_of(ref.tags),
        "title": ref.tags.get(TITLE),
        "role": ref.tags.get(SUSPENDED_ROLE),
        "message": ref.tags.get(SUSPEND_MESSAGE),
        "waiting": len(told.waiting(reader, thread)),
    }


def question(store: Store, event: Event, thread: str) -> dict[str, Any]:
    """What an agent is shown of an event and its thread."""
    ref = store.ref(THREADS + thread)
    is_busy = runner(store, thread) is not None
    facts = {} if ref is None else thread_variables(store, ref, thread, is_busy=is_busy)
    return {**event.variables, "labels": dict(event.labels), "thread": facts}


def _at(at_ms: int) -> str:
    from uwf import clock

    return clock.iso(at_ms)
