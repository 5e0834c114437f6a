"""A store in PostgreSQL that cannot be had, or not be written: it is said why, and what to type."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.helpers.postgres import Cluster
from uwf.errors import InputError, StoreBusy, StoreError
from uwf.store.postgres import migrate, open_store, reaching
from uwf.store.postgres.faults import explain, is_lost
from uwf.store.protocols import Store


@pytest.fixture
def admin(cluster: Cluster, database: str) -> Iterator[Cluster]:
    """Statements of the administrator; the roles that they make are gone afterwards."""
    yield cluster
    for role in ("few", "asked", "reader"):
        cluster.run(f"DROP OWNED BY {role}", name_in(database)) if has(cluster, role) else None
        cluster.run(f"DROP ROLE IF EXISTS {role}")


def has(cluster: Cluster, role: str) -> bool:
    import psycopg

    with psycopg.connect(cluster.url("postgres")) as connection:
        row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    return row is not None


def name_in(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def opened(url: str) -> closing[Store]:
    return closing(open_store(url))


def put(store: Store) -> None:
    with store.transaction("test") as tx:
        tx.set_ref("t/a", tx.put("k", "x"), why="test")


def test_a_server_that_is_away_is_told_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://ann:s3cret@127.0.0.1:{nobody.getsockname()[1]}/uwf"
        began_s = time.monotonic()
        with pytest.raises(StoreError, match="Connection refused; waited 0") as away:
            open_store(url)
        assert time.monotonic() - began_s < 3
    assert away.value.code == "store_away"
    assert away.value.hint and away.value.hint.startswith(
        "pg_isready --dbname=postgresql://ann@127"
    )
    assert "s3cret" not in f"{away.value}{away.value.hint}"


def test_one_that_says_nothing_is_waited_for_no_longer_than_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reaching, "CONNECT_S", 2)  # libpq waits no less
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        url = f"postgresql://ann@127.0.0.1:{silent.getsockname()[1]}/uwf"
        with pytest.raises(StoreError, match=r"timeout expired; waited 2\.") as away:
            open_store(url)
    assert away.value.code == "store_away"


def test_a_socket_that_is_not_there_is_a_server_that_is_away(tmp_path: Path) -> None:
    for url in (f"postgresql:///uwf?host={tmp_path}", "postgresql://no.such.invalid/uwf"):
        for reach in (open_store, migrate):
            with pytest.raises(StoreError, match="cannot reach") as away:
                reach(url)
            assert away.value.code == "store_away"


def test_what_is_no_address_is_not_repeated() -> None:
    with pytest.raises(InputError) as refused:
        open_store("postgresql://ann:s3cret@h/db?nonsense=1")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://127.0.0.1:1/uwf?sslmode=requir",
        "postgresql://127.0.0.1:99999/uwf",
        "postgresql://127.0.0.1:1/uwf?keepalives=x",
        "postgresql://?service=teem",
    ],
)
def test_an_address_that_libpq_does_not_understand_is_no_server_that_is_away(wrong: str) -> None:
    with pytest.raises(StoreError, match=r"the address of the store .* is not right") as refused:
        open_store(wrong)
    assert refused.value.code == "bad_address"


def test_a_certificate_that_is_not_there_is_no_database_that_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import psycopg

    said = (
        'connection to server at "h", port 5432 failed: root certificate file "/r" does not exist'
    )
    error = psycopg.OperationalError(f"connection failed: {said}")
    monkeypatch.setattr(reaching.PatientConnection, "connect", Mock(side_effect=error))
    with pytest.raises(StoreError, match='not right: root certificate file "/r"'):
        open_store("postgresql://h/uwf")


def test_of_several_hosts_it_is_said_why_none_answers() -> None:
    with pytest.raises(StoreError, match="Connection refused; waited 0") as away:
        open_store("postgresql://127.0.0.1:1,127.0.0.1:2/uwf")
    assert away.value.code == "store_away"


def test_no_such_database_and_no_such_role_are_said(cluster: Cluster, database: str) -> None:
    for url in (cluster.url("nowhere"), database.replace("//uwf@", "//nobody@")):
        with pytest.raises(StoreError, match="no such role or database") as refused:
            open_store(url)
        assert refused.value.code == "store_no_database"
        assert refused.value.hint and refused.value.hint.startswith("psql ")


def test_a_wrong_password_is_said_and_in_no_message(admin: Cluster, database: str) -> None:
    """Without a password in the cluster's rules: a role of whom one is asked."""
    admin.run("CREATE ROLE asked LOGIN PASSWORD 'right-one'")
    rules = Path(admin.folder, "data", "pg_hba.conf")
    before = rules.read_text()
    try:
        rules.write_text("local all asked scram-sha-256\n" + before)
        admin.run("SELECT pg_reload_conf()")
        url = database.replace("//uwf@", "//asked:wr0ng-one@")
        deadline = time.monotonic() + 10
        code = ""
        while code != "store_denied" and time.monotonic() < deadline:
            with pytest.raises(StoreError) as refused:  # also before the rules are read
                open_store(url)
            code = refused.value.code
        assert "does not accept this password" in refused.value.message
        assert "wr0ng" not in f"{refused.value} {refused.value.hint}"
        with pytest.raises(StoreError, match="it wants a password"):
            open_store(database.replace("//uwf@", "//asked@"))
    finally:
        rules.write_text(before)
        admin.run("SELECT pg_reload_conf()")


