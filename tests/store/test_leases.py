"""Leases: one holder at a time, in one process and over processes, gone with its holder.

What every kind of leases promises comes first, each test with the kinds there are; what files add comes after.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.store.conftest import empty
from uwf import clock
from uwf.agent.process import platform
from uwf.errors import StoreError, Superseded
from uwf.record import replace
from uwf.store.leases import FileLeases, MemoryLeases, _offset
from uwf.store.owner import Owner
from uwf.store.protocols import Leases
from uwf.store.sql.store import SqlStore
from uwf.store.sqlite import SqliteStore, open_in_memory, open_store, schema
from uwf.store.values import Lease

ONE, OTHER = clock.ulid(1_700_000_000_000), clock.ulid(1_700_000_000_000)


class Child:
    """A forked process that does one thing, says so, and waits until it is told to end."""

    def __init__(self, work: Callable[[], object]) -> None:
        told, says = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.write(says, f"{work()!r}\n".encode())
                time.sleep(60)
            finally:
                os._exit(0)
        os.close(says)
        with open(told) as answers:
            self.answer = answers.readline().strip()

    def end(self) -> None:
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
            self.pid = 0


@pytest.fixture
def fork() -> Iterator[Callable[[Callable[[], object]], Child]]:
    children: list[Child] = []

    def start(work: Callable[[], object]) -> Child:
        children.append(Child(work))
        return children[-1]

    yield start
    for child in children:
        child.end()


Fork: TypeAlias = Callable[[Callable[[], object]], Child]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "threads.lock")


LASTS_S = 60.0


@pytest.fixture(params=["file", "memory", "expiring", "postgres"])
def fenced(request: pytest.FixtureRequest, path: str) -> Iterator[SqlStore]:
    """A store with leases of each kind."""
    if request.param == "postgres":
        yield request.getfixturevalue("postgres")
        return
    kinds = {"file": FileLeases(path), "memory": MemoryLeases(), "expiring": MemoryLeases(LASTS_S)}
    store = SqliteStore(schema.in_memory(), kinds[request.param])
    yield store
    store.close()


@pytest.fixture
def leases(fenced: SqlStore) -> Leases:
    return fenced.leases


class OfProcesses:
    """Leases in one database, of which each process has its own connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stores: dict[int, SqlStore] = {}

    @property
    def store(self) -> SqlStore:
        from uwf.store import postgres

        if os.getpid() not in self._stores:
            me = replace(platform.this_process(), host="here")
            self._stores[os.getpid()] = postgres.open_store(
                self._url, owner=me, may_live=platform.may_live
            )
        return self._stores[os.getpid()]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store.leases, name)


@pytest.fixture(params=["file", "postgres"])
def shared(request: pytest.FixtureRequest, path: str) -> Iterator[Leases]:
    """Leases of a store that other processes see."""
    if request.param == "file":
        yield FileLeases(path)
        return
    made: Any = OfProcesses(request.getfixturevalue("shared_database"))
    yield made
    made.store.close()
    empty(request.getfixturevalue("shared_database"))


def taken(leases: Leases, name: str) -> Lease:
    lease = leases.take(name)
    assert lease is not None
    return lease


def held_by(owner: Owner | None, process: Child) -> bool:
    return owner is not None and owner.pid == process.pid


def test_what_is_free_can_be_taken_and_names_its_holder(leases: Leases) -> None:
    assert leases.holder(ONE) is None
    lease = taken(leases, ONE)
    assert (lease.name, lease.owner.pid) == (ONE, os.getpid())
    assert leases.holder(ONE) == lease.owner
    leases.release(lease)
    assert leases.holder(ONE) is None


def test_second_taker_in_the_same_process_gets_nothing(leases: Leases) -> None:
    lease = taken(leases, ONE)
    assert leases.take(ONE) is None
    leases.release(lease)
    leases.release(taken(leases, ONE))


def test_other_names_are_not_in_the_way(leases: Leases) -> None:
    one, other = taken(leases, ONE), taken(leases, OTHER)
    leases.release(one)
    assert leases.holder(OTHER) == other.owner
    leases.release(other)


