"""The connection to the queue: opened anew after it was lost, and not again and again."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.helpers.postgres import Cluster
from tests.helpers.project import until
from uwf import clock
from uwf.errors import QueueAway, StoreError
from uwf.jobs.link import LONGEST_S, QueueLink


def test_a_lost_connection_is_left_alone_for_a_moment_and_opened_anew(
    link: QueueLink, queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = link.query("SELECT pg_backend_pid()")[0][0]
    other = QueueLink(queue_url, "another")
    other.query("SELECT pg_terminate_backend(%(pid)s, 5000)", {"pid": pid})
    other.close()
    with pytest.raises(QueueAway):
        link.query("SELECT 1")
    assert link.fileno() is None and 0 < link.left_s < 1
    with pytest.raises(QueueAway):
        link.query("SELECT 1")
    later_s = clock.monotonic_s() + 1
    monkeypatch.setattr(clock, "monotonic_s", lambda: later_s)
    assert link.query("SELECT 1") == [(1,)]
    assert link.left_s == 0


def test_it_waits_longer_each_time_and_never_as_long_as_others(
    monkeypatch: pytest.MonkeyPatch, link: QueueLink
) -> None:
    now_s = 0.0
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s)
    nobody = QueueLink("postgresql:///x?host=/nowhere", "test")
    waits = []
    for _ in range(12):
        with pytest.raises(QueueAway):
            nobody.query("SELECT 1")
        waits.append(nobody.left_s)
        now_s += nobody.left_s
    assert waits[0] < 1 < waits[5] < max(waits) <= LONGEST_S * 1.5
    assert len(set(waits)) == 12


def test_who_met_others_asks_again(link: QueueLink, queue_url: str) -> None:
    """Each waits for what the other has, and the server ends the one that has waited for a second."""
    link.query("CREATE TABLE two (x int); INSERT INTO two VALUES (1), (2)")
    [(pid,)] = link.query("SELECT pg_backend_pid()")
    with psycopg.connect(queue_url) as other, ThreadPoolExecutor() as thread:
        other.execute("SET deadlock_timeout = '30s'")
        other.execute("DELETE FROM uwf_queue.two WHERE x = 2")
        waits = thread.submit(link.query, "DELETE FROM two")
        is_there = "SELECT FROM pg_locks WHERE NOT granted AND pid = %s"
        until(lambda: other.execute(is_there, (pid,)).rowcount > 0)
        other.execute("DELETE FROM uwf_queue.two WHERE x = 1")
        with pytest.raises(QueueAway, match="deadlock"):
            waits.result()
    assert link.left_s < 1


def test_a_password_is_in_no_message(link: QueueLink) -> None:
    nobody = QueueLink("postgresql://me:s3cret@/x?host=/nowhere", "test")
    with pytest.raises(QueueAway) as told:
        nobody.query("SELECT 1")
    assert "s3cret" not in str(told.value)


def test_a_role_that_may_not_see_the_tables_is_not_told_to_make_them(
    cluster: Cluster, queue_url: str
) -> None:
    cluster.run("CREATE ROLE outsider LOGIN")
    try:
        link = QueueLink(queue_url.replace("//uwf@", "//outsider@"), "test")
        with pytest.raises(StoreError, match="permission denied for schema uwf_queue") as told:
            link.query("SELECT FROM workers")
        assert told.value.hint is not None and "\\dp uwf*.*" in told.value.hint
        assert link.fileno() is None
    finally:
        cluster.run("DROP ROLE outsider")


def test_a_database_without_the_tables_says_what_to_type(link: QueueLink) -> None:
    link.query("DROP TABLE procrastinate_jobs CASCADE")
    with pytest.raises(StoreError) as told:
        link.query("SELECT FROM procrastinate_jobs")
    assert told.value.hint == "uwf store migrate"


def test_what_was_said_meanwhile_is_heard(link: QueueLink, queue_url: str) -> None:
    link.query("SELECT 1")
    other = QueueLink(queue_url, "another")
    other.query("SELECT pg_notify('uwf_wake', 'x')")
    other.close()
    heard = list[str]()

    def all_heard() -> list[str]:
        heard.extend(each.payload for each in link.heard())
        return heard

    until(all_heard)
    assert heard == ["x"]
    assert link.heard() == []


def test_one_of_many_leaves_room_for_others(
    queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = QueueLink(queue_url, "test", is_one_of_many=True)
    assert one.query("SELECT 1") == [(1,)]
    one.close()
    monkeypatch.setattr("uwf.jobs.link._ROOM", "SELECT 19, 100")
    with pytest.raises(QueueAway) as told:
        one.query("SELECT 1")
    assert "81 of its 100 connections are taken" in told.value.message
    assert one.fileno() is None and one.left_s > 0


def test_it_sees_what_others_have_written_whatever_is_set_for_the_database(
    link: QueueLink, queue_url: str
) -> None:
    with psycopg.connect(queue_url, autocommit=True) as owner:
        for rule in ("default_transaction_isolation = 'serializable'", "statement_timeout = '9s'"):
            sql = f"ALTER ROLE CURRENT_USER IN DATABASE {owner.info.dbname} SET {rule}"
            owner.execute(sql.encode())
    assert link.query("SHOW default_transaction_isolation") == [("read committed",)]
    assert link.query("SHOW statement_timeout") == [("0",)]


def test_an_address_that_was_always_wrong_is_not_waited_for() -> None:
    link = QueueLink("postgresql://127.0.0.1:1/uwf?sslmode=requir", "test")
    with pytest.raises(StoreError) as wrong:
        link.query("SELECT 1")
    assert wrong.value.code == "bad_address"


def test_a_server_that_can_only_be_read_is_away(link: QueueLink, queue_url: str) -> None:
    link.query("SET default_transaction_read_only = on")
    with pytest.raises(QueueAway, match="read-only"):
        link.query("CREATE TABLE mine ()")
    assert link.fileno() is None


def test_what_the_database_refuses_is_told_in_words(link: QueueLink) -> None:
    with pytest.raises(StoreError, match="cannot use the store"):
        link.query("SELECT 1 / 0")


def test_without_what_speaks_to_the_database_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError) as told:
        QueueLink("postgresql://me:s3cret@/x", "test")
    assert told.value.hint == "pip install 'uwf[postgres]'"
    assert "s3cret" not in told.value.message


def test_a_pooler_that_gives_sessions_to_others_is_named(link: QueueLink) -> None:
    for sql, arguments in (
        ("SELECT FROM procrastinate_jobs", None),
        ("INSERT INTO applied (name) VALUES (%(name)s)", {"name": "test"}),
        ("SELECT procrastinate_prune_stalled_workers_v1(%(s)s)", {"s": 99.0}),
    ):
        link.query("SET search_path TO public")  # as another session has it, never told ours
        with pytest.raises(StoreError, match="pools by transaction") as told:
            link.query(sql, arguments)
        assert (told.value.code, told.value.hint) == ("store_pooled", "uwf help scale")
    assert link.query("SELECT FROM applied WHERE name = 'test'") == [], "it was undone"
