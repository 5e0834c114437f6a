"""Leaves processes behind: strays.py PID-FILE [WORD...]. Each stray appends its pid to PID-FILE.

Where they go: `group` (default) stay in the process group, `session` each in one of its own, `daemon` forked twice.
How they are: `deaf` ignore SIGTERM, `wiped` have an empty environment, `quiet` do not hold the output.
How many: `many` six instead of one. And `stay`: the agent itself waits for ever, else it replies and exits.
"""

import os
import signal
import sys
import time
from pathlib import Path

pid_file, words = os.path.abspath(sys.argv[1]), set(sys.argv[2:])


def live() -> None:
    """Be a stray."""
    if "deaf" in words:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "quiet" in words:
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
    with open(pid_file, "a") as file:
        file.write(f"{os.getpid()}\n")
    if "wiped" in words:
        os.execve("/bin/sleep", ["sleep", "1000"], {})
    time.sleep(1000)
    os._exit(0)


def leave_one() -> None:
    if os.fork():
        return
    if words & {"session", "daemon"}:
        os.setsid()
    if "daemon" in words and os.fork():
        os._exit(0)
    live()


many = 6 if "many" in words else 1
for _ in range(many):
    leave_one()
while not os.path.exists(pid_file) or len(Path(pid_file).read_text().splitlines()) < many:
    time.sleep(0.002)
print("---\n$status: done\n---\nstarted them", flush=True)
while "stay" in words:
    time.sleep(1)
