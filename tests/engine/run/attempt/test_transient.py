"""What time alone cures leaves a thread where it was, and names its next try; after a day a person is asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.fake_agent import Said, crash
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig, everything
from tests.helpers.ticking import Ticking
from uwf.agent.protocol import ToolCall
from uwf.engine.progress import Waiting
from uwf.engine.run.concurrent import asked
from uwf.errors import Interrupted, Refused, StateError
from uwf.guard import breaker, success_rate
from uwf.guard.attempts import FAILURES
from uwf.guard.success_rate import SuccessRate
from uwf.record import replace

OUTAGE = crash("Error: connect ECONNREFUSED 127.0.0.1:443")
LIMITED = crash("Error: usage limit reached")
HOUR_MS = 3_600_000


def put_off(rig: Rig, id: str, *answers: Said, verb: str = "exec", **order: Any) -> Refused:
    """What a run is refused with whose agent says these, the last of which time alone cures."""
    with pytest.raises(Refused) as refused:
        rig.run(id, verb, *answers, **order)
    return refused.value


def soon(rig: Rig, **retry: Any) -> None:
    """Tries follow at once, but for what is given."""
    settings = {"retry": {"wake_base_s": 0.002, "margin_s": 0.001, **retry}}
    rig.engine = replace(rig.engine, config=replace(rig.engine.config, settings=settings))


def failures(rig: Rig, id: str) -> list[dict[str, Any]]:
    """The attempts beside the head, oldest first."""
    found: list[dict[str, Any]] = []
    attempt = rig.thread(id).attempt
    last = None if attempt is None else attempt.last_end
    while last is not None:
        end = rig.store.get(last).payload
        found.insert(0, end)
        last = rig.store.get(end["begun"]).payload["before"]
    return found


def test_an_outage_leaves_the_thread_where_it_was_with_the_time_of_its_next_try(
    each_rig: Rig, now: Ticking
) -> None:
    rig = each_rig
    id = rig.start()
    head = rig.head(id)
    refusal = put_off(rig, id, OUTAGE, OUTAGE, OUTAGE)
    assert (refusal.reason, rig.head(id)) == ("transient", head)
    assert "connect ECONNREFUSED" in refusal.message
    state = rig.state(id)
    assert state == {
        "status": "idle",
        "wakeAt": str(refusal.retry_at_ms),
        "wakeWhy": f"recovery: agent fake exited with code 7: {OUTAGE.stderr}",
    }
    assert 14_000 < int(state["wakeAt"]) - now() <= 30_000
    assert [end["error"]["code"] for end in failures(rig, id)] == ["network"] * 3
    shown = rig.row(id)
    assert (shown["wakeAt"], shown["wakeKind"]) == (refusal.retry_at_ms, "recovery")
    assert state["wakeWhy"] == f"recovery: {shown['wakeWhy']}"
    assert shown["error"]["code"] == "network"


def test_a_command_by_hand_does_not_wait_for_the_timer_and_ends_it(rig: Rig) -> None:
    id = rig.start()
    put_off(rig, id, LIMITED)
    assert "wakeAt" in rig.state(id)

    def looks(_request: Any) -> str:
        assert rig.state(id) == {"status": "idle"}, "a run that has begun clears it"
        return WROTE

    assert rig.exec(id, looks).step is not None
    assert rig.state(id) == {"status": "idle"}


def test_a_run_that_is_refused_or_stopped_before_its_agent_leaves_the_timer(rig: Rig) -> None:
    id = rig.start()
    put_off(rig, id, LIMITED)
    before = everything(rig.store)
    rig.no_agent = True
    with pytest.raises(Refused, match="no agent"):
        rig.exec(id)
    assert everything(rig.store) == before


def test_each_try_in_vain_doubles_the_time_until_the_next(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    delays = []
    for _ in range(9):
        refusal = put_off(rig, id, LIMITED)
        assert refusal.retry_at_ms is not None
        delays.append(refusal.retry_at_ms - now())
        breaker.reset(rig.store, "fake")
    longest = [min(30_000 * 2**n, 1_800_000) for n in range(9)]
    for delay_ms, most_ms in zip(delays, longest, strict=True):
        assert most_ms / 2 - 100 <= delay_ms <= most_ms


def test_in_an_outage_only_the_first_run_tries_again_at_once(rig: Rig) -> None:
    id = rig.start()
    put_off(rig, id, OUTAGE, OUTAGE, OUTAGE)
    put_off(rig, id, OUTAGE)
    put_off(rig, id, OUTAGE)
    rig.exec(id, WROTE)
    assert len(rig.steps(id)[0].attempts) == 5


def test_a_reset_that_was_named_is_waited_for_with_a_margin(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    resets_ms = now() + 5 * HOUR_MS
    limit = crash(
        f'{{"error": {{"type": "usage_limit_reached", "resets_at": {resets_ms // 1000}}}}}'
    )
    refusal = put_off(rig, id, limit)
    assert refusal.retry_at_ms is not None
    assert 14_000 <= refusal.retry_at_ms - resets_ms <= 31_000
    assert refusal.hint == f"uwf thread exec {id} --until-done --wait 7h"


def test_it_exhausts_nothing_and_says_nothing_of_the_agent(rig: Rig) -> None:
    id = rig.start()
    for _ in range(20):
        put_off(rig, id, LIMITED)
        breaker.reset(rig.store, "fake")
    assert rig.store.counter(FAILURES + id) is None
    (figures,) = success_rate.figures(rig.store, SuccessRate.Rules(), by="agent")
    assert (figures.attempts, figures.rate, figures.reasons) == (20, None, {"quota": 20})
    rig.exec(id, WROTE)


def test_after_a_day_in_vain_a_person_is_asked(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    put_off(rig, id, LIMITED)
    now.ms += 23 * HOUR_MS
    breaker.reset(rig.store, "fake")
    refusal = put_off(rig, id, LIMITED)
    assert refusal.retry_at_ms is not None
    now.ms += HOUR_MS
    breaker.reset(rig.store, "fake")
    result = rig.exec(id, LIMITED)
    assert result.failure is not None
    assert "usage limit reached — tried again for 1d in vain" in result.failure.message
    state = rig.state(id)
    assert (state["status"], state["suspendMessage"]) == ("suspended", result.failure.message)
    assert "wakeAt" not in state
    breaker.reset(rig.store, "fake")
    put_off(rig, id, LIMITED, verb="resume")  # and begins another day
    assert rig.state(id)["status"] == "idle"


def test_no_next_try_comes_after_the_day(rig: Rig, now: Ticking) -> None:
    """A limit that resets in five days, or one that was misread, shall not keep a person from hearing of it."""
    id = rig.start()
    far_s = now() // 1000 + 5 * 86_400
    limit = crash(f'{{"error": {{"type": "usage_limit_reached", "resets_at": {far_s}}}}}')
    refusal = put_off(rig, id, limit)
    assert refusal.retry_at_ms is not None
    assert abs(refusal.retry_at_ms - now() - 24 * HOUR_MS) < 1000


def test_what_no_time_cures_waits_for_a_person_at_once(rig: Rig) -> None:
    id = rig.start()
    result = rig.exec(id, crash("Error: credit balance is too low"))
    assert result.failure is not None and result.failure.code == "quota"
    assert rig.state(id)["status"] == "suspended"


def test_whoever_waits_sits_it_out(rig: Rig) -> None:
    soon(rig)
    id = rig.start()
    outages = [OUTAGE] * 3 + [LIMITED, LIMITED]
    results = rig.run(id, "exec", *outages, WROTE, LIMITED, APPROVED, count=None, wait_s=60.0)
    assert [result.role for result in results] == ["writer", "reviewer"]
    assert rig.state(id)["status"] == "completed"
    assert sum(isinstance(event, Waiting) for event in rig.events) == 4
    assert len(rig.steps(id)[0].attempts) == 5


def test_whoever_waits_too_briefly_is_told_when(rig: Rig) -> None:
    refusal = put_off(rig, rig.start(), LIMITED, wait_s=2.0)
    assert refusal.reason == "transient"
    assert not any(isinstance(event, Waiting) for event in rig.events)


def test_a_stop_ends_the_waiting_and_leaves_the_timer(rig: Rig) -> None:
    id, told = rig.start(), rig.engine.on_progress

    def stop_when_it_waits(event: Any) -> None:
        told(event)
        if isinstance(event, Waiting):
            rig.stop.request()

    rig.engine = replace(rig.engine, on_progress=stop_when_it_waits)
    with pytest.raises(Interrupted):
        rig.run(id, "exec", LIMITED, wait_s=1000.0)
    assert "wakeAt" in rig.state(id)


def test_what_was_added_is_told_once_however_often_it_is_put_off(rig: Rig) -> None:
    id = rig.start()
    put_off(rig, id, LIMITED, supplement="use tabs")
    put_off(rig, id, LIMITED, supplement="use tabs")
    rig.exec(id, WROTE)
    assert rig.prompt.count("use tabs") == 1


def test_what_was_resumed_may_be_resumed_again(rig: Rig) -> None:
    """A script that types the same command until it is not 75 any more gets there."""
    id = rig.start()
    rig.exec(id, crash())
    put_off(rig, id, LIMITED, verb="resume", supplement="use tabs")
    assert rig.state(id)["status"] == "idle"
    put_off(rig, id, LIMITED, verb="resume", supplement="use tabs")
    rig.resume(id, WROTE)
    assert rig.prompt.count("use tabs") == 1
    with pytest.raises(StateError, match="nothing to resume"):
        rig.resume(id)


def test_a_round_that_is_put_off_goes_on_as_that_round(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    put_off(rig, id, LIMITED, verb="resume", supplement="one more")
    assert (rig.row(id)["round"], rig.state(id)["status"]) == (2, "idle")
    rig.resume(id, WROTE, supplement="one more")
    assert rig.prompt.count("one more") == 1
    assert [step.round for step in rig.steps(id)] == [1, 1, 2]


def test_a_poke_that_is_put_off_is_still_a_poke(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    for _ in range(2):
        put_off(rig, id, LIMITED, verb="poke", supplement="shorter")
    assert len(rig.steps(id)) == 1
    rig.exec(id, WROTE)
    assert rig.prompt.count("shorter") == 1
    (step,) = rig.steps(id)
    assert step.replaces is not None
    rig.exec(id, CHANGES)


def test_a_try_that_was_stopped_counts_for_nothing(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    first = put_off(rig, id, LIMITED).retry_at_ms
    assert first is not None
    rig.stopped(id)
    now.ms += 24 * HOUR_MS
    result = rig.exec(id, LIMITED)
    assert result.failure is not None and "in vain" in result.failure.message


def test_what_the_agent_asked_of_its_thread_is_done_before_it_waits(rig: Rig) -> None:
    soon(rig)
    id = rig.start()

    def asks(_request: Any) -> Said:
        asked.record(rig.store, id, asked.CANCEL, "enough")
        return replace(LIMITED, events=(ToolCall("1", "uwf", {}),))

    result = rig.run(id, "exec", asks, count=None, wait_s=60.0)[-1]
    assert result.failure is not None
    assert rig.state(id)["status"] == "cancelled"
    assert "wakeAt" not in rig.state(id)


def test_a_shell_without_room_speaks_of_no_agent(rig: Rig) -> None:
    id = rig.start()
    narrow = Said(ended="spawn_failed", error="Too many open files", is_of_machine=True)
    for _ in range(5):
        refusal = put_off(rig, id, narrow)
        assert "this shell or its machine has no room for agent fake: Too many" in refusal.message
    assert breaker.all_of(rig.store) == []
    assert [end["error"]["code"] for end in failures(rig, id)] == ["machine"] * 5
    rig.exec(id, WROTE)