def test_whether_anything_is_held_is_known_without_a_name(leases: Leases) -> None:
    assert leases.anyone() is None
    one = taken(leases, ONE)
    assert leases.anyone() == one.owner
    leases.release(one)
    assert leases.anyone() is None


def test_what_another_process_holds_is_known_without_a_name(shared: Leases, fork: Fork) -> None:
    other = fork(lambda: shared.take(ONE) is None)
    assert held_by(shared.anyone(), other)
    other.end()
    assert shared.anyone() is None


def test_all_that_is_held_is_known_by_its_ending(leases: Leases) -> None:
    assert leases.held() == []
    held = [taken(leases, name) for name in (ONE, OTHER)]
    assert sorted(leases.held()) == sorted(name[-12:] for name in (ONE, OTHER))
    for lease in held:
        leases.release(lease)
    assert leases.held() == []


def test_what_several_processes_hold_is_found_among_all_bytes(shared: Leases, fork: Fork) -> None:
    """Bytes side by side, which the kernel makes one lock where one process has them, and the first and the last."""
    stem = ONE[:13]
    mine = taken(shared, f"{stem}1000000000002")
    names = [
        f"{stem}{end}" for end in ("0000000000000", "1000000000001", "1000000000003", "Z" * 13)
    ]
    side_by_side = [f"{stem}100000000000{end}" for end in "456"]
    other = fork(lambda: all([shared.take(name) for name in names]))
    fork(lambda: all([shared.take(name) for name in side_by_side]))
    expected = sorted(name[-12:] for name in (mine.name, *names, *side_by_side))
    assert sorted(shared.held()) == expected
    other.end()
    assert sorted(shared.held()) == sorted(name[-12:] for name in (mine.name, *side_by_side))
    shared.release(mine)


def test_a_lease_is_renewed_as_long_as_it_is_held(leases: Leases) -> None:
    lease = taken(leases, ONE)
    assert leases.renew(lease)
    assert leases.renew(lease)
    leases.release(lease)
    assert not leases.renew(lease)


def test_an_earlier_lease_neither_renews_nor_releases_a_later_one(leases: Leases) -> None:
    first = taken(leases, ONE)
    leases.release(first)
    second = taken(leases, ONE)
    assert second != first
    assert not leases.renew(first)
    leases.release(first)
    assert leases.renew(second)
    assert leases.holder(ONE) == second.owner
    leases.release(second)


def test_the_epoch_of_a_name_grows_with_each_taking(leases: Leases) -> None:
    epochs = []
    for _ in range(3):
        lease = taken(leases, ONE)
        epochs.append(lease.epoch)
        leases.release(lease)
    assert epochs == sorted({*epochs})
    assert len(epochs) == 3


class Time:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s

    def pass_s(self, seconds: float) -> None:
        self.s += seconds


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr("uwf.clock.monotonic_s", time)
    return time


class Expiring:
    """Leases that another may take when they were not renewed, and a time that passes when a test says so."""

    def __init__(self, store: SqlStore, pass_s: Callable[[float], object]) -> None:
        self.store = store
        self.leases = store.leases
        self.pass_s = pass_s


@pytest.fixture(params=["memory", "postgres"])
def expiring(request: pytest.FixtureRequest, now: Time) -> Iterator[Expiring]:
    if request.param == "postgres":
        store: SqlStore = request.getfixturevalue("postgres")
        sql = "UPDATE lease SET expires = expires - interval '1 second' * ?"
        yield Expiring(store, lambda seconds: store._database.change(sql, (float(seconds),)))
        return
    store = SqliteStore(schema.in_memory(), MemoryLeases(LASTS_S))
    yield Expiring(store, now.pass_s)
    store.close()


