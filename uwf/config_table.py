"""A table of the configuration as a frozen record: a key stands once, with how its value is read and its default.

    class Rules(Table, at="breaker"):
        threshold: int = key(count, 3)
        cooldown_s: float = key(some_duration, "30m")

This is `breaker.threshold` and `breaker.cooldown` of config.toml: a key is called as its field without the unit. The
default is written as in the file. Which tables there are says `config/keys`.

    class Schedule(Table, array="schedules"):
        name: str = key(bare_name, needed=True)
        cron: str = key(text, unset="")

is one `[[schedules]]` of which there may be many. A key of it is called `schedules.NAME.cron`, or by the number of its
element from 1 where that has no name.

Readers take what TOML made of a value and give what the field holds. ValueError says what does not fit.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf import quantities
from uwf.quantities import DURATION_FORM, SIZE_FORM, duration_s, size_bytes
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, ClassVar, Self, TypeAlias

    Path: TypeAlias = tuple[str, ...]
    Read: TypeAlias = Callable[[Any], Any]

ANY = "*"
OFF = "off"
EMPTY = "it is empty, and names no label: leave it out, or name one"
"""What is said of a map that stands there with nothing in it."""
NOTHING: Mapping[str, Any] = MappingProxyType({})
_UNITS = ("_s", "_bytes", "_")
"""Endings of fields that are not part of the key. The last is for a key that is a word of Python, as `class` is."""


NAME = "name"
"""The key by which an element of an array is known."""


class Key(Record):
    """A known key. `*` in its path is any name; `field` is what the last part of it is called in its record.
    `default` is as it would be written; None: not set.
    """

    path: Path
    read: Read
    default: Any
    field: str


class Table(Record):
    """A record whose fields are made by `key`, `choice`, `each` or `amounts`. `at` is the path of its table, `array`
    that of an array of tables, each of which is one.
    """

    table: ClassVar[Path] = ()
    is_array: ClassVar[bool] = False
    declared: ClassVar[Mapping[str, _Declared]] = NOTHING

    def __init_subclass__(cls, at: str = "", array: str = "", **options: Any) -> None:
        cls.table = tuple(at.split(".")) if at else ()
        if array:
            cls.table, cls.is_array = (*array.split("."), ANY), True
        cls.declared = {
            name: found for name, found in vars(cls).items() if isinstance(found, _Declared)
        }
        for name, found in cls.declared.items():
            setattr(cls, name, found.value)
        super().__init_subclass__(**options)

    @classmethod
    def keys(cls) -> list[Key]:
        """The keys of the table, in the order of the fields."""
        found = []
        for field, declared in cls.declared.items():
            name = next(
                (field.removesuffix(unit) for unit in _UNITS if field.endswith(unit)), field
            )
            for below, read in declared.below.items():
                path = (*cls.table, name, *below)
                found.append(Key(path, read, declared.default, field if not below else below[-1]))
        return found

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """The record of what was read for its table, or its part of it, with defaults for the rest."""
        found = {name: settings[name] for name in cls.declared if name in settings}
        return cls(**{name: _frozen(value) for name, value in found.items()})

    @classmethod
    def needed(cls) -> list[str]:
        """The fields without which an element of the array is refused."""
        return [name for name, found in cls.declared.items() if found.is_needed]

    def check(self) -> None:
        """ValueError for an element whose keys are each right and do not go together."""


class _Declared:
    """What stands in a class for a field until the class is made. `below` are the keys below that of the field."""

    def __init__(
        self, value: Any, default: Any, below: Mapping[Path, Read], is_needed: bool = False
    ) -> None:
        self.value = _frozen(value)
        self.default = default
        self.below = below
        self.is_needed = is_needed


def key(read: Read, default: Any = None, *, unset: Any = None, needed: bool = False) -> Any:
    """A field with its default as it is written in the file; None: not set, which the field holds as `unset`.
    One that is `needed` stands in every element of its array.
    """
    return _Declared(unset if default is None else read(default), default, {(): read}, needed)


def choice(read: Read, default: Any) -> Any:
    """A field whose default stands for itself, so that what can be chosen is asked only for what a file has."""
    return _Declared(default, default, {(): read})


def each(read: Read, levels: int = 1, names: Sequence[str] = ()) -> Any:
    """A field that holds a value for any name, or, with more `levels`, for names below names; with `names`, values for
    these below any name.
    """
    if names:
        return _Declared(NOTHING, None, {(ANY, name): read for name in names})
    return _Declared(NOTHING, None, {(ANY,) * levels: read})


def amounts(*names: str) -> Any:
    """A field that holds a budget of these names."""
    return _Declared(NOTHING, None, {(name,): _amount(name) for name in names})


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a text")
    return value


def command_line(value: Any) -> list[str]:
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


def bare_name(value: Any) -> str:
    """A name that stands in a key as it is, and that is no number."""
    if not isinstance(value, str) or not is_bare(value) or value.isdigit():
        raise ValueError(f"{value!r} is not a name: a-z, A-Z, 0-9, - and _, and not digits alone")
    return value


def is_bare(part: str) -> bool:
    """Whether `part` needs no quotes in a key."""
    return part.isascii() and part.replace("-", "").replace("_", "").isalnum()


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def names(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f'{value!r} is not a list of names, such as ["DEPLOY_PASS"]')
    return list(value)


def one_of(known: Sequence[str]) -> Read:
    """A reader that takes one of `known`."""

    def read(value: Any) -> str:
        if value not in known:
            raise ValueError(f"{value!r} is none of {', '.join(known)}")
        return str(value)

    return read


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


def number_or_off(value: Any) -> float | None:
    return None if value == OFF else number(value)


def rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is not a rate from 0 to 1, such as 0.3")
    return float(value)


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


def time_of_day(value: Any) -> int:
    """Minutes since midnight."""
    hour, colon, minute = value.partition(":") if isinstance(value, str) else ("", "", "")
    digits = hour + minute
    is_time = bool(colon) and len(minute) == 2 and digits.isascii() and digits.isdecimal()
    if not is_time or len(hour) not in (1, 2) or int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{value!r} is no time of day, 00:00 to 23:59")
    return int(hour) * 60 + int(minute)


def size(value: Any) -> int:
    if not isinstance(value, str) or size_bytes(value) < 1:
        raise ValueError(f"{value!r} is not {SIZE_FORM}")
    return size_bytes(value)


def _amount(name: str) -> Read:
    return lambda value: quantities.read_amount(name, value)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
