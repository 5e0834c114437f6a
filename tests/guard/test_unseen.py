"""A budget that nobody can see: an agent that does not report what is limited."""

from __future__ import annotations

import pytest

from tests.guard.asking import bad, end, good, host, refused, request
from uwf.errors import PersonNeeded
from uwf.guard.budget import Budget
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
        "tokens unknown of 2M (agent mine reports none), usd unknown of 5 (agent mine reports none)"
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
    assert refusal.message.startswith("usd unknown of 5 (agent mine reports none), and")
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
