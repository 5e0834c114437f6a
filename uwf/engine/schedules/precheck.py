"""Asking a command whether an occurrence is worth it. It runs meanwhile; its answer is taken at a later look.

    exit 0           yes; what it wrote to stdout is told, the newest 64 KiB of it
    exit 1           no; the last line it wrote is the reason
    anything else    yes, and that is said: a command that is broken must not keep everything from running for ever

It has `PATIENCE_S`, which counts as the last of these.
"""

from __future__ import annotations

from uwf.agent.process.ask import ProgramAnswer, ask_program, last_line
from uwf.agent.stop import Stop
from uwf.errand import ENDING_S, Errand
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PATIENCE_S = 120.0
MOST_AT_ONCE = 8


class Verdict(Record):
    """`told` is what a yes has to say; `why` the reason of a no, or why a yes is taken for one."""

    is_yes: bool
    told: str = ""
    why: str = ""


class Prechecks:
    """Those that this process has asked. `on_answer` is called, in another thread, when one has answered."""

    def __init__(
        self, environ: Mapping[str, str], on_answer: Callable[[], None] = lambda: None
    ) -> None:
        self._environ, self._on_answer = environ, on_answer
        self._asked: dict[str, Errand[Verdict]] = {}
        self._stop = Stop()

    def ask(self, key: str, command: Sequence[str], cwd: str, env: Mapping[str, str]) -> bool:
        """Begin to ask about `key`. False when as many are asked already as may be at once."""
        if sum(not asked.is_done for asked in self._asked.values()) >= MOST_AT_ONCE:
            return False
        self._stop.fileno()  # made here, before threads share it
        environ = {**self._environ, **env}
        self._asked[key] = Errand(self._on_answer)
        self._asked[key].go(
            lambda: judged(
                ask_program(command, cwd=cwd, env=environ, timeout_s=PATIENCE_S, stop=self._stop)
            ),
            "precheck",
        )
        return True

    @property
    def are_asked(self) -> bool:
        """Whether there is one whose answer nobody has taken."""
        return bool(self._asked)

    def is_asked(self, key: str) -> bool:
        """Whether this process has asked about `key` and nobody has taken the answer."""
        return key in self._asked

    def take(self, key: str) -> Verdict | None:
        """The answer about `key`, once; None while there is none."""
        asked = self._asked.get(key)
        answer = None if asked is None else asked.taken()
        if answer is not None:
            del self._asked[key]
        return answer

    def close(self) -> None:
        """End those that run."""
        self._stop.request()
        self._stop.request()
        for asked in self._asked.values():
            asked.wait(ENDING_S)


def judged(answer: ProgramAnswer) -> Verdict:
    """What the answer of a precheck means."""
    if answer.code == 0:
        return Verdict(True, told=answer.out.decode(errors="replace").strip())
    if answer.code == 1:
        return Verdict(
            False, why=last_line(answer.out) or answer.last_line or "the precheck said no"
        )
    return Verdict(True, why=f"the precheck {answer.trouble} (this counts as a yes)")
