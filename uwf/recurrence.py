"""When something recurs: by a cron line in a time zone, or every so long. Values and calculations, nothing is kept.

A *nominal time* is a moment at which a rule says that something is due. Cron lines are of five fields, read and stepped
through by `cronsim` on the clock on the wall; which moments those are is decided here, as Debian's cron does:

- A line with fixed minutes and hours means times of day. One that the clock skips in spring is due when it goes on, one
  that comes twice in autumn is due the first time.
- A line whose minute or hour begins with `*` means a rhythm. What the clock skips is not due, what comes twice is due
  twice.

Cronsim's own way with zones loses half an hour of such a rhythm where the clock is set by half an hour (Lord Howe).

`every` counts from 1970-01-01 in UTC, not from the last time, so that it never drifts and is the same in all processes.
"""

from __future__ import annotations

from functools import lru_cache

from uwf.nearest import nearest
from uwf.quantities import TIME, counted, written
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, tzinfo

LEAST_EVERY_S = 1.0
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = ("minute", "hour", "day", "month", "weekday")
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_LOOK_BACK_MS = (_HOUR_MS, _DAY_MS, 32 * _DAY_MS, 366 * _DAY_MS)


class Recurrence(Record):
    """A rule: `cron` on the clocks of `zone`, or, with "" for it, `every_s`."""

    cron: str
    every_s: float | None
    zone: tzinfo

    def times(self, after_ms: int) -> Iterator[int]:
        """The nominal times later than `after_ms`, ascending, in epoch milliseconds. Without end, but for rules that
        end.
        """
        if self.every_s is not None:
            step = round(self.every_s * 1000)
            at_ms = after_ms // step * step
            while True:
                at_ms += step
                yield at_ms
        last_ms = after_ms
        for at_ms in _moments(self.cron, self.zone, after_ms):
            if at_ms > last_ms:  # several times of day that the clock skips are one moment
                yield at_ms
                last_ms = at_ms

    def next(self, after_ms: int) -> int | None:
        """The first nominal time later than `after_ms`; None: there is none any more. Remembered: whoever waits for it
        asks often.
        """
        return _next(self, after_ms)

    def between(self, after_ms: int, until_ms: int) -> Iterator[int]:
        """The nominal times in (after, until]."""
        for at_ms in self.times(after_ms):
            if at_ms > until_ms:
                return
            yield at_ms

    def newest(self, after_ms: int, until_ms: int) -> int | None:
        """The last nominal time in (after, until], None when there is none. Quick, however long ago `after_ms` is."""
        for span_ms in _LOOK_BACK_MS:
            from_ms = max(after_ms, until_ms - span_ms)
            found = max(self.between(from_ms, until_ms), default=None)
            if found is not None or from_ms == after_ms:
                return found
        return max(self.between(after_ms, until_ms), default=None)

    def written(self, at_ms: int) -> str:
        """`at_ms` as the clocks of the zone show it: 2026-03-29T03:00:00+02:00."""
        from datetime import datetime

        return datetime.fromtimestamp(at_ms / 1000, self.zone).isoformat(timespec="seconds")

    @property
    def text(self) -> str:
        """The rule as it is stored, the same for the same rule."""
        if self.every_s is not None:
            return f"every {self.every_s:g} s"
        return f"{self.cron} in {self.zone}"

    @property
    def words(self) -> str:
        """The rule for a reader, such as `every 6h`."""
        return self.text if self.every_s is None else f"every {written(TIME, self.every_s)}"


@lru_cache(maxsize=1024)
def _next(rule: Recurrence, after_ms: int) -> int | None:
    return next(rule.times(after_ms), None)


def cron_line(value: object) -> str:
    """`value` as a cron line. ValueError when it is none, or never comes true."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a cron line such as '0 4 * * *': {' '.join(_FIELDS)}")
    line = " ".join(value.split())
    if line.startswith("@"):
        if line.lower() not in ALIASES:
            raise ValueError(f"{line!r} is not known; there are {', '.join(ALIASES)}")
        return ALIASES[line.lower()]
    fields = line.split()
    if len(fields) != len(_FIELDS):
        has, five = counted(len(fields), "field"), ", ".join(_FIELDS)
        raise ValueError(f"{line!r} has {has}, a cron line has 5: {five}")
    from datetime import datetime

    from cronsim import CronSim, CronSimError

    any_day = datetime(2000, 1, 1)  # with leap days to come
    for at, name in enumerate(_FIELDS):
        alone = ["*"] * len(_FIELDS)
        alone[at] = fields[at]
        try:
            CronSim(" ".join(alone), any_day)
        except (CronSimError, AssertionError, ValueError):
            raise ValueError(f"{line!r}: {fields[at]!r} is no {name} of a cron line") from None
    try:
        comes = next(CronSim(line, any_day), None)
    except CronSimError:
        comes = None
    if comes is None:
        raise ValueError(f"{line!r} never comes true: no month has that day")
    return line


def zone_name(value: object) -> str:
    """`value` as the name of a time zone, such as `Europe/Berlin` or `UTC`."""
    zone_named(value)
    return str(value)


def zone_named(value: object) -> tzinfo:
    """The time zone of that name. ValueError with the nearest one where this machine knows none."""
    from zoneinfo import ZoneInfo

    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a time zone such as Europe/Berlin or UTC")
    try:
        return ZoneInfo(value)
    except (OSError, ValueError, LookupError):
        pass
    if value == "UTC":
        from datetime import UTC

        return UTC
    from zoneinfo import available_timezones

    known = {name.lower(): name for name in available_timezones()}
    if not known:
        raise ValueError(
            f"{value!r}: this machine has no time zones; pip install tzdata brings them"
        )
    last = {name.rpartition("/")[2]: name for name in sorted(known, reverse=True)}
    word = value.lower().replace(" ", "_")
    found = known.get(word) or known.get(last.get(word, ""))
    if found is None:
        near = nearest(word, known) or last.get(nearest(word, last) or "")
        found = known[near] if near else None
    meant = f"; did you mean {found}?" if found else ""
    raise ValueError(f"{value!r} is no time zone of this machine{meant}")


def _moments(cron: str, zone: tzinfo, after_ms: int) -> Iterator[int]:
    """The moments from about `after_ms` on, ascending but for doubles, at which the clocks of `zone` fit `cron`."""
    from datetime import UTC, datetime, timedelta

    from cronsim import CronSim

    minute, hour = cron.split()[:2]
    is_rhythm = minute.startswith("*") or hour.startswith("*")
    after, day = datetime.fromtimestamp(after_ms / 1000, UTC), timedelta(days=1)
    before, behind = (at.astimezone(zone).utcoffset() for at in (after - day, after + day))
    assert before is not None
    assert behind is not None
    set_back = max(before - behind, timedelta())  # what the clocks show twice about now
    wall = after.astimezone(zone).replace(tzinfo=None) - set_back
    return _on_clocks(CronSim(cron, wall), zone, is_rhythm)


def _on_clocks(walls: Iterable[datetime], zone: tzinfo, is_rhythm: bool) -> Iterator[int]:
    """The moments at which the clocks of `zone` show `walls`."""
    from datetime import timedelta

    again: list[int] = []  # when what comes twice comes the second time: after all of the first
    for wall in walls:
        first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
        one, two = _ms(first), _ms(second)
        if one < two:
            yield one
            if is_rhythm:
                again.append(two)
            continue
        yield from again
        again = []
        if one == two:
            yield one
        elif not is_rhythm:
            while _ms(first) != _ms(first.replace(fold=1)):
                first += timedelta(minutes=1)
            yield _ms(first)
    yield from again


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
