"""Frozen values with named fields.

`Record` is what `dataclasses.dataclass(frozen=True)` would be, without its import: `dataclasses` pulls in
`inspect` and `re`, which together cost more than everything else `uwf thread show` does. A type checker sees
a frozen dataclass; at run time it is the class below.

    class Point(Record):
        x: int
        y: int = 0

Fields are the annotations of the class and its bases, in order. Values are compared and hashed by their
fields, and `replace` makes a changed copy. Defaults are shared, so they must be immutable; a mapping or list
default is refused when the class is made. One constructor serves all classes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeVar, dataclass_transform

    R = TypeVar("R", bound="Record")
else:

    def dataclass_transform(**_options):
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """A frozen value. Subclasses only declare fields."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _names: ClassVar[frozenset[str]] = frozenset()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        fields, defaults = list(cls._fields), dict(cls._defaults)
        for name, annotation in cls.__dict__.get("__annotations__", {}).items():
            if str(annotation).startswith("ClassVar"):
                continue
            if name not in fields:
                fields.append(name)
            if name in cls.__dict__:
                default = cls.__dict__[name]
                if isinstance(default, (list, dict, set)):
                    raise TypeError(f"{cls.__name__}.{name}: a default must be immutable")
                defaults[name] = default
        cls._fields, cls._names, cls._defaults = tuple(fields), frozenset(fields), defaults

    def __init__(self, *values: Any, **named: Any) -> None:
        state, fields = self.__dict__, self._fields
        state.update(self._defaults)
        if values:
            state.update(zip(fields, values, strict=False))
            is_double = named and not named.keys().isdisjoint(fields[: len(values)])
            if is_double or len(values) > len(fields):
                raise TypeError(self._objection(values, named))
        state.update(named)
        if state.keys() != self._names:
            raise TypeError(self._objection(values, named))

    @classmethod
    def _objection(cls, values: tuple[Any, ...], named: dict[str, Any]) -> str:
        """What is wrong with the values for a new one."""
        fields, placed = cls._fields, cls._fields[: len(values)]
        if len(values) > len(fields):
            return f"{cls.__name__} takes {len(fields)} fields, got {len(values)}"
        missing = [name for name in fields if name not in {*placed, *named, *cls._defaults}]
        unknown = [name for name in named if name not in fields or name in placed]
        return f"{cls.__name__}: missing {missing}, unknown or double {unknown}"

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot delete {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(self.__dict__[name] for name in self._fields)))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self._fields)
        return f"{type(self).__name__}({inside})"


def replace(record: R, **changes: Any) -> R:
    """A copy of `record` with some fields changed."""
    return type(record)(**{**record.__dict__, **changes})
