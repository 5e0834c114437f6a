"""`[[absences]]`: what is to happen, and by when; where it has not, a person is told."""

from __future__ import annotations

from uwf.config_table import Table, bare_name, choice, key, one_of, some_duration, time_of_day
from uwf.workflow.trigger import IGNORE, Trigger, event_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _name(value: Any) -> str:
    event_name(value.removesuffix("*") if isinstance(value, str) and len(value) > 1 else value)
    return str(value)


class Absence(Table, array="absences"):
    """An event called `on` is to come at least once in each `within_s`, or in the 24 hours before `by`, a time of each
    day on the clock of this machine, in minutes since midnight.
    """

    name: str = key(bare_name, needed=True)
    on: str = key(_name, needed=True)
    within_s: float | None = key(some_duration)
    by: int | None = key(time_of_day)
    level: str = choice(one_of(("P0", "P1", "P2")), "P1")

    def check(self) -> None:
        if (self.within_s is None) == (self.by is None):
            raise ValueError("it has a within or a by, one of the two")

    @property
    def trigger(self) -> Trigger:
        """The rule that has such events kept, and does nothing with them."""
        return Trigger(name=f"absence-{self.name}", on=(self.on,), class_=IGNORE)
