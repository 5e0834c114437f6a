"""A program in the place of a client that speaks JSON lines: it says what it is told to."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uwf.agent.protocol import AgentEvent, AgentRequest, AgentResult
from uwf.agent.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.protocol import Agent

PROGRAM = """
    import json, os, sys
    given = json.load(open(sys.argv[1]))
    with open(sys.argv[1] + ".asked", "a") as log:
        is_open = "--input-format" in sys.argv
        stdin = sys.stdin.readline() if is_open else sys.stdin.read()
        print(json.dumps({"argv": sys.argv[2:], "stdin": stdin}), file=log)
    run = given["runs"].pop(0)
    json.dump(given, open(sys.argv[1], "w"))
    for line in run["lines"]:
        if isinstance(line, list):
            with open(line[0], "a") as file:
                file.write(line[1])
        else:
            print(line if isinstance(line, str) else json.dumps(line), flush=True)
    print(run.get("stderr", ""), end="", file=sys.stderr)
    if run.get("killed"):
        os.kill(os.getpid(), 9)
    sys.exit(run.get("exit", 0))
"""


class StandIn:
    """A program in the place of the client of an agent that `make` makes of a command line and options."""

    def __init__(self, folder: Path, make: Callable[..., Agent]) -> None:
        self.make = make
        self.script = folder / "client.py"
        self.script.write_text(textwrap.dedent(PROGRAM))
        self.file = folder / "runs.json"
        self.folder = folder
        self.argv = (sys.executable, "-S", str(self.script), str(self.file))
        self.runs: list[dict[str, Any]] = []
        self.events: list[AgentEvent] = []

    def will(self, *lines: Any, **more: Any) -> None:
        """Say these `lines`; of a list of two, write the second into the file that is the first."""
        self.runs.append({"lines": lines, **more})

    def ask(self, options: Any = None, **asked: Any) -> AgentResult:
        self.file.write_text(json.dumps({"runs": self.runs}))
        agent = self.make("cc", self.argv, *([] if options is None else [options]))
        request = AgentRequest(
            **{
                "prompt": "Do it.",
                "cwd": str(self.folder),
                "env": dict(os.environ),
                "session": None,
                "mark": os.urandom(16).hex(),
                "spool_dir": str(self.folder / "spool"),
                "timeout_s": 20.0,
                **asked,
            }
        )
        stop = Stop()
        try:
            return agent.run(
                request, stop=stop, on_start=lambda _process: None, on_event=self.events.append
            )
        finally:
            stop.close()
            self.runs = json.loads(self.file.read_text())["runs"]

    def of(self, kind: type[AgentEvent]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in Path(f"{self.file}.asked").read_text().splitlines()]
