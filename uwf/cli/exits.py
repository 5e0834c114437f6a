"""What an error becomes outside: an exit code and lines on stderr; what a step becomes: an exit code.

The table is that of the command-line contract.
"""

from __future__ import annotations

from uwf import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.app.values import RunView, ThreadView
    from uwf.cli.screen.output import Output

DONE = 0
FAULT = 1
BAD_INPUT = 2
SUSPENDED = 3
NOT_FOUND = 4
WRONG_STATE = 5
AGENT_FAILED = 6
PART_BROKEN = 70
NOT_NOW = 75
SIGNALLED = 128
"""Plus the number of the signal."""
STOPPED = (129, 130, 143)

SIGINT = 2
SIGPIPE = 13

_EXIT_CODES: tuple[tuple[type[errors.UwfError], int], ...] = (
    (errors.ObjectMissing, FAULT),
    (errors.InputError, BAD_INPUT),
    (errors.NotFound, NOT_FOUND),
    (errors.StateError, WRONG_STATE),
    (errors.PersonNeeded, WRONG_STATE),
    (errors.GuardBroken, FAULT),
    (errors.Refused, NOT_NOW),
    (errors.PartBroken, PART_BROKEN),
)
"""The first class that fits decides; any other error is a FAULT."""


def exit_code(error: BaseException) -> int:
    """The exit code that stands for `error`."""
    if isinstance(error, errors.Interrupted):
        return SIGNALLED + error.signum
    if isinstance(error, KeyboardInterrupt):
        return SIGNALLED + SIGINT
    if isinstance(error, UnicodeEncodeError):
        return BAD_INPUT
    if isinstance(error, FileNotFoundError):
        from uwf.error_report import is_folder_gone

        return BAD_INPUT if is_folder_gone(error) else FAULT
    for kind, code in _EXIT_CODES:
        if isinstance(error, kind):
            return code
    return FAULT


def after_step(line: RunView) -> int:
    """The exit code of a run whose last step came out as `line`."""
    if line.error is not None:
        return NOT_NOW if line.is_postponed else AGENT_FAILED
    return SUSPENDED if line.status == "suspended" else DONE


def after_wait(thread: ThreadView, *, is_wanted: bool) -> int:
    """The exit code for a thread that was waited for: that which its run has ended with.

    `is_wanted` says whether its status is the one that was waited for, where one was.
    """
    if thread.status == "corrupt" or thread.kept_reply is not None:
        return FAULT
    if not is_wanted:
        return WRONG_STATE
    if thread.status != "suspended":
        return NOT_NOW if thread.is_postponed else DONE
    return SUSPENDED if thread.error is None else AGENT_FAILED


def of_process(returncode: int) -> int:
    """The exit code of a process as a shell has it, also where a signal ended it."""
    return SIGNALLED - returncode if returncode < 0 else returncode


def of_several(codes: Iterable[int]) -> int:
    """The one exit code of a command that several threads have answered with `codes`: that which needs the most.

    First a signal, a fault, bad input; then what is not there, what forbids it, what failed, what waits for a person;
    at last what time alone cures. So 75 says that it is worth trying all again, and 0 that all is done.
    """
    found = set(codes)
    rank = (FAULT, BAD_INPUT, NOT_FOUND, WRONG_STATE, AGENT_FAILED, SUSPENDED, NOT_NOW, DONE)
    return min(found, key=lambda code: rank.index(code) if code in rank else -1, default=DONE)


def report(error: BaseException, out: Output) -> None:
    """Say on stderr what went wrong, in one or two lines."""
    from uwf import error_report  # a command that goes well does without

    said = error_report.of(error)
    out.error(said.code, said.message, said.hint, **said.more)
