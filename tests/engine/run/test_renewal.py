"""A run renews its hold on a thread, and ends by itself once it cannot."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.helpers.fake_agent import Answers, Said
from tests.helpers.rig import WROTE, Rig
from uwf import clock
from uwf.agent.protocol import AgentRequest
from uwf.agent.stop import SIGTERM, Stop
from uwf.engine.run import renewal
from uwf.engine.run.renewal import Renewal
from uwf.errors import StoreError, Superseded
from uwf.store.leases import STOP_WORD, MemoryLeases
from uwf.store.sqlite import SqliteStore, schema
from uwf.store.values import Lease

NAME = clock.ulid(1_700_000_000_000)
LASTS_S = 0.6
PATIENCE_S = 20.0


class Leases(MemoryLeases):
    """Leases that `fail`, `hang` or go well, as a test says."""

    def __init__(self, lasts_s: float = LASTS_S) -> None:
        super().__init__(lasts_s)
        self.renewals = 0
        self.fails = False
        self.lets_go = threading.Event()
        self.lets_go.set()

    def renew(self, lease: Lease) -> bool:
        self.renewals += 1
        self.lets_go.wait()
        if self.fails:
            raise StoreError("the database is away")
        return super().renew(lease)


@pytest.fixture
def leases() -> Iterator[Leases]:
    made = Leases()
    yield made
    made.lets_go.set()


@pytest.fixture
def stop() -> Iterator[Stop]:
    made = Stop()
    yield made
    made.close()


def held(leases: Leases, stop: Stop) -> Renewal:
    lease = leases.take(NAME)
    assert lease is not None
    return Renewal(leases, lease, LASTS_S, stop)


def asked(stop: Stop) -> bool:
    return bool(select.select([stop.fileno()], [], [], PATIENCE_S)[0])


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


def test_a_lease_outlasts_its_time_while_it_is_renewed(leases: Leases, stop: Stop) -> None:
    with held(leases, stop):
        until(lambda: leases.renewals > 8)
        assert leases.holder(NAME) is not None
    assert stop.signum is None


def test_who_cannot_renew_is_asked_to_stop_before_the_lease_is_over(
    leases: Leases, stop: Stop
) -> None:
    with held(leases, stop):
        leases.fails = True
        assert asked(stop)
        assert leases.holder(NAME) is not None
    assert isinstance(stop.error, StoreError)
    assert (stop.error.code, stop.signum) == ("store_away", SIGTERM)
    assert "the database is away" in stop.error.message


def test_a_renewal_that_hangs_is_one_that_fails(leases: Leases, stop: Stop) -> None:
    with held(leases, stop):
        leases.lets_go.clear()
        assert asked(stop)
        assert leases.holder(NAME) is not None
    assert isinstance(stop.error, StoreError)
    assert "does not answer" in stop.error.message


def test_an_answer_that_comes_late_is_counted_from_when_it_was_asked_for(
    leases: Leases, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "PATIENCE", 1000.0)
    with held(leases, stop) as renewing:
        leases.lets_go.clear()
        until(lambda: leases.renewals == 1)
        asked_s = clock.monotonic_s()
        time.sleep(0.05)
        before_s = renewing._renewed_s
        leases.lets_go.set()
        until(lambda: renewing._renewed_s > before_s)
        leases.lets_go.clear()
        assert renewing._renewed_s <= asked_s


def test_a_failure_that_passes_in_time_stops_nothing(leases: Leases, stop: Stop) -> None:
    with held(leases, stop):
        leases.fails = True
        until(lambda: leases.renewals >= 1)
        leases.fails = False
        until(lambda: leases.renewals >= 10)
    assert stop.signum is None


def test_who_has_lost_its_lease_is_asked_at_once(leases: Leases, stop: Stop) -> None:
    with held(leases, stop) as renewal:
        leases.release(renewal._lease)
        other = leases.take(NAME)
        assert asked(stop)
        assert other is not None
        assert leases.holder(NAME) == other.owner
    assert isinstance(stop.error, Superseded)


def test_a_word_from_another_machine_asks_once_as_a_signal_would(
    leases: Leases, stop: Stop
) -> None:
    with held(leases, stop):
        assert leases.ask(NAME, STOP_WORD)
        assert asked(stop)
        renewals = leases.renewals
        until(lambda: leases.renewals > renewals + 2)
    assert (stop.count, stop.signum, stop.error) == (1, SIGTERM, None)


def test_nothing_is_asked_once_it_is_over(leases: Leases, stop: Stop) -> None:
    with held(leases, stop) as renewal:
        leases.fails = True
    leases.release(renewal._lease)
    until(lambda: not any(each.name == "_watch" for each in threading.enumerate()))
    assert stop.signum is None


@pytest.fixture
def rig(home: str) -> Iterator[Rig]:
    store = SqliteStore(schema.in_memory(), Leases())
    yield Rig(store, home)
    store.close()


def leases_of(rig: Rig) -> Leases:
    leases = rig.store.leases
    assert isinstance(leases, Leases)
    return leases


def test_a_run_that_cannot_renew_ends_its_agent_and_says_why(rig: Rig) -> None:
    id = rig.start()

    def working(request: AgentRequest) -> Answers:
        leases_of(rig).fails = True
        assert asked(rig.stop)
        leases_of(rig).fails = False
        return Said(ended="stopped", turns=("half a",))

    with pytest.raises(StoreError) as ended:
        rig.run(id, "exec", working)
    assert ended.value.code == "store_away"
    attempt = rig.thread(id).attempt
    assert attempt is not None and attempt.failure is not None
    assert attempt.failure.code == "stopped"
    assert rig.steps(id) == []


def test_a_run_is_renewed_through_all_of_its_steps(rig: Rig) -> None:
    id = rig.start()

    def working(request: AgentRequest) -> Answers:
        renewals = leases_of(rig).renewals
        until(lambda: leases_of(rig).renewals > renewals + 8)
        return WROTE

    assert rig.exec(id, working).role == "writer"
