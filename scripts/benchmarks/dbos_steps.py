"""DBOS as a reference: a durable workflow of as many steps as a line asks for, and the seconds that it took.

Run by a Python that has it: `dbos_steps.py DATABASE`. Its step gives what the agent of our steps says.
"""

from __future__ import annotations

import sys
import time

from dbos import DBOS  # type: ignore[import-not-found]  # a reference, which the project does not need

BODY = "What the agent has to say about it. " * 20
count = 0

DBOS(
    config={
        "name": "bench",
        "system_database_url": sys.argv[1],
        "run_admin_server": False,
        "log_level": "ERROR",
    }
)


@DBOS.step()  # type: ignore[untyped-decorator]
def step(prompt: str) -> str:
    global count
    count += 1
    return f"---\n$status: go\n---\n{count} {BODY}"


@DBOS.workflow()  # type: ignore[untyped-decorator]
def flow(steps: int) -> int:
    for number in range(steps):
        step(f"Prompt {number} {BODY}")
    return steps


DBOS.launch()
print("ready", flush=True)
for line in sys.stdin:
    began_s = time.perf_counter()
    flow(int(line))
    print(time.perf_counter() - began_s, flush=True)
DBOS.destroy()
