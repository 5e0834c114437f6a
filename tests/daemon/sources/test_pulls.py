"""A poll of one pull request, against a forge on loopback: what is new is told once, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers import fake_forge
from tests.helpers.fake_forge import REPO, FakeForge
from tests.helpers.ticking import Ticking
from uwf import clock
from uwf.daemon.sources.forges import pulls
from uwf.daemon.sources.forges.client import Client
from uwf.daemon.sources.forges.forge import Forge, Repo
from uwf.daemon.sources.forges.gitea import Gitea
from uwf.daemon.sources.forges.github import GitHub
from uwf.daemon.sources.forges.pulls import PullPoll, PullPolled
from uwf.daemon.sources.forges.standing import Standing
from uwf.daemon.sources.memory import PullMemory
from uwf.daemon.sources.watching import Pull

FORGES: dict[str, Forge] = {"github": GitHub(), "gitea": Gitea()}
HOUR = 3_600_000


@pytest.fixture(params=["github", "gitea"])
def forge(
    request: pytest.FixtureRequest, wall: Ticking, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeForge]:
    monkeypatch.setattr(pulls, "SMALLEST_PAGE", 3)
    yield from fake_forge.running(lambda: FakeForge(request.param, page=3))


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    ticking = Ticking()
    monkeypatch.setattr(clock, "now_ms", ticking)
    return ticking


class Poller:
    """Polls pull request 42 and remembers, by way of what the store would keep."""

    def __init__(self, forge: FakeForge, begun_ms: int = 0) -> None:
        standing = Standing(owner="octo", owners=("ann",), collaborators=("ben",))
        self.repo = Repo("shop", forge.kind, REPO, standing)
        self.forge, self.begun_ms = forge, begun_ms
        self.memory = PullMemory()

    def poll(self, room: int = 500) -> PullPolled:
        pull = Pull(REPO, 42, self.begun_ms, 0)
        end_s = clock.monotonic_s() + 10
        kind = FORGES[self.forge.kind]
        client = Client(self.forge.url, kind.headers, "", deadline_s=end_s)
        done = PullPoll(kind, self.repo, client, pull).run(self.memory, room)
        self.memory = PullMemory.of(done.memory.as_value())
        assert self.memory == done.memory
        return done

    def news(self) -> list[tuple[str, str, str]]:
        done = self.poll()
        assert done.fault is None
        return [told(event) for event in done.events]


def told(event: Any) -> tuple[str, str, str]:
    what = event.data.get("body") or event.data.get("conclusion") or event.data.get("state")
    return event.name.partition(".")[2], event.trust, what


def test_what_is_said_is_told_once(forge: FakeForge, wall: Ticking) -> None:
    forge.open_pull(42)
    poller = Poller(forge)
    assert poller.news() == []
    forge.comment(42, "First.")
    wall.ms += 2000
    forge.review(42, "changes_requested", "Second.", "ben")
    wall.ms += 2000
    forge.line(42, "a.py", "Third.", "ben")
    wall.ms += 2000
    forge.check(42, "tests", "failure")
    assert poller.news() == [
        ("comment", "owner", "First."),
        ("review", "collaborator", "Second."),
        ("comment", "collaborator", "Third."),
        ("check", "bot", "failure"),
    ]
    assert poller.news() == []


def test_a_line_comment_has_its_place(forge: FakeForge) -> None:
    forge.open_pull(42)
    forge.line(42, "a.py", "Too long.")
    [event] = Poller(forge).poll().events
    assert event.data["path"] == "a.py"
    assert event.data["line"] == 3
    assert event.data["number"] == 42
    assert event.data["repo"] == REPO


def test_nothing_new_is_nothing_sent(forge: FakeForge) -> None:
    forge.open_pull(42)
    forge.comment(42, "First.")
    poller = Poller(forge)
    poller.news()
    poller.news()  # the comments are asked for by another time now
    forge.asked.clear()
    forge.unchanged = 0
    assert poller.news() == []
    assert forge.unchanged == len(forge.asked)


def test_an_edited_comment_is_told_again(forge: FakeForge, wall: Ticking) -> None:
    forge.open_pull(42)
    id = forge.comment(42, "Frist.")
    poller = Poller(forge)
    poller.news()
    wall.ms += HOUR
    forge.edit(42, id, "First.")
    assert poller.news() == [("comment", "owner", "First.")]


def test_pages_are_followed(forge: FakeForge, wall: Ticking) -> None:
    forge.open_pull(42)
    for number in range(8):
        forge.comment(42, f"{number}")
        forge.review(42, "approved", f"r{number}")
        wall.ms += 2000
    poller = Poller(forge)
    assert [body for _, _, body in poller.news()] == [
        body for number in range(8) for body in (f"{number}", f"r{number}")
    ]
    forge.review(42, "approved", "r8")
    assert poller.news() == [("review", "owner", "r8")]


def test_without_room_the_oldest_come_first_and_nothing_is_lost(
    forge: FakeForge, wall: Ticking
) -> None:
    forge.open_pull(42)
    for number in range(7):
        forge.comment(42, f"{number}")
        wall.ms += 2000
    poller = Poller(forge)
    bodies = []
    for _ in range(3):
        done = poller.poll(room=3)
        bodies += [event.data["body"] for event in done.events]
        assert done.is_cut == (len(bodies) < 7)
    assert bodies == [str(number) for number in range(7)]


def test_what_was_said_before_the_thread_began_is_no_news(forge: FakeForge, wall: Ticking) -> None:
    forge.open_pull(42)
    forge.comment(42, "Old.")
    forge.review(42, "approved", "Old.")
    wall.ms += HOUR
    poller = Poller(forge, wall.ms)
    wall.ms += HOUR
    forge.comment(42, "New.")
    assert poller.news() == [("comment", "owner", "New.")]


def test_that_it_is_merged_is_told_once_after_what_was_said(
    forge: FakeForge, wall: Ticking
) -> None:
    forge.open_pull(42)
    poller = Poller(forge)
    poller.news()
    forge.comment(42, "Fine.")
    wall.ms += 2000
    forge.close_pull(42, merged=True)
    assert [(name, what) for name, _, what in poller.news()] == [
        ("comment", "Fine."),
        ("pull_request", "merged"),
    ]
    assert poller.memory.state == "merged"
    assert poller.news() == []


def test_a_pull_request_that_is_not_there_is_gone(forge: FakeForge) -> None:
    poller = Poller(forge)
    done = poller.poll()
    assert done.fault is None
    assert poller.memory.state == "gone"


def test_a_list_with_very_many_pages_is_read_on_the_next_time(
    forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "MAX_PAGES", 2)
    forge.open_pull(42)
    for number in range(14):  # 3 on a page
        forge.review(42, "changes_requested", f"n{number}")
    poller, found, faults = Poller(forge), [], []
    for _ in range(3):
        done = poller.poll()
        found += [told(event)[2] for event in done.events]
        faults.append(done.fault is not None and done.fault.message)
    assert found == [f"n{number}" for number in range(14)]
    too_many = f"the reviews of {REPO}#42 are too many to read all at once"
    assert faults == [too_many, too_many, False]


def test_one_that_has_ended_is_let_go_once_all_of_it_is_told(
    forge: FakeForge, wall: Ticking
) -> None:
    forge.open_pull(42)
    for body in ("First.", "Second."):
        forge.comment(42, body)
        wall.ms += 2000
    forge.close_pull(42, merged=True)
    poller = Poller(forge)
    found, states = [], []
    for room in (1, 1, 1):
        found += [told(event)[2] for event in poller.poll(room).events]
        states.append(poller.memory.state)
    assert found == ["First.", "Second.", "merged"]
    assert states == ["open", "open", "merged"]


def test_one_that_has_ended_and_could_not_be_read_is_not_let_go(forge: FakeForge) -> None:
    forge.open_pull(42)
    forge.comment(42, "Last words.")
    forge.close_pull(42, merged=True)
    poller = Poller(forge)
    api = "" if forge.kind == "github" else "/api/v1"
    path = f"{api}/repos/{REPO}/issues/42/comments"
    forge.fail(path, 500)
    done = poller.poll()
    assert done.fault is not None and not done.memory.has_ended
    forge.answers.pop(path)
    assert [told(event)[2] for event in poller.poll().events] == ["Last words.", "merged"]
    assert poller.memory.state == "merged"


def test_where_nothing_can_be_seen_nothing_is_gone(forge: FakeForge) -> None:
    poller = Poller(forge)
    forge.open_pull(42)
    poller.poll()
    whole = f"/repos/{REPO}" if forge.kind == "github" else f"/api/v1/repos/{REPO}"
    forge.answers[whole] = forge.answers[f"{whole}/pulls/42"] = (404, {}, b"{}")
    done = poller.poll()
    assert done.fault is not None
    assert (done.fault.message, done.fault.status) == (
        f"{REPO} is not there, or the token may not read it",
        None,
    )
    assert poller.memory.state == "open"


def test_a_list_that_fails_keeps_none_of_the_others(forge: FakeForge) -> None:
    forge.open_pull(42)
    forge.comment(42, "Fine.")
    forge.review(42, "approved", "Good.")
    before = "" if forge.kind == "github" else "/api/v1"
    forge.fail(f"{before}/repos/{REPO}/pulls/42/reviews", 500)
    poller = Poller(forge)
    done = poller.poll()
    assert [event.data["body"] for event in done.events] == ["Fine."]
    assert done.fault is not None and "says 500" in done.fault.message
    forge.fail(f"{before}/repos/{REPO}/pulls/42/reviews", 0)
    assert poller.news() == [("review", "owner", "Good.")]


def test_lists_that_are_none_are_a_fault(forge: FakeForge) -> None:
    forge.open_pull(42)
    before = "" if forge.kind == "github" else "/api/v1"
    forge.answers[f"{before}/repos/{REPO}/issues/42/comments"] = (200, {}, b'[{"id": "x"}]')
    done = Poller(forge).poll()
    assert done.fault is not None
    assert "comments of octo/shop#42 cannot be read" in done.fault.message


def test_checks_of_a_new_head_are_asked_for(forge: FakeForge, wall: Ticking) -> None:
    forge.open_pull(42)
    forge.check(42, "tests", "failure")
    poller = Poller(forge)
    assert poller.news() == [("check", "bot", "failure")]
    forge.pulls[42]["head"] = "f" * 40
    forge.pulls[42]["statuses"].clear()
    wall.ms += HOUR
    forge.check(42, "tests", "success")
    assert poller.news() == [("check", "bot", "success")]


def test_a_draft_and_a_review_without_words_say_nothing(forge: FakeForge) -> None:
    forge.open_pull(42)
    forge.review(42, "commented", " ")
    review = forge.review(42, "approved", "Later.")
    forge.pulls[42]["reviews"][-1]["state"] = "PENDING"
    poller = Poller(forge)
    assert poller.news() == []
    forge.pulls[42]["reviews"][-1]["state"] = "APPROVED"
    assert poller.news() == [("review", "owner", "Later.")]
    assert review


def test_when_the_forge_has_enough_it_is_left_alone(forge: FakeForge, wall: Ticking) -> None:
    forge.open_pull(42)
    before = "" if forge.kind == "github" else "/api/v1"
    forge.fail(f"{before}/repos/{REPO}/issues", 429, {"Retry-After": "90"})
    poller = Poller(forge)
    done = poller.poll()
    assert done.fault is not None and done.fault.retry_at_ms is not None
    assert 80_000 < done.fault.retry_at_ms - wall.ms <= 90_000
    assert not any("/commits/" in path for path in forge.asked)


def test_memory_of_another_form_is_none() -> None:
    assert PullMemory.of({"state": 1}) == PullMemory()
    assert PullMemory.of(None) == PullMemory()


def test_a_page_that_is_full_is_asked_for_anew_since_the_next_may_have_begun(
    forge: FakeForge, wall: Ticking
) -> None:
    forge.open_pull(42)
    for number in range(3):
        forge.review(42, "approved", f"r{number}")
    poller = Poller(forge)
    assert len(poller.news()) == 3
    forge.review(42, "approved", "r3")
    assert poller.news() == [("review", "owner", "r3")]
