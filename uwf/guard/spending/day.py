"""The day of a home: which one it is now, and when the next begins.

All processes of a home count by one zone, whatever TZ each of them has: else a shell in another zone had a budget of
its own. It is `budget.zone` of the config, else the zone of the process that started the first thread, kept as counter
`zone` = {name, offset_s}. Where this machine knows no zone of that name, the offset that it had then stands in.
"""

from __future__ import annotations

import time

from uwf import clock
from uwf.guard.counters import unreadable
from uwf.quantities import STEPS, TIME, TOKENS, USD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import tzinfo
    from typing import Any

    from uwf.store.protocols import Counters, Transaction

DAYS = "usage/"
"""The counters with what was used on each date."""
OF_A_DAY = (TOKENS, USD, STEPS, TIME)

ZONE = "zone"
UTC = ("UTC", "Etc/UTC")
"""The zone of most servers is known without a look at any file."""
_DAY_MS = 86_400_000


def keep_zone(tx: Transaction, local: str | None) -> None:
    """Let the day of this home be that of this process, whose zone is `local`, unless it has one already."""
    if tx.counter(ZONE) is None:
        tx.set_counter(ZONE, _here(local))


def zone_of(counters: Counters, named: str | None = None, local: str | None = None) -> tzinfo:
    """The zone of a home; `named` is what its config says, and `local` that of this process, should it have none."""
    found = None if named is None else _by_name(named)
    if found is not None:
        return found
    kept = counters.counter(ZONE)
    if kept is None:
        kept = _here(local)
    try:
        name, offset_s = kept["name"], float(kept["offset_s"])
    except (TypeError, KeyError, ValueError):
        raise unreadable(ZONE, kept, "uwf config set budget.zone UTC") from None
    return (None if name is None else _by_name(name)) or _fixed(offset_s)


def date(zone: tzinfo, age_days: int = 0) -> str:
    """The date in `zone`, some days ago."""
    from datetime import datetime

    then_s = (clock.now_ms() - age_days * _DAY_MS) / 1000
    return datetime.fromtimestamp(then_s, zone).strftime("%Y-%m-%d")


def today(counters: Counters, zone: tzinfo | None = None) -> dict[str, float]:
    """What this machine has used since midnight in `zone`, by default that of the home, by name."""
    total = counters.counter(DAYS + date(zone or zone_of(counters))) or {}
    return {name: round(total.get(name, 0.0), 9) for name in OF_A_DAY}


def midnight_ms(zone: tzinfo) -> int:
    """When the next day begins in `zone`."""
    from datetime import datetime, timedelta

    today = datetime.fromtimestamp(clock.now_ms() / 1000, zone)
    begun = today.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return round((begun + timedelta(days=1)).timestamp() * 1000)


def _here(local: str | None) -> dict[str, Any]:
    offset_s = time.localtime(clock.now_ms() / 1000).tm_gmtoff
    is_known = local is not None and _by_name(local) is not None
    return {"name": local if is_known else None, "offset_s": offset_s}


def _by_name(name: str) -> tzinfo | None:
    """The zone of that name; None where this machine has none. A path is no name."""
    if name in UTC:
        return _fixed(0)
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return None


def _fixed(offset_s: float) -> tzinfo:
    from datetime import timedelta, timezone

    return timezone(timedelta(seconds=offset_s))
