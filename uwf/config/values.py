"""Reading one value of config.toml: what it may be, and what a reader is told when it is something else.

Each takes what TOML made of the value and gives what the settings keep. ValueError says what does not fit.
"""

from __future__ import annotations

from uwf import quantities
from uwf.quantities import DURATION_FORM, SIZE_FORM, duration_s, size_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

AGENT_KINDS = ("command",)
OVERFLOW = ("refuse", "drop-oldest")
FAILURE_CLASSES = tuple(
    "spawn_failed exit_code signal timeout stall output_limit bad_reply"
    " quota authentication network out_of_memory internal".split()
)
OFF = "off"


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a text")
    return value


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def names(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f'{value!r} is not a list of names, such as ["DEPLOY_PASS"]')
    return list(value)


def count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 31:
        raise ValueError(f"{value!r} is not a whole number of 1 or more")
    return value


def count_from_zero(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise ValueError(f"{value!r} is not a whole number of 0 or more")
    return value


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise ValueError(f"{value!r} is not a number of 0 or more")
    return float(value)


def cpus_or_off(value: Any) -> float | None:
    return None if value == OFF else number(value)


def rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is not a rate from 0 to 1, such as 0.3")
    return float(value)


def overflow(value: Any) -> str:
    if value not in OVERFLOW:
        raise ValueError(f"{value!r} is none of {', '.join(OVERFLOW)}")
    return str(value)


def classes(value: Any) -> list[str]:
    known = ", ".join(FAILURE_CLASSES)
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list of failure classes; there are {known}")
    for name in value:
        if name not in FAILURE_CLASSES:
            raise ValueError(f"{name!r} is no failure class; there are {known}")
    return list(value)


def amount(name: str) -> Callable[[Any], float]:
    return lambda value: quantities.read_amount(name, value)


def duration(value: Any) -> float:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not {DURATION_FORM}")
    return duration_s(value)


def some_duration(value: Any) -> float:
    if duration(value) <= 0:
        raise ValueError(f"{value!r} is no time at all")
    return duration(value)


def duration_or_off(value: Any) -> float | None:
    if value == OFF:
        return None
    if duration(value) <= 0:
        raise ValueError(f"{value!r} ends everything at once; {OFF!r} means never")
    return duration(value)


def size(value: Any) -> int:
    if not isinstance(value, str) or size_bytes(value) < 1:
        raise ValueError(f"{value!r} is not {SIZE_FORM}")
    return size_bytes(value)


def kind(value: Any) -> str:
    if value not in AGENT_KINDS:
        raise ValueError(f"{value!r} is not a kind of agent; known: {', '.join(AGENT_KINDS)}")
    return str(value)


def command(value: Any) -> list[str]:
    """A list is taken as it stands; a string is split as a shell would, and no shell is run."""
    if isinstance(value, str):
        import shlex

        try:
            value = shlex.split(value)
        except ValueError as error:
            raise ValueError(f"{value!r} cannot be split into words: {error}") from None
    if not (isinstance(value, list) and value and all(isinstance(word, str) for word in value)):
        raise ValueError(f"{value!r} is not a command: a text, or a list of texts")
    if not value[0]:
        raise ValueError("the command's first word is empty")
    return list(value)
