"""What a decision does, in the transaction that notes it: words for a thread and a wake, or a new thread.

So a kill at any instant leaves an event decided, with all that follows, or not decided at all.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.engine.actions import lifecycle
from uwf.engine.chain import told, wake
from uwf.engine.chain import word as words
from uwf.engine.chain.tags import THREADS
from uwf.engine.chain.thread import move_head
from uwf.engine.chain.wake import Wake
from uwf.engine.chain.word import Word
from uwf.engine.events import timing
from uwf.engine.events.timing import Window
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uwf.engine.actions.lifecycle import Begin
    from uwf.engine.chain.thread import Thread
    from uwf.engine.events.event import Event
    from uwf.engine.events.matching import Rule
    from uwf.store.protocols import Counters, Store, Transaction
    from uwf.store.values import Ref

WINDOWS = "trigger/"
"""Counters: `trigger/<thread>/<rule>` is what the rule has brought about for that thread; `new` is for new threads."""
FOR_NEW = "new"


def tell(tx: Transaction, thread: str, event: Event, text: str) -> None:
    """Leave the words of an event for a thread."""
    word = Word(text, words.named(event.who or event.source), event.trust, event.at_ms, event.key)
    told.tell(tx, thread, word)
    points.at("event: told")


def wake_up(
    tx: Transaction, ref: Ref, event: Event, rule: Rule, kind: str, now_ms: int, *, is_urgent: bool
) -> int:
    """Let a thread wake for an event, as the rule has it; when that is."""
    thread = ref.name.removeprefix(THREADS)
    before = window(tx, thread, rule)
    after = timing.joined(before, rule.trigger, now_ms, is_urgent=is_urgent)
    tx.set_counter(_name(thread, rule), after.to_value())
    why = f"{event.name} of {words.named(event.who or event.source)}"
    wish = Wake(after.wake_ms, kind, why, for_words=True)
    if before is not None and before.is_open(now_ms) and after.wake_ms > before.wake_ms:
        _move_later(tx, thread, before, wish, now_ms)
    else:
        _wish(tx, thread, lambda tags: wake.wish(tags, wish), wish)
    points.at("event: woken")
    return after.wake_ms


def begin(
    store: Store, tx: Transaction, begin: Begin, event: Event, rule: Rule, now_ms: int
) -> Thread:
    """A new thread for an event, which wakes at once."""
    why = f"began with {event.name} of {words.named(event.who or event.source)}"
    wish = Wake(now_ms, rule.trigger.priority, why)
    thread = lifecycle.make(store, tx, replace(begin, wake=wish))
    points.at("event: thread made")
    before = window(tx, FOR_NEW, rule)
    after = Window(now_ms, now_ms, 0 if before is None else before.wake_ms)
    tx.set_counter(_name(FOR_NEW, rule), after.to_value())
    return thread


def window(counters: Counters, thread: str, rule: Rule) -> Window | None:
    """What a rule has brought about for a thread lately."""
    return Window.from_value(counters.counter(_name(thread, rule)))


def drop_windows(tx: Transaction, before_ms: int) -> int:
    """Forget what rules have brought about before `before_ms`; how many that were."""
    old = [
        name
        for name, value in tx.counters(WINDOWS)
        if max(value.get("wake", 0), value.get("first", 0)) < before_ms
    ]
    for name in old:
        tx.set_counter(name, None)
    return len(old)


def _move_later(tx: Transaction, thread: str, before: Window, wish: Wake, now_ms: int) -> None:
    """A window has grown: the thread wakes at the first end of all its windows, unless another wish comes before."""

    def tags(now: Mapping[str, str]) -> dict[str, str]:
        timer = wake.of(now, thread)
        if timer is None or timer.at_ms != before.wake_ms or not timer.for_words:
            return wake.wish(now, wish)
        without = {key: tag for key, tag in now.items() if key not in (wake.WAKE_AT, wake.WAKE_WHY)}
        ends = (Window.from_value(value) for _, value in tx.counters(f"{WINDOWS}{thread}/"))
        first_ms = min(end.wake_ms for end in ends if end is not None and end.is_open(now_ms))
        return wake.wish(without, Wake(first_ms, wish.kind, wish.why, wish.for_words))

    _wish(tx, thread, tags, wish)


def _wish(
    tx: Transaction, thread: str, tags: Callable[[Mapping[str, str]], dict[str, str]], wish: Wake
) -> None:
    ref = tx.ref(THREADS + thread)
    assert ref is not None, "no act deletes a thread"
    if tags(ref.tags) != ref.tags:
        why = f"wakes at {clock.iso(wish.at_ms)}: {wish.why}"
        move_head(tx, thread, ref.id, tags, expect=ref, why=why)


def _name(thread: str, rule: Rule) -> str:
    return f"{WINDOWS}{thread}/{rule.name}"
