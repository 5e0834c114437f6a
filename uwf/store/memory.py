"""The store in memory, for tests and for trying things out. The same promises, but to one process and one run."""

from __future__ import annotations

import os

from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from uwf import clock
from uwf.errors import NotFound
from uwf.store.codec import Encoded, decode, encode, id_of, key_of
from uwf.store.drafts import is_plain
from uwf.store.memory_reading import Content, MemoryReading
from uwf.store.protocols import ANY, COUNTER, REFRESH_MS, SAMPLE, Move, Ref, Stats
from uwf.store.validate import (
    NESTED,
    check_expected,
    check_name,
    check_text,
    checked_tags,
    unreadable_ones,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any

    from uwf.store.protocols import Anything, Unreadable


class MemoryStore(MemoryReading):
    """See `uwf.store.protocols.Store`."""

    def __init__(self) -> None:
        super().__init__(Content())

    def transaction(
        self, name: str | None = None, *, durable: bool = True, wait_s: float | None = None
    ) -> MemoryTransaction:
        return MemoryTransaction(self._content)

    def snapshot(self) -> _Snapshot:
        return _Snapshot(self._content)

    def keep_draft(self, name: str, data: bytes) -> None:
        if not is_plain(name):
            raise ValueError(f"{name!r} is no name for a draft")
        self._content.drafts[name] = data

    def drop_draft(self, name: str) -> None:
        self._content.drafts.pop(name, None)

    def stats(self) -> Stats:
        content = self._content
        size_bytes = sum(map(len, content.objects.values()))
        return Stats(
            len(content.objects), size_bytes, size_bytes, len(content.refs), len(content.log)
        )

    def faults(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing to do."""


class _Snapshot:
    """Nobody else writes here, so all there is to do is to keep transactions out."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def __enter__(self) -> None:
        _occupy(self._content)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._content.busy = False


class MemoryTransaction(MemoryReading):
    """See `uwf.store.protocols.Transaction`."""

    def __init__(self, content: Content) -> None:
        super().__init__(content)
        self._undo: list[Callable[[], Any]] = []
        self._open = False

    def __enter__(self) -> MemoryTransaction:
        _occupy(self._content)
        self._open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            for step in reversed(self._undo):
                step()
        self._content.busy = self._open = False

    def put(self, kind: str, payload: Any) -> str:
        return self._put(encode(kind, payload))

    def put_raw(self, data: bytes) -> str:
        if type(data) is not Encoded:
            decode(data, strict=True)
        return self._put(data)

    def set_ref(
        self,
        name: str,
        id: str,
        *,
        tags: Mapping[str, str] | None = None,
        expect: str | Ref | Anything | None = ANY,
        why: str,
    ) -> Ref:
        id = key_of(id).hex()
        old = self._current(name, expect, why)
        if (old is None or old.id != id) and not self.has(id):
            raise NotFound(f"cannot point {name} to {id}: there is no such object")
        kept = old.tags if old else {}
        ref = Ref(
            name, id, self._next(name), kept if tags is None else checked_tags(tags), clock.now_ms()
        )
        self._move(ref.name, old, ref, ref.version, ref.updated_ms, why)
        return ref

    def delete_ref(self, name: str, *, expect: str | Anything | None = ANY, why: str) -> None:
        old = self._current(name, expect, why)
        if old is None:
            raise NotFound(f"there is no ref {name}")
        self._move(name, old, None, old.version + 1, clock.now_ms(), why)

    def set_counter(self, name: str, value: Any) -> None:
        self._check_open()
        check_name(name)
        counters = self._content.counters
        if value is not None:
            self._restore_later(counters, name)
            counters[name] = packb(value)
        elif name in counters:
            self._restore_later(counters, name)
            del counters[name]

    def add_sample(self, series: str, value: Any, at_ms: int) -> None:
        check_name(series)
        self._set_samples([*self._content.samples, (series, at_ms, packb(value))])

    def drop_samples(self, series: str, before_ms: int) -> None:
        self._set_samples(
            [
                sample
                for sample in self._content.samples
                if not (sample[0] == series and sample[1] < before_ms)
            ]
        )

    def drop_unreadable(self) -> list[Unreadable]:
        found = self.unreadable()
        for one in found:
            if one.kind == COUNTER:
                self.set_counter(one.name, None)
        if any(one.kind == SAMPLE for one in found):
            self._set_samples(
                [
                    one
                    for one in self._content.samples
                    if not unreadable_ones((), [(one[0], one[2])])
                ]
            )
        return found

    def _set_samples(self, samples: list[tuple[str, int, bytes]]) -> None:
        self._check_open()
        before = self._content.samples
        self._undo.append(lambda: setattr(self._content, "samples", before))
        self._content.samples = samples

    def remove(self, id: str) -> None:
        self._check_open()
        id = key_of(id).hex()
        if id in self._content.objects:
            for mapping in (self._content.objects, self._content.put_ms):
                self._restore_later(mapping, id)
                del mapping[id]

    def _put(self, data: bytes) -> str:
        self._check_open()
        id, now_ms = id_of(data), clock.now_ms()
        content = self._content
        if id not in content.objects or content.put_ms[id] < now_ms - REFRESH_MS:
            self._restore_later(content.objects, id)
            self._restore_later(content.put_ms, id)
            content.objects.setdefault(id, data)
            content.put_ms[id] = now_ms
        return id

    def _current(self, name: str, expect: str | Ref | Anything | None, why: str) -> Ref | None:
        self._check_open()
        check_text("the reason", why)
        old = self.ref(name)
        check_expected(name, old, expect)
        return old

    def _next(self, name: str) -> int:
        return max((move.version for move in self._content.log if move.name == name), default=0) + 1

    def _move(
        self, name: str, old: Ref | None, new: Ref | None, version: int, at_ms: int, why: str
    ) -> None:
        content = self._content
        self._restore_later(content.refs, name)
        if new:
            content.refs[name] = new
        else:
            del content.refs[name]
        content.log.append(
            Move(
                name,
                version,
                old.id if old else None,
                new.id if new else None,
                new.tags if new else {},
                at_ms,
                why,
                f"pid {os.getpid()}",
            )
        )
        self._undo.append(content.log.pop)

    def _restore_later(self, mapping: dict[str, Any], key: str) -> None:
        """On rollback, put back what `mapping` has under `key` now."""
        if key in mapping:
            value = mapping[key]
            self._undo.append(lambda: mapping.__setitem__(key, value))
        else:
            self._undo.append(lambda: mapping.pop(key, None))

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError("this transaction has ended")


def _occupy(content: Content) -> None:
    if content.busy:
        raise RuntimeError(NESTED)
    content.busy = True
