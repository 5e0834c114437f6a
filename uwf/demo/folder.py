"""The folder of one demo: the project to tidy, the project as it was, the workflow, and the agent that plays it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from typing import TYPE_CHECKING

from uwf.demo import copy
from uwf.demo.project import BEFORE
from uwf.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.demo.copy import Copied

PROJECT = "project"
WORKFLOW = "tidy.yaml"

AGENT = "sh ../agent"
"""The agent's command line. Agents are started in the project's folder."""

_AGENT_PROGRAM = """\
# Plays a role of tidy.yaml: the prompt comes on stdin, the reply goes to stdout.
exec {python} -P -m uwf.demo.agent "$UWF_ROLE"
"""


class Folder(Record):
    """A folder made by `make`."""

    path: str
    copied: Copied


def make(home: str, source: str, environ: Mapping[str, str]) -> Folder:
    """A new folder below `home`, with a copy of the project in the folder `source`.

    InputError when `source` cannot be copied; then nothing is left behind.
    """
    chosen = copy.chosen(source, home, environ)
    path = _new(os.path.join(home, "demo"))
    try:
        copied = copy.copy(source, chosen, [os.path.join(path, name) for name in (PROJECT, BEFORE)])
        here = os.path.dirname(os.path.abspath(__file__))
        shutil.copyfile(os.path.join(here, WORKFLOW), os.path.join(path, WORKFLOW))
        with open(os.path.join(path, "agent"), "w") as file:
            file.write(_AGENT_PROGRAM.format(python=shlex.quote(sys.executable)))
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return Folder(path, copied)


def _new(above: str) -> str:
    """A folder that nobody else has, named by the time."""
    for folder in (os.path.dirname(above), above):
        os.makedirs(folder, 0o700, exist_ok=True)
    name = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while True:
        path = os.path.join(above, name if number == 1 else f"{name}-{number}")
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            number += 1
        else:
            return path
