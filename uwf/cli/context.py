"""What a command is given beside its own parameters: the home it works on, and the output."""

from __future__ import annotations

from uwf.app import App

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.command import Call
    from uwf.cli.screen.output import Output


class Context:
    """One run of one command: `call` is what was typed."""

    def __init__(self, call: Call, out: Output) -> None:
        self.app = App.open(call.common.home, warn=out.warning)
        self.app.doing = call.command.name
        self.home = self.app.home
        self.call = call
        self.json = call.common.json
        self.quiet = call.common.quiet
        self.out = out

    def close(self) -> None:
        """May be called twice."""
        self.app.close()
