"""Reading the store in memory: what `reading` is to the store file."""

from __future__ import annotations

from uwf.errors import InputError
from uwf.store.codec import Node, decode, id_of, key_of
from uwf.store.protocols import Move, Ref, Sample
from uwf.store.validate import (
    SHOWN,
    bounds,
    check_name,
    check_page,
    check_text,
    counter_value,
    damaged,
    hex_prefix,
    matches,
    missing,
    sample_value,
    the_one,
    unreadable_ones,
    wanted_values,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from uwf.store.protocols import Unreadable
    from uwf.store.validate import Wanted


class Content:
    """What is stored. The transaction that is open writes here at once and knows how to take it back."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.put_ms: dict[str, int] = {}
        self.refs: dict[str, Ref] = {}
        self.log: list[Move] = []
        self.counters: dict[str, bytes] = {}
        self.samples: list[tuple[str, int, bytes]] = []
        self.drafts: dict[str, bytes] = {}
        self.busy = False  # a transaction or a snapshot is open


class MemoryReading:
    """The reading half of `uwf.store.protocols.Store` and `Transaction`."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def get(self, id: str) -> Node:
        data = self.raw(id)
        try:
            return decode(data)
        except InputError as error:
            raise damaged(id, error.message) from error

    def raw(self, id: str) -> bytes:
        data = self._content.objects.get(key_of(id).hex())
        if data is None:
            raise missing(id)
        if id_of(data) != id.lower():
            raise damaged(id, "its bytes do not hash to its id")
        return data

    def has(self, id: str) -> bool:
        return key_of(id).hex() in self._content.objects

    def find(self, prefix: str, *, what: str = "object") -> str:
        prefix = hex_prefix(prefix, what)
        fitting = sorted(id for id in self._content.objects if id.startswith(prefix))
        return the_one(prefix, what, fitting[: SHOWN + 1])

    def ids(self) -> Iterator[str]:
        return iter(sorted(self._content.objects))

    def recent(self, since_ms: int) -> list[str]:
        return [id for id, put_ms in self._content.put_ms.items() if put_ms > since_ms]

    def stored_bytes(self, id: str) -> int:
        return len(self._content.objects.get(key_of(id).hex(), b""))

    def ref(self, name: str) -> Ref | None:
        check_name(name)
        return self._content.refs.get(name)

    def refs(
        self,
        prefix: str = "",
        *,
        tags: Wanted | None = None,
        low: str | None = None,
        high: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Ref]:
        check_page(limit, offset)
        wanted = wanted_values(tags)
        first, end = bounds(prefix, low, high)
        refs = self._content.refs
        names = sorted((name for name in refs if first <= name < end), reverse=newest_first)
        found = [refs[name] for name in names if matches(refs[name].tags, wanted)]
        return found[offset:] if limit is None else found[offset : offset + limit]

    def names(self, prefix: str = "", *, ending: str = "", limit: int | None = None) -> list[str]:
        check_page(limit, 0)
        check_text("name", ending)
        found = [ref.name for ref in self.refs(prefix) if ref.name.endswith(ending)]
        return found if limit is None else found[:limit]

    def count_refs(self, prefix: str = "", *, tags: Wanted | None = None) -> int:
        return len(self.refs(prefix, tags=tags))

    def moves(self, name: str) -> list[Move]:
        check_name(name)
        return [move for move in self._content.log if move.name == name]

    def moves_since(self, at_ms: int) -> list[Move]:
        return [move for move in self._content.log if move.at_ms >= at_ms]

    def draft(self, name: str) -> bytes | None:
        return self._content.drafts.get(name)

    def drafts(self) -> list[str]:
        return sorted(self._content.drafts)

    def counter(self, name: str) -> Any:
        check_name(name)
        packed = self._content.counters.get(name)
        return None if packed is None else counter_value(name, packed)

    def counters(self, prefix: str) -> list[tuple[str, Any]]:
        found = sorted(self._content.counters.items())
        return [
            (name, counter_value(name, packed)) for name, packed in found if name.startswith(prefix)
        ]

    def count_samples(self, series: str, since_ms: int) -> int:
        return sum(name == series and at_ms >= since_ms for name, at_ms, _ in self._content.samples)

    def samples(self, prefix: str, since_ms: int) -> list[Sample]:
        fitting = [
            Sample(series, at_ms, sample_value(series, packed))
            for series, at_ms, packed in self._content.samples
            if series.startswith(prefix) and at_ms >= since_ms
        ]
        return sorted(fitting, key=lambda sample: sample.at_ms)

    def unreadable(self) -> list[Unreadable]:
        content = self._content
        samples = sorted((series, packed) for series, _, packed in content.samples)
        return unreadable_ones(sorted(content.counters.items()), samples)
