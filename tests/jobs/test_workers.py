"""Workers, as they say of themselves, and what they are asked for."""

from __future__ import annotations

import time

import pytest

from tests.jobs.conftest import heard
from uwf import clock
from uwf.errors import NotFound
from uwf.jobs.link import QueueLink
from uwf.jobs.queue import ASKED
from uwf.jobs.workers import DRAIN, STOP, WorkerFacts, Workers
from uwf.record import replace

FACTS = WorkerFacts("box", "/home", 7, ("gpu",), ("claude",), 2, "1.0")
MAC = replace(FACTS, host="mac")


@pytest.fixture
def workers(link: QueueLink) -> Workers:
    return Workers(link)


def test_a_worker_is_shown_with_what_it_runs(workers: Workers) -> None:
    number = workers.register(FACTS)
    assert workers.beat(number, FACTS, ["01AAA"]) == (True, None)
    (found,) = workers.all()
    assert (found.worker, found.host, found.labels, found.running, found.state) == (
        number,
        "box",
        ("gpu",),
        ("01AAA",),
        "working",
    )
    assert found.since <= found.seen


def test_a_worker_that_takes_nothing_is_unfit_until_a_beat_says_otherwise(workers: Workers) -> None:
    number = workers.register(FACTS)
    workers.beat(number, FACTS, [], "/home cannot be written")
    (found,) = workers.all()
    assert (found.state, found.unfit) == ("unfit", "/home cannot be written")
    workers.ask(str(number), DRAIN)
    assert workers.all()[0].state == "draining"
    workers.beat(number, FACTS, [])
    assert workers.all()[0].unfit == ""


def test_workers_of_another_machine_that_has_the_same_name_are_known_and_not_taken_for_earlier_ones(
    workers: Workers, link: QueueLink
) -> None:
    ours = replace(FACTS, machine="boot")
    theirs, unknown = replace(FACTS, machine="boot.7"), FACTS
    one, two, three = map(workers.register, (ours, theirs, unknown))
    assert workers.namesakes(ours).keys() == {two}
    assert workers.namesakes(replace(ours, host="mac")) == workers.namesakes(unknown) == {}
    four = workers.register(replace(ours, pid=8))
    assert workers.earlier(ours, four) == {one: FACTS.pid}
    assert workers.earlier(unknown, four) == {three: FACTS.pid}
    before = workers.namesakes(ours)[two]
    workers.beat(two, theirs, [])
    assert workers.namesakes(ours)[two] > before
    link.query("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    assert workers.namesakes(ours) == {}


def test_with_each_beat_it_is_told_the_time_of_the_database(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(clock, "told", lambda there_ms, _asked_ms: told.append(there_ms))
    workers.beat(workers.register(FACTS), FACTS, [])
    assert [at_ms / 1000 for at_ms in told] == [pytest.approx(time.time(), abs=5)]


def test_one_is_asked_by_its_number_others_by_their_host_or_all(
    workers: Workers, link: QueueLink
) -> None:
    one, two = workers.register(FACTS), workers.register(FACTS)
    third = workers.register(MAC)
    assert workers.ask(str(one), DRAIN) == [one]
    assert workers.ask("mac", STOP) == [third]
    assert [each.state for each in workers.all()] == ["draining", "working", "stopping"]
    assert workers.beat(third, MAC, []) == (True, STOP)
    assert workers.ask(None, DRAIN) == [one, two, third]
    assert {each.channel for each in heard(link, 3)} == {ASKED}


def test_nobody_to_be_asked_is_an_error_that_says_where_to_look(workers: Workers) -> None:
    for whom in (None, "12", "mac"):
        with pytest.raises(NotFound) as told:
            workers.ask(whom, DRAIN)
        assert told.value.hint == "uwf worker list"


def test_a_worker_that_was_not_heard_of_is_gone_and_one_that_left_is_not_shown(
    workers: Workers, link: QueueLink
) -> None:
    lost, left = workers.register(FACTS), workers.register(FACTS)
    workers.leave(left)
    link.query("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    assert [(each.worker, each.state) for each in workers.all()] == [(lost, "gone")]
    with pytest.raises(NotFound):
        workers.ask("box", DRAIN)
    link.query("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 hours'")
    assert workers.all() == []
    workers.forget_gone()
    assert workers.beat(lost, FACTS, []) == (False, None)


def test_a_worker_that_the_queue_has_forgotten_learns_of_it(
    workers: Workers, link: QueueLink
) -> None:
    number = workers.register(FACTS)
    link.query("TRUNCATE procrastinate_workers CASCADE")
    assert workers.beat(number, FACTS, []) == (False, None)


def test_a_number_that_is_anothers_now_is_not_known(workers: Workers) -> None:
    """As it is where the database was made anew, and another worker was the first to come back."""
    number = workers.register(MAC)
    for other in (FACTS, replace(MAC, home="/another"), replace(MAC, pid=8)):
        assert workers.beat(number, other, ["01AAA"]) == (False, None)
    assert workers.all()[0].running == ()
    assert workers.beat(number, MAC, []) == (True, None)


def test_a_number_is_the_name_of_a_host_where_no_worker_has_it(workers: Workers) -> None:
    first = workers.register(FACTS)
    named = workers.register(replace(FACTS, host="424242"))
    like_the_first = workers.register(replace(FACTS, host=str(first)))
    assert workers.ask("424242", DRAIN) == [named]
    assert workers.ask(str(first), DRAIN) == [first] != [like_the_first]
    with pytest.raises(NotFound):
        workers.ask("9" * 20, DRAIN)
