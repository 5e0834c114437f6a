"""Fields of JSON that another program made: of the type that is expected, or refused with their name."""

from __future__ import annotations

from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT_CHARS = 32_000
"""More of one text is of no use to an agent that is told of it."""


class Fields:
    """A JSON object at `path`. What is missing or null is "", 0, false, or an object without fields."""

    def __init__(self, value: Any, path: str = "") -> None:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise _wrong(path or "it", "an object", value)
        self._value: dict[str, Any] = value
        self._path = path

    def __contains__(self, name: str) -> bool:
        """Whether there is such a field, null or not."""
        return name in self._value

    def has(self, name: str) -> bool:
        return self._value.get(name) is not None

    def text(self, name: str, most: int = TEXT_CHARS) -> str:
        found = self._value.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise _wrong(self._at(name), "a text", found)
        return found if len(found) <= most else found[:most] + " [cut]"

    def number(self, name: str) -> int:
        found = self._value.get(name)
        if found is None:
            return 0
        if not isinstance(found, int) or isinstance(found, bool):
            raise _wrong(self._at(name), "a whole number", found)
        return found

    def id(self, name: str = "id") -> int:
        """A number that there must be."""
        found = self.number(name)
        if found < 1:
            raise _wrong(self._at(name), "an id", found)
        return found

    def flag(self, name: str) -> bool:
        found = self._value.get(name)
        if not isinstance(found, (bool, type(None))):
            raise _wrong(self._at(name), "true or false", found)
        return bool(found)

    def below(self, name: str) -> Fields:
        return Fields(self._value.get(name), self._at(name))

    def each(self, name: str) -> list[Fields]:
        return rows(self._value.get(name) or [], self._at(name))

    def time_ms(self, name: str) -> int:
        """A time of RFC 3339 in epoch milliseconds; 0 when there is none."""
        from datetime import datetime

        found = self.text(name)
        if not found:
            return 0
        try:
            at = datetime.fromisoformat(found)
            if at.tzinfo is None:
                raise ValueError("no zone")
            return max(int(at.timestamp() * 1000), 0)
        except (ValueError, OverflowError):
            raise _wrong(self._at(name), "a time such as 2026-01-31T09:15:00Z", found) from None

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def rows(value: Any, path: str = "") -> list[Fields]:
    """The objects of a list."""
    if not isinstance(value, list):
        raise _wrong(path or "it", "a list", value)
    return [Fields(each, f"{path}[{at}]") for at, each in enumerate(value)]


def _wrong(path: str, expected: str, found: object) -> InputError:
    shown = repr(found)
    return InputError(f"{path} is {shown[:60]}, not {expected}", code="bad_fields")
