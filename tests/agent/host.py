"""A program that runs one agent as `uwf` does, and tells on stdout what happens. For tests that kill or signal it.

host.py SPOOL-DIR MARK GRACE WORD COMMAND... with WORD `run`; `hold`: stop inside `on_ready`, before the gate opens;
`interruptible`: leave SIGINT as it is; `weigh`: tell also how much memory the agent took.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from uwf.agent import process, started
from uwf.agent.stop import Stop


def tell(*words: object) -> None:
    print(*words, flush=True)


def main() -> None:
    spool_dir, mark, grace_s, word, *argv = sys.argv[1:]
    stop = Stop()
    # The way in which the test that runs us wants agents started.
    started.STARTER = os.environ.pop("STARTER", started.STARTER)
    if word != "interruptible":
        signal.signal(signal.SIGINT, stop.handle)
        signal.signal(signal.SIGTERM, stop.handle)

    def on_ready(pid: int, start: str) -> None:
        tell("ready", pid, start)
        while word == "hold":
            time.sleep(0.01)

    command = process.Command(
        argv=tuple(argv),
        cwd=os.getcwd(),
        env=dict(os.environ),
        mark=mark,
        spool_dir=spool_dir,
        grace_s=float(grace_s),
    )
    try:
        outcome = process.run(
            command,
            stop=stop,
            on_ready=on_ready,
            on_output=lambda chunk: tell("output", chunk.decode().replace("\n", " ")),
        )
    except KeyboardInterrupt:
        tell("interrupted")
    else:
        tell("outcome", outcome.ended, outcome.rung or "-", *outcome.survivors)
        if word == "weigh":
            tell("peak", outcome.peak_memory_bytes)


main()
