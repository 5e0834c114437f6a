"""The store: every object read once in a while, a part of them at a time; and a WAL that does not shrink."""

from __future__ import annotations

import os

from uwf import clock
from uwf import home as paths
from uwf.engine.upkeep.health.check import NOW, Check
from uwf.errors import ObjectDamaged, ObjectMissing
from uwf.record import Record, replace
from uwf.store.files import restoring
from uwf.store.whole.check import verify
from uwf.store.whole.walk import links_of
from uwf.store_address import is_database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.upkeep.health.check import Finding

COUNTER = "health/verify"
SLICE, SLICE_S = 20_000, 2.0
"""How many objects are read at a time at most, and for how long: a million in two days, looked at each hour."""
MOST_KEPT = 20
"""Of damaged objects, these are looked at again each time, so that one is told until it is mended."""
WAL_BYTES = 64 << 20
"""SQLite begins anew at 4 MB, unless something reads all the time."""


class VerifyCursor(Record):
    """The last object and the last ref that were read in this pass; how many passes are over, and when the last one
    was; which objects were found damaged or missing.
    """

    object: str = ""
    ref: str = ""
    passes: int = 0
    passed_ms: int = 0
    bad: tuple[str, ...] = ()


class StoreCheck(Check):
    """Objects that are not what they were, or not there. Nothing repairs them but a backup."""

    name = "store"
    what = "damaged and missing objects, some at a time"
    level = NOW
    every_s = 3600.0
    is_slow = True

    def detect(self) -> list[Finding]:
        store = self._ground.store
        cursor = cursor_of(store.counter(COUNTER))
        with store.snapshot():  # which shows the store itself, and nothing that is kept near
            bad = {id: why for id in cursor.bad if (why := self._wrong_with(id)) is not None}
            ref, lost = self._refs_on(cursor.ref)
            last, more, is_suspicious = self._read_on(cursor.object)
        bad |= more
        if is_suspicious:
            # Only an object that a ref needs must be whole, and that takes a look at all of them.
            problems = verify(store).problems
            bad |= {one.id: one.detail for one in problems if one.id}
        bad |= lost
        if self._ground.may_write:
            self._note(replace(cursor, object=last, ref=ref, bad=tuple(sorted(bad)[:MOST_KEPT])))
        hint = restoring(store.place)
        return [
            self.found(id, f"{why}; uwf store verify says who needs it", hint=hint)
            for id, why in bad.items()
        ]

    def _refs_on(self, after: str) -> tuple[str, dict[str, str]]:
        """Look at the next refs. The last of them, "" at the end; and what they point to that is not there."""
        store = self._ground.store
        refs = store.refs(low=after, limit=SLICE)
        lost = {
            ref.id: f"{ref.name} points to {ref.id}, which is not there"
            for ref in refs
            if not store.has(ref.id)
        }
        return refs[-1].name if len(refs) == SLICE else "", lost

    def _read_on(self, after: str) -> tuple[str, dict[str, str], bool]:
        """Read the next objects. The last that was read, "" at the end; those that are damaged; and whether a link
        leads to nothing.
        """
        store, deadline_s = self._ground.store, clock.monotonic_s() + SLICE_S
        bad, is_suspicious, last = dict[str, str](), False, after
        for number, id in enumerate(store.ids(after)):
            if number >= SLICE or clock.monotonic_s() >= deadline_s:
                return last, bad, is_suspicious
            last = id
            try:
                is_suspicious |= not all(map(store.has, links_of(store, id)))
            except ObjectMissing:
                continue  # collected meanwhile
            except ObjectDamaged as error:
                bad[id] = error.message
        return "", bad, is_suspicious

    def _wrong_with(self, id: str) -> str | None:
        """What is wrong with an object that was found damaged or missing; None when it is whole."""
        try:
            self._ground.store.get(id)
        except (ObjectDamaged, ObjectMissing) as error:
            return error.message
        return None

    def _note(self, cursor: VerifyCursor) -> None:
        if not cursor.object:
            cursor = replace(cursor, passes=cursor.passes + 1, passed_ms=clock.now_ms())
        with self._ground.store.transaction("health verify", durable=False) as tx:
            tx.set_counter(COUNTER, {**vars(cursor), "bad": list(cursor.bad)})


class WalCheck(Check):
    """A WAL that has grown because something reads all the time. Repaired, it is copied into the store."""

    name = "wal"
    what = "the size of the WAL"

    def detect(self) -> list[Finding]:
        path = f"{paths.store_file(self._ground.home)}-wal"
        if is_database(self._ground.store.place):
            return []
        try:
            size_bytes = os.stat(path).st_size
        except FileNotFoundError:
            return []
        if size_bytes < WAL_BYTES:
            return []
        what = f"{path} has {size_bytes >> 20}MiB: something reads the store all the time"
        return [self.found(path, what, hint=f"fuser {path}")]

    def repair(self, finding: Finding) -> None:
        self._ground.store.checkpoint()


def cursor_of(value: Any) -> VerifyCursor:
    """How far the objects were read; from the beginning for what is no such note."""
    if not isinstance(value, dict) or value.keys() != set(VerifyCursor._fields):
        return VerifyCursor()
    return VerifyCursor(**{**value, "bad": tuple(value["bad"])})
