"""The seam between the stepper and whatever runs a role: an `Ask` goes in, an `Answer` comes out.

An agent knows nothing of threads, stores or guards. It runs one prompt in one folder and says how that ended;
what the answer means for the thread is decided by the engine.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from uwf.agent.process.supervise import Outcome
    from uwf.agent.stop import Stop
else:
    Protocol = object


class Ask(Record):
    """One prompt for one agent, with everything it may need.

    `env` is the complete environment of the child: the caller has put the `UWF_*` names over its own.
    `session` is what this role's agent returned as its session last time. A `stall_timeout_s` of None is for
    agents that do not stream. `mark` is a text that no other run has: it is put into the environment as `UWF_RUN`,
    so that processes that got away can be found. Output past 1 MiB is spooled to a nameless file in `spool_dir`.
    What runs the prompt inherits `keep_fds`, so that whoever holds their other ends knows that it lives.
    """

    prompt: str
    cwd: str
    env: dict[str, str]
    session: str | None
    mark: str
    spool_dir: str
    timeout_s: float | None = 3600.0
    stall_timeout_s: float | None = 900.0
    output_limit_bytes: int = 64 << 20
    grace_s: float = 3.0
    keep_fds: tuple[int, ...] = ()


class Answer(Record):
    """How it ended, and what was said. `text` is the whole reply, `stderr` the end of the error output.

    `outcome.stdout` and `outcome.stderr` are left empty here: the two texts are the same bytes, read as UTF-8 with
    a replacement character where they are not. `tail` is the end of `text` that was not given to `on_turn`: what came
    with the end itself. `usage` maps names such as `tokens` or `usd` to amounts.
    """

    outcome: Outcome
    text: str
    stderr: str
    tail: str = ""
    session: str | None = None
    usage: dict[str, float] | None = None


class Agent(Protocol):
    """Runs prompts. One `ask` at a time per thread of the program; several may run side by side."""

    name: str

    def unavailable(self, cwd: str, path: str) -> str | None:
        """Why it cannot be started in the folder `cwd` with `path` as PATH, in one line; None when it can."""
        ...

    def ask(
        self,
        ask: Ask,
        *,
        stop: Stop,
        on_ready: Callable[[int, str], None],
        on_turn: Callable[[str], None],
    ) -> Answer:
        """Run `ask.prompt` to its end.

        `on_ready(pid, start_time)` is called before the agent's program runs, and the program only runs when it
        returned. `on_turn(text)` is called with each message as it arrives; the turns of a command agent and
        the answer's tail, joined, are the reply. What either of them raises ends the agent and is raised from here.
        """
        ...
