"""A program that takes a slot and runs an agent in it, as `uwf` does. For tests that kill it.

host.py SLOTS SPOOL-DIR MARK WORD COMMAND... with WORD `run`, or `blind`: without the parent-death signal, as
on macOS.
"""

from __future__ import annotations

import os
import sys

from uwf.agent.kinds.command import CommandAgent
from uwf.agent.process import platform
from uwf.agent.protocol import AgentRequest
from uwf.agent.stop import Stop
from uwf.guard.capacity import slots
from uwf.guard.capacity.slots import MACHINE, Pool
from uwf.store.owner import Owner


def main() -> None:
    folder, spool_dir, mark, word, *argv = sys.argv[1:]
    if word == "blind":
        platform._load_prctl = lambda: lambda _option, _argument: None
    with slots.taking(folder) as table:
        held = table.take([Pool(MACHINE, 1)], "T", Owner(os.getpid()))
    request = AgentRequest(
        prompt="",
        cwd=spool_dir,
        env=dict(os.environ),
        session=None,
        mark=mark,
        spool_dir=spool_dir,
        grace_s=0.2,
        keep_fds=tuple(held.descriptors),
    )
    CommandAgent("agent", argv).run(
        request,
        stop=Stop(),
        on_start=lambda process: print("ready", process.pid, process.started, flush=True),
        on_event=lambda event: None,
    )
    held.release()
    print("over", flush=True)


main()
