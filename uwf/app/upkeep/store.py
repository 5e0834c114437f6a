"""Care for a home: old layouts, the store as a whole."""

from __future__ import annotations

import os

from uwf import home as paths
from uwf.app.opened import RUN_S, absolute
from uwf.app.upkeep.store_file import DUMP, PUT_BACK, file_store, need_store_file
from uwf.config.secrets import in_all_forms
from uwf.errors import InputError, StateError
from uwf.quantities import TIME, written
from uwf.record import Record
from uwf.store_address import is_database, passwords, shown
from uwf.store_address import read as read_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.opened import OpenHome
    from uwf.engine.upkeep.migrate import Migration
    from uwf.jobs.workers import WorkerView
    from uwf.store.whole.check import Verification
    from uwf.store.whole.copying import StoreCopy
    from uwf.store.whole.restore import Restored
    from uwf.working import OnWork


GC_DONE = "gc/done"
"""The counter with the time at which the last collection ended."""


class Collected(Record):
    """What `gc` kept and removed, or would remove: objects, the bytes those took, unfinished files, decided events."""

    kept: int
    removed: int
    freed_bytes: int
    files: tuple[str, ...]
    events: int
    dry_run: bool
    logs: tuple[str, ...] = ()


class StoreMigration(Record):
    """What the tables of the store in `place` were before, 0: there were none, and what they are now, by the number of
    the last migration; and how many of those of the workers' queue were made. `outdated` are the workers that were at
    work meanwhile: with what they know they cannot write to it any more, and drain.
    """

    place: str
    before: int
    after: int
    queue: int
    outdated: tuple[WorkerView, ...] = ()


class StoreFigures(Record):
    """What the store holds, and the room it takes."""

    path: str
    objects: int
    bytes: int
    stored_bytes: int
    refs: int
    moves: int
    entries: int
    file_bytes: int


