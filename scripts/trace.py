"""How much of the house one `thread exec` enters: files, functions, calls across files, and how deep they go.

Time is measured by `scripts/bench`; this measures what a reader has to hold in the head to follow one step from
the command line to the disk and back. A change to the engine should make these numbers smaller, or say what for.

A thread is made and stepped once by `uwf` processes. Its next step, with a shell command as agent, is run within
this process and every call of a function of uwf is noted, with the function of uwf that made it. What only
defines (bodies of modules and classes, and what they call) is no step of the way and does not count, nor does a
generator that goes on, a comprehension, or the making of a value. Apart from that nothing here knows how the
package is built inside, so any two commits can be compared: run this file with the Python of either.
"""

from __future__ import annotations

import argparse
import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

WORKFLOW = """\
version: 1
name: relay
description: Two roles that hand each other the work.
roles:
  left:
    goal: Go on.
    frontmatter: { type: object, properties: { $status: { enum: [go, done] } }, required: [$status] }
  right:
    goal: Go on.
    frontmatter: { type: object, properties: { $status: { const: go } }, required: [$status] }
graph:
  $START: { new: { role: left, prompt: Begin. } }
  left:
    go: { role: right, prompt: Go on. }
    done: { role: $END, prompt: "" }
  right: { go: { role: left, prompt: Go on. } }
"""
AGENT = "cat >/dev/null; printf -- '---\\n$status: go\\n---\\nDone.\\n'"
COMPREHENSIONS = {"<listcomp>", "<dictcomp>", "<setcomp>"}  # frames of their own until Python 3.12
VALUES = "record.py"
"""Makes the values of all classes, in code of its own or in code that it wrote: a reader does not follow it there."""
AT_ITS_START = 0
"""What RESUME, the instruction at which a call is noted, says of a function that begins."""


class Call(NamedTuple):
    """`depth` counts the functions of uwf that are open, this one included."""

    depth: int
    caller: CodeType | None
    code: CodeType


class Trace:
    """Notes every call of a function that stands below `package`, from `begin` to `end`."""

    def __init__(self, package: Path) -> None:
        self._package = f"{package}{os.sep}"
        self._values = f"{package / VALUES}"
        self._open: list[CodeType] = []
        self._defining = 0
        self.calls: list[Call] = []

    def begin(self) -> None:
        sys.setprofile(self._note)

    def end(self) -> None:
        sys.setprofile(None)

    def file(self, code: CodeType) -> str:
        return code.co_filename.removeprefix(self._package)

    def _note(self, frame: FrameType, event: str, _what: object) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(self._package):
            return
        if not code.co_flags & inspect.CO_OPTIMIZED:  # the body of a module or a class
            self._defining += 1 if event == "call" else -1
        elif self._defining or code.co_name in COMPREHENSIONS or code.co_filename == self._values:
            return
        elif event == "return":
            self._open.pop()
        else:
            caller = self._open[-1] if self._open else None
            self._open.append(code)
            if not _goes_on(frame):
                self.calls.append(Call(len(self._open), caller, code))


def _goes_on(frame: FrameType) -> bool:
    """Whether this is a generator that has been called before."""
    code = frame.f_code
    return bool(code.co_flags & inspect.CO_GENERATOR) and (
        code.co_code[frame.f_lasti + 1] & 3 != AT_ITS_START
    )


def traced_step(folder: Path) -> Trace:
    """Make a home with a thread in `folder`, and trace the thread's second step."""
    home, uwf = folder / "home", Path(sys.executable).with_name("uwf")
    home.mkdir(mode=0o700)
    (folder / "relay.yaml").write_text(WORKFLOW)
    agent = folder / "agent"
    agent.write_text(f"#!/bin/sh\n{AGENT}\n")
    agent.chmod(0o755)
    (home / "config.toml").write_text(
        f"default_agent = 'shell'\n[agents.shell]\ncommand = '{agent}'\n"
    )
    os.environ["UWF_HOME"] = str(home)
    os.chdir(folder)
    start = [str(uwf), "thread", "start", "relay.yaml", "-p", "Go round.", "-q"]
    id = subprocess.run(start, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([uwf, "thread", "exec", id], check=True, stdout=subprocess.DEVNULL)

    from uwf.cli import main

    trace = Trace(Path(main.__file__).parents[1])
    with open(os.devnull, "w") as nowhere:
        out, sys.stdout = sys.stdout, nowhere
        trace.begin()
        try:
            code = main.main(["thread", "exec", id, "--quiet"])
        finally:
            trace.end()
            sys.stdout = out
    assert code == 0, f"the step ended with exit code {code}"
    return trace


def figures(trace: Trace) -> Iterator[tuple[str, int]]:
    calls = trace.calls
    pairs = [
        (trace.file(call.caller), trace.file(call.code))
        for call in calls
        if call.caller is not None and call.caller.co_filename != call.code.co_filename
    ]
    yield "modules of uwf imported", sum(name.split(".")[0] == "uwf" for name in sys.modules)
    yield "files entered", len({call.code.co_filename for call in calls})
    yield "functions", len({call.code for call in calls})
    yield "calls", len(calls)
    yield "calls across files", len(pairs)
    yield "pairs of files", len(set(pairs))
    yield "greatest depth", max(call.depth for call in calls)


def entered(trace: Trace) -> Iterator[str]:
    """The files in the order in which they were entered, with their functions and calls."""
    for file in dict.fromkeys(trace.file(call.code) for call in trace.calls):
        codes = [call.code for call in trace.calls if trace.file(call.code) == file]
        yield f"{file:40} {len(set(codes)):4} functions {len(codes):5} calls"


def tree(trace: Trace, most: int) -> Iterator[str]:
    """What called what, down to `most` functions; the same call again and again is one line."""
    shown = (call for call in trace.calls if call.depth <= most)
    for call, same in groupby(shown):
        count = sum(1 for _ in same)
        times = f"  x {count}" if count > 1 else ""
        indent = "  " * (call.depth - 1)
        yield f"{indent}{trace.file(call.code)}: {call.code.co_qualname}{times}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/trace", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--files", action="store_true", help="list the files in the order entered")
    parser.add_argument("--tree", action="store_true", help="print what called what")
    parser.add_argument("--depth", type=int, default=99, help="how far down the tree is printed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uwf-trace-") as name:
        trace = traced_step(Path(name))
        os.chdir("/")
    if options.tree:
        print(*tree(trace, options.depth), "", sep="\n")
    if options.files:
        print(*entered(trace), "", sep="\n")
    for what, number in figures(trace):
        print(f"{what:24} {number:5}")


if __name__ == "__main__":
    main()
