"""`python -m uwf.cli.ready`: a command that has begun before it is known which one it is.

Python and what a run imports take longer than all else between the wake of a thread and its agent. So a worker keeps a
process of this at hand. It holds no connection and has read nothing of the home: it waits at its standard input, a
socket, for the words of a command and the file that it writes to, and is that command from then on. It ends with
whoever keeps it.
"""

from __future__ import annotations

import json
import os
import socket
import sys

MOST_BYTES = 1 << 16


def main() -> None:
    """Wait for the words, and run them; the process ends with the exit code of the command."""
    from uwf.app.thread import ready
    from uwf.cli.main import leave

    ready.import_all()
    with socket.socket(fileno=os.dup(0)) as keeper:
        words, files, _, _ = socket.recv_fds(keeper, MOST_BYTES, 1)
    if not files:
        return
    for number in (1, 2):
        os.dup2(files[0], number)
    os.close(files[0])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.argv[1:] = json.loads(words)
    leave()


if __name__ == "__main__":
    main()
