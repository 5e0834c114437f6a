"""A program that runs one agent as `uwf` does, and tells on stdout what happens. For tests that kill or signal it.

host.py SPOOL-DIR MARK GRACE WORD COMMAND... with WORD `run`; `hold`: stop inside `on_start`, before the gate opens;
`interruptible`: leave SIGINT as it is; `weigh`: tell also how much memory the agent took; `crowded`: have other
threads and children, and tell whether these were left alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from uwf.agent.process import supervise
from uwf.agent.stop import Stop
from uwf.store.owner import Owner


def tell(*words: object) -> None:
    print(*words, flush=True)


class Crowd:
    """Children of this program that are not the agent's: one that stays, and others that come and go in a thread."""

    def __init__(self) -> None:
        self._stays = subprocess.Popen(["sleep", "1000"])
        self._codes: list[int] = []
        self._is_open = True
        self._thread = threading.Thread(target=self._come_and_go)
        self._thread.start()

    def _come_and_go(self) -> None:
        while self._is_open:
            own_session = len(self._codes) % 2 == 0
            child = subprocess.Popen(["sleep", "0.01"], start_new_session=own_session)
            self._codes.append(child.wait())

    def close(self) -> str:
        """What became of them."""
        self._is_open = False
        self._thread.join()
        alone = self._stays.poll() is None and self._codes and not any(self._codes)
        self._stays.kill()
        self._stays.wait()
        return "unharmed" if alone else f"harmed {self._stays.returncode} {self._codes}"


def main() -> None:
    spool_dir, mark, grace_s, word, *argv = sys.argv[1:]
    stop = Stop()
    if word != "interruptible":
        signal.signal(signal.SIGINT, stop.handle)
        signal.signal(signal.SIGTERM, stop.handle)

    def on_start(process: Owner) -> None:
        tell("started", process.pid, process.started)
        while word == "hold":
            time.sleep(0.01)

    crowd = Crowd() if word == "crowded" else None
    command = supervise.ProcessSpec(
        argv=tuple(argv),
        cwd=os.getcwd(),
        env=dict(os.environ),
        mark=mark,
        spool_dir=spool_dir,
        grace_s=float(grace_s),
    )
    try:
        outcome = supervise.run(
            command,
            stop=stop,
            on_start=on_start,
            on_output=lambda chunk: tell("output", chunk.decode().replace("\n", " ")),
        )
    except KeyboardInterrupt:
        tell("interrupted")
    else:
        tell("outcome", outcome.ended, outcome.escalation or "-", *outcome.survivors)
        if word == "weigh":
            tell("peak", outcome.peak_memory_bytes)
    finally:
        if crowd is not None:
            tell("others", crowd.close())


main()
