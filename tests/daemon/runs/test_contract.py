"""What the daemon may rely on of runs, whether they are its own children or jobs that a worker takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.daemon.clocks import Clocks
from tests.helpers.project import until
from uwf.app.values import DueThread
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.runs import children
from uwf.daemon.runs.children import ChildRuns
from uwf.daemon.runs.queued import QueuedRuns
from uwf.daemon.runs.runs import RunEnded, Runs
from uwf.engine.chain.wake import RECOVERY, TIMER, Wake
from uwf.engine.query.home import urgency
from uwf.jobs.link import QueueLink
from uwf.jobs.queue import ENDED, STALLED_S, JobQueue
from uwf.jobs.workers import WorkerFacts, Workers
from uwf.record import replace
from uwf.store.owner import Owner

A, B = "01AAAAAAAAAAAAAAAAAAAAAAAA", "01BBBBBBBBBBBBBBBBBBBBBBBB"
NOW_MS = 1_770_000_000_000


def due(thread: str, kind: str = TIMER, **more: Any) -> DueThread:
    return DueThread(thread, "idle", 0, Wake(NOW_MS, kind, "its time"), **more)


class Side(Protocol):
    """Runs, and the other side that runs them."""

    runs: Runs

    def end(self, thread: str, code: int, error: str = "") -> None:
        """Let the run of a thread end, its last error said as a run says it."""


class Children:
    """Children whose command waits for a file that has its exit code in it."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._home = home
        wait = 'until [ -s "$0/$1" ]; do sleep 0.02; done; cat "$0/$1.said"; exit $(cat "$0/$1")'
        monkeypatch.setattr(
            children,
            "command_words",
            lambda _home, *words: ["-c", wait, str(home), words[2]],
        )
        monkeypatch.setattr(children.programs, "own_command", lambda *words: ["sh", *words])
        self.runs = ChildRuns(str(home))

    def end(self, thread: str, code: int, error: str = "") -> None:
        (self._home / f"{thread}.said").write_text(error)
        (self._home / "new").write_text(str(code))
        (self._home / "new").rename(self._home / thread)


class MadeUpWakes:
    """Every thread is run with the agent `agent`."""

    def __init__(self, agent: str | None = None) -> None:
        self.name = agent
        self.settled: list[str] = []
        self.held: set[str] = set()
        self.recorded: dict[str, int | None] = {}

    def holder(self, thread: str) -> Owner | None:
        return Owner(7) if thread in self.held else None

    def settle(self, thread: str) -> None:
        self.settled.append(thread)

    def unserved(self, threads: Sequence[str], since_ms: int | None) -> None:
        self.recorded |= dict.fromkeys(threads, since_ms)

    def agent(self, _thread: str) -> str | None:
        return self.name

    def urgency(self, due: DueThread, now_ms: int) -> int:
        return urgency.number(due, now_ms)


class Queued:
    """A queue, and a worker that takes each job and does nothing with it."""

    def __init__(self, url: str, agent: str | None = None) -> None:
        self.link, self.other = QueueLink(url, "leader", [ENDED]), QueueLink(url, "worker")
        self.quarantine, self.wakes = Quarantine(), MadeUpWakes(agent)
        self.runs = QueuedRuns(self.link, self.wakes, self.quarantine)  # type: ignore[arg-type]
        self.queue, self.workers = JobQueue(self.other), Workers(self.other)
        self.taken: dict[str, int] = {}

    def work(self, **more: object) -> int:
        """A worker that is there."""
        facts = WorkerFacts("box", "/home", 1, (), ("claude",), 5, "1")
        return self.workers.register(replace(facts, **more))

    def take(self, worker: int, *queues: str) -> str | None:
        job = self.queue.take(queues or ["any", "host:box", "agent:claude"], worker)
        if job is not None:
            self.taken[job.thread] = job.id
        return None if job is None else job.thread

    def end(self, thread: str, code: int, error: str = "") -> None:
        if thread not in self.taken:
            worker = self.work()
            while self.take(worker):
                pass
        message = "no room" if error else None
        run = RunEnded(thread, code, 1.0, "store_full" if error else None, message)
        self.queue.done(self.taken.pop(thread), vars(run))

    def close(self) -> None:
        self.link.close()
        self.other.close()


