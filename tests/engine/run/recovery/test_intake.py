"""A reply that has come is never lost: kept beside the store where it cannot be stored, and taken in later, once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.dying import Killed
from tests.helpers.fake_agent import Said, crash, reply
from tests.helpers.rig import APPROVED, WROTE, Rig
from uwf.agent.protocol import AgentRequest, Denied, Model, Usage
from uwf.engine.chain import kept
from uwf.engine.chain.tags import ATTEMPTS, THREADS
from uwf.engine.progress import NotTakenIn, TakenIn
from uwf.engine.query.steps import turns
from uwf.engine.run import publish, step
from uwf.engine.run.recovery import store_back
from uwf.errors import ReplyKept, StoreAway, StoreError
from uwf.store.leases import MemoryLeases
from uwf.store.sqlite import SqliteStore, schema

COSTLY = reply("done", "I wrote it.", file="a.py", usage={"usd": 3, "tokens": 900})


class Full:
    """A store that takes nothing more while `is_full`, which ends by itself after so many attempts."""

    ends_after = 0

    def __init__(self, rig: Rig, patch: pytest.MonkeyPatch) -> None:
        self.is_full = True
        self.error = StoreError("the disk is full", code="store_full")
        self.times = 0
        plain = publish.publish

        def publishing(*words: Any) -> Any:
            if self.is_full:
                self.times += 1
                self.is_full = self.times != self.ends_after
                raise self.error
            return plain(*words)

        patch.setattr(publish, "publish", publishing)


@pytest.fixture
def full(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Full:
    return Full(rig, monkeypatch)


def lose(rig: Rig, id: str, answer: Any = COSTLY, verb: str = "exec", **order: Any) -> str:
    """A run whose reply cannot be stored; the file in which it is kept."""
    with pytest.raises(ReplyKept) as lost:
        rig.run(id, verb, answer, **order)
    assert lost.value.path is not None
    assert kept.found(rig.engine.home, id) == [lost.value.path]
    return lost.value.path


def test_the_next_command_takes_it_in_without_asking_the_agent_again(rig: Rig, full: Full) -> None:
    id = rig.start()
    path = lose(rig, id)
    with pytest.raises(ReplyKept) as again:  # as long as it cannot be stored
        rig.run(id, "exec")
    assert (again.value.path, again.value.code) == (path, "store_full")
    full.is_full = False
    [done] = rig.run(id, "exec")
    [written] = rig.steps(id)
    assert (done.step, written.body, written.usage) == (
        written.id,
        "I wrote it.",
        {"usd": 3, "tokens": 900},
    )
    assert kept.found(rig.engine.home, id) == []
    assert [event.path for event in rig.events if isinstance(event, TakenIn)] == [path]
    assert len(rig.agent.asks) == 1
    assert rig.exec(id, APPROVED).thread.status == "completed"


def test_a_run_of_many_steps_goes_on_from_it(rig: Rig, full: Full) -> None:
    id = rig.start()
    lose(rig, id)
    full.is_full = False
    results = rig.run(id, "exec", APPROVED, count=None)
    assert [result.role for result in results] == ["writer", "reviewer"]


def test_what_a_person_adds_now_is_for_the_step_after_it(rig: Rig, full: Full) -> None:
    id = rig.start()
    lose(rig, id)
    full.is_full = False
    rig.run(id, "exec", APPROVED, supplement="use tabs")
    assert [step.supplement for step in rig.steps(id)] == [None, "use tabs"]


def test_what_a_person_had_added_to_it_is_told_once(rig: Rig, full: Full) -> None:
    id = rig.start()
    lose(rig, id, supplement="use tabs")
    full.is_full = False
    rig.run(id, "exec", supplement="use tabs")
    assert [step.supplement for step in rig.steps(id)] == ["use tabs"]


def test_what_its_client_had_said_of_itself_is_kept_with_it(rig: Rig, full: Full) -> None:
    id, counted = rig.start(), {"input": 9.0}
    said = (Model("big"), Usage({"tokens": 9}, counted), Denied("Bash", {}))
    lose(rig, id, Said(WROTE, events=said))
    full.is_full = False
    rig.run(id, "exec")
    client = rig.steps(id)[0].client
    assert (client.model, client.counted) == ("big", counted)
    assert len(client.denied) == 1


@pytest.mark.parametrize("act", ["cancel", "undo", "doctor"])
def test_every_act_on_the_thread_takes_it_in_first(rig: Rig, full: Full, act: str) -> None:
    id = rig.start()
    lose(rig, id)
    full.is_full = False
    if act == "doctor":
        [found] = rig.doctor(repair=False)
        assert (found.kind, found.thread, found.repaired) == ("reply", id, False)
        [found] = rig.doctor(repair=True)
        assert (found.kind, found.repaired) == ("reply", True)
    else:
        getattr(rig, act)(id)
    assert kept.found(rig.engine.home, id) == []
    assert len(rig.steps(id)) == (0 if act == "undo" else 1)
    assert rig.row(id)["spent"]["usd"] == 3


@pytest.mark.parametrize(
    ("answer", "code"),
    [(crash(usage={"usd": 2.0}), "exit_code"), (Said("bad", usage={"usd": 2.0}), "interrupted")],
    ids=["failed", "bad"],
)
def test_a_failure_is_kept_with_what_it_cost(
    rig: Rig, full: Full, monkeypatch: pytest.MonkeyPatch, answer: Said, code: str
) -> None:
    id = rig.start()
    if code == "interrupted":  # the agent can not be asked again
        monkeypatch.setattr(step.StepRun, "_reject", raising(StoreError("the disk is full")))
    lose(rig, id, answer)
    full.is_full = False
    rig.cancel(id)
    attempt = rig.thread(id).attempt
    assert attempt is not None and attempt.failure is not None
    assert attempt.failure.code == code
    assert rig.row(id)["spent"]["usd"] == 2


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_words: Any, **_named: Any) -> Any:
        raise error

    return fail


def dying_at(point: str) -> Callable[[str], None]:
    def at(name: str) -> None:
        if name == point:
            raise Killed

    return at


def test_a_reply_that_cannot_be_judged_is_not_paid_for_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    monkeypatch.setattr("uwf.engine.run.attempt.reply.judge", raising(KeyError("pattern")))
    path = lose(rig, id)
    assert "I wrote it." in Path(path).read_text()
    [result] = rig.run(id, "exec")
    assert result.failure is not None and result.failure.code == "reply_unjudged"
    assert "KeyError: 'pattern'" in result.failure.message
    assert (rig.state(id)["status"], rig.row(id)["spent"]["usd"]) == ("suspended", 3)
    assert "".join(row.text for row in turns.of_thread(rig.store, rig.ref(id))) == COSTLY


def test_a_file_that_is_damaged_is_never_believed_nor_removed(rig: Rig, full: Full) -> None:
    id = rig.start()
    path = lose(rig, id)
    full.is_full = False
    whole = Path(path).read_bytes()
    for damaged in (whole[:-1], whole.replace(b"a.py", b"b.py"), b"", b"\0" * 999, whole[:40]):
        Path(path).write_bytes(damaged)
        with pytest.raises(StoreError) as refused:
            rig.run(id, "exec")
        assert (refused.value.code, Path(path).read_bytes()) == ("bad_kept_reply", damaged)
        [found] = rig.doctor(repair=True)
        assert (found.kind, found.repaired) == ("reply", False)
        assert refused.value.hint == f"mv {path} {path}.damaged"
        assert rig.row(id)["spent"]["usd"] == 0
    os.rename(path, f"{path}.damaged")
    assert rig.exec(id, WROTE).step is not None
    os.unlink(f"{path}.damaged")


def test_who_was_killed_before_the_file_was_removed_has_taken_it_in(
    each_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer in (COSTLY, crash(turns=("half",))):
        rig = Rig(each_rig.store, each_rig.engine.home)
        full, id = Full(rig, monkeypatch), rig.start()
        lose(rig, id, answer)
        full.is_full = False
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr("uwf.engine.run.recovery.intake.points.at", dying_at("kept: taken in"))
            rig.run(id, "exec")
        before = rig.ref(id)
        rig.cancel(id)
        assert kept.found(rig.engine.home, id) == []
        assert rig.head(id) == before.id
        assert len(turns.of_thread(rig.store, rig.ref(id))) == 1


def test_a_store_that_knows_nothing_of_its_attempt_takes_it_in_all_the_same(
    rig: Rig, full: Full
) -> None:
    """One that was restored from a backup."""
    id = rig.start()
    lose(rig, id)
    full.is_full = False
    with rig.store.transaction("test") as tx:
        tx.delete_ref(f"@uwf/attempt/{id}", why="never there")
    [done] = rig.run(id, "exec")
    assert rig.steps(id)[0].usage == {"usd": 3, "tokens": 900}
    assert rig.step(done.step or "")["prompt"]


def test_a_reply_to_what_is_long_past_stays_where_it_is(rig: Rig, full: Full) -> None:
    id = rig.start()
    path = lose(rig, id)
    full.is_full = False
    aside = f"{path}.aside"
    os.rename(path, aside)
    rig.exec(id, WROTE)
    os.rename(aside, path)
    rig.exec(id, APPROVED)
    assert [event.path for event in rig.events if isinstance(event, NotTakenIn)] == [path]
    assert [step.usage for step in rig.steps(id)] == [None, None]
    os.unlink(path)


def test_a_thread_that_was_cancelled_meanwhile_stays_cancelled(rig: Rig, full: Full) -> None:
    id = rig.start()
    lose(rig, id)
    full.is_full = False
    with rig.store.transaction("test") as tx:
        tags = {"status": "cancelled", "completedAt": "1"}
        tx.set_ref(THREADS + id, rig.head(id), tags=tags, why="by hand")
    with pytest.raises(Exception, match="cancelled"):
        rig.run(id, "exec")
    assert (rig.state(id)["status"], rig.row(id)["spent"]["usd"]) == ("cancelled", 3)
    assert kept.found(rig.engine.home, id) == []


def test_its_file_is_private_and_without_secrets(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(secrets=[("TOKEN", "hunter2-hunter2")])
    full, id = Full(rig, monkeypatch), rig.start()
    said = reply(
        "done", "It is hunter2-hunter2.", file="hunter2-hunter2", session="hunter2-hunter2"
    )
    path = lose(rig, id, Said(said, turns=(said[:9],), stderr="hunter2-hunter2"))
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert "hunter2" not in Path(path).read_text()
    full.is_full = False
    rig.run(id, "exec")
    assert rig.steps(id)[0].body == "It is [redacted:TOKEN]."


def test_turns_that_could_not_be_stored_come_with_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk ends no agent: it may have room again when it counts."""
    id = rig.start()
    plain = type(rig.store).transaction

    def transaction(self: Any, name: str, **more: Any) -> Any:
        if name == "turn":
            raise StoreError("the disk is full")
        return plain(self, name, **more)

    monkeypatch.setattr(type(rig.store), "transaction", transaction)
    rig.exec(id, Said(WROTE, turns=(WROTE[:5], WROTE[5:12])))
    said = [row.text for row in turns.of_thread(rig.store, rig.ref(id))]
    assert said == [WROTE[:5], WROTE[5:12], WROTE[12:]]
    full = Full(rig, monkeypatch)
    lose(rig, id, Said(APPROVED, turns=(APPROVED[:5], APPROVED[5:12])))
    full.is_full = False
    rig.run(id, "exec")
    rows = turns.of_thread(rig.store, rig.ref(id))
    assert "".join(row.text for row in rows) == WROTE + APPROVED