def test_a_lease_that_was_let_go_of_has_not_lapsed(expiring: Expiring) -> None:
    leases = expiring.leases
    leases.release(taken(leases, ONE))
    assert not leases.has_lapsed(ONE)
    taken(leases, ONE)
    assert not leases.has_lapsed(ONE)
    expiring.pass_s(LASTS_S + 2)
    assert leases.has_lapsed(ONE)


def test_a_lease_that_was_not_renewed_can_be_taken_over(expiring: Expiring) -> None:
    leases = expiring.leases
    late = taken(leases, ONE)
    expiring.pass_s(LASTS_S - 2)
    assert leases.take(ONE) is None
    assert leases.holder(ONE) == late.owner
    expiring.pass_s(3)
    assert (leases.holder(ONE), leases.anyone(), leases.held()) == (None, None, [])
    taker = taken(leases, ONE)
    assert taker.epoch > late.epoch
    assert not leases.renew(late)
    leases.release(late)
    assert leases.holder(ONE) == taker.owner
    assert leases.renew(taker)


def test_taking_waits_for_nobody_who_writes_under_the_lease(
    postgres: SqlStore, shared_database: str
) -> None:
    """Its machine may be frozen in the middle of a transaction."""
    from uwf.store.postgres import open_store as open_postgres

    other = open_postgres(shared_database)
    lease = taken(postgres.leases, ONE)
    with postgres.transaction("put", lease=lease):
        sql = "SELECT set_config('lock_timeout', '5s', false)"  # it would be an error
        other._database.one(sql)
        age = "UPDATE lease SET expires = expires - interval '1 hour'"
        postgres._database.change(age, ())
        assert other.leases.take(ONE) is None
    postgres._database.change(age, ())
    assert other.leases.take(ONE) is not None
    assert not written(postgres, lease)
    other.close()


def test_a_renewed_lease_lasts_on(expiring: Expiring) -> None:
    lease = taken(expiring.leases, ONE)
    for _ in range(3):
        expiring.pass_s(LASTS_S - 2)
        assert expiring.leases.renew(lease)
    assert expiring.leases.take(ONE) is None


def test_a_late_holder_goes_on_where_nobody_has_taken_over(expiring: Expiring) -> None:
    lease = taken(expiring.leases, ONE)
    expiring.pass_s(100 * LASTS_S)
    assert expiring.leases.renew(lease)
    assert expiring.leases.holder(ONE) == lease.owner
    assert expiring.leases.take(ONE) is None


def test_the_longest_that_may_be_held_still_is_known(expiring: Expiring) -> None:
    leases = expiring.leases
    assert leases.longest_s() is None
    lease = leases.take(ONE)
    expiring.pass_s(LASTS_S + 1)
    assert leases.longest_s() == LASTS_S, "its holder may go on until it is taken over"
    assert lease is not None
    leases.release(lease)
    assert leases.longest_s() is None


def test_a_word_for_the_holder_is_read_by_that_one_alone(expiring: Expiring) -> None:
    leases = expiring.leases
    assert not leases.ask(ONE, "stop")
    lease = taken(leases, ONE)
    assert leases.asked(lease) == ""
    assert leases.ask(ONE, "stop")
    assert leases.asked(lease) == "stop"
    leases.release(lease)
    assert leases.asked(lease) == ""
    later = taken(leases, ONE)
    assert leases.asked(later) == ""


def test_a_word_is_gone_with_the_lease_that_was_over(expiring: Expiring) -> None:
    leases = expiring.leases
    taken(leases, ONE)
    assert leases.ask(ONE, "stop")
    expiring.pass_s(LASTS_S + 1)
    assert not leases.ask(ONE, "stop")
    assert leases.asked(taken(leases, ONE)) == ""


def test_where_a_signal_does_it_no_word_is_left(path: str) -> None:
    for leases in (FileLeases(path), MemoryLeases()):
        lease = taken(leases, ONE)
        assert not leases.ask(ONE, "stop")
        assert leases.asked(lease) == ""
        leases.release(lease)


