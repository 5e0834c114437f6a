"""What happens from outside, made from a seed before the world begins: a list in the order of its times.

A time is in milliseconds since the world began, on the clock that does not jump. What is delivered has an id, so a
delivery that a kill has cut off is made again, as a forge does.
"""

from __future__ import annotations

import random

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

S, MIN, H = 1000, 60_000, 3_600_000

COMMENT, CHECK, NOISE, DIRECT, ANSWER = (
    "forge.comment",
    "forge.check",
    "forge.noise",
    "note",
    "answer",
)
"""Names of events: a hard trigger, a fuzzy one, none at all; and a person's word for one thread."""

FULL, ROOM, JUMP = "disk full", "disk has room", "clock jumps"
OF_MACHINE = (FULL, ROOM, JUMP)
"""What happens to the machine."""


class Happening(Record):
    """At `at_ms` something is delivered or done: an event `id` called `name` about the pull request `pr`; a person's
    answer to all that waits; or something of the machine, `by_ms` for a jump."""

    at_ms: int
    name: str
    id: str = ""
    pr: int = 0
    by_ms: int = 0


class Load(Record):
    """A whole day: what is delivered, and what happens to the machine. `told` are the ids of the events that a thread
    must be told, once each, by its pull request.
    """

    happenings: tuple[Happening, ...]
    machine: tuple[Happening, ...]
    told: dict[str, int]
    threads: int


def make(seed: int, hours: float, threads: int, per_hour: int, burst: int) -> Load:
    """The load of `hours`, with bursts of so many events in a second; the end is quiet, so that all comes to an end."""
    dice = random.Random(seed)
    end_ms = int(hours * H)
    loud_ms = int(end_ms * 0.85)
    found: list[Happening] = []
    told: dict[str, int] = {}
    for at_ms in _times(dice, loud_ms, per_hour):
        _one(dice, at_ms, threads, loud_ms, found, told)
    for number in range(max(1, round(hours / 6))):
        at_ms = dice.randrange(loud_ms // 2)
        _burst(dice, at_ms, number, burst, threads, found, told)
    for at_ms in range(2 * H, loud_ms, 3 * H):
        found.append(Happening(at_ms, ANSWER, f"answers-{at_ms}"))
    found.append(Happening(loud_ms + MIN, ANSWER, "answers-last"))
    found.sort(key=lambda one: one.at_ms)
    return Load(tuple(found), tuple(_machine(loud_ms)), told, threads)


def _times(dice: random.Random, end_ms: int, per_hour: int) -> Iterator[int]:
    """Times of single events: many by day, few in the quiet hours."""
    for hour in range(max(1, end_ms // H)):
        is_quiet = hour % 12 >= 9
        for _ in range(per_hour // 8 if is_quiet else per_hour):
            yield min(end_ms - 1, hour * H + dice.randrange(H))


def _one(
    dice: random.Random,
    at_ms: int,
    threads: int,
    end_ms: int,
    found: list[Happening],
    told: dict[str, int],
) -> None:
    """One event, as a forge delivers it: a third never arrives and is found by the next poll, a third arrives twice."""
    pr = dice.randrange(threads)
    name = dice.choice([COMMENT, COMMENT, CHECK, NOISE, DIRECT])
    id = f"{name}-{at_ms}-{dice.randrange(10**6)}"
    if name in (COMMENT, DIRECT):
        told[id] = pr
    lot = dice.random()
    if lot < 0.3 and name != DIRECT:
        polled_ms = (at_ms // (10 * MIN) + 1) * 10 * MIN
        found.append(Happening(min(polled_ms, end_ms), name, id, pr))
        return
    found.append(Happening(at_ms + dice.randrange(5 * S), name, id, pr))
    if lot > 0.7:
        found.append(Happening(at_ms + dice.randrange(20 * MIN), name, id, pr))


def _burst(
    dice: random.Random,
    at_ms: int,
    number: int,
    size: int,
    threads: int,
    found: list[Happening],
    told: dict[str, int],
) -> None:
    """So many events within a second."""
    for each in range(size):
        pr, name = dice.randrange(threads), dice.choice([COMMENT, CHECK, NOISE, NOISE])
        id = f"burst-{number}-{each}"
        if name == COMMENT:
            told[id] = pr
        found.append(Happening(at_ms + each * S // size, name, id, pr))


def _machine(loud_ms: int) -> list[Happening]:
    """A full disk for ten minutes, the clock an hour back, later an hour and a half of sleep."""
    return [
        Happening(int(loud_ms * 0.3), FULL),
        Happening(int(loud_ms * 0.3) + 10 * MIN, ROOM),
        Happening(int(loud_ms * 0.5), JUMP, by_ms=-H),
        Happening(int(loud_ms * 0.7), JUMP, by_ms=H + H // 2),
    ]
