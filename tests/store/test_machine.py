"""A model, a store in memory and one that is kept, side by side through random transactions.

Two connections write to the same file, or the same database, in turn; transactions end well, are undone, or are
abandoned with their connection; connections close and open again. After each step all know the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.store.conftest import empty, this_process
from tests.strategies import PAYLOADS, TAG_VALUES, TAGS
from uwf.errors import Conflict, NotFound, StoreBusy, UwfError
from uwf.record import replace
from uwf.store.codec import encode, id_of
from uwf.store.database import open_place
from uwf.store.protocols import Store, Transaction
from uwf.store.sqlite import open_in_memory
from uwf.store.values import ANY, Move, Ref

ABSENT = "00" * 32
PROCESS = f"pid {os.getpid()}"
FREED_S = 5.0
"""So long it takes at most until a writer whose connection ended is gone."""
RIGHT = "what it is now"

EXPECTATIONS = st.sampled_from([RIGHT, ANY, ANY, None, ABSENT])
REFS = st.sampled_from(["@uwf/thread/01A", "@uwf/thread/01B", "a/ü", "é/z z"])
NUMBERS = st.integers(0, 3)
SET = st.tuples(st.just("set"), REFS, NUMBERS, st.one_of(st.none(), TAGS), EXPECTATIONS)
OPERATIONS = st.one_of(
    SET,
    SET,
    SET,
    st.tuples(st.just("delete"), REFS, EXPECTATIONS),
    st.tuples(st.just("put"), st.one_of(NUMBERS, PAYLOADS)),
    st.tuples(st.just("remove"), NUMBERS),
)


class Undo(Exception):
    pass


class Model:
    """What a store is, in as few words as possible. Copied before each transaction, so it can be undone."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refs: dict[str, Ref] = {}
        self.log: list[Move] = []
        self.now_ms = 0

    def copy(self) -> Model:
        twin = Model()
        twin.objects, twin.refs, twin.log = dict(self.objects), dict(self.refs), list(self.log)
        twin.now_ms = self.now_ms
        return twin

    def put(self, kind: str, payload: Any) -> str:
        data = encode(kind, payload)
        self.objects[id_of(data)] = data
        return id_of(data)

    def remove(self, id: str) -> None:
        self.objects.pop(id, None)

    def set_ref(self, name: str, id: str, *, tags: Any, expect: Any, why: str) -> Ref:
        old = self.refs.get(name)
        self.expect(old, expect)
        if id not in self.objects and not (old and old.id == id):
            raise NotFound("")
        kept = old.tags if old else {}
        version = 1 + max((move.version for move in self.log if move.name == name), default=0)
        ref = Ref(name, id, version, dict(kept if tags is None else tags), self.now_ms)
        self.refs[name] = ref
        self.note(ref.name, version, old, id, ref.tags, why)
        return ref

    def delete_ref(self, name: str, *, expect: Any, why: str) -> None:
        old = self.refs.get(name)
        self.expect(old, expect)
        if old is None:
            raise NotFound("")
        del self.refs[name]
        self.note(name, old.version + 1, old, None, {}, why)

    def expect(self, old: Ref | None, expect: Any) -> None:
        if expect is not ANY and expect != (old.id if old else None):
            raise Conflict("")

    def note(
        self, name: str, version: int, old: Ref | None, new: str | None, tags: Any, why: str
    ) -> None:
        was = old.id if old else None
        self.log.append(Move(name, version, was, new, tags, self.now_ms, why, PROCESS))


