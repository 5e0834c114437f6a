"""The session of an agent from one machine to another: its file goes along with the step.

Unlike the code it does not have to: where its client keeps no file that we know, or one that is too large, a new
session begins there with the story so far.
"""

from __future__ import annotations

import os

from uwf.engine.chain.carried import Along, NewConversation
from uwf.engine.run.attempt.outcome import Retried
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.run.attempt.outcome import Outcome
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.step import StepRun

MOST_BYTES = 64 << 20


def goes_along(ctx: RunContext, run: StepRun, outcome: Outcome) -> None:
    """Let the file in which the client keeps its session go along with what `run` has come to, where that travels."""
    file = run.session_file
    if file is None or not ctx.travels or isinstance(outcome, Retried):
        return
    try:
        if os.path.getsize(file.path) > MOST_BYTES:
            return
        with open(file.path, "rb") as opened:
            data = opened.read(MOST_BYTES)
    except OSError:
        return
    new = NewConversation(file.name, ctx.redactor.value(data))
    run.along = replace(run.along or Along(), conversation=new)
