"""What waits for a person, since when, and how it is answered."""

from __future__ import annotations

from tests.helpers.fake_agent import crash, suspend
from tests.helpers.flows import LOOP, PAIR
from tests.helpers.rig import WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf.engine.actions import tell, timer
from uwf.engine.actions.mark import Marks, mark
from uwf.engine.chain import word
from uwf.engine.chain.wake import PERSON, Wake
from uwf.engine.query.home import digest, inbox
from uwf.engine.query.home.inbox import Inbox
from uwf.engine.run import lock


def look(rig: Rig) -> Inbox:
    return inbox.look(rig.store, rig.views)


def test_only_what_waits_for_a_person_is_in_it_oldest_first(rig: Rig) -> None:
    rig.start(LOOP)
    first, second = rig.start(PAIR), rig.start(PAIR)
    rig.exec(second, suspend("Which colour?"))
    rig.exec(first, crash("no such model"))
    assert [item.thread for item in look(rig).waiting] == [second, first]


def test_a_limited_look_reads_the_newest_and_says_that_there_are_more(rig: Rig) -> None:
    asked = [rig.start(PAIR) for _ in range(3)]
    for id in reversed(asked):
        rig.exec(id, suspend("Which colour?"))
    assert [item.thread for item in look(rig).waiting] == asked[::-1]
    cut = inbox.look(rig.store, rig.views, limit=2)
    assert ([item.thread for item in cut.waiting], cut.is_cut) == ([asked[2], asked[1]], True)
    assert inbox.look(rig.store, rig.views, limit=3) == look(rig)


def test_a_question_says_who_asks_what_and_how_to_answer(rig: Rig) -> None:
    id = rig.start(PAIR)
    rig.exec(id, WROTE, suspend("Ship it?", choices=["yes", "no", 3, ""]), count=2)
    [item] = look(rig).waiting
    assert (item.kind, item.role, item.question) == ("question", "reviewer", "Ship it?")
    assert item.choices == ("yes", "no")
    assert item.answer == f"uwf answer {id} TEXT"
    assert item.code is None


def test_a_failure_is_answered_by_what_lets_the_thread_go_on(rig: Rig) -> None:
    id = rig.start(PAIR)
    rig.exec(id, crash("no such model"))
    [item] = look(rig).waiting
    assert (item.kind, item.code) == ("failure", "exit_code")
    assert item.answer == f"uwf thread resume {id}"


def test_it_waits_since_it_asked_whatever_is_noted_on_it_later(rig: Rig, now: Ticking) -> None:
    id = rig.start(PAIR)
    rig.exec(id, suspend("Which colour?"))
    asked_ms = rig.ref(id).updated_ms
    mark(rig.store, id, Marks({"repo": "shop"}))
    [item] = look(rig).waiting
    assert item.since == asked_ms < rig.ref(id).updated_ms


def test_a_new_question_is_asked_anew(rig: Rig) -> None:
    id = rig.start(PAIR)
    rig.exec(id, suspend("Which colour?"))
    rig.resume(id, suspend("Which red?"))
    [item] = look(rig).waiting
    assert (item.question, item.since) == ("Which red?", rig.ref(id).updated_ms)


def test_what_a_process_runs_does_not_wait(rig: Rig) -> None:
    id = rig.start(PAIR)
    rig.exec(id, suspend("Which colour?"))
    with lock.hold(rig.engine, id):
        assert look(rig) == Inbox((), ())


def test_a_thread_that_cannot_be_read_stands_apart(rig: Rig) -> None:
    id = rig.start(PAIR)
    rig.exec(id, suspend("Which colour?"))
    with rig.store.transaction("test") as tx:
        ref = rig.ref(id)
        tx.set_ref(ref.name, tx.put("start", {"thread": 1}), tags=ref.tags, why="test")
    found = look(rig)
    assert found.waiting == ()
    assert [item.thread for item in found.broken] == [id]
    wish = Wake(1, PERSON, "it was answered", for_words=True)
    tell.tell(rig.store, id, word.of_person("Blue.", 1), wish)
    assert look(rig).broken == found.broken, "an answer mends nothing"
    assert digest.look(rig.store, found, 0, 1).odd == (), "it stands in the inbox"


def unserved(rig: Rig, id: str, since_ms: int | None) -> None:
    timer.unserved(rig.store, [id], since_ms)


def test_one_that_no_machine_could_run_for_an_hour_is_in_it_and_keeps_its_timer(
    rig: Rig, now: Ticking
) -> None:
    id, later = rig.start(PAIR), rig.start(PAIR)
    for each in (id, later):
        timer.change(rig.store, each, Wake(now(), PERSON, "a word"))
    mark(rig.store, id, Marks({}, place="host:ant"))
    wakes_ms = rig.views.thread(rig.ref(id)).wake_at
    unserved(rig, id, now())
    assert look(rig).waiting == ()
    now.ms += 3_600_000
    unserved(rig, later, now())
    [item] = look(rig).waiting
    assert (item.thread, item.kind, item.role) == (id, "unserved", "writer")
    assert item.question == "no worker could run it: it is placed at host:ant"
    view = rig.views.thread(rig.ref(id))
    assert (view.status, view.wake_at, view.unserved_since) == ("idle", wakes_ms, item.since)
    now.ms += 3_600_000
    assert [item.thread for item in look(rig).waiting] == [id, later]
    unserved(rig, id, None)
    rig.run(later, "woken", WROTE)
    assert look(rig).waiting == ()


def test_it_says_what_keeps_the_other_machines_from_it(rig: Rig, now: Ticking) -> None:
    put_off, other = rig.start(PAIR), rig.start(PAIR)
    why = "a word; put off: its code did not go along"
    timer.change(rig.store, put_off, Wake(now(), PERSON, why))
    timer.change(rig.store, other, Wake(now(), PERSON, "a word"))
    for id in (put_off, other):
        unserved(rig, id, now())
    now.ms += 3_600_001
    assert [item.question.partition(": ")[2] for item in look(rig).waiting] == [
        "its code did not go along",
        "none has the agent of its next step",
    ]


def test_what_has_no_timer_is_not_unserved(rig: Rig, now: Ticking) -> None:
    id = rig.start(PAIR)
    unserved(rig, id, now())
    assert "unservedSince" not in rig.ref(id).tags
    timer.change(rig.store, id, Wake(now(), PERSON, "a word"))
    unserved(rig, id, now())
    timer.change(rig.store, id, None)
    assert "unservedSince" not in rig.ref(id).tags