def written(store: SqlStore, lease: Lease) -> bool:
    """Whether a fenced transaction writes. It tells who holds the name where it does not."""
    name = os.urandom(8).hex()
    try:
        with store.transaction("put", lease=lease) as tx:
            tx.set_counter(name, 1)
    except Superseded as refused:
        assert lease.name in refused.message
        assert store.counter(name) is None
        return False
    assert store.counter(name) == 1
    return True


def test_a_fenced_transaction_writes_while_its_lease_is_held(fenced: SqlStore) -> None:
    lease = taken(fenced.leases, ONE)
    assert written(fenced, lease)
    fenced.leases.release(lease)
    assert not written(fenced, lease)


def test_a_fenced_transaction_of_an_earlier_lease_writes_nothing(fenced: SqlStore) -> None:
    first = taken(fenced.leases, ONE)
    fenced.leases.release(first)
    second = taken(fenced.leases, ONE)
    assert not written(fenced, first)
    assert written(fenced, second)
    fenced.leases.release(second)


def test_a_store_goes_on_after_a_transaction_was_refused(fenced: SqlStore) -> None:
    lease = taken(fenced.leases, ONE)
    fenced.leases.release(lease)
    assert not written(fenced, lease)
    with fenced.transaction("put") as tx:
        tx.set_counter("after", 1)
    assert fenced.counter("after") == 1


def test_who_was_superseded_is_told_who_holds_it_now(expiring: Expiring) -> None:
    store, leases = expiring.store, expiring.leases
    late = taken(leases, ONE)
    expiring.pass_s(LASTS_S + 1)
    assert written(store, late), "nobody has taken over"
    expiring.pass_s(LASTS_S + 1)
    taker = taken(leases, ONE)
    with (
        pytest.raises(Superseded, match=f"process {taker.owner.pid}.* holds it now"),
        store.transaction("put", lease=late),
    ):
        raise AssertionError("it began")
    assert written(store, taker)


def test_a_forked_child_does_not_write_under_the_lease_of_its_parent(
    tmp_path: Path, fork: Fork
) -> None:
    path = f"{tmp_path}/store.db"
    store = open_store(path)
    lease = taken(store.leases, ONE)

    def writes() -> bool:
        mine = open_store(path)
        return written(mine, lease)

    assert fork(writes).answer == repr(False)
    assert written(store, lease)
    store.leases.release(lease)
    store.close()


def test_second_process_gets_nothing_and_sees_the_holder(shared: Leases, fork: Fork) -> None:
    lease = taken(shared, ONE)
    other = fork(lambda: (shared.take(ONE), shared.holder(ONE), shared.take(OTHER) is None))
    assert other.answer == repr((None, lease.owner, False))
    assert held_by(shared.holder(OTHER), other)
    assert shared.take(OTHER) is None
    shared.release(lease)


def test_child_neither_has_nor_releases_the_lease_of_its_parent(shared: Leases, fork: Fork) -> None:
    lease = taken(shared, ONE)
    child = fork(lambda: (shared.renew(lease), shared.release(lease)))
    assert child.answer == repr((False, None))
    assert fork(lambda: shared.take(ONE)).answer == repr(None)
    assert shared.renew(lease)
    shared.release(lease)


def test_a_lease_is_gone_with_its_holder(shared: Leases, fork: Fork) -> None:
    other = fork(lambda: shared.take(ONE) is None)
    assert held_by(shared.holder(ONE), other)
    other.end()
    assert shared.holder(ONE) is None
    shared.release(taken(shared, ONE))


def test_looking_for_the_holder_releases_nothing(shared: Leases, fork: Fork) -> None:
    lease = taken(shared, ONE)
    for name in (ONE, OTHER, ONE):
        shared.holder(name)
    shared.held()
    assert fork(lambda: shared.take(ONE)).answer == repr(None)
    shared.release(lease)


def in_turn(leases: Leases, work: Callable[[], object]) -> None:
    """Do `work` as soon as the lease is to be had."""
    while (lease := leases.take(ONE)) is None:
        time.sleep(0.001)
    try:
        work()
    finally:
        leases.release(lease)


