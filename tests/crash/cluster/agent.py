"""The agent of the cluster: says when it began and when it ended, and between them takes its time.

Told by the file `arm/<machine>.agent`, it hangs until it is let go by a file of its own. Its reply has a mark that
no other attempt has, by which it is seen whose work was published.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

LONGEST_S = 120.0

folder, host = os.environ["CRASH_CLUSTER"], os.environ["UWF_HOST"]
mark = os.urandom(6).hex()


def say(what: str) -> None:
    line = {
        "what": what,
        "mark": mark,
        "thread": os.environ["UWF_THREAD"],
        "index": int(os.environ["UWF_STEP_INDEX"]),
        "attempt": os.environ["UWF_ATTEMPT"],
        "host": host,
        "pid": os.getpid(),
        "run": os.getppid(),
        "at": time.time(),
    }
    log = os.open(f"{folder}/agents", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, json.dumps(line).encode() + b"\n")
    os.close(log)


say("begin")
sys.stdin.read()
order = f"{folder}/arm/{host}.agent"
try:
    os.rename(order, f"{order}.{os.getpid()}")
except FileNotFoundError:
    time.sleep(random.uniform(0.05, 0.6))
else:
    until_s = time.monotonic() + LONGEST_S
    while not Path(f"{folder}/go/{os.getpid()}").exists() and time.monotonic() < until_s:
        time.sleep(0.02)
say("end")
is_more = os.environ["UWF_ROLE"] == "drier" and os.environ["UWF_THREAD"][-1] in "02468ACEGJMPRTWY"
print(f"---\n$status: {'more' if is_more else 'done'}\nmark: m{mark}\n---\nIt is done.")
