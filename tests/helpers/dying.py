"""Runs that are killed, and what they leave running."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from tests.helpers.fake_agent import Said
from tests.helpers.rig import Rig
from uwf.agent.protocol import AgentEvent
from uwf.engine.progress import Turn
from uwf.record import replace

PATIENCE_S = 10.0


class Killed(BaseException):
    """The end of the process, as a test in the same process can have it: nothing is cleaned up."""


def die(
    rig: Rig, id: str, verb: str, *turns: str, says: tuple[AgentEvent, ...] = (), **order: Any
) -> None:
    """A run that is killed when the agent has said the last of `turns`, or before it says anything.

    What it `says` beside its reply comes before the turns.
    """
    plain, said = rig.engine.on_progress, list[str]()

    def on_progress(event: object) -> None:
        if isinstance(event, Turn):
            said.append(event.text)
            if len(said) == len(turns):
                raise Killed

    rig.engine = replace(rig.engine, on_progress=on_progress)
    with pytest.raises(Killed):
        said_all = Said("".join(turns), turns=turns, events=says)
        rig.run(id, verb, said_all if turns else Killed(), **order)
    rig.engine = replace(rig.engine, on_progress=plain)


def lives(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has not ended within the time that an end takes."""
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    return process.poll() is None
