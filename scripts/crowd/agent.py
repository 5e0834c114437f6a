"""An agent for `scripts/stress`: agent.py PYTHON BEHAVIOUR DIARY SEED. Reads its prompt, behaves so, replies.

steady, slow    reply after a while
crash           every other one aborts, or exits with 7
strays          leaves a grandchild behind, forked twice, in a session of its own, running PYTHON
deaf            ignores SIGTERM and never ends
flood           writes 1 MiB before its reply; one in four writes 8 MiB
hungry          takes 96 MiB of memory and touches all of it

Which of two things it does is read from the seed, the thread and the step, so that a run can be repeated. Beginning
and end of its life go to the diary, a line each.
"""

import os
import signal
import sys
import time
import zlib

python, behaviour, diary, seed = sys.argv[1:]


def note(what):
    line = f"{what} {os.environ['UWF_THREAD']} {os.getpid()} {time.monotonic_ns()}\n"
    file = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode())
    os.close(file)


def chance():
    """From 0 to below 1."""
    about = f"{seed} {os.environ['UWF_THREAD']} {os.environ['UWF_STEP_INDEX']}"
    return zlib.crc32(about.encode()) / (1 << 32)


def leave_a_stray():
    """The one between lives until the stray has a name of its own, so that it is not taken for a second agent."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle:
        os.close(reader)
        os.close(writer)
        os.waitpid(middle, 0)
        return
    os.setsid()
    if os.fork() == 0:
        if chance() < 0.5:
            null = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(null, number)
        code = "import time; time.sleep(1000)"
        os.execv(python, [python, "-I", "-S", "-c", code])
    os.close(writer)
    os.read(reader, 1)  # ends with the exec
    os._exit(0)


note("begin")
sys.stdin.read()
if behaviour == "slow":
    time.sleep(0.2 + 0.8 * chance())
elif behaviour == "crash" and chance() < 0.5:
    note("end")
    if chance() < 0.25:
        os.abort()
    sys.exit(7)
elif behaviour == "strays":
    leave_a_stray()
elif behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1000)
elif behaviour == "flood":
    line = b"thinking about it, still thinking\n" * 2000
    for _ in range((8 << 20 if chance() < 0.25 else 1 << 20) // len(line)):
        sys.stdout.buffer.write(line)
elif behaviour == "hungry":
    held = bytearray(96 << 20)
    for place in range(0, len(held), 4096):
        held[place] = 1
    time.sleep(0.05)
else:
    time.sleep(0.01 + 0.05 * chance())
print("---\n$status: done\n---\nDone.", flush=True)
note("end")
