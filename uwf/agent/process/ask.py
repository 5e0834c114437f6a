"""A small program that answers: words in, what it says out, an end within its time. `supervise` runs it.

Such are the commands that a config names for a home (prechecks, sources, what brings alerts) and those by which a
daemon tends it. Where a front door asks one, and what it finds in its environment, stands in `uwf/app/programs.py`.

Nothing of it is left when the answer is there, wherever it has forked to. When this process is killed the program is
too; what that had started then carries a mark that says so, and `uwf doctor --repair` ends it.
"""

from __future__ import annotations

import os
import time

from uwf.agent.process import platform, supervise
from uwf.agent.process.terminate import end_orphans
from uwf.agent.stop import Stop
from uwf.record import Record
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uwf.agent.process.terminate import Termination

GRACE_S = 1.0
"""Between SIGTERM and SIGKILL."""
_MARK = "program"
_LINE_CHARS = 300


class ProgramAnswer(Record):
    """What a program has said, and how it ended: `code` is its exit code, negative: the signal that it died of.

    With a `fault`, which says why in words, there is no code: it could not be run, or did not end by itself. Fault and
    `trouble` are said after its name: "could not be run: …", "ended with exit code 3: …".
    """

    out: bytes
    err: bytes
    code: int | None
    fault: str = ""

    @property
    def last_line(self) -> str:
        """The last line of its error output, which says most often what was wrong."""
        return last_line(self.err)

    @property
    def trouble(self) -> str:
        """Why it did not do well; "" when it did."""
        if self.fault or self.code == 0:
            return self.fault
        how = f"exit code {self.code}" if (self.code or 0) >= 0 else f"signal {-(self.code or 0)}"
        return f"ended with {how}" + (f": {self.last_line}" if self.last_line else "")


def ask_program(
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    timeout_s: float,
    stdin: bytes = b"",
    most_bytes: int | None = None,
    spool_dir: str = "",
    stop: Stop | None = None,
) -> ProgramAnswer:
    """Run `argv` without a shell in the folder `cwd` for `timeout_s` at most, and end all that it has started.

    `env` is its whole environment. Past `most_bytes` of output, which `spool_dir` takes where it is long, it is ended;
    None: however much it says, the last 64 KiB of each stream are kept. It is ended early when `stop` is requested,
    at once when that was done twice.
    """
    own = Stop()
    try:
        outcome = supervise.run(
            supervise.ProcessSpec(
                argv=tuple(argv),
                cwd=cwd,
                env=dict(env),
                mark=_mark(),
                spool_dir=spool_dir,
                stdin=stdin,
                timeout_s=timeout_s,
                output_limit_bytes=most_bytes,
                grace_s=GRACE_S,
            ),
            stop=stop or own,
            on_start=lambda _process: None,
        )
    finally:
        own.close()
    faults = {
        "timeout": f"did not end within {timeout_s:g} s, and was ended",
        "output_limit": f"said more than {(most_bytes or 0) / (1 << 20):g} MiB, and was ended",
        "stopped": "was ended before it had answered",
        "spawn_failed": f"could not be run: {outcome.error.removeprefix('cannot run ')}",
    }
    code = outcome.exit_code if outcome.signal is None else -outcome.signal
    fault = faults.get(outcome.ended) or ("" if code is not None else outcome.error)
    return ProgramAnswer(outcome.stdout, outcome.stderr, None if fault else code, fault)


def last_line(said: bytes) -> str:
    """The last line that is not empty, at most 300 characters of it."""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:_LINE_CHARS] if lines else ""


def is_mark(mark: str) -> bool:
    """Whether a process that carries `mark` came of a program that was asked, and not of an agent."""
    return mark.startswith(f"{_MARK}/")


def is_left_behind(mark: str) -> bool:
    """Whether it came of a program whose asker is gone: what it would answer reaches nobody. Of an asker in another pid
    namespace nobody can say that.
    """
    if not is_mark(mark):
        return False
    _, pid, started, _ = mark.split("/", 3)
    if not platform.is_seen(Owner(int(pid), started)):
        return False
    process = platform.look(int(pid))
    return process is None or process.is_zombie or _word(process.started) != started


def end_left_behind(process: Owner, mark: str) -> Termination:
    """End `process` and all others that carry `mark`. May be called twice."""
    return end_orphans(process, mark, GRACE_S)


def _mark() -> str:
    """A mark that no other run has, and that says who asks."""
    own = platform.this_process()
    return f"{_MARK}/{own.pid}/{_word(own.started)}/{time.time_ns():x}{os.urandom(4).hex()}"


def _word(started: str) -> str:
    """A start time in one word: elsewhere than on Linux environments are read word by word."""
    return started.replace(" ", "_")
