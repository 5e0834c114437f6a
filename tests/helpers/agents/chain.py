"""Is never the same process for long: each forks the next, which ignores SIGTERM, and exits.

chain.py [session]: all in one session of their own, which the agent has left behind; it stays, and ignores SIGTERM too.
"""

import os
import signal
import sys
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
if not os.fork():
    if "session" in sys.argv:
        os.setsid()
    while True:
        time.sleep(0.003)
        if os.fork():
            os._exit(0)
print("up", flush=True)
time.sleep(1000)