class Upkeep:
    """What `app.upkeep` can do."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    def migrate_history(self, *, dry_run: bool = False, on_work: OnWork | None = None) -> Migration:
        """Move all of those to where threads are, in one transaction."""
        from uwf.engine.upkeep import migrate

        return migrate.migrate(self._home.reader(), dry_run=dry_run, on_work=on_work)

    def verify(self, *, deep: bool = False, on_work: OnWork | None = None) -> Verification:
        """Check that everything the refs need is there and is what it was."""
        from uwf.store.whole import check

        return check.verify(self._home.store(), deep, on_work)

    def gc(
        self, grace_s: float | None = None, *, dry_run: bool = False, on_work: OnWork | None = None
    ) -> Collected:
        """Remove the objects that nothing has needed for that long, by default for `keep.garbage`, and all else that is
        too old: events, alerts, logs, and unfinished files of dead processes.
        """
        from uwf.engine.events import taking
        from uwf.engine.upkeep import alerts, retention, stale_files
        from uwf.store.whole.gc import collect

        home, rules, now_ms = self._home, self._home.config.keep, self._home.now_ms()
        store = home.store()
        grace_s = rules.garbage_s if grace_s is None else grace_s
        lease_s = max(store.leases.lasts_s or 0.0, store.leases.longest_s() or 0.0)
        if grace_s < lease_s:
            raise InputError(
                f"a grace of {written(TIME, grace_s)} is shorter than a lease, {written(TIME, lease_s)}: what a run on "
                "another machine is storing just now would go",
                hint=f"uwf store gc --grace {written(TIME, lease_s)}",
            )
        found = collect(store, round(grace_s * 1000), dry_run, on_work)
        events = taking.prune(store, now_ms, dry_run=dry_run)
        old = stale_files.find(home.home)
        files = tuple(path for path in old if dry_run or stale_files.remove(path))
        logs = retention.prune(home.home, rules, store.leases, dry_run=dry_run)
        if not dry_run:
            alerts.prune(store, now_ms)
            with store.transaction("gc done", durable=False) as tx:
                tx.set_counter(GC_DONE, now_ms)
        return Collected(
            found.kept, found.removed, found.freed_bytes, files, events, dry_run, tuple(logs)
        )

    def gc_done_ms(self) -> int | None:
        """When the last collection ended; None before there was one."""
        at_ms = self._home.reader().counter(GC_DONE)
        return at_ms if isinstance(at_ms, int) else None

    def backup(self, path: str, on_work: OnWork | None = None) -> int:
        """A consistent copy of the store as a new file; its size in bytes."""
        from uwf.store.whole.backup import backup

        return backup(file_store(self._home, DUMP), path, on_work=on_work)

    def restore(self, file: str, on_work: OnWork | None = None) -> Restored:
        """Put a backup in the place of the store, and keep what it replaces."""
        from uwf.store.whole.restore import restore

        need_store_file(self._home, PUT_BACK)
        self._home.close()
        return restore(file, self._home.store_path, on_work)

    def copy(self, source: str, target: str, on_work: OnWork | None = None) -> StoreCopy:
        """Copy all of the store `source` into `target`, which is empty; each a file, the folder of a home, or the
        address of a database.
        """
        from contextlib import closing

        from uwf.store.database import open_place
        from uwf.store.leases import refuse_in_use
        from uwf.store.whole import copying

        places = [self._place(each) for each in (source, target)]
        if places[0] == places[1]:
            raise InputError(f"{shown(places[0])} is both what is copied and its copy")
        for place in places:
            if not is_database(place):
                refuse_in_use(place, "it is copied when nobody writes to it")
        self._home.close()
        with (
            closing(open_place(places[0], wait_s=RUN_S)) as here,
            closing(open_place(places[1], create=True, wait_s=RUN_S)) as there,
        ):
            return copying.copy(here, there, on_work)

    def migrate_store(self, place: str | None = None) -> StoreMigration:
        """Make the tables of a store in a database, or bring those of an earlier uwf up to date; by default those of
        this home. May be repeated. A store that is a file needs none of it: what writes to it adds what it lacks.
        """
        address = self._home.store_address if place is None else self._place(place)
        if not is_database(address):
            store = self._home.store() if place is None else None
            raise StateError(
                f"{store.place if store else address} is a file, and needs no migration: what an earlier uwf has "
                "written is brought up to date with the next write",
                hint="uwf config set store postgresql://USER@HOST/DATABASE",
                code="store_is_file",
            )
        from uwf.jobs.schema import apply_schema
        from uwf.store import database

        done = database.migrate(address)
        tables = len(database.ask(address, apply_schema))
        outdated = _at_work(address) if 0 < done.before < done.after else ()
        return StoreMigration(done.place, done.before, done.after, tables, outdated)

    def _place(self, text: str) -> str:
        """The file of a store, which may be named by its home, or the address of a database."""
        if is_database(text):
            try:
                address = read_address(text)
            except ValueError as error:
                raise InputError(f"{error}") from None
            self._home.redactor.hide(in_all_forms(("store", each) for each in passwords(address)))
            return address
        path = absolute(text)
        return os.path.realpath(path if path.endswith(".db") else paths.store_file(path))

    def stats(self) -> StoreFigures:
        store = self._home.store()
        found = store.stats()
        return StoreFigures(
            path=store.place,
            objects=found.objects,
            bytes=found.size_bytes,
            stored_bytes=found.stored_bytes,
            refs=found.refs,
            moves=found.moves,
            entries=found.entries,
            file_bytes=store.used_bytes(),
        )


def _at_work(address: str) -> tuple[WorkerView, ...]:
    """The workers of the queue there that take what is due."""
    from contextlib import closing

    from uwf.jobs.link import QueueLink
    from uwf.jobs.workers import UNFIT, WORKING, Workers

    with closing(QueueLink(address, "uwf")) as link:
        return tuple(each for each in Workers(link).all() if each.state in (WORKING, UNFIT))
