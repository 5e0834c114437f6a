"""`nextCheckIn` in a reply: after how long its thread is to be looked at again, whatever else happens.

It is a wish that a reply may carry, and no part of it: one that makes no sense spoils no work, and a person is told.
"""

from __future__ import annotations

from uwf import clock, quantities
from uwf.engine.chain import wake
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.chain.wake import Wake

NAME = "nextCheckIn"
LEAST_S, MOST_S = 60, 30 * 86_400
LONGEST = 100

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_REST = r"(?<=s)ec(?:ond)?s?|(?<=m)in(?:ute)?s?|(?<=h)(?:ou)?rs?|(?<=d)ays?|(?<=w)eeks?"
_PART = rf"(\d{{1,9}}(?:\.\d{{1,3}})?)\s*(s|m|h|d|w)(?:{_REST})?"
_LENGTH = rf"(?:in\s+)?(?:{_PART}[\s,]*(?:and\s+)?)+"


class CheckIn(Record):
    """After how long, in seconds; None for a wish that cannot be read. `note` is what a person is to know of it."""

    after_s: float | None
    note: str | None = None

    def wake(self, role: str) -> Wake | None:
        """The timer that `role` has wished for by this, from now on."""
        if self.after_s is None:
            return None
        why = f"{role} asked for a look after {quantities.said(quantities.TIME, self.after_s)}"
        if self.note is not None:
            why += f" ({self.note})"
        return wake.Wake(clock.now_ms() + round(self.after_s * 1000), wake.TIMER, why)


def read(value: Any) -> CheckIn:
    """The wish that `value` is: a length of time such as `30m`, `1h30m` or `2 hours`."""
    import re  # few replies have one

    shown = f"{NAME}: {value!s:.40}"
    is_text = isinstance(value, str) and len(value) <= LONGEST
    if not is_text or not re.fullmatch(_LENGTH, value.strip(), re.IGNORECASE):
        return CheckIn(None, f"{shown} is no length of time such as 30m, and nobody looks for it")
    parts = re.findall(_PART, value, re.IGNORECASE)
    after_s = sum(float(number) * _UNITS[unit.lower()] for number, unit in parts)
    if after_s < LEAST_S:
        return CheckIn(LEAST_S, f"{shown} is less than one minute")
    if after_s > MOST_S:
        return CheckIn(MOST_S, f"{shown} is more than 30 days")
    return CheckIn(after_s)
