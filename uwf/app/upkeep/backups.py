"""The backups that are kept of a home: making one, restoring one for a try, and how they stand."""

from __future__ import annotations

import shutil

from uwf import clock, points
from uwf.app.upkeep.store_file import DUMP, file_store
from uwf.errors import NotFound, UwfError
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.opened import OpenHome
    from uwf.engine.upkeep.backups import Drill, KeptBackup
    from uwf.working import OnWork


class MadeBackup(Record):
    """A new backup, and those that went because enough newer ones are kept."""

    file: str
    bytes: int
    removed: tuple[str, ...]


class Backups:
    """What `app.backups` can do."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    @property
    def folder(self) -> str:
        from uwf.engine.upkeep import backups

        return backups.folder_of(self._home.home, self._home.config.backup)

    def kept(self) -> list[KeptBackup]:
        """Those that are kept, the oldest first; none of a store in a database."""
        from uwf.engine.upkeep import backups

        return backups.kept(self.folder) if self._home.has_store_file else []

    def newest(self) -> KeptBackup | None:
        """The newest; None as long as there is none."""
        from uwf.engine.upkeep import backups

        return backups.newest(self.folder) if self._home.has_store_file else None

    def due_ms(self) -> int | None:
        """When the next is to be made; None: never, or as long as there is no store."""
        from uwf.engine.upkeep import backups

        if not self._home.has_store_file or not self._home.has_store():
            return None
        return backups.due_ms(self.folder, self._home.config.backup)

    def make(self, on_work: OnWork | None = None) -> MadeBackup:
        """Make one, verify it, and let go of those that are not to be kept any longer."""
        from uwf.engine.upkeep import backups

        made = backups.make(file_store(self._home, DUMP), self.folder, on_work)
        removed = backups.prune(self.folder, self._home.config.backup)
        self._home.log_writer.write(
            "backup_made", file=made.file, bytes=made.bytes, removed=removed
        )
        return MadeBackup(made.file, made.bytes, tuple(removed))

    def last_drill(self) -> Drill | None:
        """What the last drill came to; None before the first."""
        from uwf.engine.upkeep import backups

        return backups.last_drill(self._home.reader())

    def drill_due_ms(self) -> int | None:
        """When the next drill is to be; None: never, or as long as there is no backup."""
        rules = self._home.config.backup
        if rules.drill_every_s is None or not self._home.has_store_file or not self.kept():
            return None
        drill = self.last_drill()
        if drill is None or drill.at > clock.now_ms():  # the clock was ahead
            return 0
        return drill.at + round(rules.drill_every_s * 1000)

    def drill(self, on_work: OnWork | None = None) -> Drill:
        """Restore the newest backup into a home of its own, and let one of its threads make a step there.

        What it comes to is noted, also where it goes wrong, which is raised. Raises `NotFound` without a backup.
        """
        from uwf.engine.upkeep import backups

        store = file_store(self._home, DUMP)
        newest = self.newest()
        if newest is None:
            raise NotFound(
                f"there is no backup in {self.folder}", hint="uwf store backup", code="no_backup"
            )
        file, began_s = newest.file, clock.monotonic_s()
        drill = backups.Drill(clock.now_ms(), file, 0)
        try:
            thread = self._restored_and_resumed(file, on_work)
        except (UwfError, OSError) as error:
            drill = replace(drill, problem=str(error))
            raise
        else:
            drill = replace(drill, thread=thread)
        finally:
            drill = replace(drill, duration_ms=round((clock.monotonic_s() - began_s) * 1000))
            backups.note_drill(store, drill)
            said = {key: value for key, value in vars(drill).items() if key != "at"}
            self._home.log_writer.write("backup_drill", **said)
        return drill

    def _restored_and_resumed(self, file: str, on_work: OnWork | None) -> str | None:
        from uwf.app.opened import SQLITE, OpenHome
        from uwf.app.thread import run_context
        from uwf.engine.actions.drill import resume_one
        from uwf.engine.upkeep import backups
        from uwf.store.whole.restore import restore

        folder = backups.drill_folder(self._home.home)
        other = OpenHome(folder, store_address=SQLITE)
        try:
            restore(file, other.store_path, on_work)
            points.at("drill: restored")
            return resume_one(run_context.of(other), folder)
        finally:
            other.close()
            shutil.rmtree(folder, ignore_errors=True)