def test_of_what_is_larger_than_its_room_the_beginning_and_the_cost_are_kept(
    rig: Rig, full: Full, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    left = kept.ROOM_BYTES
    plain = os.write

    def write(file: int, data: bytes) -> int:
        if os.lseek(file, 0, os.SEEK_CUR) + len(data) > left:
            raise OSError(28, "No space left on device")
        return plain(file, data)

    monkeypatch.setattr("uwf.engine.chain.kept.os.write", write)
    path = lose(rig, id, f"{COSTLY}{'x' * left}")
    monkeypatch.undo()
    assert left - 100 < os.stat(path).st_size <= left
    rig.exec(id, WROTE)
    [failed] = rig.failed_attempts(id)
    assert failed["error"]["code"] == "interrupted"
    assert "no room for the whole" in failed["error"]["message"]
    assert failed["turns"][-1]["text"].startswith(COSTLY)
    assert rig.row(id)["spent"]["usd"] == 3


def test_no_room_is_left_behind(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    assert os.listdir(f"{rig.engine.home}/replies") == []


def test_a_disk_that_fails_at_the_very_end_hides_no_error(
    rig: Rig, full: Full, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    monkeypatch.setattr(kept.files, "discard", raising(OSError(30, "Read-only file system")))
    path = lose(rig, id)
    monkeypatch.undo()
    rig.run(id, "exec")
    assert not os.path.exists(path)


@pytest.fixture
def away(home: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Rig, Full]]:
    """A thread's home whose store other machines share, and which is away."""
    monkeypatch.setattr(store_back, "PAUSE_S", 0.01)
    store = SqliteStore(schema.in_memory(), MemoryLeases(2.0))
    rig = Rig(store, home)
    full = Full(rig, monkeypatch)
    full.error = StoreAway("the server is away")
    yield rig, full
    store.close()


def test_a_store_of_many_machines_that_is_away_for_a_moment_is_waited_for(
    away: tuple[Rig, Full],
) -> None:
    rig, full = away
    full.ends_after = 3
    id = rig.start()
    [written, approved] = rig.run(id, "exec", COSTLY, APPROVED, count=2)
    assert [written.role, approved.role] == ["writer", "reviewer"]
    assert rig.steps(id)[0].usage == {"usd": 3, "tokens": 900}
    assert kept.found(rig.engine.home, id) == []
    assert len(rig.agent.asks) == 2


def test_no_longer_than_the_thread_is_held_for_sure(away: tuple[Rig, Full]) -> None:
    rig, full = away
    path = lose(rig, rig.start())
    assert full.times > 2
    assert kept.found(rig.engine.home, rig.thread(kept.load(path).thread).id) == [path]


def test_a_store_that_is_full_is_not_waited_for(away: tuple[Rig, Full]) -> None:
    rig, full = away
    full.error = StoreError("the disk is full", code="store_full")
    lose(rig, rig.start())
    assert full.times == 1


@pytest.mark.parametrize("has_failed_before", [False, True])
def test_a_store_that_has_forgotten_the_attempt_gets_no_step_that_needs_it(
    rig: Rig, has_failed_before: bool
) -> None:
    """A server that ends as by a power cut, and recovers, while its client goes on: what was written without waiting
    for the disk may be gone.
    """
    id = rig.start()
    if has_failed_before:
        rig.run(id, "exec", crash())
    before = rig.store.ref(ATTEMPTS + id)

    def working(request: AgentRequest) -> str:
        with rig.store.transaction("test") as tx:
            if before is None:
                tx.delete_ref(ATTEMPTS + id, why="forgotten")
            else:
                tx.set_ref(ATTEMPTS + id, before.id, why="forgotten")
        return COSTLY

    path = lose(rig, id, working, "resume" if has_failed_before else "exec")
    assert rig.steps(id) == []
    assert kept.load(path).came.answer.text == COSTLY
    os.unlink(path)
