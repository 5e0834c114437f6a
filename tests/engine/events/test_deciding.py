"""An event is decided in one order, each "no" with its reason, and what follows from it is done once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.events.conftest import NOW, Desk, codes, layers
from tests.helpers.rig import APPROVED, WROTE
from uwf.engine.chain import thread as threads
from uwf.engine.chain import wake
from uwf.engine.events import interrupting, taking
from uwf.engine.events.deciding import GlanceAnswer
from uwf.engine.events.decision import Ask
from uwf.engine.events.event import KIND
from uwf.errors import InputError, StateError, StoreError
from uwf.record import replace
from uwf.store.sqlite import SqliteStore

FIND = {"find": {"pr": "{{ data.pr }}"}, "text": "{{ data.body }}"}


def review(body: str = "Mind the gap.", pr: str = "42", **more: Any) -> dict[str, Any]:
    return {"data": {"pr": pr, "body": body, **more}}


def test_an_id_is_taken_once_from_one_source(each_desk: Desk) -> None:
    event = each_desk.event()
    assert [one.state for one in each_desk.take(event, event)] == ["new", "seen"]
    assert [one.state for one in each_desk.take(replace(event, name="other"))] == ["seen"]
    assert [one.state for one in each_desk.take(replace(event, source="other"))] == ["new"]
    assert each_desk.stored("forge/e1").event == event


def test_one_that_is_none_keeps_the_whole_batch_out(desk: Desk) -> None:
    with pytest.raises(InputError, match="is not the name"):
        desk.take(desk.event(), desk.event("a b"))
    assert desk.rig.store.count_entries(KIND) == 0


def test_a_thread_with_the_label_is_told_and_woken(each_desk: Desk) -> None:
    desk = each_desk
    desk.on("forge.review", priority="collaboration", **FIND)
    mine, other = desk.thread(pr="42"), desk.thread(pr="43")
    decision = desk.happens("forge.review", **review())
    assert (decision.state, decision.threads) == ("told", (mine,))
    assert layers(decision.said) == ["trigger", "priority"]
    [word] = desk.words(mine)
    assert (word.text, word.who, word.trust) == ("Mind the gap.", "ann", "collaborator")
    assert (word.at_ms, word.event) == (NOW, decision.key)
    woken = desk.wake(mine)
    assert woken is not None and (woken.at_ms, woken.kind) == (NOW, wake.COLLABORATION)
    assert woken.for_words and woken.why == "forge.review of ann"
    assert (desk.told(other), desk.wake(other)) == ([], None)
    assert desk.stored(decision.key).decision == decision


def test_what_was_decided_is_not_decided_again(desk: Desk) -> None:
    desk.on("a.b", **FIND)
    thread = desk.thread(pr="42")
    desk.happens(**review())
    assert desk.decide() == []
    assert desk.told(thread) == ["Mind the gap."]


@pytest.mark.parametrize("status", ["completed", "suspended"])
def test_a_thread_that_has_ended_or_waits_is_told_as_well(desk: Desk, status: str) -> None:
    desk.on("a.b", **FIND)
    thread = desk.thread(pr="42")
    if status == "completed":
        desk.rig.exec(thread, WROTE, APPROVED)
    else:
        desk.rig.exec(thread, *["no reply"] * 3)
    assert desk.rig.ref(thread).tags["status"] == status
    assert desk.happens(**review()).threads == (thread,)
    assert desk.wakes_in(thread) == 0


def test_each_no_is_stored_with_its_reason(desk: Desk) -> None:
    desk.on("by.label", **FIND)
    desk.on("by.thread", thread="{{ data.thread }}", text="x")
    desk.on("by.itself", text="x")
    desk.on("not.trusted", trust=("owner",), text="x", **{"find": FIND["find"]})
    desk.on("not.so", when="data.pr == 'x'", **FIND)
    desk.on("never", class_="ignore", **FIND)
    desk.on("no.start", start="gone", cwd="/")
    cancelled = desk.thread(pr="7")
    desk.rig.cancel(cancelled)
    desk.thread(pr="42")
    for name, fields, state, code in (
        ("unknown", {}, "ignored", "no_trigger"),
        ("by.label", review(pr="44"), "ignored", "no_thread"),
        ("by.label", review(pr=""), "ignored", "no_thread"),
        ("by.label", review(pr="7"), "ignored", "no_thread"),
        ("by.thread", {"data": {"thread": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}}, "ignored", "no_thread"),
        ("by.thread", {"data": {"thread": "x"}}, "ignored", "no_thread"),
        ("by.thread", {"data": {"thread": cancelled}}, "ignored", "ended"),
        ("by.itself", {}, "ignored", "no_thread"),
        ("by.itself", {"labels": {"pr": "44"}}, "ignored", "no_thread"),
        ("not.trusted", review(), "ignored", "trust"),
        ("not.so", review(), "ignored", "when"),
        ("never", review(), "ignored", "class_ignore"),
        ("by.label", {**review(), "depth": 5}, "ignored", "depth"),
        ("no.start", {}, "refused", "cannot_start"),
    ):
        decision = desk.happens(name, **fields)
        assert (decision.state, codes(decision)) == (state, [code]), name
        reason = desk.stored(decision.key).decision
        assert reason is not None and reason.reason is not None
        assert (reason.reason.code, bool(reason.reason.why)) == (code, True)
    assert not any(desk.told(thread) for thread in desk.threads())


def test_an_event_that_names_its_thread_or_labels_needs_no_find(desk: Desk) -> None:
    desk.on("a.b", text="{{ name }}")
    one, other = desk.thread(pr="1"), desk.thread(pr="2")
    desk.happens(thread=one)
    desk.happens(labels={"pr": "2"})
    assert (desk.told(one), desk.told(other)) == (["a.b"], ["a.b"])


def test_labels_that_fit_very_many_threads_wake_none(desk: Desk) -> None:
    desk.on("a.b", **FIND)
    for _ in range(51):
        desk.thread(pr="42")
    decision = desk.happens(**review())
    assert (decision.state, codes(decision)) == ("refused", ["too_many"])


def test_cancelled_threads_hide_no_others(desk: Desk) -> None:
    desk.on("a.b", **FIND)
    alive = desk.thread(pr="42")
    for _ in range(52):
        desk.rig.cancel(desk.thread(pr="42"))
    assert desk.happens(**review()).threads == (alive,)


def test_a_workflows_trigger_is_for_its_own_threads(desk: Desk) -> None:
    desk.on("a.b", workflow="pair", **FIND)
    desk.on("a.b", workflow="other", **FIND)
    thread = desk.thread(pr="42")
    decision = desk.happens(**review(), thread=thread)
    assert decision.threads == (thread,)
    assert codes(decision) == ["no_thread"], "of the other workflow"
    desk.on("c", workflow="other", text="x")
    assert codes(desk.happens("c", thread=thread)) == ["no_thread"]


def test_several_triggers_tell_each_its_own(desk: Desk) -> None:
    desk.on("a.b", find={"pr": "42"}, text="one")
    desk.on("a.*", find={"pr": "42"}, text="two", priority="economy")
    desk.on("*", find={"pr": "42"}, text="two")
    thread = desk.thread(pr="42")
    decision = desk.happens()
    assert sorted(desk.told(thread)) == ["one", "two"], "the same words of one event are said once"
    assert (decision.threads, len(decision.deeds)) == ((thread,), 3)


def test_a_new_thread_begins_once_with_its_labels_and_wakes(each_desk: Desk) -> None:
    desk = each_desk
    desk.on(
        "ci.failed",
        start="pair",
        cwd="/",
        prompt="Mend {{ data.job }}.",
        label={"job": "{{ data.job }}"},
    )
    event = desk.event("ci.failed", data={"job": "lint"})
    desk.take(event)
    [decision] = desk.decide()
    desk.take(event)
    desk.decide()
    [thread] = desk.threads()
    assert (decision.state, decision.threads) == ("told", (thread,))
    assert decision.deeds[0].started
    assert (desk.labels(thread), desk.wakes_in(thread)) == ({"job": "lint"}, 0)
    assert threads.read(desk.rig.store, desk.rig.ref(thread)).tags["event"] == "forge/e1"


def test_a_cooldown_begins_no_second_thread_meanwhile(desk: Desk) -> None:
    desk.on("a.b", start="pair", cwd="/", cooldown_s=60.0)
    assert desk.happens().state == "told"
    desk.later(59)
    assert codes(desk.happens()) == ["cooldown"]
    assert desk.happens(is_urgent=True).state == "told"
    desk.later(61)
    assert desk.happens().state == "told"
    assert len(desk.threads()) == 3


def test_words_gather_and_all_of_them_are_told(desk: Desk) -> None:
    desk.on("a.b", debounce_s=300.0, **FIND)
    thread = desk.thread(pr="42")
    for number in range(3):
        decision = desk.happens(**review(f"word {number}"))
        assert desk.wakes_in(thread) == 300 - 100 * number
        assert layers(decision.said) == ["trigger", "debounce", "priority"]
        desk.later(100)
    assert desk.told(thread) == ["word 0", "word 1", "word 2"]


def test_a_quiet_period_moves_the_wake_but_not_one_for_something_else(desk: Desk) -> None:
    desk.on("a.b", debounce_s=60.0, quiet_s=60.0, latest_s=100.0, **FIND)
    thread = desk.thread(pr="42")
    desk.happens(**review())
    desk.later(30)
    desk.happens(**review())
    assert desk.wakes_in(thread) == 60
    desk.later(30)
    desk.happens(**review())
    assert desk.wakes_in(thread) == 40, "at last 100 s after the first"
    with desk.rig.store.transaction("test") as tx:
        threads.wake_by(tx, thread, wake.Wake(desk.now_ms + 5_000, wake.DEADLINE, "else"))
    desk.happens(**review())
    found = desk.wake(thread)
    assert found is not None and (desk.wakes_in(thread), found.kind) == (5, wake.DEADLINE)


def test_a_window_that_grows_does_not_hide_the_end_of_another(desk: Desk) -> None:
    desk.on("slow", debounce_s=60.0, quiet_s=60.0, latest_s=600.0, text="slow")
    desk.on("quick", debounce_s=70.0, text="quick")
    thread = desk.thread()
    desk.happens("slow", thread=thread)
    desk.happens("quick", thread=thread)
    desk.later(50)
    desk.happens("slow", thread=thread)
    assert desk.wakes_in(thread) == 20, "the window of quick ends first"


def test_urgent_ones_wake_now(desk: Desk) -> None:
    desk.on("a.b", debounce_s=300.0, cooldown_s=900.0, **FIND)
    thread = desk.thread(pr="42")
    desk.happens(**review())
    desk.later(1)
    desk.happens(**review(), is_urgent=True)
    assert desk.wakes_in(thread) == 0


def running(desk: Desk, thread: str) -> Any:
    lease = desk.rig.store.leases.take(thread)
    assert lease is not None
    return lease


@pytest.mark.parametrize(
    ("when_busy", "told", "kind", "wished"),
    [
        ("queue", True, wake.ENVIRONMENT, False),
        ("merge", True, wake.ECONOMY, False),
        ("interrupt", True, wake.ENVIRONMENT, True),
        ("reject", False, None, False),
    ],
)
def test_a_busy_thread_is_told_as_its_trigger_says(
    desk: Desk, when_busy: str, told: bool, kind: str | None, wished: bool
) -> None:
    desk.on("a.b", when_busy=when_busy, **FIND)
    thread = desk.thread(pr="42")
    lease = running(desk, thread)
    try:
        decision = desk.happens(**review())
        assert bool(desk.told(thread)) is told
        found = desk.wake(thread)
        assert (None if found is None else found.kind) == kind
        wishes = [name for name, _ in desk.rig.store.counters(interrupting.WISHES)]
        assert wishes == ([interrupting.WISHES + thread] if wished else [])
        assert codes(decision) == ([] if told else ["busy"])
    finally:
        desk.rig.store.leases.release(lease)
    assert desk.happens(**review()).state == "told", "it is free again"


def test_a_fuzzy_event_is_asked_about_by_rule(desk: Desk) -> None:
    desk.on(
        "a.b", class_="fuzzy", glance="thread.labels.pr == '42' and thread.status == 'idle'", **FIND
    )
    yes, no = desk.thread(pr="42"), desk.thread(pr="43")
    assert desk.happens(**review()).threads == (yes,)
    declined = desk.happens(**review(pr="43"))
    assert (declined.state, codes(declined), desk.told(no)) == ("ignored", ["glance"], [])


def test_a_glance_that_cannot_be_answered_is_a_stored_refusal(desk: Desk) -> None:
    desk.on("a.b", class_="fuzzy", glance="thread.waiting < data.body", **FIND)
    desk.thread(pr="42")
    decision = desk.happens(**review())
    assert (decision.state, codes(decision)) == ("refused", ["wrong_type"])
    assert decision.reason is not None
    assert "a number and a text cannot be compared" in decision.reason.why
    assert "near 'thread.waiting < data.body'" in decision.reason.why


def test_the_agent_is_asked_about_what_the_rule_lets_pass(desk: Desk) -> None:
    desk.asks_agent = True
    rule = desk.on("a.b", class_="fuzzy", glance="data.pr == '42'", debounce_s=60.0, **FIND)
    desk.on("a.b", find=FIND["find"], text="at once")
    thread = desk.thread(pr="42")
    declined = desk.happens(**review(pr="43"))
    assert declined.asks == ()
    decision = desk.happens(**review())
    ask = Ask(rule.name, thread)
    assert (decision.state, decision.asks) == ("asking", (ask,))
    assert desk.told(thread) == ["at once"], "a hard one does not wait for that"
    assert desk.decide() == []
    done = taking.answered(
        desk.means, decision.key, ask, GlanceAnswer(True, 2, "why not"), desk.now_ms
    )
    assert (done.state, sorted(desk.told(thread))) == ("told", ["Mind the gap.", "at once"])
    with pytest.raises(StateError, match="waits for no answer"):
        taking.answered(desk.means, decision.key, ask, GlanceAnswer(True, 2, "again"), desk.now_ms)
    assert len(desk.told(thread)) == 2


@pytest.mark.parametrize(
    ("answer", "told", "wakes_in"),
    [
        (GlanceAnswer(False, 5, "noise"), False, None),
        (GlanceAnswer(True, 1, "some day"), True, 60),
        (GlanceAnswer(True, 5, "now"), True, 0),
    ],
)
def test_the_answer_says_whether_and_how_soon(
    desk: Desk, answer: GlanceAnswer, told: bool, wakes_in: float | None
) -> None:
    desk.asks_agent = True
    rule = desk.on("a.b", class_="fuzzy", debounce_s=60.0, **FIND)
    thread = desk.thread(pr="42")
    decision = desk.happens(**review())
    done = taking.answered(desk.means, decision.key, Ask(rule.name, thread), answer, desk.now_ms)
    assert (bool(desk.told(thread)), desk.wakes_in(thread)) == (told, wakes_in)
    assert done.state == ("told" if told else "ignored")
    assert answer.reason in [said.why for said in done.said]


def test_a_trigger_that_is_gone_when_the_answer_comes_tells_nobody(desk: Desk) -> None:
    desk.asks_agent = True
    rule = desk.on("a.b", class_="fuzzy", **FIND)
    thread = desk.thread(pr="42")
    decision = desk.happens(**review())
    desk.rules.clear()
    done = taking.answered(
        desk.means, decision.key, Ask(rule.name, thread), GlanceAnswer(True, 3, "yes"), desk.now_ms
    )
    assert (done.state, codes(done), desk.told(thread)) == ("ignored", ["no_trigger"], [])


def test_above_the_high_water_fuzzy_events_wake_only_when_urgent_until_the_low_water(
    desk: Desk,
) -> None:
    desk.queue = replace(desk.queue, high_water=3, low_water=1)
    desk.on("fuzzy", class_="fuzzy", text="fuzzy")
    desk.on("hard", text="hard")
    due = [desk.thread() for _ in range(4)]
    for thread in due:
        desk.happens("hard", thread=thread)
    target = desk.thread()
    decision = desk.happens("fuzzy", thread=target)
    assert (decision.state, codes(decision)) == ("told", ["queue_full"])
    assert (desk.told(target), desk.wake(target)) == (["fuzzy"], None), "no word is lost"
    assert desk.happens("fuzzy", thread=target, is_urgent=True).deeds[0].wake_ms == desk.now_ms
    other = desk.thread()
    desk.happens("hard", thread=other)
    assert desk.wakes_in(other) == 0
    rest = desk.thread()
    for thread in (*due[1:], target):
        desk.rig.cancel(thread)
    desk.happens("fuzzy", thread=rest)
    assert desk.wake(rest) is None, "two are due: more than the low water"
    desk.rig.cancel(other)
    last = desk.thread()
    desk.happens("fuzzy", thread=last)
    assert desk.wakes_in(last) == 0
    names = [entry.value["name"] for entry in desk.rig.store.entries(KIND)]
    assert [name for name in names if name.startswith("queue.")] == ["queue.high", "queue.low"]


def test_a_persons_event_is_told_in_the_transaction_that_stores_it(each_desk: Desk) -> None:
    desk = each_desk
    thread = desk.thread()
    event = desk.event("look.here", source="cli", trust="owner", thread=thread, data="Please look.")
    decision = desk.sends(event)
    assert (decision.key, decision.state, decision.threads) == ("e1", "told", (thread,))
    found = desk.wake(thread)
    assert found is not None and (desk.wakes_in(thread), found.kind) == (0, wake.PERSON)
    again = desk.sends(event)
    assert (again.state, again.deeds) == ("seen", ())
    assert len(desk.told(thread)) == 1


def test_what_a_program_sends_is_no_persons_word(desk: Desk) -> None:
    thread = desk.thread()
    desk.sends(desk.event("x", source="cli", trust="bot", thread=thread))
    found = desk.wake(thread)
    assert found is not None and found.kind == wake.ENVIRONMENT


def test_what_other_sources_say_of_threads_needs_a_trigger(desk: Desk) -> None:
    thread = desk.thread()
    assert codes(desk.happens(thread=thread)) == ["no_trigger"]


def test_a_rehearsal_says_the_same_and_changes_nothing(each_desk: Desk) -> None:
    desk = each_desk
    desk.on("a.b", start="pair", cwd="/")
    desk.on("a.b", debounce_s=60.0, **FIND)
    thread = desk.thread(pr="42")
    before = (desk.rig.store.stats(), desk.rig.ref(thread), desk.rig.store.counters(""))
    event = desk.event(**review())
    rehearsed = taking.rehearse(desk.means, event, desk.now_ms)
    assert (desk.rig.store.stats(), desk.rig.ref(thread), desk.rig.store.counters("")) == before
    done = desk.sends(event)
    assert (rehearsed.state, layers(rehearsed.said)) == (done.state, layers(done.said))
    seen = taking.rehearse(desk.means, event, desk.now_ms)
    assert (seen.state, layers(seen.said)) == (done.state, ["seen", *layers(done.said)])
    assert thread in seen.threads


def test_a_replay_decides_by_the_triggers_of_today(desk: Desk) -> None:
    thread = desk.thread(pr="42")
    decision = desk.happens(**review())
    assert codes(decision) == ["no_trigger"]
    desk.on("a.b", **FIND)
    replayed = taking.replay(desk.means, decision.key, desk.now_ms)
    assert (replayed.state, replayed.threads) == ("told", (thread,))
    taking.replay(desk.means, decision.key, desk.now_ms)
    assert desk.told(thread) == ["Mind the gap."], "what waits is not said twice"
    assert desk.stored(decision.key).state == "told"


def test_one_bad_event_keeps_no_other_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.on("a.b", **FIND)
    desk.on("bad", thread="{{ data.thread }}", text="x")
    desk.on(
        "bomb",
        text="{% for i in (1..99999) %}{% for j in (1..9999) %}x{% endfor %}{% endfor %}",
        find={"pr": "42"},
    )
    thread = desk.thread(pr="42")
    odd = desk.thread(pr="odd")
    with desk.rig.store.transaction("test") as tx:
        ref = tx.ref(f"@uwf/thread/{odd}")
        assert ref is not None
        tx.set_ref(ref.name, ref.id, tags={**ref.tags, "wakeAt": "soon"}, why="by hand")
        tx.set_counter(f"trigger/{odd}/1", ["not", "a", "window"])
    events = [
        desk.event(**review("first")),
        desk.event("bad", data={"thread": "\n" * 300}),
        desk.event("bomb", data={}),
        desk.event(**review(pr="odd")),
        desk.event(**review("last")),
    ]
    desk.take(*events)
    states = {one.key: (one.state, codes(one)) for one in desk.decide()}
    assert states["forge/e3"] == ("refused", ["bad_trigger"])
    assert states["forge/e4"] == ("refused", ["fault"])
    assert desk.told(thread) == ["first", "last"]
    assert desk.decide() == []


def test_a_store_at_fault_is_no_fault_of_an_event(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.on("a.b", **FIND)
    desk.thread(pr="42")
    desk.take(desk.event(**review()))

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full", code="store_full")

    with monkeypatch.context() as patched:
        patched.setattr("uwf.engine.events.acting.told.tell", full)
        with pytest.raises(StoreError, match="disk is full"):
            desk.decide()
    assert [one.state for one in desk.decide()] == ["told"]


def test_what_cannot_be_read_is_set_aside_and_named(each_desk: Desk) -> None:
    desk = each_desk
    desk.take(desk.event(), desk.event(), desk.event())
    assert isinstance(desk.rig.store, SqliteStore)
    desk.rig.store._database.run("UPDATE entry SET value = x'c1' WHERE key = 'forge/e1'")
    desk.rig.store._database.run("UPDATE entry SET value = x'80' WHERE key = 'forge/e2'")
    assert [one.key for one in desk.decide()] == ["forge/e3"]
    assert [one.name for one in desk.unreadable] == ["event/forge/e1", "event/forge/e2"]
    assert [one.state for one in desk.take(replace(desk.event(), id="e1"))] == ["seen"]


def test_old_events_are_forgotten_once_they_are_decided(desk: Desk) -> None:
    desk.on("a.b", **FIND)
    thread = desk.thread(pr="42")
    desk.happens(**review())
    desk.later(1)
    desk.take(desk.event())
    desk.later(8 * 24 * 3600)
    assert taking.prune(desk.rig.store, desk.now_ms) == 1
    assert [entry.key for entry in desk.rig.store.entries(KIND)] == ["forge/e2"]
    assert desk.rig.store.counters("trigger/") == []
    assert desk.told(thread) == ["Mind the gap."]


def test_a_burst_is_decided_a_part_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MOST_AT_ONCE", 4)
    desk.take(*(desk.event() for _ in range(10)))
    assert [len(desk.decide()) for _ in range(4)] == [4, 4, 2, 0]
