"""A server that ends as by a power cut forgets what did not wait for the disk: the beginning of an attempt and its
turns. The agent works on, and what it has done is kept as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.helpers import postgres as clusters
from tests.helpers.fake_agent import Answers, Said, crash, reply
from tests.helpers.postgres import Cluster
from tests.helpers.rig import WROTE, Rig
from uwf import points
from uwf.agent.protocol import AgentRequest, AgentResult
from uwf.engine.chain import kept
from uwf.engine.chain.tags import ATTEMPTS, SUPERSEDED
from uwf.engine.query.steps import steps
from uwf.engine.run.concurrent.joining import Joiner
from uwf.engine.run.order import EXEC, Order
from uwf.errors import Superseded
from uwf.jsontext import document
from uwf.store.postgres import open_store
from uwf.store.whole.check import verify

LATE = reply("done", "Mine came late.", file="late.py")


class Forgetful:
    """A store in PostgreSQL, and an engine on it."""

    def __init__(self, server: Cluster, url: str, home: str) -> None:
        self._server, self._url, self._home = server, url, home
        self.rig = self.another()
        self.id = self.rig.start()

    def another(self) -> Rig:
        return Rig(open_store(self._url), self._home)

    def remembers(self) -> None:
        """All that was written so far is on the disk."""
        self._server.run("CHECKPOINT")

    def forgets(self) -> None:
        """What did not wait for the disk since then is not there any more: of the attempt, the newest."""
        before = self.rig.store.ref(ATTEMPTS + self.id)
        self.recovers()
        assert self.rig.store.ref(ATTEMPTS + self.id) != before

    def recovers(self) -> None:
        self._server.stop()
        self._server.start()

    def taken_over(self) -> None:
        database = urlsplit(self._url).path.removeprefix("/")
        self._server.run("UPDATE lease SET expires = now() - interval '1 second'", database)
        other = self.another()
        other.exec(self.id, WROTE)
        other.store.close()

    def late(self, working: Callable[[AgentRequest], Answers]) -> list[str]:
        """The turns of the attempt that is kept of a run that has lost its thread; all is in order."""
        with pytest.raises(Superseded) as lost:
            self.rig.run(self.id, "exec", working)
        store = self.rig.store
        assert verify(store, deep=True).problems == ()
        [attempt] = [ref.id for ref in store.refs(f"{SUPERSEDED}{self.id}/")]
        assert attempt[:12] in lost.value.message
        shown = document(self.rig.views.thread(self.rig.ref(self.id), is_whole=True))
        assert [each["attempt"] for each in shown["superseded"]] == [attempt]
        assert [step.body for step in self.rig.steps(self.id)] == ["I wrote it."]
        page = steps.attempt_page(store, attempt)
        assert "Write a parser." in page.prompt
        return [turn.text for turn in page.turns]


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """What it can forget, it does."""
    with clusters.alone(is_safe=True) as cluster:
        cluster.be_late()
        yield cluster


@pytest.fixture
def forgetful(server: Cluster, home: str) -> Iterator[Forgetful]:
    with server.database() as url:
        made = Forgetful(server, url, home)
        yield made
        made.rig.store.close()


def at_turn(monkeypatch: pytest.MonkeyPatch, number: int, do: Callable[[], None]) -> None:
    """`do` that once the turn of this `number` is stored."""
    stored: list[str] = []

    def at(point: str) -> None:
        if point == "turn: done":
            stored.append(point)
            if len(stored) == number:
                do()

    monkeypatch.setattr(points, "at", at)


def test_late_work_whose_beginning_is_forgotten_is_kept_whole(forgetful: Forgetful) -> None:
    def working(request: AgentRequest) -> Answers:
        forgetful.forgets()
        forgetful.taken_over()
        return LATE

    assert forgetful.late(working) == [LATE]


def test_of_turns_that_are_forgotten_the_reply_is_kept(
    forgetful: Forgetful, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = forgetful.rig.agent
    plain = agent._result

    def ended(said: Said) -> AgentResult:
        forgetful.taken_over()
        return plain(said)

    def working(request: AgentRequest) -> Answers:
        forgetful.remembers()
        at_turn(monkeypatch, 2, forgetful.forgets)
        return Said(LATE, turns=(LATE[:6], LATE[6:12]))

    monkeypatch.setattr(agent, "_result", ended)
    assert forgetful.late(working) == [LATE]


def test_what_was_said_since_is_kept_where_there_is_no_reply(
    forgetful: Forgetful, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgets() -> None:
        forgetful.forgets()
        forgetful.taken_over()

    def working(request: AgentRequest) -> Answers:
        at_turn(monkeypatch, 1, forgets)
        return Said(turns=("half a ", "word ", "more"))

    assert forgetful.late(working) == ["word "]


@pytest.mark.parametrize("has_failed_before", [False, True])
def test_a_reply_whose_beginning_is_forgotten_is_taken_in_by_its_own_run(
    forgetful: Forgetful, has_failed_before: bool
) -> None:
    """Another machine would not know of it, and have its agent do the same work again."""

    def working(request: AgentRequest) -> Answers:
        forgetful.forgets()
        return LATE

    rig, id = forgetful.rig, forgetful.id
    if has_failed_before:
        rig.run(id, "exec", crash())
    rig.run(id, "resume" if has_failed_before else "exec", working)
    [step] = rig.steps(id)
    assert step.body == "Mine came late."
    assert len(rig.step(step.id)["attempts"]) == has_failed_before
    assert kept.found(rig.engine.home, id) == []
    assert verify(rig.store, deep=True).problems == ()


def test_what_was_told_to_a_run_is_forgotten_by_nobody(forgetful: Forgetful) -> None:
    """Who waits for its step takes what waits no more for told."""
    other = forgetful.another()
    joined = Joiner(other.engine, forgetful.id, Order(EXEC, wait_s=60.0, supplement="Shorter."))

    def working(request: AgentRequest) -> Answers:
        forgetful.remembers()
        assert joined.is_answered() is False
        forgetful.recovers()
        return WROTE

    forgetful.rig.exec(forgetful.id, working)
    assert joined.answer() is None
    assert other.waiting(forgetful.id) == ["Shorter."]
    other.store.close()