def test_ten_takers_get_it_one_after_the_other(shared: Leases, tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("0")

    def add() -> None:
        number = int(count.read_text())
        time.sleep(0.002)
        count.write_text(str(number + 1))

    pids = []
    for _ in range(10):
        pid = os.fork()
        if pid == 0:
            try:
                in_turn(shared, add)
            finally:
                os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    assert count.read_text() == "10"


def test_two_python_threads_never_have_it_both(leases: Leases) -> None:
    import threading

    inside, most = 0, 0

    def enter_and_leave() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0)
        inside -= 1

    def work() -> None:
        for _ in range(50):
            in_turn(leases, enter_and_leave)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (most, inside) == (1, 0)


@pytest.mark.parametrize("name", ["by-hand", "x", "ÄÖÜ", "a" * 100])
def test_name_that_is_no_ulid_can_be_held_too(leases: Leases, name: str) -> None:
    assert leases.holder(name) is None
    lease = taken(leases, name)
    assert leases.holder(name) == lease.owner
    leases.release(lease)


def test_asking_makes_no_file(path: str) -> None:
    assert FileLeases(path).holder(ONE) is None
    assert not os.path.exists(path)


def test_the_file_is_its_owners_alone(path: str) -> None:
    FileLeases(path).release(taken(FileLeases(path), ONE))
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_every_file_is_its_own_and_every_object_of_one_file_the_same(
    path: str, tmp_path: Path
) -> None:
    lease, elsewhere = taken(FileLeases(path), ONE), FileLeases(str(tmp_path / "other.lock"))
    elsewhere.release(taken(elsewhere, ONE))
    assert FileLeases(path).renew(lease)
    assert FileLeases(path).take(ONE) is None
    FileLeases(path).release(lease)


def test_every_thread_has_a_byte_of_its_own() -> None:
    ids = {clock.ulid(1_700_000_000_000 + n) for n in range(10_000)}
    offsets = {_offset(id) for id in ids}
    assert len(offsets) == len(ids)
    assert all(0 <= offset < 1 << 62 for offset in offsets)


def test_file_that_cannot_be_written_can_be_asked_and_nothing_taken_in_it(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(path).touch()
    plain = os.open

    def read_only(name: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied")
        return plain(name, flags, mode)

    monkeypatch.setattr(os, "open", read_only)
    assert FileLeases(path).holder(ONE) is None
    with pytest.raises(StoreError) as refused:
        FileLeases(path).take(ONE)
    assert path in refused.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_where_no_file_can_be_made_that_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="Permission denied") as caught:
            FileLeases(str(tmp_path / "threads.lock")).take(ONE)
        assert caught.value.hint == f"ls -la {tmp_path}"
    finally:
        tmp_path.chmod(0o700)


def test_stores_of_one_folder_share_their_leases_and_other_stores_do_not(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    stores = [open_store(f"{home}/store.db"), open_store(f"{home}/store.db")]
    alike, elsewhere = (
        open_in_memory(home=home),
        [open_in_memory(), open_store(f"{tmp_path}/store.db")],
    )
    for store in (*stores, alike, *elsewhere):
        assert store.leases.holder(ONE) is None
    assert not os.path.exists(f"{home}/threads.lock")
    lease = taken(stores[0].leases, ONE)
    assert os.path.exists(f"{home}/threads.lock")
    for store in (stores[1], alike):
        assert store.leases.holder(ONE) == lease.owner
        assert store.leases.take(ONE) is None
    for store in elsewhere:
        assert store.leases.holder(ONE) is None
    stores[1].leases.release(lease)
    assert stores[0].leases.holder(ONE) is None
    for store in (*stores, alike, *elsewhere):
        store.close()


def test_a_lease_outlives_the_connection_of_its_store(tmp_path: Path) -> None:
    path = f"{tmp_path}/store.db"
    first, second = open_store(path), open_store(path)
    lease = taken(first.leases, ONE)
    first.close()
    assert second.leases.holder(ONE) == lease.owner
    second.leases.release(lease)
    second.close()
