"""Counts the SIGTERMs it is sent: counting.py FILE PLACE... Every one of its processes adds its place to FILE at each.

There is one process in each PLACE: `group` stays in the process group, `job` has a group of its own, `session` a
session of its own, `daemon` is forked twice. The agent itself, `leader`, stays as well; with `leave` it replies and
exits. They end a while after the first SIGTERM, so that a second one is seen.
"""

import os
import signal
import sys
import time

LISTENS_S = 0.3
file, places = os.path.abspath(sys.argv[1]), set(sys.argv[2:])
ready = os.pipe()
told_s: list[float] = []


def listen(place: str) -> None:
    def note(*_: object) -> None:
        told_s.append(time.monotonic())
        log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, f"{place}\n".encode())
        os.close(log)

    signal.signal(signal.SIGTERM, note)


def stay() -> None:
    while not told_s or time.monotonic() < told_s[0] + LISTENS_S:
        time.sleep(0.01)
    os._exit(0)


def go(place: str) -> None:
    if place in ("session", "daemon"):
        os.setsid()
    if place == "job":
        os.setpgid(0, 0)
    if place == "daemon" and os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    listen(place)
    os.write(ready[1], b".")
    stay()


others = places - {"leave"}
for each in others:
    if not os.fork():
        go(each)
for _ in others:
    os.read(ready[0], 1)
listen("leader")
print("up", flush=True)
if "leave" not in places:
    stay()
