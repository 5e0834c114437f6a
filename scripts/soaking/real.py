"""The same with real processes and on our own clock: a daemon and one that waits to take over, killed again and again,
and agents that take a second, fail and go on.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from uwf import clock
from uwf.app import App
from uwf.engine.events.event import Event
from uwf.errors import StoreError

if TYPE_CHECKING:
    from soaking.load import Load

AGENT = """\
#!/bin/sh
# Works for up to a second. One in eight loses its connection.
cat >/dev/null
lot=$(od -An -N2 -tu2 /dev/urandom)
sleep "0.$((lot % 9))"
if [ $((lot % 8)) = 0 ]; then
    echo 'Error: connect ECONNREFUSED 10.0.0.1:443' >&2
    exit 1
fi
printf -- '---\\n$status: done\\nnote: n%s\\n---\\nDone %s.\\n' $lot $lot
"""

CONFIG = """\
default_agent = "crew"
[agents.crew]
command = "{agent}"
[retry]
attempts = 0
wake_base = "1s"
wake_max = "3s"
[breaker]
threshold = 1000
[stats]
min_sample = 100000
[limits]
max_same = "off"
"""
UWF = (sys.executable, "-P", "-m", "uwf")
WITHIN_S = 120.0
"""How long all may take to come to its end once nothing new comes."""


def config(folder: Path) -> str:
    """The configuration, with the agent that it names."""
    agent = folder / "agent.sh"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    return CONFIG.format(agent=agent)


def play(home: str, folder: Path, load: Load, minutes: float, seed: int) -> int:
    """Deliver the load within so many minutes; how often a daemon was killed."""
    dice = random.Random(seed)
    shrunk = minutes * 60 / max(1, load.happenings[-1].at_ms)
    log = (folder / "said").open("ab")
    daemons = [_daemon(home, log) for _ in range(2)]
    killed, kill_s = 0, time.monotonic() + 5
    begun_s = time.monotonic()
    try:
        with App.open(home) as app:
            for one in load.happenings:
                while time.monotonic() < begun_s + one.at_ms * shrunk:
                    time.sleep(0.01)
                    if time.monotonic() >= kill_s:
                        killed += _kill_one(daemons, home, log, dice)
                        kill_s = time.monotonic() + dice.uniform(3, 15)
                if one.pr >= 0 and one.id:
                    _deliver(app, one.name, one.id, one.pr)
            _settle(app)
    finally:
        for daemon in daemons:
            daemon.send_signal(signal.SIGTERM)
        for daemon in daemons:
            daemon.wait(60)
    return killed


def left_behind(folder: Path) -> int:
    """Agents that live on."""
    done = subprocess.run(
        ["pgrep", "-fc", str(folder / "agent.sh")], capture_output=True, text=True, check=False
    )
    return int(done.stdout or 0)


def _daemon(home: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
    words = [*UWF, "daemon", "run", f"--home={home}"]
    return subprocess.Popen(words, stdout=log, stderr=log, cwd=home)


def _kill_one(
    daemons: list[subprocess.Popen[bytes]], home: str, log: IO[bytes], dice: random.Random
) -> int:
    """Kill one of them, whichever leads, and begin another."""
    at = dice.randrange(len(daemons))
    os.kill(daemons[at].pid, signal.SIGKILL)
    daemons[at].wait()
    daemons[at] = _daemon(home, log)
    return 1


def _deliver(app: App, name: str, id: str, pr: int) -> None:
    event = Event(
        id=id,
        source="forge",
        name=name,
        at_ms=clock.now_ms(),
        who="a reviewer",
        trust="collaborator",
        data={"pr": pr, "text": id},
    )
    for _ in range(10):
        with contextlib.suppress(StoreError):  # busy: it is delivered again, as by a forge
            app.events.take([event])
            return
    raise AssertionError(f"{id} could not be delivered")


def _settle(app: App) -> None:
    """Wait until nothing is due and nothing runs."""
    end_s = time.monotonic() + WITHIN_S
    while time.monotonic() < end_s:
        due = app.wakes.due(clock.now_ms())
        open_ = app.reader().count_entries("event", "new")
        if not due.threads and due.next_ms is None and not app.wakes.under_way() and not open_:
            return
        time.sleep(0.2)
