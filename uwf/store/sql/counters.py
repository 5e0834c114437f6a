"""Counters and samples: small facts that change often and are no part of any chain.

A counter is a name with a small value; samples are values in time, in a series. Guards keep their state here, so
that every process sees it. Neither has a log, and `gc` does not know them.
"""

from __future__ import annotations

from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from uwf.store.validate import bounds, check_name, counter_value, sample_value
from uwf.store.values import Sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.store.protocols import Gate
    from uwf.store.sql.database import SqlDatabase


class CounterReading:
    """The reading half of `uwf.store.protocols.Counters`."""

    _database: SqlDatabase

    def counter(self, name: str) -> Any:
        check_name(name)
        packed = self._packed_counter(name)
        return None if packed is None else counter_value(name, packed)

    def counters(self, prefix: str) -> list[tuple[str, Any]]:
        rows = self._database.all(
            "SELECT name, value FROM counter WHERE name >= ? AND name < ? ORDER BY name",
            bounds(prefix, None, None),
        )
        return [(name, counter_value(name, value)) for name, value in rows]

    def samples(self, prefix: str, since_ms: int) -> list[Sample]:
        rows = self._database.all(
            "SELECT series, at_ms, value FROM sample WHERE series >= ? AND series < ? AND at_ms >= ?"
            " ORDER BY at_ms, seq",
            (*bounds(prefix, None, None), since_ms),
        )
        return [Sample(series, at_ms, sample_value(series, value)) for series, at_ms, value in rows]

    def count_samples(self, series: str, since_ms: int) -> int:
        sql = "SELECT count(*) FROM sample WHERE series = ? AND at_ms >= ?"
        number: int = self._database.one(sql, (series, since_ms))[0]
        return number

    def _packed_counter(self, name: str) -> Any:
        row = self._database.one("SELECT value FROM counter WHERE name = ?", (name,))
        return None if row is None else row[0]

    def _packed_counters(self) -> list[tuple[str, object]]:
        return self._database.all("SELECT name, value FROM counter ORDER BY name")

    def _packed_samples(self) -> list[tuple[str, object]]:
        return self._database.all("SELECT DISTINCT series, value FROM sample ORDER BY series")


class CounterWriting(CounterReading):
    """The writing half, part of a transaction."""

    _gate: Gate | None
    _counters_now: dict[str, Any]
    """What was read or set here, packed: there is no other writer."""

    if TYPE_CHECKING:

        def _write(self, sql: str, args: tuple[Any, ...]) -> None: ...

    def set_counter(self, name: str, value: Any) -> None:
        check_name(name)
        packed = None if value is None else self._packed(value)
        if packed is None:
            self._write("DELETE FROM counter WHERE name = ?", (name,))
        else:
            self._write(
                "INSERT INTO counter (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, packed),
            )
        self._counters_now[name] = packed

    def add_sample(self, series: str, value: Any, at_ms: int) -> None:
        check_name(series)
        self._write(
            "INSERT INTO sample (series, at_ms, value) VALUES (?, ?, ?)",
            (series, at_ms, self._packed(value)),
        )

    def drop_samples(self, series: str, before_ms: int) -> None:
        self._write("DELETE FROM sample WHERE series = ? AND at_ms < ?", (series, before_ms))

    def _packed_counter(self, name: str) -> Any:
        if name not in self._counters_now:
            self._counters_now[name] = super()._packed_counter(name)
        return self._counters_now[name]

    def _packed(self, value: Any) -> bytes:
        packed: bytes = packb(value if self._gate is None else self._gate.value(value))
        return packed