@pytest.fixture(params=["children", "queued"])
def side(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    if request.param == "children":
        return Children(tmp_path, monkeypatch)
    queued = Queued(request.getfixturevalue("queue_url"))
    request.addfinalizer(queued.close)
    return queued


def ended(side: Side, count: int = 1) -> dict[str, RunEnded]:
    """So many that have ended, once they have."""
    found: dict[str, RunEnded] = {}

    def are_all() -> bool:
        found.update({run.thread: run for run in side.runs.finished()})
        return len(found) >= count

    until(are_all)
    return found


def begun(side: Side) -> frozenset[str]:
    side.runs.keep([due(A), due(B)], NOW_MS)
    now = side.runs.now()
    return now.running | now.waiting


def test_what_was_begun_is_known_until_it_has_ended(side: Side) -> None:
    assert begun(side) == frozenset()
    side.runs.start([due(A), due(B)])
    assert begun(side) == {A, B}
    side.end(A, 0)
    assert ended(side)[A].code == 0
    assert begun(side) == {B}
    side.end(B, 0)
    ended(side)
    assert begun(side) == frozenset()


def test_how_a_run_has_ended_is_told_once_with_what_it_said_last(side: Side) -> None:
    side.runs.start([due(A)])
    begun(side)
    side.end(A, 1, '{"error":{"code":"store_full","message":"no room","hint":null}}\n')
    run = ended(side)[A]
    assert (run.code, run.error, run.message, run.retry_at_ms) == (1, "store_full", "no room", None)
    assert run.lasted_s > 0
    assert list(side.runs.finished()) == []


def test_a_thread_can_be_begun_again_once_its_run_has_ended(side: Side, tmp_path: Path) -> None:
    for code in (75, 0):
        side.runs.start([due(A)])
        assert begun(side) == {A}
        side.end(A, code)
        assert ended(side)[A].code == code
        (tmp_path / A).unlink(missing_ok=True)
    assert begun(side) == frozenset()


@pytest.fixture
def queued(queue_url: str, request: pytest.FixtureRequest) -> Queued:
    found = Queued(queue_url)
    request.addfinalizer(found.close)
    return found


def places(queued: Queued) -> dict[str, str]:
    return {job.thread: job.queue for job in queued.queue.jobs()}


def test_a_thread_waits_at_its_place_else_for_its_machine_else_for_its_agent(
    queued: Queued,
) -> None:
    queued.work()
    queued.runs.keep([], NOW_MS)
    queued.runs.start([due(A), due(B, place="label:gpu", host="box")])
    assert places(queued) == {A: "any", B: "label:gpu"}
    queued.runs.keep([], NOW_MS)
    queued.wakes.name = "claude"
    queued.runs.start([due(A), due(B, host="box")])
    assert places(queued) == {A: "agent:claude", B: "host:box"}
    queued.runs.keep([], NOW_MS)
    queued.runs.start([due(A, host="gone")])
    assert places(queued) == {A: "agent:claude"}, "a machine without a worker is not waited for"
    queued.wakes.name = "codex"
    queued.runs.start([due(B, host="box")])
    assert places(queued)[B] == "agent:codex", "nor one that has not its agent"


def test_who_cannot_run_a_thread_is_asked_once_more_when_all_were(queued: Queued) -> None:
    queued.work(labels=("gpu",))
    for host in ("ant", "bee"):
        queued.work(host=host, agents=("codex",), labels=("gpu",) if host == "bee" else ())
    queued.runs.keep([], NOW_MS)

    def place(*not_on: str, **more: Any) -> str:
        queued.other.query("TRUNCATE procrastinate_jobs CASCADE")
        queued.runs.start([due(A, not_on=not_on, **more)])
        return places(queued)[A]

    assert place("ant", host="ant") in ("host:box", "host:bee")
    assert place("ant", "bee") == "host:box"
    assert place("ant", "bee", "box") == "any"
    assert place("box", place="label:gpu") == "host:bee", "a place is kept"
    assert place("box", "bee", place="label:gpu") == "label:gpu"
    queued.wakes.name = "codex"
    assert place("bee") == "host:ant", "as is who has its agent"
    assert place("ant", "bee") == "agent:codex"


def test_an_emptied_queue_is_filled_again_and_what_is_due_no_more_is_taken_away(
    queued: Queued,
) -> None:
    queued.runs.start([due(A), due(B)])
    queued.other.query("TRUNCATE procrastinate_jobs CASCADE")
    queued.runs.keep([due(A), due(B)], NOW_MS)
    assert queued.runs.now().waiting == frozenset(), "so the daemon begins them anew"
    queued.runs.start([due(A), due(B)])
    queued.runs.keep([due(B)], NOW_MS)
    assert queued.runs.now().waiting == {B}
    assert places(queued) == {B: "any"}


def test_the_most_urgent_is_taken_first_and_what_waits_is_ranked_anew(
    queued: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = queued.work()
    queued.runs.start([due(A), due(B, RECOVERY)])
    assert queued.take(worker) == B
    assert queued.wakes.settled == [B], "others would wait for the lease of a run that died here"
    queued.runs.start([due(B, place="label:gpu")])
    first = {job.thread: job.priority for job in queued.queue.jobs()}
    from uwf import clock

    later_s = clock.monotonic_s() + 61
    monkeypatch.setattr(clock, "monotonic_s", lambda: later_s)
    queued.runs.keep([due(A, RECOVERY), due(B)], NOW_MS)
    jobs = {job.thread: job for job in queued.queue.jobs() if not job.is_taken}
    assert jobs[A].priority > first[A]
    assert jobs[B].queue == "any"


def test_what_waits_goes_to_another_place_at_once(queued: Queued) -> None:
    queued.work()
    queued.runs.keep([], NOW_MS)
    queued.runs.start([due(A), due(B, place="host:ant")])
    assert places(queued) == {A: "any", B: "host:ant"}
    queued.runs.keep([due(A, place="label:gpu"), due(B)], NOW_MS)
    assert places(queued) == {A: "label:gpu", B: "any"}
    queued.runs.keep([due(A, place="host:box"), due(B)], NOW_MS)
    assert places(queued)[A] == "host:box"


def test_jobs_of_a_worker_that_is_gone_are_begun_anew(queued: Queued) -> None:
    queued.runs.start([due(A)])
    assert queued.take(queued.work()) == A
    queued.runs.keep([], NOW_MS)
    assert queued.runs.now().running == {A}
    queued.other.query(
        "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
    )
    queued.runs._looks_s = 0.0
    queued.runs.keep([due(A)], NOW_MS)
    assert queued.runs.now().running == frozenset()


def test_a_queue_that_nobody_takes_jobs_of_is_set_aside_until_somebody_does(
    queued: Queued,
) -> None:
    queued.runs.start([due(A, place="label:gpu")])
    queued.runs.keep([due(A, place="label:gpu")], NOW_MS)
    assert [(one.kind, one.name) for one in queued.quarantine.all()] == [("queue", "label:gpu")]
    queued.work(labels=("gpu",))
    queued.runs._looks_s = 0.0
    queued.runs.keep([due(A, place="label:gpu")], NOW_MS)
    assert queued.quarantine.all() == []


def test_no_more_wait_than_can_be_looked_through_with_each_pass(queued: Queued) -> None:
    assert queued.runs.room(0, 5) == 1000
    queued.runs.start([due(A)])
    assert queued.runs.room(0, 5) == 999


def test_a_job_whose_thread_nobody_holds_is_taken_back_after_a_while(
    queue_url: str, clocks: Clocks
) -> None:
    queued = Queued(queue_url)
    try:
        worker = queued.work()
        queued.runs.start([due(A), due(B)])
        while queued.take(worker):
            pass
        queued.wakes.held = {A}
        for _ in range(2):
            begun(queued)
            assert queued.queue.taken_back(worker) == []
            clocks.steady_s += STALLED_S
        clocks.steady_s += 1
        begun(queued)
        assert queued.queue.taken_back(worker) == [B]
        queued.wakes.held = {A, B}
        queued.end(B, -9)
        assert queued.queue.taken_back(worker) == []
    finally:
        queued.close()


def test_what_nobody_takes_for_a_minute_is_on_record_until_somebody_does(
    queued: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks()
    monkeypatch.setattr("uwf.clock.monotonic_s", lambda: clocks.steady_s)
    placed = due(A, place="host:gone")
    queued.work()
    queued.runs.keep([placed], NOW_MS)
    queued.runs.start([placed, due(B)])

    def after(seconds: float, *, unserved: int | None) -> dict[str, int | None]:
        clocks.until(seconds)
        queued.wakes.recorded.clear()
        queued.runs.keep([replace(placed, unserved=unserved), due(B)], NOW_MS)
        return dict(queued.wakes.recorded)

    assert after(3, unserved=None) == after(50, unserved=None) == {}
    assert after(11, unserved=None) == {A: NOW_MS - 60_000}
    assert after(60, unserved=NOW_MS) == {}, "once"
    queued.work(host="gone")
    assert after(3, unserved=NOW_MS) == {A: None}


def test_what_a_run_has_put_on_record_is_left_as_it_is(
    queued: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks()
    monkeypatch.setattr("uwf.clock.monotonic_s", lambda: clocks.steady_s)
    queued.work()
    refused = due(A, unserved=NOW_MS)
    queued.runs.start([refused])
    for _ in range(3):
        queued.runs.keep([refused], NOW_MS)
        clocks.until(40)
    assert queued.wakes.recorded == {}
