"""Counters, samples and entries together: all that is no object and no ref, and which of it cannot be decoded."""

from __future__ import annotations

from uwf.store.sql.counters import CounterReading, CounterWriting
from uwf.store.sql.entries import EntryReading, EntryWriting
from uwf.store.validate import unreadable_ones

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.values import Unreadable


class FactReading(CounterReading, EntryReading):
    def unreadable(self) -> list[Unreadable]:
        return unreadable_ones(
            self._packed_counters(), self._packed_samples(), self._packed_entries()
        )


class FactWriting(CounterWriting, EntryWriting, FactReading):
    def drop_unreadable(self) -> list[Unreadable]:
        counters, samples, entries = (
            self._packed_counters(),
            self._packed_samples(),
            self._packed_entries(),
        )
        for name, packed in counters:
            if unreadable_ones(counters=[(name, packed)]):
                self._write("DELETE FROM counter WHERE name = ?", (name,))
                self._counters_now.pop(name, None)
        for series, packed in samples:
            if unreadable_ones(samples=[(series, packed)]):
                self._write("DELETE FROM sample WHERE series = ? AND value = ?", (series, packed))
        for name, packed in entries:
            if unreadable_ones(entries=[(name, packed)]):
                kind, key = name.split("/", 1)
                self._write("DELETE FROM entry WHERE kind = ? AND key = ?", (kind, key))
        return unreadable_ones(counters, samples, entries)
