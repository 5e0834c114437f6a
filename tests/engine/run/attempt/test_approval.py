"""An agent asks for what a person has to permit: what is a yes to that, to what, and how often."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from tests.helpers.fake_agent import Said, crash
from tests.helpers.rig import WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf.agent import APPROVAL
from uwf.agent.protocol import AgentFailure, Answered, Asks, Permitted
from uwf.engine.actions import tell, transfer
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.recorder import AttemptRecorder
from uwf.engine.chain.word import Word, of_person
from uwf.engine.query.home import inbox
from uwf.engine.run.attempt import approval
from uwf.engine.run.step import StepRun
from uwf.errors import StoreError
from uwf.store import measures
from uwf.trust import COLLABORATOR, OWNER

HASH, OTHER = "3f2a9c0155667788" + "0" * 48, "7777777777777777" + "0" * 48
LASTS_MS = 60_000
QUESTION = "agent fake asks to be permitted 3f2a9c0155667788: execute touch x"


def asks(hash: str = HASH) -> Said:
    why = AgentFailure(APPROVAL, APPROVAL, QUESTION)
    return Said(turns=("I want to.",), events=(Asks(hash, LASTS_MS),), session="s1", failure=why)


USES = Said(WROTE, events=(Permitted(HASH),))


def answered(rig: Rig) -> Answered | None:
    """What the agent was told of an answer when it was asked last."""
    return rig.agent.asks[-1].answer


def says(rig: Rig, id: str, text: str, now: Ticking, **more: str) -> None:
    word = Word(text, **{"who": "a person", "trust": OWNER, **more}, at_ms=now.ms)  # type: ignore[arg-type]
    tell.tell(rig.store, id, word)


@pytest.fixture
def asked(rig: Rig, now: Ticking) -> str:
    """A thread whose agent has asked."""
    id = rig.start()
    rig.exec(id, asks())
    return id


def test_a_question_suspends_its_thread_and_is_no_failure(rig: Rig, asked: str) -> None:
    assert rig.state(asked)["status"] == "suspended"
    assert rig.state(asked)["suspendMessage"] == QUESTION
    view = rig.row(asked)
    assert view["error"] is None
    [item] = inbox.look(rig.store, rig.views).waiting
    assert (item.kind, item.code, item.question) == ("approval", "approval", QUESTION)
    assert item.answer == f"uwf answer {asked} 'yes 3f2a9c0155667788'"
    found = read_attempt(rig.store, asked)
    assert found is not None and not found.has_failed
    assert (found.question, found.session) == (HASH, "s1")
    assert not rig.store.samples(measures.FAILED, 0)


@pytest.mark.parametrize(
    ("text", "is_yes"),
    [
        ("yes", True),
        (" Yes\n", True),
        ("yes 3f2a9c0155667788", True),
        ("yes 3F2A9C015566778800", True),
        ("yes 7777777777777777", False),
        ("yes 3f2a9c01", False),
        ("yes 3f2a9c0155667788 but", False),
        ("yes, please", False),
        ("no", False),
        ("use mv instead", False),
    ],
)
def test_a_yes_is_the_word_alone_or_with_the_hash(
    rig: Rig, asked: str, now: Ticking, text: str, is_yes: bool
) -> None:
    before_ms = now.ms
    rig.resume(asked, WROTE, supplement=text)
    found = answered(rig)
    assert found is not None and found.hash == HASH
    assert (found.until_ms is not None) == is_yes
    assert not is_yes or before_ms < (found.until_ms or 0) - LASTS_MS < now.ms
    assert text.strip() in rig.prompt


def test_the_last_word_counts(rig: Rig, asked: str, now: Ticking) -> None:
    says(rig, asked, "yes", now)
    now.ms += 1
    says(rig, asked, "no, wait", now)
    rig.exec(asked, WROTE)
    assert answered(rig) == Answered(HASH, None)


def test_nobody_else_can_say_yes(rig: Rig, asked: str, now: Ticking) -> None:
    says(rig, asked, "yes", now, trust=COLLABORATOR)
    says(rig, asked, "yes", now, who="thread 01ABC")
    tell.tell(rig.store, asked, Word("yes", "a person", OWNER, now.ms, "event-1"))
    rig.exec(asked, WROTE)
    assert answered(rig) is None


def test_what_was_said_before_the_question_is_no_answer(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    early = of_person("yes", now.ms)
    now.ms += 1
    rig.exec(id, lambda _request: tell.tell(rig.store, id, early) and asks())
    rig.exec(id, WROTE)
    assert "yes" in rig.prompt and answered(rig) is None


def test_without_an_answer_it_is_asked_again(rig: Rig, asked: str) -> None:
    rig.resume(asked, asks())
    assert answered(rig) is None
    assert rig.state(asked)["status"] == "suspended"


def test_a_yes_that_was_used_is_used_up(rig: Rig, asked: str) -> None:
    rig.exec(asked, Said(exit_code=7, stderr="boom", events=(Permitted(HASH),)), supplement="yes")
    assert answered(rig) is not None
    rig.resume(asked, WROTE)
    assert answered(rig) is None


def test_a_yes_that_was_not_used_is_kept_over_a_failure(rig: Rig, asked: str, now: Ticking) -> None:
    rig.exec(asked, crash("boom"), supplement="yes")
    first = answered(rig)
    now.ms += 1000
    rig.resume(asked, USES)
    assert answered(rig) == first is not None, "and does not last longer for it"


def test_a_bad_reply_is_asked_again_without_a_yes_that_was_used(rig: Rig, asked: str) -> None:
    bad = Said("no front matter", events=(Permitted(HASH),))
    rig.exec(asked, bad, WROTE, supplement="yes", count=1)
    assert rig.agent.asks[-2].answer is not None and answered(rig) is None


def test_a_yes_is_not_one_to_the_next_question(rig: Rig, asked: str) -> None:
    rig.exec(asked, asks(OTHER), supplement="yes")
    rig.resume(asked, asks(OTHER))
    assert answered(rig) is None
    rig.resume(asked, WROTE, supplement="yes")
    found = answered(rig)
    assert found is not None and found.hash == OTHER, "the same word, said again"


def test_a_kill_after_its_use_does_not_give_it_back(
    rig: Rig, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(StepRun, "hear", lambda *_: sys.exit())
        with pytest.raises(SystemExit):
            rig.exec(asked, USES, supplement="yes")
    rig.resume(asked, WROTE)
    assert answered(rig) is None


def test_a_use_that_cannot_be_recorded_is_none(
    rig: Rig, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(AttemptRecorder, "_put_again", full)
        with pytest.raises(StoreError):
            rig.exec(asked, USES, supplement="yes")
    rig.resume(asked, WROTE)
    assert answered(rig) is not None


def test_what_is_typed_for_it_is_a_yes_to_it() -> None:
    assert approval.says_yes(approval.yes_to(HASH), HASH)
    assert not approval.says_yes(approval.yes_to(OTHER), HASH)


def test_a_question_out_of_a_file_takes_no_answer(
    rig: Rig, asked: str, now: Ticking, make_rig: Callable[..., Rig]
) -> None:
    says(rig, asked, "yes", now)
    file = io.BytesIO()
    transfer.export(rig.store, asked, file)
    file.seek(0)
    other = make_rig()
    transfer.import_threads(other.store, file, "a file", "/tmp")
    other.exec(asked, asks())
    assert "yes" in other.prompt and answered(other) is None
    other.exec(asked, WROTE, supplement="yes")
    assert answered(other) is not None, "its own question"


def test_another_agent_was_not_answered(rig: Rig, asked: str) -> None:
    rig.agent.name = "other"
    rig.resume(asked, WROTE, supplement="yes")
    assert answered(rig) is None
