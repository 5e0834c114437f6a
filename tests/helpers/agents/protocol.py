"""An agent that speaks the Agent Client Protocol: protocol.py FILE. It does what FILE says, by method: `updates` that
it says, what it `asks`, and its `result` or `error`. What it hears goes into FILE.heard, what it was allowed into the
file `does`.
"""

import json
import signal
import sys
import time
from pathlib import Path

given = json.loads(Path(sys.argv[1]).read_text())


def say(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def hear():
    line = sys.stdin.readline()
    if not line:
        time.sleep(given.get("stays", 0))
        sys.exit(given.get("exit", 0))
    with open(sys.argv[1] + ".heard", "a") as log:
        log.write(line)
    return json.loads(line)


if "at_end" in given:
    signal.signal(signal.SIGTERM, lambda *_: (say(**given["at_end"]), sys.exit(143)))
while True:
    heard = hear()
    if "id" not in heard:
        continue
    does = given.get(heard["method"], {"result": {}})
    if isinstance(does, list):
        does = does.pop(0)
    for update in does.get("updates", []):
        say(method="session/update", params={"sessionId": "s1", "update": update})
    for number, params in enumerate(does.get("asks", [])):
        say(
            id=f"q{number}", method=does.get("asks_as", "session/request_permission"), params=params
        )
        while (answer := hear()).get("method") == "session/cancel":
            pass
        outcome = answer.get("result", {}).get("outcome", {}).get("outcome")
        if outcome == "selected" and "does" in given:
            with open(given["does"], "a") as file:
                print(answer["result"]["outcome"]["optionId"], file=file)
        if outcome == "cancelled":
            does = {**does, "result": {"stopReason": "cancelled"}}
    time.sleep(does.get("after", 0))
    say(id=heard["id"], **{k: does[k] for k in ("result", "error") if k in does})
