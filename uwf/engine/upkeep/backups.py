"""The backups that are kept: one a day and one a week, in one folder, each opened and verified before it has its name.

A file of that name is therefore a whole one. They are told by their names, `store-20261129T141500.123Z.db`, in UTC; no
other file of the folder is looked at. What the last drill came to is the counter `backup/drill`.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime

from uwf import clock
from uwf import home as paths
from uwf.agent.process import platform
from uwf.engine.upkeep import stale_files
from uwf.errors import InputError
from uwf.record import Record
from uwf.store.whole.backup import backup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from uwf.config.records import BackupConfig
    from uwf.store.protocols import Counters, Store
    from uwf.store.sqlite import SqliteStore
    from uwf.working import OnWork

DRILL = "backup/drill"
_DRILL = "drill.new-"
_NAME = re.compile(r"store-(\d{8}T\d{6}\.\d{3})Z\.db")
_TIME = "%Y%m%dT%H%M%S.%f"


class KeptBackup(Record):
    """A backup, and when it was made."""

    file: str
    at: int
    bytes: int


class Drill(Record):
    """A drill: the backup `file` was restored into a home of its own, verified, and `thread` (None: there was none)
    made a step there. `duration_ms` is what that took, `problem` what went wrong.
    """

    at: int
    file: str
    duration_ms: int
    thread: str | None = None
    problem: str | None = None


def folder_of(home: str, rules: BackupConfig) -> str:
    """Where backups are kept."""
    return rules.folder or paths.backups(home)


def kept(folder: str) -> list[KeptBackup]:
    """Those in `folder`, the oldest first."""
    found = []
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(
            f"cannot look into the folder of backups {folder}: {error.strerror}",
            hint=f"ls -ld {folder}",
        ) from error
    for name in names:
        match = _NAME.fullmatch(name)
        path = os.path.join(folder, name)
        if match and os.path.isfile(path):
            at = datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
            found.append(KeptBackup(path, round(at.timestamp() * 1000), os.stat(path).st_size))
    return found


def newest(folder: str) -> KeptBackup | None:
    """The newest. One of a time to come, when the clock was ahead, only where there is no other."""
    found = kept(folder)
    return next(reversed(_until_now(found) or found), None)


def _until_now(found: Iterable[KeptBackup]) -> list[KeptBackup]:
    now_ms = clock.now_ms()
    return [one for one in found if one.at <= now_ms]


def due_ms(folder: str, rules: BackupConfig) -> int | None:
    """When the next is to be made, 0 before the first; None: never."""
    if rules.every_s is None:
        return None
    last = newest(folder)
    return 0 if last is None or last.at > clock.now_ms() else last.at + round(rules.every_s * 1000)


def make(store: SqliteStore, folder: str, on_work: OnWork | None = None) -> KeptBackup:
    """Make one. It has its name when it was found sound."""
    now_ms = clock.now_ms()
    path = os.path.join(paths.made(folder), name_of(now_ms))
    return KeptBackup(path, now_ms, backup(store, path, is_verified=True, on_work=on_work))


def name_of(at_ms: int) -> str:
    """The name of a backup that was made then."""
    return f"store-{datetime.fromtimestamp(at_ms / 1000, UTC).strftime(_TIME)[:-3]}Z.db"


def prune(folder: str, rules: BackupConfig) -> list[str]:
    """Remove those that are not to be kept, and what a killed backup left; their paths. Those of a time to come, when
    the clock was ahead, stay until then, and take the place of none.
    """
    found = _until_now(kept(folder))
    wanted = {
        *_newest_of_each(found, rules.keep_daily, lambda day: day.strftime("%Y-%m-%d")),
        *_newest_of_each(found, rules.keep_weekly, lambda day: day.strftime("%G-%V")),
    }
    gone = [one.file for one in found[:-1] if one.file not in wanted]
    return [path for path in [*gone, *stale_files.unfinished(folder)] if stale_files.remove(path)]


def _newest_of_each(
    found: Iterable[KeptBackup], most: int, period: Callable[[datetime], str]
) -> list[str]:
    """The newest backup of each of the last `most` periods that have one."""
    newest = {period(datetime.fromtimestamp(one.at / 1000, UTC)): one.file for one in found}
    return [newest[name] for name in sorted(newest)[-most:]] if most else []


def drill_folder(home: str) -> str:
    """A new folder for a drill to be the home of; those that killed drills have left are gone then."""
    for name in os.listdir(home):
        pid = name.removeprefix(_DRILL)
        if pid != name and pid.isdecimal() and platform.look(int(pid)) is None:
            shutil.rmtree(os.path.join(home, name), ignore_errors=True)
    return paths.made(os.path.join(home, f"{_DRILL}{os.getpid()}"))


def last_drill(counters: Counters) -> Drill | None:
    value = counters.counter(DRILL)
    return (
        Drill(**value) if isinstance(value, dict) and value.keys() == set(Drill._fields) else None
    )


def note_drill(store: Store, drill: Drill) -> None:
    with store.transaction("backup drill") as tx:
        tx.set_counter(DRILL, vars(drill))
