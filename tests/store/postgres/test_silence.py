"""A server that says nothing any more, over a connection that is as open as before: nobody waits for it for ever."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest

from tests.helpers.postgres import Cluster
from uwf.errors import QueueAway, StoreError
from uwf.jobs.link import QueueLink
from uwf.store.postgres import open_store, reaching, silence


def name_in(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


class Firewall:
    """A way to the server at `path` that swallows all, both ways, once `is_shut`."""

    def __init__(self, path: str) -> None:
        self.is_shut = False
        self._path = path
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._ways: dict[socket.socket, socket.socket] = {}
        self._is_over = False
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    def url(self, database: str) -> str:
        return f"postgresql://uwf@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        self._is_over = True
        self._carrier.join()
        for each in (self._door, *self._ways):
            each.close()

    def _carry(self) -> None:
        while not self._is_over:
            for each in select.select([self._door, *self._ways], [], [], 0.05)[0]:
                if each is self._door:
                    self._let_in(each.accept()[0])
                elif not self._passed_on(each):
                    self._end(each)

    def _passed_on(self, each: socket.socket) -> bool:
        """False at the end of that way."""
        if each not in self._ways:
            return True  # it has gone with its other end
        with suppress(OSError):
            data = each.recv(65536)
            self._ways[each].sendall(b"" if self.is_shut else data)
            return bool(data)
        return False

    def _end(self, each: socket.socket) -> None:
        other = self._ways.pop(each)
        self._ways.pop(other)
        each.close()
        other.close()

    def _let_in(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._path)
        self._ways |= {client: server, server: client}


@pytest.fixture
def firewall(
    cluster: Cluster, database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Firewall]:
    monkeypatch.setattr(silence, "SILENT_S", 0.3)
    monkeypatch.setattr(silence, "KNOCK_S", 2)  # libpq waits no less
    monkeypatch.setattr(reaching, "CONNECT_S", 2)
    with closing(Firewall(f"{cluster.folder}/.s.PGSQL.5432")) as firewall:
        yield firewall


def test_a_store_that_falls_silent_is_given_up_and_found_again(
    firewall: Firewall, database: str
) -> None:
    with closing(open_store(firewall.url(name_in(database)))) as store:
        firewall.is_shut = True
        began_s = time.monotonic()
        with pytest.raises(StoreError, match="waited 2") as away:
            store.count_refs()
        assert away.value.code == "store_away"
        assert time.monotonic() - began_s < 8
        firewall.is_shut = False
        assert store.count_refs() == 0


def test_a_transaction_on_which_it_falls_silent_is_not_told_as_written(
    firewall: Firewall, database: str
) -> None:
    with closing(open_store(firewall.url(name_in(database)))) as store:
        with pytest.raises(StoreError, match="said nothing"), store.transaction("x") as tx:
            tx.set_ref("t/a", tx.put("k", "x"), why="test")
            firewall.is_shut = True
            tx.count_refs()
        firewall.is_shut = False
        assert store.count_refs() == 0


def test_a_queue_that_falls_silent_is_away(firewall: Firewall, database: str) -> None:
    with closing(QueueLink(firewall.url(name_in(database)), "test")) as link:
        link.query("SELECT 1")
        firewall.is_shut = True
        with pytest.raises(QueueAway, match="said nothing for"):
            link.query("SELECT 1")
        with pytest.raises(QueueAway):
            link.query("SELECT 1")


def test_a_statement_that_takes_long_is_waited_for(firewall: Firewall, database: str) -> None:
    url = firewall.url(name_in(database))
    connection = reaching.reach(url, "here", 0.0, autocommit=True)
    with connection:
        assert connection.execute("SELECT 1 FROM pg_sleep(1.5)").fetchone() == (1,)


def test_a_server_that_lets_nobody_in_is_there_all_the_same(
    firewall: Firewall, cluster: Cluster, database: str
) -> None:
    name = name_in(database)
    connection = reaching.reach(firewall.url(name), "here", 0.0, autocommit=True)
    cluster.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    with connection:
        assert connection.execute("SELECT 1 FROM pg_sleep(1)").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database)
