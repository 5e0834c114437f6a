"""What a command is given beside its own parameters: the home it works on, and the output."""

from __future__ import annotations

from uwf.app import App

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.command import Common
    from uwf.cli.output import Output
    from uwf.config import Config
    from uwf.store.protocols import Store
    from uwf.store.sqlite import SqliteStore


class Context:
    """One run of one command."""

    def __init__(self, common: Common, out: Output, wait_s: float = 10.0) -> None:
        """`wait_s` bounds the waiting for other writers of the store."""
        self.app = App.open(common.home, warn=out.warning, wait_s=wait_s)
        self.home = self.app.home
        self.json = common.json
        self.quiet = common.quiet
        self.out = out

    # For commands that do not go through the app yet.

    @property
    def config(self) -> Config:
        return self.app.config

    def store(self, *, create: bool = False) -> SqliteStore:
        return self.app.store(create=create)

    def reader(self) -> Store:
        return self.app.reader()

    def close(self) -> None:
        """May be called twice."""
        self.app.close()
