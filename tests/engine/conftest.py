"""A rig over a store of each kind, and a clock that ticks by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.rig import Rig
from tests.helpers.ticking import Ticking
from uwf.engine.chain.gate import SecretsGate
from uwf.engine.chain.redact import Redactor
from uwf.guard.capacity.machine import Left
from uwf.store.protocols import Store
from uwf.store.sqlite import open_in_memory, open_store

CALM = Left(None, None, None, None)
"""A machine of which nothing is known refuses nobody."""


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else runs on this machine is in nobody's way."""
    monkeypatch.setattr("uwf.guard.capacity.machine.look", lambda home: CALM)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    """Every look at the clock is a millisecond later than the one before."""
    clock = Ticking()
    monkeypatch.setattr("uwf.clock.now_ms", clock)
    return clock


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One for all tests: a process keeps the lock file of every home it has seen open."""
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def no_reply_is_kept(home: str) -> Iterator[None]:
    """What a test keeps in the home of all is not found by the next one."""
    yield
    shutil.rmtree(f"{home}/replies", ignore_errors=True)


@pytest.fixture(params=["memory", "sqlite"])
def each_store(request: pytest.FixtureRequest, tmp_path: Path, home: str) -> Iterator[Store]:
    """A store of each kind: for what depends on transactions and listings."""
    if request.param == "memory":
        yield open_in_memory(home=home)
        return
    store = open_store(str(tmp_path / "store.db"))
    yield store
    store.close()


@pytest.fixture
def make_rig(home: str) -> Callable[..., Rig]:
    """A rig over a store in memory, with settings."""

    def make(*, secrets: Sequence[tuple[str, str]] = (), **settings: Any) -> Rig:
        redactor = Redactor(secrets)
        gate = SecretsGate(lambda: redactor)
        return Rig(open_in_memory(gate, home=home), home, redactor=redactor, **settings)

    return make


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()


@pytest.fixture
def each_rig(each_store: Store, home: str) -> Rig:
    return Rig(each_store, home)


@pytest.fixture
def leave_running() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes in sessions of their own, as agents are."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**environ: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"],
            env={**os.environ, **environ},
            start_new_session=True,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
