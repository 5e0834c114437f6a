"""What a command is given beside its own parameters: the home folder, its config and store, and the output."""

from __future__ import annotations

import os

from uwf import config
from uwf import home as paths
from uwf.cli.output import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.command import Common
    from uwf.config import Config
    from uwf.store.protocols import Store
    from uwf.store.sqlite import SqliteStore


class Context:
    """One run of one command. Config and store are opened when first asked for."""

    def __init__(self, common: Common, out: Output) -> None:
        self.home = config.home(common.home)
        self.json = common.json
        self.quiet = common.quiet
        self.out = out
        self._config: Config | None = None
        self._store: SqliteStore | None = None
        self.patience_s = 10.0
        """How long to wait for other writers of the store. To be set before it is opened."""

    @property
    def config(self) -> Config:
        """The configuration, read once. ConfigInvalid names what is wrong in it."""
        if self._config is None:
            self._config = config.load(self.home)
        return self._config

    @property
    def store_path(self) -> str:
        return paths.store_file(self.home)

    def store(self, *, create: bool = False) -> SqliteStore:
        """The store, opened once and closed with the context. Only commands that write may create it."""
        if self._store is None:
            from uwf.store.sqlite import open_store

            self._store = open_store(self.store_path, create=create, wait_s=self.patience_s)
        return self._store

    def reader(self) -> Store:
        """The store to look at; an empty one where none was made yet. One that cannot be read is an error."""
        if self._store is None and _was_never_made(self.store_path):
            from uwf.store.sqlite import open_in_memory

            return open_in_memory()
        return self.store()

    def close(self) -> None:
        """May be called twice."""
        if self._store is not None:
            self._store.close()
            self._store = None


def _was_never_made(path: str) -> bool:
    """Whether there certainly is no store, and never was one that lost its main file only."""
    for each in (path, f"{path}-wal"):
        try:
            os.lstat(each)
        except FileNotFoundError:
            continue
        except OSError:
            return False  # what cannot be looked at may be there: opening it says what is wrong
        return False
    return True
