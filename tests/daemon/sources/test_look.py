"""Before a thread wakes its events are looked up again: what is not so any more is not told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import fake_forge
from tests.helpers.asking import Home
from tests.helpers.fake_forge import REPO, FakeForge
from uwf.app.unattended.events import Event
from uwf.daemon.sources import answer as looking
from uwf.daemon.sources.answer import Dropped, StillTrue
from uwf.daemon.sources.look import look
from uwf.daemon.sources.looker import Looker
from uwf.engine.chain.told import waiting

TRIGGER = """
[[triggers]]
on = "{kind}.*"
find = {{ pr = "{{{{ data.number }}}}" }}
text = "{{{{ data.author }}}}: {{{{ data.body }}}}{{{{ data.check }}}}"
trust = ["owner", "collaborator", "bot", "stranger"]
"""


@pytest.fixture(params=["github", "gitea"])
def forge(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    yield from fake_forge.running(lambda: FakeForge(request.param))


@pytest.fixture
def home(tmp_path: Path, forge: FakeForge, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path)
    text = home.forge(forge.url, forge.kind, timeout="5s") + TRIGGER.format(kind=forge.kind)
    home.configure(text)
    forge.open_pull(42)
    yield home
    home.close()


def asked(home: Home, forge: FakeForge) -> Dropped | StillTrue:
    """What looking says of the one event that a poll has found."""
    home.ask()
    [row] = home.app.events.list().events
    return look(stored(home, row.event), home.app.sources.find("shop"), "", 5)


def stored(home: Home, key: str) -> Event:
    page = home.app.events.show(key)
    return Event(page.id, page.source, page.name, page.at, page.who, page.trust, page.data)


def test_what_is_still_so_is_told(home: Home, forge: FakeForge) -> None:
    home.thread(pr="42")
    forge.comment(42, "First.")
    assert asked(home, forge) == StillTrue()


@pytest.mark.parametrize("merged", [True, False])
def test_a_pull_request_that_is_closed_wakes_nobody(
    home: Home, forge: FakeForge, merged: bool
) -> None:
    home.thread(pr="42")
    forge.review(42, "approved", "Good.")
    home.ask()
    [row] = home.app.events.list().events
    forge.close_pull(42, merged=merged)
    found = look(stored(home, row.event), home.app.sources.find("shop"), "", 5)
    assert found == Dropped(f"pull request #42 is {'merged' if merged else 'closed'}")
    del forge.pulls[42]
    found = look(stored(home, row.event), home.app.sources.find("shop"), "", 5)
    assert found == Dropped("pull request #42 is gone")
    for api in ("", "/api/v1"):
        forge.answers[f"{api}/repos/{REPO}"] = (404, {}, b"{}")
    found = look(stored(home, row.event), home.app.sources.find("shop"), "", 5)
    assert isinstance(found, StillTrue) and "the token may not read it" in found.words


def test_a_comment_that_is_gone_or_says_something_else_wakes_nobody(
    home: Home, forge: FakeForge
) -> None:
    home.thread(pr="42")
    id = forge.comment(42, "Frist.")
    assert asked(home, forge) == StillTrue()
    forge.edit(42, id, "First.")
    assert "says something else" in str(asked(home, forge))
    forge.delete(42, id)
    assert asked(home, forge) == Dropped("the comment was deleted")


@pytest.mark.parametrize("answer", [(200, b'{"message": "hello"}'), (304, b""), (200, b"[]")])
@pytest.mark.parametrize("path", ["pulls/42", "issues/comments/{id}"])
def test_an_answer_that_says_nothing_of_it_drops_nothing(
    home: Home, forge: FakeForge, path: str, answer: tuple[int, bytes]
) -> None:
    home.thread(pr="42")
    id = forge.comment(42, "First.")
    api = "" if forge.kind == "github" else "/api/v1"
    home.ask()
    [row] = home.app.events.list().events
    status, body = answer
    forge.answers[f"{api}/repos/{REPO}/{path.format(id=id)}"] = (status, {}, body)
    found = look(stored(home, row.event), home.app.sources.find("shop"), "", 5)
    assert isinstance(found, StillTrue) and "could not be asked" in found.words


def test_a_check_of_an_older_commit_wakes_nobody(home: Home, forge: FakeForge) -> None:
    home.thread(pr="42")
    forge.check(42, "tests", "failure", "oh no")
    home.ask()
    [row] = home.app.events.list().events
    forge.pulls[42]["head"] = "f" * 40
    found = look(stored(home, row.event), home.app.sources.find("shop"), "", 5)
    assert found == Dropped("it is of c0ffee0000, and the head of pull request #42 is ffffffffff")


def test_the_end_of_the_log_of_a_failed_check_is_told(home: Home, forge: FakeForge) -> None:
    home.thread(pr="42")
    log = "".join(f"\x1b[31mline {number}\x1b[0m\n" for number in range(300))
    forge.check(42, "tests", "failure", log)
    found = asked(home, forge)
    assert isinstance(found, StillTrue)
    lines = found.words.split("\n")
    assert lines[0] == "The end of the log of tests:"
    assert lines[2:] == [f"line {number}" for number in range(100, 300)]


def test_a_check_that_is_fine_or_has_no_log_is_told_without(home: Home, forge: FakeForge) -> None:
    home.thread(pr="42")
    forge.check(42, "tests", "success")
    assert asked(home, forge) == StillTrue()


def test_a_forge_that_cannot_be_asked_stops_nobody(home: Home, forge: FakeForge) -> None:
    home.thread(pr="42")
    forge.comment(42, "First.")
    home.ask()
    forge.fail("/", 500)
    [row] = home.app.events.list().events
    found = look(stored(home, row.event), home.app.sources.find("shop"), "", 5)
    assert isinstance(found, StillTrue)
    assert "could not be asked" in found.words and "500" in found.words


def test_of_other_events_nothing_is_asked(home: Home) -> None:
    source = home.app.sources.find("shop")
    for name, data in (("github.push", {"number": 42}), ("github.review", None), ("x", {})):
        assert not looking.is_askable(Event("1", "shop", name, 1, data=data), source)
    assert looking.is_askable(Event("1", "shop", "gitea.review", 1, data={"number": 1}), source)


# The part that begins runs asks by way of a Looker.


def settled(looker: Looker, thread: str) -> bool:
    """What it says once it knows."""
    if looker.may_run(thread):
        return True
    going = looker._going.get(thread)
    if going is not None:
        fake_forge.eventually(lambda: going.is_done)
    return looker.may_run(thread)


def told(home: Home, thread: str) -> list[str]:
    return [word.text for word in waiting(home.app.reader(), thread)]


def test_a_thread_that_is_told_of_nothing_is_run_at_once(home: Home) -> None:
    thread = home.thread(pr="42")
    assert Looker(home.daemon).may_run(thread)
    home.app.tell(thread, "Go on.")
    assert Looker(home.daemon).may_run(thread)


def test_a_thread_runs_once_it_was_looked_up(home: Home, forge: FakeForge) -> None:
    thread = home.thread(pr="42")
    forge.comment(42, "First.")
    home.ask()
    home.app.events.decide()
    assert told(home, thread) == ["ann: First."]
    looker = Looker(home.daemon)
    assert not looker.may_run(thread)
    assert settled(looker, thread)
    asked = len(forge.asked)
    assert looker.may_run(thread)  # and what is known is not asked again
    assert len(forge.asked) == asked


def test_what_is_not_so_any_more_is_taken_away_with_its_reason_and_its_timer(
    home: Home, forge: FakeForge
) -> None:
    thread = home.thread(pr="42")
    id = forge.comment(42, "First.")
    home.ask()
    home.app.events.decide()
    assert home.app.show(thread).wake_at is not None
    forge.delete(42, id)
    assert not settled(Looker(home.daemon), thread)
    assert told(home, thread) == []
    assert home.app.show(thread).wake_at is None
    [row] = home.app.events.list().events
    page = home.app.events.show(row.event)
    assert (page.state, page.reason, page.why) == (
        "ignored",
        "no_longer_so",
        "the comment was deleted",
    )
    assert any("the comment was deleted" in said for said in home.daemon.said)


def test_what_else_waits_for_the_thread_stays_and_wakes_it(home: Home, forge: FakeForge) -> None:
    thread = home.thread(pr="42")
    id = forge.comment(42, "First.")
    forge.comment(42, "Second.")
    home.ask()
    home.app.events.decide()
    forge.delete(42, id)
    assert settled(Looker(home.daemon), thread)
    assert told(home, thread) == ["ann: Second."]
    assert home.app.show(thread).wake_at is not None


def test_a_log_is_told_once_beside_its_check(home: Home, forge: FakeForge) -> None:
    thread = home.thread(pr="42")
    forge.check(42, "tests", "failure", "it broke")
    home.ask()
    home.app.events.decide()
    for _ in range(2):
        assert settled(Looker(home.daemon), thread)
    assert len(told(home, thread)) == 2
    assert "it broke" in told(home, thread)[1]


def test_a_look_that_does_not_come_back_stops_nobody(
    home: Home, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = home.thread(pr="42")
    forge.comment(42, "First.")
    home.ask()
    home.app.events.decide()
    monkeypatch.setattr(looking, "WITHIN_S", -1.0)

    def hangs(*_: Any) -> Dropped | StillTrue:
        time.sleep(0.5)
        return StillTrue()

    looker = Looker(home.daemon, hangs)
    assert not looker.may_run(thread)
    assert looker.may_run(thread)
    assert "was not a" in told(home, thread)[1]