class Stores(RuleBasedStateMachine):
    def new_place(self) -> str:
        return os.path.join(tempfile.mkdtemp(), "store.db")

    def open_kept(self) -> Store:
        return open_place(self.place, create=True, wait_s=0)

    def clear_away(self) -> None:
        shutil.rmtree(os.path.dirname(self.place))

    @initialize(
        operations=st.lists(SET, min_size=2, max_size=8),
    )
    def begin(self, operations: list[tuple[Any, ...]]) -> None:
        self.place = self.new_place()
        self.model = Model()
        self.memory = open_in_memory()
        self.disk = [self.open_kept(), self.open_kept()]
        self.clock = mock.patch("uwf.clock.now_ms", lambda: self.model.now_ms)
        self.clock.start()
        everything = [*(("put", number) for number in range(4)), *operations]
        self.transaction(everything, writer=0, durable=True, passes_ms=0, undo=False)

    def stores(self) -> list[Store]:
        return [self.memory, *self.disk]

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.clock.stop()
            for store in self.disk:
                store.close()
            self.clear_away()

    def apply(self, to: Model | Transaction, operation: tuple[Any, ...]) -> Any:
        """Do one operation; what it gives, or the kind of error it ends in."""
        word, *args = operation
        known = [id_of(encode("k", number)) for number in range(4)]
        try:
            if word == "put":
                return to.put("k", args[0])
            if word == "remove":
                return to.remove(known[args[0]])
            now = self.model.refs.get(args[0])
            expect = (now.id if now else None) if args[-1] == RIGHT else args[-1]
            if word == "delete":
                return to.delete_ref(args[0], expect=expect, why="delete")
            return to.set_ref(args[0], known[args[1]], tags=args[2], expect=expect, why="set")
        except UwfError as error:
            return type(error)

    @rule(
        operations=st.lists(OPERATIONS, min_size=1, max_size=8),
        writer=st.integers(0, 1),
        durable=st.booleans(),
        passes_ms=st.sampled_from([0, 1, 100_000]),
        undo=st.sampled_from([False, False, True]),
    )
    def transaction(
        self,
        operations: list[tuple[Any, ...]],
        writer: int,
        durable: bool,
        passes_ms: int,
        undo: bool,
    ) -> None:
        self.model.now_ms += passes_ms
        before = self.model.copy()
        try:
            with (
                self.memory.transaction("test") as in_memory,
                self.disk[writer].transaction("test", durable=durable) as on_disk,
            ):
                for operation in operations:
                    # The stores first: what an operation expects is looked up in the model.
                    answers = [self.apply(to, operation) for to in (in_memory, on_disk)]
                    answers.append(self.apply(self.model, operation))
                    assert answers[0] == answers[1] == answers[2]
                if undo:
                    raise Undo
        except Undo:
            self.model = before

    @rule(operation=OPERATIONS, writer=st.integers(0, 1))
    def other_writer_is_refused_meanwhile(self, operation: tuple[Any, ...], writer: int) -> None:
        before = self.model.copy()
        try:
            with self.disk[writer].transaction("test") as tx:
                self.apply(tx, operation)
                try:
                    with self.disk[1 - writer].transaction("test"):
                        raise AssertionError("two writers at a time")
                except StoreBusy:
                    pass
                assert self.disk[1 - writer].refs() == sorted_refs(before)
                raise Undo
        except Undo:
            pass

    @rule(operations=st.lists(OPERATIONS, max_size=3), writer=st.integers(0, 1))
    def abandon_and_open_again(self, operations: list[tuple[Any, ...]], writer: int) -> None:
        """A process dies in the middle: its connection ends without a word."""
        tx = self.disk[writer].transaction("test")
        tx.__enter__()
        for operation in operations:
            self.apply(tx, operation)
        self.disk[writer].close()
        self.disk[writer] = self.open_kept()
        with contextlib.suppress(Undo), self.disk[writer].transaction("test", wait_s=FREED_S):
            raise Undo

    @rule()
    def close_both_and_open_again(self) -> None:
        for store in self.disk:
            store.close()
        self.disk = [self.open_kept() for _ in range(2)]

    @precondition(lambda self: self.model.refs)
    @rule(
        prefix=st.sampled_from(["", "@uwf/thread/", "@uwf/", "a", "é/", "zz"]),
        tags=st.dictionaries(
            st.sampled_from(["status", "label.team"]),
            st.one_of(TAG_VALUES, st.lists(TAG_VALUES, max_size=3).map(tuple)),
            max_size=2,
        ),
        low=st.one_of(st.none(), REFS),
        high=st.one_of(st.none(), REFS),
        newest_first=st.booleans(),
        limit=st.one_of(st.none(), st.integers(0, 4)),
        offset=st.integers(0, 3),
    )
    def list_refs(
        self,
        prefix: str,
        tags: dict[str, Any],
        low: str | None,
        high: str | None,
        newest_first: bool,
        limit: int | None,
        offset: int,
    ) -> None:
        def wanted(ref: Ref) -> bool:
            return (
                ref.name.startswith(prefix)
                and (low is None or ref.name.encode() >= low.encode())
                and (high is None or ref.name.encode() < high.encode())
                and all(
                    ref.tags.get(key) in ((value,) if isinstance(value, str) else value)
                    for key, value in tags.items()
                )
            )

        found = [ref for ref in sorted_refs(self.model) if wanted(ref)]
        if newest_first:
            found.reverse()
        found = found[offset:][:limit]
        for store in self.stores():
            assert found == store.refs(
                prefix,
                tags=tags,
                low=low,
                high=high,
                newest_first=newest_first,
                limit=limit,
                offset=offset,
            )
            if low is None and high is None and limit is None and not offset:
                assert store.count_refs(prefix, tags=tags) == len(found)

    @invariant()
    def all_know_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        refs = sorted_refs(self.model)
        for store in self.stores():
            assert list(store.ids()) == sorted(self.model.objects)
            assert store.refs() == refs
            assert as_of_a_file(store, store.moves_since(0)) == self.model.log
            for ref in refs:
                assert store.ref(ref.name) == ref
                moves = as_of_a_file(store, store.moves(ref.name))
                assert moves == [m for m in self.model.log if m.name == ref.name]
            for id, data in self.model.objects.items():
                assert store.raw(id) == data
        stats = [store.stats() for store in self.stores()]
        assert stats[0] == stats[1] == stats[2]
        assert self.disk[0].faults() == []


def as_of_a_file(store: Store, moves: list[Move]) -> list[Move]:
    """Moves without the machine, which a store that several share adds to the process."""
    assert all(move.process == this_process(store) for move in moves)
    return [replace(move, process=PROCESS) for move in moves]


def sorted_refs(model: Model) -> list[Ref]:
    return sorted(model.refs.values(), key=lambda ref: ref.name.encode())


class StoresInPostgres(Stores):
    """The same, the stores that are kept being in one database."""

    database = ""

    def new_place(self) -> str:
        return self.database

    def clear_away(self) -> None:
        empty(self.database)


CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much]
Stores.TestCase.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=CHECKS
)
TestStores = Stores.TestCase


def test_stores_in_postgres_know_the_same(shared_database: str) -> None:
    StoresInPostgres.database = shared_database
    run_state_machine_as_test(
        StoresInPostgres,
        settings=settings(
            max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=CHECKS
        ),
    )
