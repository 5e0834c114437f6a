"""What the operating system tells about processes, and the same questions put to `ps`."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.agent.supervised import eventually, linux_only
from uwf.agent.process import platform
from uwf.store.owner import Owner


@pytest.fixture(params=[pytest.param("proc", marks=linux_only), "ps"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "ps":
        monkeypatch.setattr(platform, "_PROC", False)
    return str(request.param)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A child whose name is meant to mislead a reader of the process table."""
    rename = "open('/proc/self/comm', 'w').write(') Z 1 1')" if sys.platform == "linux" else "0"
    code = f"import time; {rename}; print(flush=True); time.sleep(99)"
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={"UWF_RUN": "this-one", "UWF_RUNNER": "that"},
    )
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def test_process_is_described(source: str, child: subprocess.Popen[bytes]) -> None:
    found = platform.look(child.pid)
    assert found is not None
    assert (found.pid, found.parent) == (child.pid, os.getpid())
    assert (found.group, found.session, found.is_zombie) == (child.pid, child.pid, False)
    assert found in platform.processes()
    assert child.pid in platform.children(os.getpid())


def test_start_time_tells_a_process_from_its_successor(
    source: str, child: subprocess.Popen[bytes]
) -> None:
    start = platform.start_time(child.pid)
    assert start is not None
    assert platform.start_time(child.pid) == start
    process = Owner(child.pid, start)
    assert platform.is_alive(process)
    assert not platform.is_alive(Owner(child.pid, start + "0"))
    child.kill()
    eventually(lambda: not platform.is_alive(process))  # a zombie is not alive
    child.wait()
    assert platform.start_time(child.pid) is None


def test_zombie_is_dead_and_still_listed(source: str, child: subprocess.Popen[bytes]) -> None:
    child.kill()
    eventually(lambda: (found := platform.look(child.pid)) and found.is_zombie)
    assert child.pid in platform.children(os.getpid())


def test_mark_is_found_only_where_it_is_whole(source: str, child: subprocess.Popen[bytes]) -> None:
    found = platform.look(child.pid)
    assert found is not None
    assert platform.carriers([found], b"UWF_RUN=this-one") == {child.pid}
    for other in (b"UWF_RUN=this", b"UWF_RUN=this-one2", b"RUN=this-one", b"UWF_RUN"):
        assert platform.carriers([found], other) == set()


@linux_only
def test_descriptor_that_closes_meanwhile_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = platform.look(os.getpid())
    assert own is not None
    listed = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: ["1000000", *listed(folder)])
    (token,) = platform.token(b"UWF_RUN=this-one")
    assert platform.holders([own], b"UWF_RUN=this-one") == {own.pid}
    os.close(token)
    assert platform.holders([own], b"UWF_RUN=this-one") == set()


def test_signal_reaches_the_process_meant(source: str, child: subprocess.Popen[bytes]) -> None:
    found = platform.look(child.pid)
    assert found is not None
    platform.send(found, 9)
    assert child.wait(5) == -9
    platform.send(found, 9)  # gone: nothing happens


@linux_only
def test_older_is_told_by_start_times() -> None:
    own, init = platform.look(os.getpid()), platform.look(1)
    assert own is not None
    assert init is not None
    assert platform.is_older(init, own.started)
    assert not platform.is_older(own, init.started)
    assert not platform.is_older(own, own.started)
    assert not platform.is_older(init, "another-boot:99999999999")


@linux_only
def test_subreaper_can_be_switched_on_and_off() -> None:
    assert not platform.is_subreaper()
    platform.set_subreaper(True)
    assert platform.is_subreaper()
    assert _is_subreaper()
    platform.set_subreaper(False)
    assert not platform.is_subreaper()
    assert not _is_subreaper()


def _is_subreaper() -> bool:
    """PR_GET_CHILD_SUBREAPER of prctl(2)."""
    answer = ctypes.c_int(-1)
    assert ctypes.CDLL(None).prctl(37, ctypes.byref(answer), 0, 0, 0) == 0
    return answer.value == 1
