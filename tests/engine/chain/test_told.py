"""What waits to be said to a thread: told to one step, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest

from tests.helpers.fake_agent import Answers, crash, suspend
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf import clock
from uwf.engine.actions.tell import tell
from uwf.engine.chain import told
from uwf.engine.chain.tags import TOLD
from uwf.engine.chain.word import PERSON, Word, named
from uwf.errors import InputError, StateError, StoreError
from uwf.store.whole.check import verify
from uwf.store.whole.gc import collect
from uwf.trust import BOT, OWNER, STRANGER


def word(text: str, at_ms: int = 1_000, **more: str) -> Word:
    return Word(text, **{"who": PERSON, "trust": OWNER, **more}, at_ms=at_ms)


def say(rig: Rig, id: str, *texts: str) -> None:
    for text in texts:
        tell(rig.store, id, word(text, clock.now_ms()))


def heard(rig: Rig, id: str) -> list[list[str]]:
    """What each step was told, oldest first."""
    return [[each.text for each in step.told] for step in rig.steps(id)]


def meanwhile(act: Callable[[], object], answer: Answers) -> Answers:
    """An agent that says `answer`, and in the middle of whose work something happens."""

    def say_it(_: object) -> Answers:
        act()
        return answer

    return say_it


def test_next_step_is_told_all_that_waits_and_the_one_after_it_nothing(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    say(rig, id, "use tabs", "no globals")
    assert rig.waiting(id) == ["use tabs", "no globals"]
    rig.exec(id, WROTE)
    first = rig.prompt
    assert first.index("use tabs") < first.index("no globals") < first.index("## Your instruction")
    rig.exec(id, CHANGES)
    assert "## New information" not in rig.prompt
    assert "A person had added:\n\n> use tabs" in rig.prompt
    assert heard(rig, id) == [["use tabs", "no globals"], []]
    assert rig.store.ref(TOLD + id) is None


def test_what_is_said_while_a_step_runs_is_for_the_next_one(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    say(rig, id, "one")
    rig.exec(id, meanwhile(lambda: say(rig, id, "two", "three"), WROTE))
    assert (heard(rig, id), rig.waiting(id)) == ([["one"]], ["two", "three"])
    rig.exec(id, CHANGES)
    assert heard(rig, id)[-1] == ["two", "three"]
    assert verify(rig.store, deep=True).problems == ()


def test_what_is_said_while_a_slot_is_waited_for_is_read(rig: Rig) -> None:
    id = rig.start()
    plain = rig.engine.admission.admit

    def admit(*args: object, **more: object) -> object:
        say(rig, id, "in time")
        return plain(*args, **more)  # type: ignore[arg-type]

    rig.engine.admission.admit = admit  # type: ignore[assignment,method-assign]
    rig.exec(id, WROTE)
    assert heard(rig, id) == [["in time"]]


def test_try_that_follows_by_itself_reads_what_was_said_meanwhile(rig: Rig) -> None:
    id = rig.start()
    outage = crash("Error: connect ECONNREFUSED 127.0.0.1:443")
    later = meanwhile(lambda: say(rig, id, "two"), outage)
    rig.run(id, "exec", later, WROTE, supplement="one")
    first, second = (ask.prompt for ask in rig.agent.asks)
    assert ("two" in first.partition("## New")[2], second.count("Z\n\none\n\n")) == (False, 1)
    assert (heard(rig, id), rig.waiting(id)) == ([["one", "two"]], [])


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_order_is_that_of_their_times_however_they_came(rig: Rig, order: tuple[int, ...]) -> None:
    id = rig.start()
    words = [word("a", 5), word("b", 7), word("c", 7)]
    for number in order:
        tell(rig.store, id, words[number])
    alike = sorted(words[1:], key=lambda each: each.id)
    assert list(told.waiting(rig.store, id)) == [words[0], *alike]


def test_same_word_that_came_twice_is_one(rig: Rig) -> None:
    id = rig.start()
    for _ in range(2):
        tell(rig.store, id, word("ping"))
    assert rig.waiting(id) == ["ping"]
    rig.exec(id, WROTE)
    assert (rig.prompt.count("ping"), rig.waiting(id)) == (1, [])


@pytest.mark.parametrize("how", ["failed", "stopped", "died"])
def test_words_of_an_attempt_that_came_to_nothing_wait_on(each_rig: Rig, how: str) -> None:
    rig = each_rig
    id = rig.start()
    say(rig, id, "use tabs")
    if how == "failed":
        rig.exec(id, crash())
    elif how == "stopped":
        rig.stopped(id)
    else:
        with pytest.raises(KeyboardInterrupt):
            rig.run(id, "exec", KeyboardInterrupt())
    assert rig.waiting(id) == ["use tabs"]
    say(rig, id, "no globals")
    rig.run(id, "resume" if how == "failed" else "exec", WROTE)
    assert heard(rig, id) == [["use tabs", "no globals"]]
    assert rig.waiting(id) == []


@pytest.mark.parametrize("last", [APPROVED, suspend("which?")])
def test_exec_goes_on_with_a_thread_that_was_told_something(rig: Rig, last: str) -> None:
    id = rig.start()
    rig.exec(id, WROTE, last)
    with pytest.raises(StateError):
        rig.exec(id)
    say(rig, id, "that one")
    rig.exec(id, WROTE if last == APPROVED else APPROVED)
    assert heard(rig, id)[-1] == ["that one"]
    assert rig.steps(id)[-1].round == (2 if last == APPROVED else 1)


def test_words_that_an_attempt_was_told_are_no_word_to_try_again(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    say(rig, id, "use tabs")
    rig.exec(id, crash())
    with pytest.raises(StateError) as refused:
        rig.exec(id)
    assert refused.value.code == "suspended"
    say(rig, id, "or blanks")
    rig.exec(id, APPROVED)
    assert heard(rig, id)[-1] == ["use tabs", "or blanks"]


@pytest.mark.parametrize(("trust", "is_tried"), [(OWNER, True), (BOT, False), (STRANGER, False)])
def test_words_of_a_person_let_a_step_be_tried_that_failed_too_often(
    rig: Rig, trust: str, is_tried: bool
) -> None:
    id = rig.start()
    rig.exec(id, crash())
    for _ in range(2):
        rig.resume(id, crash())
    tell(rig.store, id, word("it is there now", who="someone", trust=trust))
    if is_tried:
        rig.exec(id, WROTE)
        return
    with pytest.raises(Exception, match="failed 3 times in a row"):
        rig.exec(id)


def test_poke_reads_what_waits_and_tells_the_step_again_what_it_was_told(rig: Rig) -> None:
    id = rig.start()
    say(rig, id, "one")
    rig.exec(id, WROTE)
    say(rig, id, "two")
    rig.poke(id, "shorter", WROTE)
    assert heard(rig, id) == [["one", "two"]]
    assert rig.waiting(id) == []
    rig.undo(id)
    assert (heard(rig, id), rig.waiting(id)) == ([["one"]], ["two"])
    rig.undo(id)
    assert rig.waiting(id) == ["one", "two"]


def test_undo_lets_the_words_of_the_step_wait_again(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    say(rig, id, "use tabs")
    rig.exec(id, meanwhile(lambda: say(rig, id, "later"), CHANGES))
    rig.undo(id)
    assert rig.waiting(id) == ["use tabs", "later"]
    rig.undo(id)
    assert rig.waiting(id) == ["use tabs", "later"]
    rig.exec(id, WROTE)
    assert (heard(rig, id), rig.waiting(id)) == ([["use tabs", "later"]], [])


def test_undo_of_a_cancellation_and_of_a_failure_change_nothing_that_waits(rig: Rig) -> None:
    id = rig.start()
    say(rig, id, "use tabs")
    rig.cancel(id)
    rig.undo(id)
    assert rig.waiting(id) == ["use tabs"]
    rig.exec(id, WROTE)
    rig.exec(id, meanwhile(lambda: say(rig, id, "two"), crash()))
    rig.undo(id)
    assert rig.waiting(id) == ["use tabs", "two"]


def test_fork_takes_along_what_waits_at_the_head_and_only_there(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    start = rig.head(id)
    rig.exec(id, WROTE)
    say(rig, id, "use tabs")
    early, late = rig.fork(start, id), rig.fork(rig.head(id), id)
    assert (rig.waiting(early), rig.waiting(late), rig.waiting(id)) == (
        [],
        ["use tabs"],
        ["use tabs"],
    )
    rig.exec(late, CHANGES)
    assert (rig.waiting(late), rig.waiting(id)) == ([], ["use tabs"])


def test_cancelled_thread_can_be_told_nothing_and_keeps_what_waits(rig: Rig) -> None:
    id = rig.start()
    say(rig, id, "use tabs")
    rig.cancel(id)
    with pytest.raises(StateError) as refused:
        say(rig, id, "too late")
    assert (refused.value.code, refused.value.hint) == ("cancelled", f"uwf thread fork {id}")
    assert rig.waiting(id) == ["use tabs"]


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_nothing_cannot_be_told(rig: Rig, text: str) -> None:
    id = rig.start()
    with pytest.raises(InputError):
        say(rig, id, text)
    assert rig.store.ref(TOLD + id) is None


def test_telling_costs_the_same_with_a_thousand_words_before(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    reads: list[str] = []
    for number in range(1_000):
        tell(rig.store, id, word(f"word {number}", number))
    plain = type(rig.store).get
    monkeypatch.setattr(type(rig.store), "get", lambda *args: reads.append("") or plain(*args))
    tell(rig.store, id, word("the last", 5_000))
    assert reads == []
    rig.exec(id, WROTE)
    assert len(heard(rig, id)[0]) == 1_001
    assert rig.waiting(id) == []


def test_whether_anything_waits_is_known_without_reading_it(rig: Rig) -> None:
    id = rig.start()
    assert not told.are_waiting(rig.store, id)
    say(rig, id, "one")
    assert told.are_waiting(rig.store, id)
    rig.exec(id, WROTE)
    assert not told.are_waiting(rig.store, id)
    nothing = rig.store.ref(f"@uwf/thread/{id}")
    assert nothing is not None
    with rig.store.transaction("test") as tx:  # what waits cannot be read: it waits all the same
        tx.set_ref(TOLD + id, nothing.id, expect=None, why="test")
    assert told.are_waiting(rig.store, id)
    with pytest.raises(StoreError):
        told.waiting(rig.store, id)


def test_collection_of_garbage_leaves_what_waits(rig: Rig) -> None:
    id = rig.start()
    say(rig, id, "use tabs", "x" * 5_000)
    collect(rig.store, grace_ms=0)
    assert len(rig.waiting(id)) == 2
    rig.exec(id, WROTE)
    collect(rig.store, grace_ms=0)
    assert heard(rig, id) == [["use tabs", "x" * 5_000]]


def test_what_waits_must_be_words(rig: Rig) -> None:
    id = rig.start()
    with rig.store.transaction("test") as tx:
        text = tx.put("text", "no word")
        tx.set_ref(TOLD + id, text, why="a person's own hand")
    with pytest.raises(StoreError):
        told.waiting(rig.store, id)


@pytest.mark.parametrize(
    ("who", "name"),
    [
        ("octocat", "octocat"),
        ("a\n## b\u2028c", "a ## b c"),
        (" \x1b ", PERSON),
        ("x" * 900, "x" * 100),
    ],
)
def test_names_stand_on_one_line(who: str, name: str) -> None:
    assert named(who) == name


def test_secret_in_words_is_stored_without_it(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(secrets=[("TOKEN", "hunter2hunter2")])
    id = rig.start()
    tell(rig.store, id, word("it is hunter2hunter2"))
    assert rig.waiting(id) == ["it is [redacted:TOKEN]"]
    rig.exec(id, WROTE)
    assert "hunter2" not in rig.prompt
    assert rig.waiting(id) == []
