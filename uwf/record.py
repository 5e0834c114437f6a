"""Frozen values with named fields.

`Record` is what `dataclasses.dataclass(frozen=True)` would be, without its import: `dataclasses` pulls in
`inspect` and `re`, which together cost more than everything else `uwf thread show` does. A type checker sees
a frozen dataclass; at run time it is the class below.

    class Point(Record):
        x: int
        y: int = 0

Fields are the annotations of the class and its bases, in order. Values are compared and hashed by their
fields, and `replace` makes a changed copy. Defaults are shared, so they must be immutable; a mapping or list
default is refused when the class is made.

One constructor serves all classes. A class of which many values are made is given its own, which takes half the time:
written for its fields, as `dataclass` writes one for every class, which costs as much as making fifty values.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeVar, dataclass_transform

    R = TypeVar("R", bound="Record")
else:

    def dataclass_transform(**_options):
        return lambda cls: cls


MANY = 50
"""So many values of a class are made before it is given its own constructor."""
_made: dict[type, int] = {}


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
        if cls.__init__ is not Record.__init__ and "__init__" not in cls.__dict__:
            cls.__init__ = Record.__init__  # type: ignore[method-assign]  # that of the base is for its fields

    def __init__(self, *values: Any, **named: Any) -> None:
        cls, state = type(self), self.__dict__
        fields = cls._fields
        made = _made[cls] = _made.get(cls, 0) + 1  # not in the class: changing that costs more
        if made == MANY and cls.__init__ is Record.__init__:
            _give_constructor(cls)
        # The usual calls.
        if not values and named.keys() == cls._names:
            state.update(named)
            return
        if not named and len(values) == len(fields):
            state.update(zip(fields, values))  # noqa: B905  # as many as there are
            return
        state.update(cls._defaults)
        state.update(zip(fields, values, strict=False))
        state.update(named)
        double = values and named and not named.keys().isdisjoint(fields[: len(values)])
        if len(values) > len(fields) or state.keys() != cls._names or double:
            raise TypeError(cls._objection(values, named))

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


def _give_constructor(cls: type[Record]) -> None:
    """Give `cls` a constructor of its own. Classes below it keep the one that they have."""
    below = cls.__subclasses__()
    while below:
        each = below.pop()
        if each.__init__ is Record.__init__:
            each.__init__ = Record.__init__  # type: ignore[method-assign]  # as its own now
        below += each.__subclasses__()
    cls.__init__ = _constructor(cls._fields, cls._defaults)  # type: ignore[method-assign]


def _constructor(fields: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """An `__init__` for these fields."""
    words = [f"{name}=defaults[{name!r}]" if name in defaults else name for name in fields]
    lines = [f"def __init__(_self, {', '.join(words)}):", " _state = _self.__dict__"]
    lines += [f" _state[{name!r}] = {name}" for name in fields]
    scope: dict[str, Any] = {"defaults": defaults}
    exec("\n".join(lines), scope)
    return scope["__init__"]


def replace(record: R, **changes: Any) -> R:
    """A copy of `record` with some fields changed."""
    return type(record)(**{**record.__dict__, **changes})
