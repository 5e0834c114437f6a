"""An agent has the slot it runs in: it is taken while anything of the run lives, and free when nothing does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.agent.supervised import AGENTS, ROOT, eventually, lives, marked
from tests.guard.asking import take
from uwf.agent.process.terminate import end_orphans
from uwf.guard.capacity import slots
from uwf.guard.capacity.slots import MACHINE, Full, Pool
from uwf.store.owner import Owner

HOST = Path(__file__).parent.parent / "host.py"
POOL = Pool(MACHINE, 1)


class Home:
    """A folder of slots, and programs that take the only one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.slots = folder, str(folder / "slots")
        self.mark = f"test-{os.urandom(6).hex()}"
        self.pids = folder / "pids"

    def host(self, word: str, *argv: str | Path) -> subprocess.Popen[str]:
        words = [self.slots, self.folder, self.mark, word, *argv]
        return subprocess.Popen(
            [sys.executable, str(HOST), *map(str, words)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def taken(self) -> int:
        return slots.count(self.slots, POOL)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    try:
        yield home
        assert marked(home.mark) == []
    finally:
        for pid in marked(home.mark):
            os.kill(pid, 9)


@contextmanager
def killed(host: subprocess.Popen[str], when: Callable[[], object]) -> Iterator[tuple[int, str]]:
    """The host was killed as soon as `when()` was true; gives its agent's pid and start time."""
    with host:
        assert host.stdout is not None
        _, pid, start = host.stdout.readline().split()
        eventually(when)
        host.kill()
    yield int(pid), start


def test_slot_is_taken_while_the_agent_runs_and_free_afterwards(home: Home) -> None:
    with home.host("run", "sh", "-c", f"touch {home.pids}; sleep 0.2") as host:
        eventually(home.pids.exists)
        assert home.taken() == 1
        with pytest.raises(Full):
            take(home.slots, [POOL], "T")
        assert host.wait(10) == 0
    assert home.taken() == 0


def test_agent_that_outlives_a_killed_uwf_has_the_slot_until_it_ends(home: Home) -> None:
    script = f"echo $$ >{home.pids}; exec sleep 1000"
    with killed(home.host("blind", "sh", "-c", script), home.pids.exists) as (pid, start):
        assert lives(pid)
        assert home.taken() == 1
        with pytest.raises(Full):
            take(home.slots, [POOL], "T")
        ending = end_orphans(Owner(pid, start), home.mark, 0.2)
        assert ending.survivors == ()
        assert eventually(lambda: home.taken() == 0)
        take(home.slots, [POOL], "T").release()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing ends the agent at once")
def test_agent_that_dies_with_a_killed_uwf_leaves_the_slot_free(home: Home) -> None:
    script = f"echo $$ >{home.pids}; exec sleep 1000"
    with killed(home.host("run", "sh", "-c", script), home.pids.exists) as (pid, _):
        eventually(lambda: not lives(pid))
        eventually(lambda: home.taken() == 0)


@pytest.mark.parametrize("place", ["session", "daemon"])
def test_what_an_agent_left_in_a_session_of_its_own_has_the_slot_until_it_is_ended(
    home: Home, place: str
) -> None:
    strays = (sys.executable, "-S", AGENTS / "strays.py", home.pids, place, "quiet", "stay")
    host = home.host("run", *strays)
    with killed(host, lambda: home.pids.exists() and home.pids.read_text().strip()) as (pid, start):
        stray = int(home.pids.read_text())
        assert lives(stray)
        assert home.taken() == 1
        end_orphans(Owner(pid, start), home.mark, 0.2)
        assert not lives(stray)
        eventually(lambda: home.taken() == 0)