def test_where_there_is_no_room_it_is_waited_for_a_little(
    admin: Cluster, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.run("CREATE ROLE few LOGIN CONNECTION LIMIT 1")
    admin.run("GRANT pg_read_all_data TO few")
    url = database.replace("//uwf@", "//few@")
    first = open_store(url)
    with pytest.raises(StoreBusy, match="no room for another connection") as busy:
        open_store(url, wait_s=0.2)
    assert busy.value.hint and busy.value.hint.endswith("-c 'SHOW max_connections'")
    pauses: list[float] = []

    def leave_meanwhile(pause_s: float) -> None:
        pauses.append(pause_s)
        if len(pauses) == 3:
            first.close()
        real_sleep(pause_s)

    real_sleep = time.sleep
    monkeypatch.setattr(reaching.time, "sleep", leave_meanwhile)
    open_store(url).close()
    assert len(pauses) >= 3
    admin.run("REVOKE pg_read_all_data FROM few")


def test_a_store_that_can_only_be_read_is_read_and_says_so_when_written(
    admin: Cluster, database: str
) -> None:
    with opened(database) as store:
        put(store)
    admin.run(f"ALTER DATABASE {name_in(database)} SET default_transaction_read_only = on")
    with opened(database) as store:
        ref = store.ref("t/a")
        assert ref is not None and store.get(ref.id).payload == "x"
        with store.snapshot():
            assert len(store.refs()) == 1
        with pytest.raises(StoreError, match="can only be read") as refused:
            put(store)
        assert refused.value.code == "store_readonly"
        assert store.ref("t/a") == ref


def test_what_is_set_for_others_changes_nothing_for_who_waits_for_another_writer(
    cluster: Cluster, database: str
) -> None:
    for rule in ("default_transaction_isolation = 'serializable'", "statement_timeout = '200ms'"):
        cluster.run(f"ALTER DATABASE {name_in(database)} SET {rule}")
    migrate(database)
    with opened(database) as first, opened(database) as second:
        has_begun = threading.Event()

        def write_slowly() -> None:
            with first.transaction("first") as tx:
                tx.set_counter("n", 1)
                has_begun.set()
                time.sleep(0.5)

        slow = threading.Thread(target=write_slowly)
        slow.start()
        assert has_begun.wait(10)
        with second.transaction("second") as tx:
            tx.set_counter("n", (tx.counter("n") or 0) + 1)
        slow.join()
        assert second.counter("n") == 2


def test_a_statement_that_was_ended_is_no_lost_connection() -> None:
    import psycopg

    error = psycopg.errors.QueryCanceled("canceling statement due to user request")
    assert not is_lost(error)
    told = explain(error, "there")
    assert (told.code, "lost" in told.message) == ("store_cancelled", False)


def test_texts_are_read_in_utf8_whatever_the_address_says(database: str) -> None:
    with opened(f"{database}&client_encoding=latin1") as store:
        with store.transaction("test") as tx:
            tx.set_ref("t/ä€", tx.put("k", "x"), why="test")
        assert [ref.name for ref in store.refs()] == ["t/ä€"]


def test_a_role_that_may_only_read_says_so(admin: Cluster, database: str) -> None:
    admin.run("CREATE ROLE reader LOGIN")
    admin.run("GRANT USAGE ON SCHEMA uwf TO reader", name_in(database))
    admin.run("GRANT SELECT ON ALL TABLES IN SCHEMA uwf TO reader", name_in(database))
    with opened(database.replace("//uwf@", "//reader@")) as store:
        assert store.refs() == []
        with pytest.raises(StoreError, match="may not do that") as refused:
            put(store)
        assert refused.value.code == "store_readonly"


def test_a_full_disk_there_is_said_and_nothing_is_written(admin: Cluster, database: str) -> None:
    full = (
        "CREATE FUNCTION uwf.is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';"
        " END $$; CREATE TRIGGER is_full BEFORE INSERT ON uwf.ref_log EXECUTE FUNCTION uwf.is_full()"
    )
    admin.run(full, name_in(database))
    with opened(database) as store:
        with pytest.raises(StoreError, match="its disk is full") as refused:
            put(store)
        assert refused.value.code == "store_full"
        assert store.refs() == [] and list(store.ids()) == []


def test_a_server_that_ended_the_connection_is_asked_again(admin: Cluster, database: str) -> None:
    ended = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{name_in(database)}'"
    )
    with opened(database) as store:
        put(store)
        admin.run(ended)
        assert len(store.refs()) == 1
        admin.run(ended)
        put(store)
        with pytest.raises(StoreError, match="was lost"), store.transaction("test") as tx:
            tx.set_ref("t/b", tx.put("k", "b"), why="test")
            admin.run(ended)
        assert store.ref("t/b") is None
