"""The thread lock: one holder at a time, in one process and over processes, gone with its holder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.guard.asking import Time
from uwf import clock
from uwf.errors import Busy, StoreError
from uwf.store import leases as lock

ONE, OTHER = clock.ulid(1_700_000_000_000), clock.ulid(1_700_000_000_000)
PATIENCE_S = 10.0


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "threads.lock")


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


def taken(path: str, thread: str) -> str:
    """What taking the lock comes to. It is kept for as long as the process lives."""
    try:
        KEPT.append(lock.take(path, thread))
    except Busy:
        return "busy"
    return "taken"


KEPT: list[lock.ThreadLock] = []


def test_free_lock_can_be_taken_and_names_its_holder(path: str) -> None:
    assert lock.holder(path, ONE) is None
    with lock.take(path, ONE):
        assert lock.holder(path, ONE) == os.getpid()
    assert lock.holder(path, ONE) is None


def test_asking_makes_no_file(path: str) -> None:
    assert lock.holder(path, ONE) is None
    assert not os.path.exists(path)


def test_lock_file_is_its_owners_alone(path: str) -> None:
    with lock.take(path, ONE):
        assert os.stat(path).st_mode & 0o777 == 0o600


def test_second_taker_in_the_same_process_is_refused(path: str) -> None:
    with lock.take(path, ONE), pytest.raises(Busy):
        lock.take(path, ONE)
    with lock.take(path, ONE):
        pass


def test_other_threads_are_not_in_the_way(path: str, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "other.lock")
    with lock.take(path, ONE), lock.take(path, OTHER), lock.take(elsewhere, ONE):
        assert lock.holder(path, OTHER) == os.getpid()


def test_lock_is_released_once_and_not_taken_from_the_next_holder(path: str) -> None:
    first = lock.take(path, ONE)
    first.release()
    second = lock.take(path, ONE)
    first.release()
    assert lock.holder(path, ONE) == os.getpid()
    second.release()


def test_lock_is_released_when_the_work_fails(path: str) -> None:
    with pytest.raises(ZeroDivisionError), lock.take(path, ONE):
        raise ZeroDivisionError
    assert lock.holder(path, ONE) is None


def test_second_process_is_refused_and_sees_the_holder(
    path: str, fork: Callable[[Callable[[], object]], Child]
) -> None:
    with lock.take(path, ONE):
        other = fork(lambda: (taken(path, ONE), lock.holder(path, ONE), taken(path, OTHER)))
        assert other.answer == repr(("busy", os.getpid(), "taken"))
        assert lock.holder(path, OTHER) == other.pid
        with pytest.raises(Busy):
            lock.take(path, OTHER)


def test_child_that_leaves_a_lock_does_not_release_its_parents(
    path: str, fork: Callable[[Callable[[], object]], Child]
) -> None:
    with lock.take(path, ONE) as mine:
        fork(mine.release)
        other = fork(lambda: taken(path, ONE))
        assert other.answer == repr("busy")


def test_lock_is_gone_with_its_holder(
    path: str, fork: Callable[[Callable[[], object]], Child]
) -> None:
    other = fork(lambda: taken(path, ONE))
    assert lock.holder(path, ONE) == other.pid
    other.end()
    assert lock.holder(path, ONE) is None
    with lock.take(path, ONE):
        pass


def test_looking_at_a_lock_does_not_release_it(
    path: str, fork: Callable[[Callable[[], object]], Child]
) -> None:
    with lock.take(path, ONE):
        for thread in (ONE, OTHER, ONE):
            lock.holder(path, thread)
        assert fork(lambda: taken(path, ONE)).answer == repr("busy")


def test_waiting_taker_gets_it_as_soon_as_it_is_free(
    path: str, fork: Callable[[Callable[[], object]], Child]
) -> None:
    other = fork(lambda: taken(path, ONE))
    looks = 0

    def pause(seconds: float) -> None:
        nonlocal looks
        looks += 1
        assert 0 < seconds < 0.1
        if looks == 3:
            other.end()

    with lock.take(path, ONE, wait_s=PATIENCE_S, pause=pause):
        assert looks == 3


def test_waiting_ends_at_its_time(path: str) -> None:
    moved = Time()
    with moved.patched(), lock.take(path, ONE):
        began_s = moved.s
        with pytest.raises(Busy):
            lock.take(path, ONE, wait_s=5.0, pause=moved.pass_s)
        assert 5.0 <= moved.s - began_s < 5.1


def test_what_a_pause_raises_ends_the_waiting(path: str) -> None:
    def pause(seconds: float) -> None:
        raise KeyboardInterrupt

    with lock.take(path, ONE), pytest.raises(KeyboardInterrupt):
        lock.take(path, ONE, wait_s=PATIENCE_S, pause=pause)


def test_ten_takers_get_it_one_after_the_other(path: str, tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("0")

    def add() -> None:
        with lock.take(path, ONE, wait_s=PATIENCE_S, pause=lambda s: time.sleep(0.001)):
            number = int(count.read_text())
            time.sleep(0.002)
            count.write_text(str(number + 1))

    pids = []
    for _ in range(10):
        pid = os.fork()
        if pid == 0:
            try:
                add()
            finally:
                os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    assert count.read_text() == "10"


def test_every_thread_has_a_byte_of_its_own() -> None:
    ids = {clock.ulid(1_700_000_000_000 + n) for n in range(10_000)}
    offsets = {lock._offset(id) for id in ids}
    assert len(offsets) == len(ids)
    assert all(0 <= offset < 1 << 62 for offset in offsets)


@pytest.mark.parametrize("name", ["by-hand", "x", "ÄÖÜ", "a" * 100])
def test_name_that_is_no_ulid_can_be_locked_too(path: str, name: str) -> None:
    assert lock.holder(path, name) is None
    with lock.take(path, name):
        assert lock.holder(path, name) == os.getpid()


def test_lock_file_that_cannot_be_written_can_be_asked_and_not_taken(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(path).touch()
    plain = os.open

    def read_only(name: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied")
        return plain(name, flags, mode)

    monkeypatch.setattr(os, "open", read_only)
    assert lock.holder(path, ONE) is None
    with pytest.raises(StoreError) as refused:
        lock.take(path, ONE)
    assert path in refused.value.message


def test_two_python_threads_never_have_it_both(path: str) -> None:
    import threading

    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with lock.take(path, ONE, wait_s=PATIENCE_S, pause=lambda s: time.sleep(0)):
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (most, inside) == (1, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_where_no_lock_file_can_be_made_that_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="Permission denied") as caught:
            lock.take(str(tmp_path / "threads.lock"), ONE)
        assert caught.value.hint == f"ls -la {tmp_path}"
    finally:
        tmp_path.chmod(0o700)
