"""One home, opened: its config, its store and what hides its secrets, each when it is first asked for, and kept.

Which verbs and queries there are stands in `App` and its facets; what a run needs of all this in `thread/run_context`.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf import config as settings
from uwf import home as paths
from uwf.errors import ConfigInvalid, StoreError, StoreUnreadable
from uwf.record import replace
from uwf.store import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.config.records import Config
    from uwf.engine.chain.gate import SecretsGate
    from uwf.engine.chain.redact import Redactor
    from uwf.engine.events.matching import RuleTable
    from uwf.engine.upkeep.log.writer import Log
    from uwf.store.protocols import Store

SQLITE = "sqlite"
QUICK_S, RUN_S = 10.0, 60.0
"""How long to wait for other writers of the store. What an agent did is not to be lost because hundreds of others
write to the store, too."""


def no_warning(text: str) -> None:
    """For front doors that show none."""


class OpenHome:
    """A home that need not exist yet. It belongs to one caller at a time."""

    def __init__(
        self,
        home: str,
        warn: Callable[[str], None] = no_warning,
        wait_s: float = QUICK_S,
        store_address: str | None = None,
    ) -> None:
        """`warn` is told what will go wrong one day; `wait_s` bounds the waiting for other writers. `store_address` is
        where the store is, whatever the environment and the configuration say.
        """
        self.home = home
        self.warn = warn
        self._settings: Mapping[str, Any] | None = None
        self._config: Config | None = None
        self._store: Store | None = None
        self._address = store_address
        self._redactor: Redactor | None = None
        self._rules: tuple[Config, list[tuple[str, str]], RuleTable] | None = None
        self.doing = "uwf"
        """What this process does, in the words of its command line: each line of the log has it."""
        self.client: str | None = None
        """The program that speaks through a front door in place of a person: what it says is never a person's."""
        self._log_writer: Log | None = None
        self._wait_s = wait_s
        self._stays = False

    @property
    def settings_read(self) -> Mapping[str, Any]:
        """What the configuration says, read once, for who needs a key or two. ConfigInvalid names what is wrong."""
        if self._settings is None:
            self._settings = settings.read(self.home)
        return self._settings

    @property
    def config(self) -> Config:
        """The same as records. ConfigInvalid as well."""
        if self._config is None:
            from uwf.config.records import Config

            self._config = Config.of(self.settings_read)
        return self._config

    def has_worktree_folders(self) -> bool:
        """Whether any worktree of a thread may be here."""
        folder = paths.worktrees(self.home)
        return os.path.isdir(folder) and bool(os.listdir(folder))

    @property
    def has_worktrees(self) -> bool:
        """Whether new threads get a worktree where nothing else is said."""
        from uwf.config.records import WORKTREE

        return self.config.workspace.kind == WORKTREE

    def reload_config(self, refuse: Callable[[], None] = lambda: None) -> None:
        """Read the configuration anew. ConfigInvalid where it is not valid, or where `refuse`, which may look at it,
        says so; then the old one stays.
        """
        before = self._settings, self._config
        self._settings, self._config = settings.read(self.home), None
        try:
            refuse()
        except ConfigInvalid:
            self._settings, self._config = before
            raise
        self._redactor = None

    def poke_daemon(self) -> None:
        """Wake the daemon of this home, if one runs, and where many machines share the store the one that leads there.
        Never fails, and waits for no daemon.
        """
        from uwf.app.unattended import poke

        poke.send(self.home)
        if not self.has_store_file:
            from contextlib import suppress  # which commands that look would pay for

            with suppress(StoreError):  # it looks by itself, a little later
                self.store().wake_others()

    @property
    def config_path(self) -> str:
        """Where the file of settings is, or would be."""
        return paths.config_file(self.home)

    @property
    def store_path(self) -> str:
        """Where the file is that is the store, or would be; of no meaning for one in a database."""
        return paths.store_file(self.home)

    @property
    def store_address(self) -> str:
        """Where the store is: see `uwf.store_address`. It stays the same as long as this is open."""
        if self._address is None:
            self._address = settings.store_address(self.home, lambda: self.settings_read)
        return self._address

    @property
    def is_store_elsewhere(self) -> bool:
        """Whether settings that were read anew name another store: processes that begin from now on open that."""
        return self.store_address != settings.store_address(self.home, lambda: self.settings_read)

    @property
    def has_store_file(self) -> bool:
        """Whether the store is a file of this home, or would be one; else it is in a database."""
        return self.store_address == SQLITE

    def store(self, *, create: bool = False) -> Store:
        """The store, opened once. Only what writes may create it."""
        if self._store is None:
            if self.has_store_file:
                from uwf.store.sqlite import open_store

                if not os.path.exists(self.store_path):
                    self._refuse_lost()
                self._store = open_store(
                    self.store_path, create=create, wait_s=self._wait_s, gate=self.gate
                )
            else:
                from uwf.agent.process import platform
                from uwf.store import database
                from uwf.store.object_cache import ObjectCache

                self._store = database.open_store(
                    self.store_address,
                    wait_s=self._wait_s,
                    gate=self.gate,
                    owner=replace(platform.this_process(), host=settings.host()),
                    may_live=platform.may_live,
                    lease_s=settings.lease_s(self.settings_read),
                    cache=ObjectCache(paths.object_cache(self.home)),
                )
            if self._stays:
                self._store.keep_little()
        return self._store

    def now_ms(self) -> int:
        """The time, for what is about to be written: by the clock of a store that machines share, which tells it when
        it is opened. See `uwf.clock`.
        """
        if not self.has_store_file:
            self.store()
        return clock.now_ms()

    def has_store(self) -> bool:
        """Whether a store was ever made here; taken for granted of one in a database."""
        return not self._has_none()

    def _has_none(self) -> bool:
        return self._store is None and self.has_store_file and files.was_never_made(self.store_path)

    def rules(self) -> RuleTable:
        """The triggers of this home, made anew when its config or a registered workflow is another one."""
        from uwf.config.absences import Absence
        from uwf.engine.chain.tags import REGISTRY
        from uwf.engine.events import matching
        from uwf.workflow.trigger import Trigger

        config, registered = (
            self.config,
            [(ref.name, ref.id) for ref in self.reader().refs(REGISTRY)],
        )
        if self._rules is None or self._rules[0] is not config or self._rules[1] != registered:
            watched = (each.trigger for each in config.elements(Absence))
            found = matching.table(self.reader(), [*config.elements(Trigger), *watched])
            self._rules = config, registered, found
        return self._rules[2]

    def reader(self) -> Store:
        """The store to look at; an empty one where none was made yet. One that cannot be read is an error."""
        if self._has_none():
            from uwf.store.sqlite import open_in_memory

            self._refuse_lost()
            return open_in_memory()
        return self.store()

    def _refuse_lost(self) -> None:
        """StoreUnreadable where replies are kept for a store of which nothing else is left: it was not never made."""
        from uwf.engine.chain import kept
        from uwf.store.sqlite.faults import GONE

        if not files.was_never_made(self.store_path):
            return  # opening it says what is there, and what is not
        replies = kept.found(self.home)
        if replies:
            folder = os.path.dirname(replies[0])
            raise StoreUnreadable(
                f"a store was at {self.store_path} and is gone, only {replies[0]} tells of it; put a backup in its "
                f"place, or begin anew with mv {folder} {files.another_name(folder)}",
                hint=f"ls -la {self.home}",
                code=GONE,
            )

    def be_patient(self) -> None:
        """From here on wait longer for other writers: an agent will be run."""
        self._wait_s = max(self._wait_s, RUN_S)
        if self._store is not None:
            self._store.wait_s = self._wait_s

    def stay(self) -> None:
        """From here on keep little of the store in memory: this process lives for days."""
        self._stays = True
        if self._store is not None:
            self._store.keep_little()

    def let_go_of_stale_store(self) -> bool:
        """Close the store where it must not stay open, so that it is opened anew when it is asked for next: another one
        has taken its place, which is answered, or it could only be read, and keeps others from writing.
        """
        is_replaced = self._store is not None and self._store.is_taken_away()
        if self._store is not None and (is_replaced or self._store.is_makeshift):
            self.close()
        return is_replaced

    def close(self) -> None:
        """Close the store. May be called twice."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def gate(self) -> SecretsGate:
        """What all that is written passes."""
        from uwf.engine.chain.gate import SecretsGate

        return SecretsGate(lambda: self.redactor)

    @property
    def log_writer(self) -> Log:
        """What writes to the log of this home, rid of its secrets."""
        if self._log_writer is None:
            from uwf.engine.upkeep.log.writer import Log

            self._log_writer = Log(self.home, self.doing, lambda: self.redactor)
        return self._log_writer

    @property
    def redactor(self) -> Redactor:
        """What keeps the secrets of this environment and config out of the store."""
        if self._redactor is None:
            from uwf.engine.chain.redact import Redactor

            self._redactor = Redactor(settings.secret_values(self.config))
        return self._redactor

    def named(self, agent: str) -> str:
        """What an agent is called in the store: its command line without what that hands over as a secret."""
        self.hide(agent)
        return self.redactor.text(agent)

    def hide(self, agent: str) -> None:
        """Hide from now on what the command line of an agent hands over as a secret."""
        from uwf.config import secrets

        found = secrets.in_command(agent)
        if found:
            self.redactor.hide(secrets.in_all_forms(found))

    def clean(self, text: str, what: str) -> str:
        """`text` as it is stored; a person is told where that is not what was typed. `what` says what it is."""
        self.tell_hidden(text, what)
        return self.redactor.text(text)

    def tell_hidden(self, text: str, what: str) -> None:
        """Tell a person that `what`, whose words are in `text`, is stored without its secrets."""
        names = self.redactor.found_in(text)
        if names:
            marks = ", ".join(f"[redacted:{name}]" for name in names)
            self.warn(f"{what} holds a secret, which is stored, and told to agents, as {marks}")


def absolute(path: str | None) -> str:
    """The absolute path of the folder `path`, by default the current one. `FileNotFoundError` when that was deleted."""
    return os.path.abspath(os.path.expanduser(path)) if path else os.getcwd()


def current_folder() -> str:
    """The folder to look things up in: the current one, the root where it was deleted and has nothing any more."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.sep
