"""The agent of `uwf demo`: plays the role that is named on its command line, in the folder it is started in.

    python -P -m uwf.demo.agent survey <prompt >reply

This is all that an agent needs to be: a program that reads a prompt and prints a reply.
"""

from __future__ import annotations

import os
import sys

from uwf.demo import fix, review, survey
from uwf.demo.linter import LinterFailed
from uwf.demo.prompt import suspend, take_apart

ROLES = {"survey": survey.play, "fix": fix.play, "review": review.play}


def main(words: list[str]) -> int:
    """Play the role `words[0]`. Exit code 2 when that is none."""
    if len(words) != 1 or words[0] not in ROLES:
        print(f"usage: python -m uwf.demo.agent {'|'.join(ROLES)} <prompt", file=sys.stderr)
        return 2
    prompt = take_apart(sys.stdin.buffer.read().decode(errors="replace"))
    try:
        reply = ROLES[words[0]](prompt, os.getcwd())
    except LinterFailed as failed:
        reply = suspend(
            f"The linter could not do its work: {failed}. Say what to change, for instance "
            "'put the project's settings aside', or mend it in the folder and resume."
        )
    sys.stdout.buffer.write(str(reply).encode(errors="backslashreplace"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
