"""What a command is given beside its own parameters: the home it works on, and the output."""

from __future__ import annotations

from uwf.app import App

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.command import Common
    from uwf.cli.output import Output


class Context:
    """One run of one command."""

    def __init__(self, common: Common, out: Output) -> None:
        self.app = App.open(common.home, warn=out.warning)
        self.home = self.app.home
        self.json = common.json
        self.quiet = common.quiet
        self.out = out

    def close(self) -> None:
        """May be called twice."""
        self.app.close()
