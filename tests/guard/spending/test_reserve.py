"""Steps that run at once, and one budget for the day: what each is expected to use counts from its beginning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guard.asking import end, good, host, refused, request
from uwf.errors import Crowded, Refused
from uwf.guard.contract import AttemptStopped, Request
from uwf.guard.spending import day, reserve
from uwf.guard.spending.budget import Budget
from uwf.record import replace
from uwf.store.sqlite import SqliteStore, open_in_memory

DAY = replace(Budget.Rules(), day={"usd": 5.0})


class Machine:
    """Threads that run steps under one budget of a day; each holds its lease as long as it runs."""

    def __init__(self, rules: Budget.Rules = DAY) -> None:
        self.store: SqliteStore = open_in_memory()
        self.kept: dict[str, float] = {}
        self.guard = Budget(host(self.store, rules, kept=lambda: self.kept))
        self.leases: dict[str, object] = {}

    def asked(self, thread: str, **fields: str) -> Request:
        return request(thread=thread, **fields)

    def begin(self, thread: str, **fields: str) -> None:
        asked = self.asked(thread, **fields)
        lease = self.store.leases.take(thread)
        assert lease is not None
        try:
            self.guard.enter(asked)
            with self.store.transaction("test") as tx:
                self.guard.begins(tx, asked)
        except Refused:
            self.store.leases.release(lease)
            raise
        self.leases[thread] = lease

    def end(self, thread: str, usd: float | None, **fields: str) -> None:
        used = {} if usd is None else {"usd": usd}
        end(self.guard, good(**used), self.store, self.asked(thread, **fields))
        self.die(thread)

    def die(self, thread: str) -> None:
        self.store.leases.release(self.leases.pop(thread))  # type: ignore[arg-type]

    def step(self, thread: str, usd: float | None) -> None:
        self.begin(thread)
        self.end(thread, usd)

    @property
    def spent(self) -> float:
        return day.today(self.store)["usd"]

    @property
    def held(self) -> dict[str, dict[str, float]]:
        return reserve.of_others(self.store, self.store.leases, "")


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_so_many_begin_as_the_rest_is_enough_for(machine: Machine) -> None:
    machine.step("A", 2.0)
    machine.begin("A")
    refusal = refused(lambda: machine.begin("B"))
    assert isinstance(refusal, Crowded) and refusal.reason == "budget_exhausted"
    assert refusal.message.startswith(
        "this machine has used $2.00 of $5.00 today; "
        "what runs now is expected to use $2.00 of the rest, and this one $2.00"
    )
    assert refusal.retry_at_ms is not None
    machine.end("A", 0.5)
    machine.begin("B")


def test_the_first_of_an_agent_sets_down_all_that_is_left(machine: Machine) -> None:
    machine.begin("A")
    assert isinstance(refused(lambda: machine.begin("B")), Crowded)
    machine.end("A", 1.0)
    for thread in "ABCD":
        machine.begin(thread)
    refused(lambda: machine.begin("E"))
    assert refused(lambda: machine.begin("F", role="another")).retry_at_ms is not None


def test_the_first_of_a_role_is_expected_to_cost_what_its_agent_does(machine: Machine) -> None:
    machine.step("A", 2.0)
    machine.begin("B", role="another")
    assert machine.held["B"]["usd"] == 2.0
    machine.end("B", 0.5, role="another")
    machine.begin("B", role="another")
    assert machine.held["B"]["usd"] == 0.5


def test_an_agent_that_reports_nothing_is_in_nobodys_way(machine: Machine) -> None:
    machine.step("A", None)
    for thread in "ABCDEFGHIJ":
        machine.begin(thread)


def test_the_last_one_may_begin_with_less_than_it_needs(machine: Machine) -> None:
    for _ in range(3):
        machine.step("A", 2.0)
    assert machine.spent == 6.0
    assert not isinstance(refused(lambda: machine.begin("A")), Crowded)


def test_what_the_config_reserves_goes_before_what_was_learned() -> None:
    machine = Machine(replace(DAY, reserve={"usd": 2.0}))
    machine.step("A", 0.5)
    machine.begin("A")
    machine.begin("B")
    refused(lambda: machine.begin("C"))


def test_nothing_is_held_for_the_dead(machine: Machine) -> None:
    machine.step("A", 3.0)
    machine.begin("A")
    refused(lambda: machine.begin("B"))
    machine.die("A")
    machine.begin("B")
    assert [name for name, _ in machine.store.counters(reserve.RESERVED)] == ["reserved/B"]


def test_nothing_is_held_for_what_has_ended(machine: Machine) -> None:
    machine.step("A", 1.0)
    machine.begin("A")
    asked = machine.asked("A")
    end(machine.guard, AttemptStopped({"usd": 0.25}, 5), machine.store, asked)
    assert machine.held == {}
    assert reserve.expected(machine.store, asked)["usd"] == 1.0  # a stopped step is no measure


def test_who_was_superseded_lets_go_of_nothing_of_the_run_that_has_the_thread(
    machine: Machine,
) -> None:
    machine.step("A", 1.0)
    machine.begin("A")
    held = machine.held
    late = AttemptStopped({"usd": 0.25}, 5, is_superseded=True)
    end(machine.guard, late, machine.store, machine.asked("A"))
    assert machine.held == held != {}


def test_a_dear_step_is_forgotten_by_and_by(machine: Machine) -> None:
    machine.step("A", 4.0)
    for _ in range(20):
        end(machine.guard, good(usd=0.0), machine.store, machine.asked("A"))
    assert 0.4 < reserve.expected(machine.store, machine.asked("A"))["usd"] < 0.6


def test_replies_that_are_kept_count(machine: Machine) -> None:
    machine.kept["usd"] = 5.0
    assert not isinstance(refused(lambda: machine.begin("A")), Crowded)
    assert machine.guard.status().facts["today"]["usd"] == 5.0


def test_the_status_says_what_is_expected(machine: Machine) -> None:
    machine.step("A", 1.5)
    machine.begin("A")
    lines = {line.name: line for line in machine.guard.status().lines}
    usd = lines["usd today"]
    assert (usd.now, usd.limit, usd.note) == (1.5, 5, "$1.50 more by what runs")
    assert machine.guard.status().facts["dayReserved"]["usd"] == 1.5


def test_what_was_written_by_hand_is_in_nobodys_way(machine: Machine) -> None:
    with machine.store.transaction("test") as tx:
        tx.set_counter("reserved/B", "much")
        tx.set_counter(reserve._costs_of(machine.asked("A"))[0], [1])
    machine.step("A", 1.0)


@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.floats(0.1, 2.0)), min_size=20, max_size=60))
def test_together_they_go_past_the_limit_by_one_step_and_the_errors(
    acts: list[tuple[str, float]],
) -> None:
    """Each act begins the step of a thread, or ends it with what it used."""
    machine, expected, error = Machine(), dict[str, float](), 0.0
    most = 0.0
    for thread, usd in acts:
        if thread in machine.leases:
            error += max(0.0, usd - expected[thread])
            most = max(most, usd)
            machine.end(thread, usd)
            continue
        try:
            machine.begin(thread)
        except Refused:
            continue
        expected[thread] = machine.held[thread]["usd"]
    assert machine.spent <= 5.0 + most + error
