"""What an error becomes outside: an exit code, words and a hint; what a step becomes: an exit code.

The table is that of the command-line contract.
"""

from __future__ import annotations

import errno
import os

from uwf import clock, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

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
    if _is_folder_gone(error):
        return BAD_INPUT
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


def refusal(reason: str, retry_at_ms: int | None) -> dict[str, Any]:
    """What the JSON of each refusal has: which it is, and when to try again; None: it never passes by itself."""
    return {"reason": reason, "retryAtMs": retry_at_ms}


def report(error: BaseException, out: Output) -> None:
    """Say on stderr what went wrong, in one or two lines."""
    if isinstance(error, errors.WorkflowInvalid):
        problems = [str(problem) for problem in error.problems]
        out.error(error.code, error.message, error.hint, problems=problems)
    elif isinstance(error, (errors.Refused, errors.StateError)):
        more = refusal(error.code, error.retry_ms(clock.now_ms()))
        out.error(error.code, error.message, error.hint, **more)
    elif isinstance(error, errors.ReplyKept):
        out.error(error.code, error.message, error.hint, kept=error.path)
    elif isinstance(error, errors.UwfError):
        out.error(error.code, error.message, error.hint)
    elif isinstance(error, KeyboardInterrupt):
        out.error("interrupted", "interrupted", None)
    elif isinstance(error, UnicodeEncodeError):
        # From the command line: all other text is checked where it is read.
        out.error("not_unicode", f"{error.object!r:.120} is not Unicode text", "locale")
    elif _is_memory_short(error):
        out.error("no_memory", "this shell has no memory for uwf", "ulimit -v")
    elif _is_folder_gone(error):
        out.error("no_folder", "the current folder does not exist any more", "cd")
    elif isinstance(error, OSError) and error.strerror:
        what = f"{error.filename}: " if isinstance(error.filename, str) else "system call failed: "
        out.error("os", what + error.strerror, None)
    else:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        what = f"internal fault: {what}; UWF_DEBUG=1 shows where, please report it"
        out.error("internal", what, "export UWF_DEBUG=1")


def _is_memory_short(error: BaseException) -> bool:
    """Whether the machine, or the limit of this shell, had no memory for what was to be done or loaded."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, ImportError):  # the dynamic linker's words
        return any(sign in str(error).lower() for sign in ("failed to map", "cannot allocate"))
    return isinstance(error, SystemError) and _is_memory_limited()


def _is_memory_limited() -> bool:
    """Python's own parts say `SystemError` where they had no memory even to say that."""
    try:
        import resource
    except ImportError:
        return True
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def _is_folder_gone(error: BaseException) -> bool:
    """Whether a relative path was looked at in a current folder that somebody has deleted."""
    if not isinstance(error, FileNotFoundError) or error.filename is not None:
        return False
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False
