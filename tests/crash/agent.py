"""The agent of the crash tests: says what its role would say, and misbehaves as `CRASH_AGENT` asks.

    stream    three bursts of output, each certainly large enough for a turn, with pauses between them
    brood     leaves three processes behind: one beside it; one in a session of its own, deaf to SIGTERM; and one
              that has wiped its environment, too
    slow      thinks for a second: so long may a command take to stand in line behind it
    bad       the first reply is no reply; asked again, it is
    fail      exits with code 1
    flaky     the first attempt cannot reach the model, which is worth another one
    ask       the reviewer asks a person before it says anything else
    plant     leaves a file in its folder, named after the step
    spoil     leaves a counter in the store that cannot be decoded, so that the reply cannot be stored

Every run appends one line to `CRASH_LOG`: which step it was asked for, and the prompt it got. What a role
replies depends on the step's number alone, so that a thread that was killed must end as one that was not.
"""

import json
import os
import sys
import time

LIFE_S = 60.0  # of what is left behind: longer than a trial, and not for ever
BURST = "thinking about it, line after line, and no front matter in any of them\n" * 2000


def main() -> None:
    modes = os.environ.get("CRASH_AGENT", "").split()
    prompt = sys.stdin.read()
    index = int(os.environ["UWF_STEP_INDEX"])
    log(index, prompt)
    if "brood" in modes:
        leave_behind(session=True)
        leave_behind(session=False)
        leave_behind(session=True, wiped=True)
    if "stream" in modes:
        for _ in range(3):
            print(BURST, flush=True)
            time.sleep(0.02)
    if "plant" in modes:
        with open(f"step-{index}", "w") as file:
            file.write(f"{index}\n")
    if "slow" in modes:
        time.sleep(1.0)
    if "spoil" in modes:
        spoil(os.path.join(os.environ["UWF_HOME"], "store.db"))
    if "fail" in modes:
        sys.exit("the model is not there today")
    if "flaky" in modes and os.environ["UWF_ATTEMPT"] == "1":
        sys.exit("connection refused")
    if "bad" in modes and "Your last reply was not accepted" not in prompt:
        print("Sorry, what was the question?")
        return
    if "ask" in modes and role() == "reviewer" and "## New information" not in prompt:
        print("---\n$status: $SUSPEND\nreason: which of the two?\n---")
        return
    print(f"---\n$status: {status(index)}\nindex: {index}\n---\nStep {index} by {role()}.")


def spoil(store: str) -> None:
    import sqlite3

    connection = sqlite3.connect(store, timeout=30)
    connection.execute("UPDATE counter SET value = x'c1' WHERE name = 'zone'")
    connection.commit()
    connection.close()


def role() -> str:
    return os.environ["UWF_ROLE"]


def status(index: int) -> str:
    """The reviewer sends it back once in every round."""
    if role() == "writer":
        return "done"
    return "ok" if index % 4 < 2 else "again"


def log(index: int, prompt: str) -> None:
    names = {"thread": "UWF_THREAD", "attempt": "UWF_ATTEMPT", "round": "UWF_ROUND"}
    said = {"index": index, "role": role(), "prompt": prompt, "pid": os.getpid()}
    line = said | {key: os.environ[name] for key, name in names.items()}
    file = os.open(os.environ["CRASH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, json.dumps(line).encode() + b"\n")
    os.close(file)


def leave_behind(*, session: bool, wiped: bool = False) -> None:
    """A process that outlives its parent, holds no pipe, and says when it is ready to be looked for."""
    ready, written = os.pipe()  # the writing end is closed by exec, which says as much as a byte
    if os.fork():
        os.close(written)
        os.read(ready, 1)
        os.close(ready)
        return
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    if session:
        import signal

        os.setsid()
        if wiped:
            sleep = f"import time; time.sleep({LIFE_S})"
            name = os.environ["CRASH_TOKEN"]  # so that the test finds it
            os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", sleep, name], {})
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(written, b"r")
    time.sleep(LIFE_S)
    os._exit(0)


main()
