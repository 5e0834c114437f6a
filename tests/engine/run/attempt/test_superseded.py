"""A run that has lost its thread to another publishes nothing, and what its agent did is kept all the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guard.asking import Time
from tests.helpers.fake_agent import Answers, Said, crash, reply
from tests.helpers.rig import APPROVED, WROTE, Rig, everything
from uwf import points
from uwf.agent.protocol import AgentRequest, Usage
from uwf.engine.chain import kept
from uwf.engine.chain.tags import SUPERSEDED
from uwf.engine.progress import StepStarted
from uwf.engine.query.steps import steps
from uwf.engine.run import runner
from uwf.engine.run.order import Order
from uwf.errors import ReplyKept, StoreError, Superseded
from uwf.guard.spending.day import DAYS
from uwf.jsontext import document
from uwf.record import replace
from uwf.store.leases import MemoryLeases
from uwf.store.sqlite import SqliteStore, open_store, schema
from uwf.store.whole.check import verify

LASTS_S = 60.0
LATE = reply("done", "Mine came late.", file="late.py", usage={"usd": 3})


@pytest.fixture
def time() -> Iterator[Time]:
    with Time().patched() as moved:
        yield moved


@pytest.fixture
def rig(home: str, time: Time) -> Iterator[Rig]:
    """A rig whose leases can be taken over."""
    store = SqliteStore(schema.in_memory(), MemoryLeases(LASTS_S))
    yield Rig(store, home)
    store.close()


def taken_over(rig: Rig, time: Time, id: str, *answers: Answers) -> None:
    """Another run takes the thread, as the lease of the one that has it was not renewed."""
    time.pass_s(LASTS_S + 1)
    other = Rig(rig.store, rig.engine.home)
    other.exec(id, *answers)


def late(rig: Rig, time: Time, id: str, said: Answers, *answers: Answers) -> Superseded:
    """A run whose thread another one takes while its agent works, and that goes on with `answers`; how it ends."""

    def working(request: AgentRequest) -> Answers:
        taken_over(rig, time, id, *answers)
        return said

    with pytest.raises(Superseded) as lost:
        rig.run(id, "exec", working)
    return lost.value


def aside(rig: Rig, id: str) -> list[str]:
    return [ref.id for ref in rig.store.refs(f"{SUPERSEDED}{id}/")]


def test_a_late_reply_becomes_no_step_and_is_kept_apart(rig: Rig, time: Time) -> None:
    id = rig.start()
    lost = late(rig, time, id, LATE, WROTE)
    assert [step.body for step in rig.steps(id)] == ["I wrote it."]
    [attempt] = aside(rig, id)
    assert attempt[:12] in lost.message
    assert lost.hint == f"uwf step show {attempt[:12]}"
    page = steps.attempt_page(rig.store, attempt)
    assert (page.error.code, page.role, page.number) == ("superseded", "writer", 1)
    assert page.turns[-1].text.endswith("Mine came late.")
    assert page.usage == {"usd": 3}
    assert kept.found(rig.engine.home, id) == []
    assert rig.exec(id, APPROVED).thread.status == "completed"


def test_it_disturbs_nothing_of_the_run_that_has_the_thread(rig: Rig, time: Time) -> None:
    id, seen = rig.start(), dict[str, object]()

    def working(request: AgentRequest) -> Answers:
        taken_over(rig, time, id, crash())
        seen.update(everything(rig.store))
        return LATE

    with pytest.raises(Superseded):
        rig.run(id, "exec", working)
    now = everything(rig.store)
    [new] = now.keys() - seen.keys()
    assert new.startswith(f"{SUPERSEDED}{id}/")
    assert {name: now[name] for name in seen} == seen


def test_show_tells_of_it(rig: Rig, time: Time) -> None:
    id = rig.start()
    assert rig.views.thread(rig.ref(id), is_whole=True).superseded is None
    late(rig, time, id, LATE, WROTE)
    shown = document(rig.views.thread(rig.ref(id), is_whole=True))
    [told] = shown["superseded"]
    assert (told["role"], told["code"], [told["attempt"]]) == (
        "writer",
        "superseded",
        aside(rig, id),
    )
    assert "nobody runs it now" in told["message"]


def test_an_agent_is_ended_with_its_first_word_after_that(rig: Rig, time: Time) -> None:
    id = rig.start()
    used = Usage({"usd": 2})
    late(rig, time, id, Said(turns=("half a", "word more"), events=(used,)), WROTE)
    [attempt] = aside(rig, id)
    page = steps.attempt_page(rig.store, attempt)
    assert page.usage == {"usd": 2}
    assert page.duration_ms is not None
    assert [step.body for step in rig.steps(id)] == ["I wrote it."]


def test_the_word_that_comes_too_late_is_kept(rig: Rig, time: Time) -> None:
    id = rig.start()
    late(rig, time, id, Said(turns=("half a", "word more")), WROTE)
    [attempt] = aside(rig, id)
    said = "".join(turn.text for turn in steps.attempt_page(rig.store, attempt).turns)
    assert said == "half a"


def test_a_failure_that_comes_too_late_suspends_nothing(rig: Rig, time: Time) -> None:
    id = rig.start()
    late(rig, time, id, crash(), WROTE)
    assert rig.state(id) == {"status": "idle"}
    assert rig.thread(id).attempt is None
    assert len(aside(rig, id)) == 1


def test_what_it_has_used_is_used(rig: Rig, time: Time) -> None:
    late(rig, time, rig.start(), LATE, WROTE)
    [(_, day)] = rig.store.counters(DAYS)
    assert day["usd"] == 3


def test_where_it_cannot_be_kept_in_the_store_it_is_kept_as_a_file(rig: Rig, time: Time) -> None:
    id = rig.start()
    plain = rig.store.transaction

    def full(name: str, **how: object) -> object:
        if name == "superseded":
            raise StoreError("the disk is full", code="store_full")
        return plain(name, **how)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rig.store, "transaction", full)

        def working(request: AgentRequest) -> Answers:
            taken_over(rig, time, id, WROTE)
            return LATE

        with pytest.raises(ReplyKept) as lost:
            rig.run(id, "exec", working)
    assert lost.value.path is not None
    assert kept.load(lost.value.path).came.answer.text == LATE
    os.unlink(lost.value.path)


def test_one_whose_transaction_was_cut_off_finds_that_another_has_the_thread(
    rig: Rig, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, plain = rig.start(), rig.store.transaction

    def cut_off(name: str, **how: object) -> object:
        if name == "step":
            monkeypatch.setattr(rig.store, "transaction", plain)
            taken_over(rig, time, id, WROTE)
            raise StoreError("the connection was lost, nothing was written")
        return plain(name, **how)  # type: ignore[arg-type]

    def working(request: AgentRequest) -> Answers:
        monkeypatch.setattr(rig.store, "transaction", cut_off)
        return LATE

    with pytest.raises(Superseded):
        rig.run(id, "exec", working)
    assert [step.body for step in rig.steps(id)] == ["I wrote it."]
    assert len(aside(rig, id)) == 1
    assert kept.found(rig.engine.home, id) == []


def test_what_was_undone_with_a_transaction_is_no_part_of_what_is_kept(
    rig: Rig, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()

    def cut_off(point: str) -> None:
        if point == "step: head moved":
            time.pass_s(LASTS_S + 1)
            assert rig.store.leases.take(id) is not None
            raise StoreError("the connection was lost with the end of a transaction")

    monkeypatch.setattr(points, "at", cut_off)
    with pytest.raises(Superseded):
        rig.run(id, "exec", LATE)
    [attempt] = aside(rig, id)
    assert verify(rig.store, deep=True).problems == ()
    assert "Mine came late." in steps.attempt_page(rig.store, attempt).turns[-1].text


def test_one_that_loses_its_thread_before_it_has_begun_an_attempt_keeps_nothing(
    rig: Rig, time: Time
) -> None:
    id = rig.start()

    def lose(event: object) -> None:
        if isinstance(event, StepStarted):
            rig.engine = replace(rig.engine, on_progress=lambda event: None)
            taken_over(rig, time, id, WROTE)

    rig.engine = replace(rig.engine, on_progress=lose)
    with pytest.raises(Superseded, match="nothing was written"):
        runner_run(rig, id)
    assert aside(rig, id) == []
    assert [step.body for step in rig.steps(id)] == ["I wrote it."]


def runner_run(rig: Rig, id: str) -> None:
    rig.agent.will_say(LATE)
    list(runner.run(rig.engine, id, Order("exec", count=1), rig.stop))


KILLED = ("superseded: begun", "superseded: written", "superseded: done")


@pytest.mark.parametrize("at", KILLED)
def test_killed_while_it_is_kept_it_is_there_whole_or_not_at_all(
    tmp_path: Path, time: Time, at: str
) -> None:
    path, home = f"{tmp_path}/store.db", f"{tmp_path}/home"
    os.mkdir(home)
    id = Rig(
        SqliteStore(schema.connect(path, create=True, wait_s=1.0), MemoryLeases()), home
    ).start()
    pid = os.fork()
    if pid == 0:
        try:
            database = schema.connect(path, create=False, wait_s=1.0)
            rig = Rig(SqliteStore(database, MemoryLeases(LASTS_S)), home)
            points.arm(at)
            late(rig, time, id, LATE, WROTE)
        finally:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 9
    rig = Rig(open_store(path), home)
    assert [step.body for step in rig.steps(id)] == ["I wrote it."]
    assert len(aside(rig, id)) == (at == KILLED[-1])
    assert rig.exec(id, APPROVED).thread.status == "completed"
