"""The front door: a command line in, an exit code out.

It reads the command line, gives the command its context, and turns whatever the command raises into words and
an exit code. What a command does is in its own file.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import NoReturn

    from uwf.cli.command import Call
    from uwf.cli.screen.output import Output


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line `words` (by default the process's own). Raises nothing but SystemExit."""
    if words is None:
        words = sys.argv[1:]
    if list(words[:1]) == ["--version"]:
        return _version()
    _hold_standard_files()

    from uwf import config, points
    from uwf.cli.screen.output import Output, StdoutGone

    out = Output(json="--json" in words)
    try:
        _end_on_sigterm()
        points.arm(config.crash_point())
        code = _run(words, out)
        out.flush()
    except StdoutGone:
        from uwf.cli import exits

        return exits.SIGNALLED + exits.SIGPIPE
    except SystemExit:
        raise
    except BaseException as error:
        # The last line of defence: whatever went wrong leaves as words and a code.
        return _reported(error, out)
    return code


def leave() -> NoReturn:
    """Run this process's command line and end the process with its exit code.

    Everything is written and closed by then, so Python need not take itself apart, which would cost as much as a
    third of a short command. For the same reason the collector of cycles waits for more garbage than it
    usually does: starting up makes none.
    """
    import gc

    gc.set_threshold(50_000)
    try:
        code = main()
    except SystemExit:
        raise
    except (MemoryError, ImportError) as error:
        code = _cannot_begin(error)
    except BaseException as error:
        # A signal that came while `main` was still beginning, or already reporting an error.
        from uwf.cli.exits import exit_code

        code = exit_code(error)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            code = code or 1
    os._exit(code)


def _cannot_begin(error: MemoryError | ImportError) -> int:
    """Say what kept `main` from beginning, or from reporting an error. Nothing more is loaded for that."""
    what, code = "this shell has no memory for uwf", "no_memory"
    if isinstance(error, ImportError) and "failed to map" not in str(error):
        what, code = f"uwf cannot be loaded: {error}".replace('"', "'"), "internal"
    said = f"error: {what}\nhint: ulimit -v"
    if "--json" in sys.argv:
        said = f'{{"error":{{"code":"{code}","message":"{what}","hint":"ulimit -v"}}}}'
    os.write(2, f"{said}\n".encode())
    return 1


def _run(words: Sequence[str], out: Output) -> int:
    from uwf import config

    shell = config.asking_shell()
    if shell is not None:
        from uwf.cli.line import shells

        out.write(shells.answer(shell, words))
        return 0

    from uwf.cli.command import INSTALL_COMPLETION, SHOW_COMPLETION

    if words and words[0].partition("=")[0] in (INSTALL_COMPLETION, SHOW_COMPLETION):
        from uwf.cli.line import shells

        return shells.run(words, out)
    call = _understand(words, out)
    if isinstance(call, int):
        return call

    from uwf.cli.context import Context
    from uwf.cli.screen.output import StdoutGone

    out.json, out.quiet = call.common.json, call.common.quiet
    context = Context(call, out)
    try:
        return call.command.function(context, **call.values) or 0
    except (StdoutGone, SystemExit):
        raise
    except BaseException as error:  # while the home is open: it knows how threads are called
        return _reported(error, out)
    finally:
        out.clear_status()
        context.close()


def _reported(error: BaseException, out: Output) -> int:
    """Say what went wrong; the exit code for that."""
    from uwf import config
    from uwf.cli import exits
    from uwf.cli.screen.output import StdoutFailed, StdoutGone

    if config.is_debugging():
        import traceback

        traceback.print_exc()
    exits.report(error, out)
    code = exits.exit_code(error)
    try:
        out.flush()
    except (StdoutGone, StdoutFailed):
        return code
    return code


def _understand(words: Sequence[str], out: Output) -> Call | int:
    """The call that `words` ask for, or the exit code if a page of help is all there is to say."""
    from uwf.cli.line.parse import read

    line = read(words)
    call = line.call()
    if call is not None:
        return call
    if line.names_no_command or (line.wants_help and not line.is_lost):
        from uwf.cli import exits
        from uwf.cli.line import help_page
        from uwf.cli.screen.terminal import columns

        out.help(help_page.page(line, columns()), asked=line.wants_help)
        return exits.DONE if line.wants_help else exits.BAD_INPUT

    from uwf.cli.line import typer_app

    return typer_app.understand(words)


def _version() -> int:
    from uwf import __version__

    try:
        os.write(1, f"uwf {__version__}\n".encode())
    except OSError as error:
        from uwf.cli import exits

        if isinstance(error, BrokenPipeError):
            return exits.SIGNALLED + exits.SIGPIPE
        print(f"error: cannot write the version to standard output: {error}", file=sys.stderr)
        return exits.FAULT
    return 0


def _hold_standard_files() -> None:
    """If we were started with a closed stdin, stdout or stderr, keep a store file from taking its number."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        while (number := os.open(os.devnull, os.O_RDWR)) < 3:
            pass
        os.close(number)


def _end_on_sigterm() -> None:
    # The public `signal` module would import `enum`, a third of the time a command takes.
    if TYPE_CHECKING:
        from signal import SIGTERM, signal
    else:
        from _signal import SIGTERM, signal

    def end(signum: int, _frame: FrameType | None) -> None:
        from uwf.errors import Interrupted

        raise Interrupted("ended by SIGTERM", signum=signum)

    signal(SIGTERM, end)
