"""A server that ends as by a power cut, in the middle of a commit, and recovers: nobody believes what it forgot."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.helpers import postgres as clusters
from tests.helpers.postgres import Cluster
from uwf.errors import Conflict, StoreAway, StoreError
from uwf.store.postgres import PostgresStore, open_store


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A cluster of this test alone, which keeps what it has said it has."""
    with clusters.alone(is_safe=True) as cluster:
        yield cluster


@pytest.fixture
def url(server: Cluster) -> Iterator[str]:
    with server.database() as url:
        yield url


def cut_off_with_its_commit(server: Cluster, store: PostgresStore, others: list[str]) -> None:
    """A transaction whose server ends before the commit, and by then has done one for each of `others`."""
    with store.transaction("test") as tx:
        tx.set_counter("a", 1)
        server.stop()
        server.start()
        for name in others:
            other = open_store(store.place)
            with other.transaction("test") as new:
                new.set_counter(name, 1)
            other.close()


def test_another_transaction_that_got_its_number_does_not_pass_for_it(
    server: Cluster, url: str
) -> None:
    """The number of a transaction of which nothing was on the disk is given to another one."""
    store = open_store(url)
    with pytest.raises(StoreAway, match="is not known"):
        cut_off_with_its_commit(server, store, ["b", "c", "d"])
    assert store.counter("a") is None
    assert store.counter("d") == 1
    store.close()


def test_one_whose_number_nobody_has_yet_was_not_written(server: Cluster, url: str) -> None:
    store = open_store(url)
    with pytest.raises(StoreError, match="nothing was written"):
        cut_off_with_its_commit(server, store, [])
    assert store.counter("a") is None
    store.close()


def test_a_version_of_a_ref_that_was_given_out_again_is_not_taken_for_that_which_was_forgotten(
    server: Cluster, url: str
) -> None:
    server.be_late()
    store = open_store(url)
    with store.transaction("test") as tx:
        first = tx.set_ref("a", tx.put("k", 1), tags={"t": "1"}, why="x")
    with store.transaction("test", durable=False) as tx:
        forgotten = tx.set_ref("a", first.id, expect=first, tags={"t": "2"}, why="x")
    server.stop()
    server.start()
    other = open_store(url)
    with other.transaction("test") as tx:
        there = tx.set_ref("a", first.id, expect=first, tags={"of": "others"}, why="x")
    assert there.version == forgotten.version
    for has_looked in (False, True):
        with store.transaction("test") as tx:
            if has_looked:
                tx.ref("a")
            with pytest.raises(Conflict):
                tx.set_ref("a", first.id, expect=forgotten, tags={"t": "3"}, why="x")
    assert store.ref("a") == there
    assert store.refs_by_tag("", "of") == [there]
    for each in (store, other):
        each.close()


def test_what_is_durable_is_so_whatever_a_database_has_set_for_others(
    server: Cluster, url: str
) -> None:
    """A lease that was forgotten, and its number given to another one, would be held by two."""
    server.be_late()
    server.run(f"ALTER DATABASE {urlsplit(url).path[1:]} SET synchronous_commit = off")
    store = open_store(url)
    with store.transaction("test") as tx:
        tx.set_counter("a", 1)
    lease = store.leases.take("T")
    assert lease is not None
    server.stop()
    server.start()
    other = open_store(url)
    assert (other.counter("a"), other.leases.take("T")) == (1, None)
    assert store.leases.renew(lease)
    for each in (store, other):
        each.close()
