"""What a thread and a machine may cost: asked before a step, counted to the day, said in words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.guard.asking import end, host, request
from uwf import clock
from uwf.errors import Refused
from uwf.guard.contract import AttemptFailed, AttemptStopped, AttemptSucceeded, Request
from uwf.guard.spending import budget, day
from uwf.guard.spending.budget import Budget
from uwf.record import replace
from uwf.store.sqlite import SqliteStore, open_in_memory

NOON_MS = 1_769_860_800_000  # 2026-01-31T12:00:00Z
DAY_MS = 86_400_000
NO_RULES = Budget.Rules()

REQUEST = request(thread="T", workflow="w", agent="a")


class Clock:
    def __init__(self) -> None:
        self.ms = NOON_MS

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    fake = Clock()
    monkeypatch.setattr(clock, "now_ms", fake)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield fake
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def store() -> SqliteStore:
    return open_in_memory()


def tell(store: SqliteStore, usage: dict[str, float]) -> None:
    """A step came about that used this."""
    end(Budget(host(store)), AttemptSucceeded(usage, 0), store)


def limited(rules: Budget.Rules = NO_RULES, store: SqliteStore | None = None) -> Budget:
    return Budget(host(store or open_in_memory(), rules))


def refusal(store: SqliteStore, rules: Budget.Rules, request: Request) -> Refused | None:
    try:
        limited(rules, store).enter(request)
    except Refused as refused:
        assert refused.reason == "budget_exhausted"
        return refused
    return None


def test_without_limits_everything_passes(store: SqliteStore) -> None:
    request = replace(REQUEST, spent={"usd": 1e9, "tokens": 1e12, "steps": 1e6}, visits=999)
    assert refusal(store, NO_RULES, request) is None


@pytest.mark.parametrize("name", ["tokens", "usd", "steps", "time"])
def test_a_limit_holds_when_nothing_is_left(store: SqliteStore, name: str) -> None:
    request = replace(REQUEST, budget={name: 5.0})
    assert refusal(store, NO_RULES, replace(request, spent={name: 4.0})) is None
    assert refusal(store, NO_RULES, replace(request, spent={name: 5.0})) is not None
    assert refusal(store, NO_RULES, replace(request, spent={name: 5.5})) is not None


def test_visits_are_those_of_the_role_that_would_run(store: SqliteStore) -> None:
    request = replace(REQUEST, budget={"visits": 3.0}, spent={"visits": 99.0})
    assert refusal(store, NO_RULES, replace(request, visits=2)) is None
    refused = refusal(store, NO_RULES, replace(request, visits=3))
    assert refused is not None
    assert refused.message == "thread T (role writer) has used 3 of 3 visits"


@pytest.mark.parametrize("name", ["tokens", "usd", "steps", "time", "visits"])
def test_a_step_that_replaces_one_adds_no_step_and_no_visit(store: SqliteStore, name: str) -> None:
    rules = replace(NO_RULES, thread={name: 3.0})
    request = replace(REQUEST, spent={name: 4.0}, visits=4, replaces=True)
    assert (refusal(store, rules, request) is None) == (name in ("steps", "visits"))


def test_a_refusal_says_what_was_used_and_how_to_raise_it(store: SqliteStore) -> None:
    refused = refusal(store, NO_RULES, replace(REQUEST, budget={"usd": 5.0}, spent={"usd": 5.02}))
    assert refused is not None
    assert refused.message == "thread T has used $5.02 of $5.00"
    assert refused.hint == "uwf thread resume T --budget +usd=5"
    both = replace(REQUEST, budget={"usd": 5.0, "steps": 2.0}, spent={"usd": 6.0, "steps": 2.0})
    refused = refusal(store, NO_RULES, both)
    assert refused is not None
    assert refused.message == "thread T has used $6.00 of $5.00, 2 of 2 steps"
    assert refused.hint == "uwf thread resume T --budget +usd=5,+steps=2"


def test_config_limits_a_thread_that_has_no_limit_of_its_own(store: SqliteStore) -> None:
    rules = replace(NO_RULES, thread={"usd": 5.0})
    assert refusal(store, rules, replace(REQUEST, spent={"usd": 5.0})) is not None
    assert refusal(store, rules, replace(REQUEST, spent={"usd": 5.0}, budget={"usd": 9.0})) is None


def test_a_step_is_not_begun_when_its_reserve_is_not_there(store: SqliteStore) -> None:
    rules = replace(NO_RULES, reserve={"usd": 1.0})
    request = replace(REQUEST, budget={"usd": 5.0})
    assert refusal(store, rules, replace(request, spent={"usd": 4.0})) is None
    refused = refusal(store, rules, replace(request, spent={"usd": 4.5}))
    assert refused is not None
    assert refused.message.endswith("has used $4.50 of $5.00 ($1.00 needed)")


def test_what_a_step_may_use_is_its_reserve(store: SqliteStore) -> None:
    rules = replace(NO_RULES, step={"usd": 2.0, "time": 3600.0})
    request = replace(REQUEST, budget={"usd": 5.0, "time": 3600.0})
    assert refusal(store, rules, replace(request, spent={"usd": 3.0})) is None
    assert refusal(store, rules, replace(request, spent={"usd": 3.5})) is not None
    rules = replace(rules, reserve={"usd": 0.5})
    assert refusal(store, rules, replace(request, spent={"usd": 4.5})) is None
    # a step with little time left is begun, with little time
    assert refusal(store, rules, replace(request, spent={"time": 3599.0})) is None


@pytest.mark.usefixtures("now")
def test_the_day_is_that_of_all_machines_which_share_the_store(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteStore, "is_shared", True)
    tell(store, {"usd": 1.25})
    refused = refusal(store, replace(NO_RULES, day={"usd": 1.0}), REQUEST)
    assert refused is not None
    assert refused.message.startswith("all machines have used $1.25 of $1.00 today")


@pytest.mark.usefixtures("now")
def test_the_day_is_counted_for_the_whole_machine(store: SqliteStore) -> None:
    rules = replace(NO_RULES, day={"usd": 1.0, "steps": 3.0})
    tell(store, {"usd": 0.5, "tokens": 100, "words": 7})
    end(Budget(host(store)), AttemptStopped({"usd": 0.25}, 1500), store)
    assert day.today(store) == {"usd": 0.75, "tokens": 100, "steps": 1, "time": 1.5}
    assert refusal(store, rules, REQUEST) is None
    end(Budget(host(store)), AttemptFailed({"usd": 0.5}, 0, 0, "exit_code", "it crashed"), store)
    refused = refusal(store, rules, REQUEST)
    assert refused is not None
    assert refused.message == (
        "this machine has used $1.25 of $1.00 today; try again at 2026-02-01T00:00:00Z"
    )
    assert refused.hint == "uwf config set budget.day.usd 2"
    tell(store, {})
    tell(store, {})
    refused = refusal(store, replace(rules, day={"steps": 3.0}), REQUEST)
    assert refused is not None
    assert "3 of 3 steps today" in refused.message


def test_a_new_day_begins_at_local_midnight(
    store: SqliteStore, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    tell(store, {"usd": 5.0})
    now.ms = NOON_MS + 11 * 3_600_000 - 1  # one millisecond before midnight in Berlin
    assert day.today(store)["usd"] == 5
    assert day.midnight_ms(day.zone_of(store)) == now.ms + 1
    now.ms += 1
    assert day.today(store)["usd"] == 0
    assert day.midnight_ms(day.zone_of(store)) == now.ms + DAY_MS


def test_the_day_of_a_home_is_the_same_in_every_zone(
    store: SqliteStore, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, told = replace(NO_RULES, day={"usd": 1.0}), set()
    for zone in ("Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati", "<+03>-3", ""):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        tell(store, {"usd": 0.5})
        refused = refusal(store, rules, REQUEST)
        told.add(None if refused is None else refused.retry_at_ms)
    assert day.today(store)["usd"] == 2.5
    assert told == {None, NOON_MS + 3 * 3_600_000}  # midnight in Tokyo, where the first was


def test_the_config_says_where_a_day_begins(
    store: SqliteStore, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    tell(store, {"usd": 5.0})
    rules = replace(NO_RULES, day={"usd": 1.0}, zone="America/New_York")
    refused = refusal(store, rules, REQUEST)
    assert refused is not None and refused.retry_at_ms == NOON_MS + 17 * 3_600_000


def test_a_zone_that_this_machine_does_not_know_is_its_offset(store: SqliteStore) -> None:
    with store.transaction("test") as tx:
        tx.set_counter(day.ZONE, {"name": "Mars/Olympus", "offset_s": 5400})
    assert day.zone_of(store).utcoffset(None) == timedelta(hours=1.5)


def test_midnight_is_right_when_the_clocks_change(
    now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    now.ms = 1_774_738_800_000  # 2026-03-29T00:00 in Berlin: a day of 23 hours begins
    assert (
        day.midnight_ms(day.zone_of(open_in_memory(), None, "Europe/Berlin"))
        == now.ms + 23 * 3_600_000
    )


def test_days_long_past_are_forgotten(store: SqliteStore, now: Clock) -> None:
    for _ in range(budget.KEPT_DAYS + 5):
        tell(store, {"usd": 1.0})
        now.ms += DAY_MS
    assert budget.KEPT_DAYS <= len(store.counters(day.DAYS)) <= budget.KEPT_DAYS + 1


@pytest.mark.usefixtures("now")
def test_a_negative_or_strange_amount_adds_nothing(store: SqliteStore) -> None:
    tell(store, {"usd": 1.0})
    tell(store, {"usd": -5.0, "tokens": "many"})  # type: ignore[dict-item]
    assert day.today(store)["usd"] == 1
    assert day.today(store)["tokens"] == 0


def test_what_is_reached_is_said_in_words() -> None:
    limits = {"usd": 5.0, "tokens": 2e6, "visits": 3.0, "time": 7200.0}
    spent = {"usd": 4.99, "tokens": 1_999_999, "time": 7199.9}
    assert limited().reached(limits, spent, 2) is None
    assert limited().reached(limits, {"usd": 5.021}, 2) == "$5.02 of $5.00"
    assert limited().reached(limits, {"tokens": 2_000_123, "time": 7260.4}, 3) == (
        "2M of 2M tokens, 3 of 3 visits, 2h01m of 2h00m"
    )
    rules = replace(NO_RULES, reserve={"usd": 1.0})
    assert limited(rules).reached(limits, {"usd": 4.0}) is None
    assert limited(rules).reached(limits, {"usd": 4.5}) == ("$4.50 of $5.00 ($1.00 needed)")


def test_the_time_of_a_step_is_the_least_that_is_left() -> None:
    request = replace(REQUEST, budget={"time": 100.0}, spent={"time": 70.0})
    assert limited().remaining(REQUEST, "time") is None
    assert limited().remaining(request, "time") == 30
    assert limited(replace(NO_RULES, step={"time": 10.0})).remaining(request, "time") == 10
    assert limited(replace(NO_RULES, thread={"time": 5.0})).remaining(REQUEST, "time") == 5
    assert limited().remaining(replace(request, spent={"time": 101.0}), "time") == 0


class Days(RuleBasedStateMachine):
    """The guard beside a list of everything that was ever spent."""

    @initialize(
        limit=st.none() | st.integers(1, 20),
        day=st.none() | st.integers(1, 20),
        reserve=st.integers(0, 5),
    )
    def begin(self, limit: int | None, day: int | None, reserve: int) -> None:
        self.store = open_in_memory()
        self.limit, self.day, self.reserve = limit, day, reserve
        self.told: list[tuple[int, int]] = []
        self.now = Clock()
        self.real = clock.now_ms
        clock.now_ms = self.now
        self.rules = Budget.Rules(
            step={},
            thread={} if limit is None else {"tokens": float(limit)},
            day={} if day is None else {"tokens": float(day)},
            reserve={"tokens": float(reserve)} if reserve else {},
        )

    def teardown(self) -> None:
        if hasattr(self, "real"):
            clock.now_ms = self.real

    @rule(tokens=st.integers(0, 6))
    def spend(self, tokens: int) -> None:
        tell(self.store, {"tokens": tokens})
        self.told.append((self.today(), tokens))

    @rule(hours=st.integers(-30, 30))
    def clock_moves(self, hours: int) -> None:
        self.now.ms += hours * 3_600_000

    def today(self) -> int:
        local = time.localtime(self.now.ms / 1000)
        return local.tm_year * 1000 + local.tm_yday

    def left(self, limit: int | None, used: int) -> bool:
        return limit is None or (limit > used and limit - used >= self.reserve)

    @invariant()
    def the_guard_says_what_the_list_says(self) -> None:
        if not hasattr(self, "told"):
            return
        life = sum(tokens for _, tokens in self.told)
        today = sum(tokens for day, tokens in self.told if day == self.today())
        passes = self.left(self.limit, life) and self.left(self.day, today)
        request = replace(REQUEST, spent={"tokens": life})
        assert (refusal(self.store, self.rules, request) is None) == passes


TestDays = Days.TestCase
TestDays.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
