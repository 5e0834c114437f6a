"""A budget that nobody can see: an agent that does not report what is limited."""

from __future__ import annotations

from unittest import mock

import pytest

from tests.guard.asking import bad, end, good, host, refused, request
from uwf.errors import PersonNeeded
from uwf.guard.counters import hashed
from uwf.guard.spending.budget import Budget
from uwf.guard.spending.unseen import FRESH_MS
from uwf.record import replace
from uwf.store.sqlite import SqliteStore, open_in_memory

STRICT = replace(Budget.Rules(), unseen="refuse")
LIMITED = request(budget={"usd": 5.0})


@pytest.fixture
def store() -> SqliteStore:
    return open_in_memory()


def test_what_is_limited_and_not_reported_is_said_in_words(store: SqliteStore) -> None:
    guard = Budget(host(store, replace(Budget.Rules(), day={"tokens": 2_000_000.0})))
    said = guard.unseen(LIMITED, {"time": 3.0})
    assert said == (
        "tokens not reported by agent mine (limit 2M tokens), usd not reported by agent mine (limit $5.00)"
    )
    assert guard.unseen(LIMITED, {"usd": 0.0, "tokens": 1}) is None
    assert (
        guard.unseen(request(), {}) is not None
        and Budget(host(store)).unseen(request(), {}) is None
    )


def test_such_an_agent_is_refused_where_that_is_asked_for(store: SqliteStore) -> None:
    guard = Budget(host(store, STRICT))
    guard.enter(LIMITED)  # of which nothing is known
    end(guard, good(tokens=5), store, LIMITED)
    refusal = refused(lambda: guard.enter(LIMITED))
    assert isinstance(refusal, PersonNeeded) and refusal.reason == "budget_unseen"
    assert refusal.message.startswith("usd not reported by agent mine (limit $5.00), and")
    guard.enter(request())  # which nothing limits
    guard.enter(request(budget={"tokens": 9.0}))
    guard.enter(replace(LIMITED, agent="another"))
    Budget(host(store)).enter(LIMITED)


def test_one_that_reports_is_let_in_again(store: SqliteStore) -> None:
    guard = Budget(host(store, STRICT))
    end(guard, good(), store, LIMITED)
    refused(lambda: guard.enter(LIMITED))
    end(guard, bad(), store, LIMITED)  # which says nothing of what it reports
    refused(lambda: guard.enter(LIMITED))
    end(guard, good(usd=1, tokens=5), store, LIMITED)
    guard.enter(LIMITED)


def test_what_came_about_before_it_was_asked_for_counts(store: SqliteStore) -> None:
    end(Budget(host(store)), good(tokens=5), store, LIMITED)
    assert refused(lambda: Budget(host(store, STRICT)).enter(LIMITED)).reason == "budget_unseen"


def test_where_nothing_is_limited_nothing_is_kept(store: SqliteStore) -> None:
    end(Budget(host(store)), good(), store, request(budget={"steps": 9.0}))
    assert not store.counters("unseen/")


def test_one_that_always_fails_is_refused(store: SqliteStore) -> None:
    guard = Budget(host(store, STRICT))
    for outcome in (
        bad("authentication"),
        bad("spawn_failed"),
        bad("network", is_transient=True),
        bad(is_retried=True),
    ):
        end(guard, outcome, store, LIMITED)
        guard.enter(LIMITED)
    end(guard, bad("bad_reply"), store, LIMITED)
    assert refused(lambda: guard.enter(LIMITED)).reason == "budget_unseen"


def test_a_failure_does_not_refuse_one_that_is_known_to_report(store: SqliteStore) -> None:
    guard = Budget(host(store, STRICT))
    end(guard, good(usd=1, tokens=5), store, LIMITED)
    end(guard, bad(), store, LIMITED)
    guard.enter(LIMITED)


def test_what_is_known_is_not_written_again_at_each_step(store: SqliteStore) -> None:
    guard = Budget(host(store))
    with mock.patch("uwf.clock.now_ms", lambda: 10**12):
        end(guard, good(usd=1, tokens=5), store, LIMITED)
    [(_, before)] = store.counters("unseen/")
    with mock.patch("uwf.clock.now_ms", lambda: 10**12 + 1000):
        end(guard, good(usd=2, tokens=6), store, LIMITED)
    assert store.counters("unseen/") == [(f"unseen/{hashed('mine')}", before)]
    with mock.patch("uwf.clock.now_ms", lambda: 10**12 + 2 * FRESH_MS):
        end(guard, good(usd=2, tokens=6), store, LIMITED)
    [(_, after)] = store.counters("unseen/")
    assert after["at_ms"] > before["at_ms"]
