"""What a dead predecessor left behind, settled by the next command on the thread."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from tests.helpers.dying import Killed, die, lives
from tests.helpers.fake_agent import NO_PID, crash
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig, everything
from uwf.agent.process import platform
from uwf.engine.chain.attempt import INTERRUPTED
from uwf.engine.chain.tags import ATTEMPTS
from uwf.engine.progress import Recovered
from uwf.engine.query.steps import turns
from uwf.engine.run.recovery import recovery
from uwf.store.leases import FileLeases
from uwf.store.owner import Owner
from uwf.store.values import Lease


def test_unfinished_attempt_is_kept_with_its_turns(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    before = rig.ref(id)
    die(rig, id, "exec", "one ", "two")
    assert rig.ref(id) == before
    assert rig.thread(id).attempt.running is not None  # type: ignore[union-attr]
    settled = rig.settle(id)
    assert settled is not None
    assert rig.ref(id) == before
    assert rig.attempt(id).id == settled.attempt  # type: ignore[union-attr]
    assert rig.thread(id).attempt.failure.code == INTERRUPTED  # type: ignore[union-attr]
    rows = turns.of_thread(rig.store, rig.ref(id))
    assert [(row.outcome, row.text) for row in rows] == [
        ("interrupted", "one "),
        ("interrupted", "two"),
    ]


def test_turns_of_a_dead_run_are_not_told_as_running(rig: Rig) -> None:
    id = rig.start()
    die(rig, id, "exec", "half")
    for is_running, outcome in ((True, "running"), (False, "interrupted")):
        (row,) = turns.of_thread(rig.store, rig.ref(id), is_running=is_running)
        assert row.outcome == outcome


def test_next_command_settles_and_goes_on(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec", "half a reply")
    rig.exec(id, WROTE)
    (event,) = [event for event in rig.events if isinstance(event, Recovered)]
    step = rig.steps(id)[0]
    assert step.attempts == (event.attempt,)
    (kept,) = rig.step(step.id)["failedAttempts"]
    assert kept["error"] == {
        "code": "interrupted",
        "message": "uwf ended before the agent did",
    }
    assert [turn["text"] for turn in kept["turns"]] == ["half a reply"]
    assert (kept["durationMs"], kept["process"]) == (None, None)


@pytest.mark.parametrize("state", ["fresh", "failed", "completed"])
def test_thread_tells_the_truth_before_anything_is_settled(rig: Rig, state: str) -> None:
    id = rig.start()
    if state == "failed":
        rig.exec(id, crash())
    elif state == "completed":
        rig.exec(id, WROTE, APPROVED)
    verb = "exec" if state == "fresh" else "resume"
    die(rig, id, verb, "half")
    row = rig.row(id)
    assert row["status"] == ("suspended" if state == "failed" else "idle")
    assert (row["running"], row["currentRole"]) == (None, "writer")
    assert row["round"] == (2 if state == "completed" else 1)


def test_supplement_of_a_dead_run_is_not_lost(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec", supplement="use tabs")
    die(rig, id, "exec", supplement="and no globals")
    rig.exec(id, WROTE)
    assert rig.steps(id)[0].supplement == "use tabs\n\nand no globals"
    assert len(rig.steps(id)[0].attempts) == 2


def test_death_while_a_bad_reply_is_asked_again(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    with pytest.raises(Killed):
        rig.run(id, "exec", "no front matter", Killed())
    rig.exec(id, WROTE)
    (kept,) = rig.step(rig.head(id))["failedAttempts"]
    assert [turn["from"] for turn in kept["turns"]] == ["agent", "uwf"]


def test_nothing_left_is_nothing_to_settle(rig: Rig) -> None:
    id = rig.start()
    assert rig.settle(id) is None
    rig.exec(id, WROTE)
    assert rig.settle(id) is None
    rig.exec(id, crash())
    before = everything(rig.store)
    assert rig.settle(id) is None
    assert everything(rig.store) == before


def test_where_nothing_is_left_no_lock_is_taken(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    id = rig.start()
    taken: list[str] = []
    take = FileLeases.take

    def counted(leases: FileLeases, thread: str) -> Lease | None:
        taken.append(thread)
        return take(leases, thread)

    def settle_if_left() -> recovery.Settled | None:
        with monkeypatch.context() as patch:
            patch.setattr(FileLeases, "take", counted)
            return recovery.settle_if_left(rig.store, rig.engine.home, id, grace_s=0.5)

    assert settle_if_left() is None  # never tried
    rig.exec(id, WROTE)
    assert settle_if_left() is None
    rig.exec(id, crash())
    assert settle_if_left() is None
    assert taken == []
    die(rig, id, "resume", "half")
    assert settle_if_left() is not None
    assert settle_if_left() is None
    assert taken == [id]


def test_what_is_left_is_looked_at_again_under_the_lock(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    die(rig, id, "exec", "half")
    take = FileLeases.take

    def taken_late(leases: FileLeases, thread: str) -> Lease | None:
        assert recovery.settle(rig.store, id, grace_s=0.5) is not None
        return take(leases, thread)

    monkeypatch.setattr(FileLeases, "take", taken_late)
    assert recovery.settle_if_left(rig.store, rig.engine.home, id, grace_s=0.5) is None


def test_settling_twice_is_settling_once(each_rig: Rig) -> None:
    id = each_rig.start()
    die(each_rig, id, "exec", "half")
    assert each_rig.settle(id) is not None
    before = everything(each_rig.store)
    assert each_rig.settle(id) is None
    assert everything(each_rig.store) == before


def test_death_of_the_settling_process_leaves_it_to_the_next(
    each_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = each_rig
    id = rig.start()
    die(rig, id, "exec", "half")
    before = rig.attempt(id)
    with monkeypatch.context() as patch:
        patch.setattr("uwf.engine.run.recovery.recovery.put_end", raising(Killed()))
        with pytest.raises(Killed):
            rig.settle(id)
    assert rig.attempt(id) == before
    assert rig.settle(id) is not None


def raising(error: BaseException) -> Callable[..., object]:
    def fail(*args: object) -> object:
        raise error

    return fail


def test_agent_that_is_left_running_is_ended(
    each_rig: Rig, leave_running: Callable[..., subprocess.Popen[bytes]]
) -> None:
    rig = each_rig
    id = rig.start()
    agent = leave_running()
    rig.agent.process = Owner(agent.pid, platform.start_time(agent.pid) or "")
    die(rig, id, "exec", "half")
    settled = rig.settle(id)
    assert settled is not None
    assert settled.ended_pids == (agent.pid,)
    assert not lives(agent)


def test_what_the_agent_started_is_found_by_its_mark(
    rig: Rig, leave_running: Callable[..., subprocess.Popen[bytes]]
) -> None:
    id = rig.start()
    die(rig, id, "exec", "half")
    stray = leave_running(UWF_RUN=rig.agent.asks[-1].mark)
    other = leave_running(UWF_RUN=rig.agent.asks[-1].mark + "x")
    settled = rig.settle(id)
    assert settled is not None
    assert settled.ended_pids == (stray.pid,)
    assert not lives(stray)
    assert other.poll() is None


def test_process_that_has_the_pid_now_is_left_alone(
    rig: Rig, leave_running: Callable[..., subprocess.Popen[bytes]]
) -> None:
    id = rig.start()
    stranger = leave_running()
    rig.agent.process = Owner(stranger.pid, "another-boot:1")
    die(rig, id, "exec", "half")
    settled = rig.settle(id)
    assert settled is not None
    assert settled.ended_pids == ()
    assert stranger.poll() is None


def test_agent_that_is_gone_already_is_nothing_to_end(rig: Rig) -> None:
    id = rig.start()
    assert rig.agent.process is not None
    assert rig.agent.process.pid == NO_PID
    die(rig, id, "exec", "half")
    settled = rig.settle(id)
    assert settled is not None
    assert (settled.ended_pids, settled.survivors) == ((), ())


def test_cancel_and_undo_settle_first(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    die(rig, id, "exec", "half")
    rig.cancel(id)
    assert rig.state(id)["status"] == "cancelled"
    rig.undo(id)
    rig.exec(id, CHANGES)
    assert len(rig.steps(id)[-1].attempts) == 1


def test_log_of_the_attempt_says_what_happened(rig: Rig) -> None:
    id = rig.start()
    die(rig, id, "exec", "half")
    rig.settle(id)
    whys = [move.why for move in rig.store.moves(ATTEMPTS + id)]
    assert whys == ["task_dispatched: writer", "turn", "settled after its process died"]


def test_agent_of_a_living_run_is_left_alone_by_a_copy_of_its_home(rig: Rig) -> None:
    """Another home has the lock. What the agent's own uwf is doing there is not for this one to end."""
    runner = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & echo $!; wait"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert runner.stdout is not None
    agent = int(runner.stdout.readline())
    try:
        id = rig.start()
        die(rig, id, "exec")
        ref = rig.attempt(id)
        assert ref is not None
        started = platform.start_time(agent)
        process = {"runner": runner.pid, "pid": agent, "started": started}
        with rig.store.transaction("test") as tx:
            begun = tx.put("attempt", {**rig.store.get(ref.id).payload, "process": process})
            tx.set_ref(ref.name, begun, why="as that uwf wrote it")
        (finding,) = rig.doctor(repair=False)
        assert f"process {runner.pid} runs it in another" in finding.what
        settled = rig.settle(id)
        assert settled is not None and settled.ended_pids == ()
        assert platform.is_alive(Owner(agent, started or ""))
        assert rig.thread(id).attempt.failure.code == INTERRUPTED  # type: ignore[union-attr]
    finally:
        os.killpg(runner.pid, 9)
        runner.wait()
        runner.stdout.close()
