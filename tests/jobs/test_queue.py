"""The queue: one job waits for a thread, one is taken, and who asks gets the most urgent."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.jobs.conftest import heard
from uwf.errors import NotFound, StoreError
from uwf.jobs.link import QueueLink
from uwf.jobs.queue import ENDED, JobQueue, NewJob
from uwf.jobs.workers import WorkerFacts, Workers
from uwf.store.values import WAKE

A, B, C = "01AAA", "01BBB", "01CCC"
FACTS = WorkerFacts("box", "/home", 7, (), (), 2, "1")


@pytest.fixture
def queue(link: QueueLink) -> JobQueue:
    return JobQueue(link)


@pytest.fixture
def worker(link: QueueLink) -> int:
    return Workers(link).register(FACTS)


def job(thread: str, priority: int = 0, queue: str = "any") -> NewJob:
    return NewJob(thread, ("a timer",), queue, priority)


def test_the_most_urgent_is_taken_first_and_what_came_first_of_those_alike(
    queue: JobQueue, worker: int
) -> None:
    queue.offer([job(A), job(B, priority=5), job(C)])
    taken = [queue.take(["any"], worker) for _ in range(4)]
    assert [each and each.thread for each in taken] == [B, A, C, None]


def test_one_job_of_a_thread_waits_and_one_is_taken(queue: JobQueue, worker: int) -> None:
    assert queue.offer([job(A), job(B)]) == 2
    assert queue.offer([job(A, priority=9), job(C)]) == 1
    taken = queue.take(["any"], worker)
    assert taken is not None and taken.thread == A
    assert queue.offer([job(A, priority=9)]) == 1, "one may wait beside the one that is taken"
    assert [(each.thread, each.is_taken) for each in queue.jobs()] == [
        (A, False),
        (A, True),
        (B, False),
        (C, False),
    ]
    others = [queue.take(["any"], worker) for _ in range(3)]
    assert [each and each.thread for each in others] == [B, C, None]
    queue.done(taken.id)
    again = queue.take(["any"], worker)
    assert again is not None and again.thread == A


def test_a_worker_that_was_forgotten_takes_nothing_and_learns_of_it(
    queue: JobQueue, worker: int, link: QueueLink
) -> None:
    queue.offer([job(A)])
    link.query("SELECT procrastinate_prune_stalled_workers_v1(-1)")
    with pytest.raises(NotFound, match=f"does not know worker {worker}"):
        queue.take(["any"], worker)
    assert [each.is_taken for each in queue.jobs()] == [False]


def test_a_job_is_taken_by_who_asks_for_its_queue(queue: JobQueue, worker: int) -> None:
    queue.offer([job(A, queue="host:mac"), job(B, queue="label:gpu")])
    assert queue.take(["any", "host:box"], worker) is None
    found = queue.take(["any", "label:gpu"], worker)
    assert found is not None and found.thread == B


def test_a_thousand_jobs_are_put_in_few_statements_in_their_order(
    queue: JobQueue, worker: int
) -> None:
    threads = [f"01{number:04d}" for number in range(1100)]
    assert queue.offer([job(thread) for thread in threads]) == 1100
    assert [each.thread for each in queue.jobs()] == threads


def test_jobs_that_wait_are_ranked_anew_and_withdrawn_and_taken_ones_stay(
    queue: JobQueue, worker: int
) -> None:
    queue.offer([job(A), job(B), job(C)])
    taken = queue.take(["any"], worker)
    assert taken is not None
    _, b, c = sorted(queue.jobs(), key=lambda each: each.thread)
    queue.rank([(taken.id, "host:mac", 9), (c.id, "label:gpu", 9)])
    queue.withdraw([taken.id, b.id])
    assert [(each.thread, each.queue, each.priority) for each in queue.jobs()] == [
        (C, "label:gpu", 9),
        (A, "any", 0),
    ]


@pytest.mark.parametrize("said", ["x", "\U0001f4a5"])
def test_who_leads_is_told_what_a_run_came_to(
    queue: JobQueue, worker: int, link: QueueLink, said: str
) -> None:
    queue.offer([job(A), job(B)])
    for ended in ({"thread": A, "code": 6, "message": said * 9000}, None):
        taken = queue.take(["any"], worker)
        assert taken is not None
        queue.done(taken.id, ended)
    first, second = heard(link, 2)
    assert (first.channel, second.channel) == (ENDED, WAKE)
    told = json.loads(first.payload)
    assert (told["thread"], told["code"], len(told["message"])) == (A, 6, 600)
    assert queue.jobs() == []


def test_the_jobs_of_a_worker_that_is_not_heard_of_are_dropped(
    queue: JobQueue, worker: int
) -> None:
    queue.offer([job(A), job(B)])
    queue.take(["any"], worker)
    assert queue.drop_stalled() == []
    assert queue.drop_stalled(after_s=-1) == [A]
    assert [each.thread for each in queue.jobs()] == [B]


def test_a_worker_that_leaves_leaves_no_job_behind(
    queue: JobQueue, worker: int, link: QueueLink
) -> None:
    queue.offer([job(A)])
    queue.take(["any"], worker)
    Workers(link).leave(worker)
    assert queue.jobs() == []


def test_a_worker_that_is_in_no_table_any_more_has_lost_its_job(
    queue: JobQueue, worker: int, link: QueueLink
) -> None:
    queue.offer([job(A)])
    queue.take(["any"], worker)
    link.query("DELETE FROM procrastinate_workers")
    assert queue.drop_stalled() == [A]


def test_the_tables_are_made_once_and_asked_for_again_without_harm(queue_url: str) -> None:
    import psycopg

    from uwf.jobs.schema import apply_schema

    with psycopg.connect(queue_url, autocommit=True) as connection:
        assert apply_schema(connection) == []
        connection.execute("ALTER TABLE uwf_queue.workers DROP COLUMN machine")
        connection.execute("DELETE FROM uwf_queue.applied WHERE name = 'workers: machine'")
        link = QueueLink(queue_url, "test")
        with pytest.raises(StoreError, match="is of an earlier uwf") as old:
            Workers(link).register(FACTS)
        link.close()
        assert (old.value.code, old.value.hint) == ("no_queue", "uwf store migrate")
        assert apply_schema(connection) == ["workers: machine"]
        connection.execute("DROP SCHEMA uwf_queue CASCADE")
        assert apply_schema(connection)[0] == "schema"
        connection.execute("DROP SCHEMA uwf_queue CASCADE")
        connection.execute("CREATE SCHEMA uwf_queue CREATE TABLE workers (of_others int)")
        with pytest.raises(StoreError, match="tables that uwf has not made") as others:
            apply_schema(connection)
        assert others.value.hint is not None
        looks = subprocess.run(others.value.hint, shell=True, capture_output=True, text=True)
        assert " workers " in looks.stdout
