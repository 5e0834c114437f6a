"""`uwf demo`: a thread from its beginning to its second round, on real files, with real programs as agents.

Here is the command and what it answers. What it types and tells is in `story.py`; the workflow, the agent
that plays its roles and the project that comes along are in `uwf/demo/`.
"""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import arg, command
from uwf.errors import InputError, Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.app.values import StepRow
    from uwf.cli.context import Context
    from uwf.cli.demo.tour import Tour


@command(
    "demo",
    help="Watch a thread at work, with no model and no key.",
    detail="Programs tidy a copy of a Python project, ask, and go on after the end; they need ruff. The folder is "
    "only read; the copy stays in UWF_HOME/demo.",
    example="uwf demo",
    path=arg(
        "A folder with Python files. [default: a small project that comes along]",
        complete="folders",
    ),
)
def demo(ctx: Context, path: str | None = None) -> int:
    from uwf import clock, config
    from uwf.app.opened import absolute
    from uwf.cli.demo import story
    from uwf.cli.demo.tour import Tour, UnexpectedExit
    from uwf.demo import folder

    began_s = clock.monotonic_s()
    linter = _linter()
    own_project = None if path is None else absolute(path)
    made = folder.make(ctx.home, own_project or folder.PANTRY, config.environment())
    tour = Tour(ctx, made.path)
    try:
        story.welcome(tour, made, linter, own_project)
        thread = story.play(ctx, tour, is_pantry=own_project is None)
    except (KeyboardInterrupt, Interrupted) as interruption:
        raise Interrupted(
            "the demo was interrupted; what it has begun stands at a whole step",
            signum=getattr(interruption, "signum", exits.SIGINT),
            hint="uwf thread list",
        ) from None
    except UnexpectedExit as unexpected:
        done = unexpected.done
        ctx.out.note(f"the demo ends here: `uwf {' '.join(done.words[:2])}` gave {done.code}")
        return done.code
    document = {
        "threads": [thread],
        "source": own_project,
        "folder": made.path,
        "linter": linter,
        **_outcome(ctx, thread),
        "seconds": round(clock.monotonic_s() - began_s, 2),
        "commands": _commands(tour),
    }
    farewell = story.farewell(ctx.home, document)
    ctx.out.answer(document, ids=[thread], draw=lambda: ctx.out.prose(farewell))
    return exits.DONE


def _linter() -> str:
    """The linter and its version. InputError when there is none that works."""
    from uwf.demo import linter

    try:
        return linter.version()
    except linter.LinterFailed as failed:
        raise InputError(
            f"the demo needs the linter ruff: {failed}", hint=linter.INSTALL, code="no_linter"
        ) from None


def _outcome(ctx: Context, thread: str) -> dict[str, Any]:
    """What the thread came to, round by round."""
    steps = ctx.app.steps.all(thread)
    rounds = range(1, steps[-1].round + 1)
    return {
        "status": ctx.app.show(thread).status,
        "steps": len(steps),
        "suspensions": sum(step.status == "$SUSPEND" for step in steps),
        "rounds": [
            {"round": number, **_round([step for step in steps if step.round == number])}
            for number in rounds
        ],
    }


def _round(steps: list[StepRow]) -> dict[str, Any]:
    """What one round found, and what its last review left."""
    last = steps[-1].output
    found = [step.output["findings"] for step in steps if "findings" in step.output]
    return {
        "roles": [step.role for step in steps],
        "findings": {"before": found[0] if found else 0, "after": last.get("left", 0)},
        "agreed": last.get("agreed", ""),
    }


def _commands(tour: Tour) -> list[dict[str, Any]]:
    return [
        {"words": ["uwf", *done.words], "exit": done.code, "seconds": done.seconds}
        for done in tour.ended
    ]
