"""What a store can do. Every store passes tests/store/test_contract.py.

Objects are immutable and named by their hash; refs are the only thing that moves. Beside them stand small facts that
change often (counters, samples), and entries, of which each has a key and a state. All writing happens in a
`Transaction`: everything in it becomes visible together when it ends well, and nothing of it otherwise.

    with store.transaction("step") as tx:
        id = tx.put("output", {"text": "done"})
        tx.set_ref("@uwf/thread/01J…", id, expect=old, tags={"status": "idle"}, why="step 3")

A store belongs to one caller at a time. What it promises to several processes is in `sqlite.store`. Which store a home
has is decided in `app.opened`.
"""

from __future__ import annotations

from uwf.store.values import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any, Protocol, TypeAlias

    from uwf.errors import UwfError
    from uwf.store.codec import Node
    from uwf.store.owner import Owner
    from uwf.store.values import (
        Anything,
        Entry,
        Lease,
        LoggedMove,
        Move,
        Ref,
        Sample,
        Stats,
        Unreadable,
    )

    Wanted: TypeAlias = Mapping[str, str | tuple[str, ...]]
    """Tags that a ref must have; a tuple means any of its values."""
else:
    Protocol = object


class Objects(Protocol):
    """Reading objects. Every read hashes the bytes; ObjectDamaged when they are not what the id says."""

    def get(self, id: str) -> Node:
        """The node. ObjectMissing when there is none."""
        ...

    def raw(self, id: str) -> bytes:
        """The encoded bytes. ObjectMissing when there are none."""
        ...

    def raw_many(self, ids: Sequence[str]) -> Iterator[bytes | UwfError]:
        """Those of several in their order, as one question where asking takes its time. In the place of one that is
        missing or damaged comes the error.
        """
        ...

    def has(self, id: str) -> bool: ...

    def find(self, prefix: str, *, what: str = "object") -> str:
        """The full id that begins with `prefix` (4 to 64 hex digits, any case). NotFound, Ambiguous, InputError."""
        ...

    def ids(self, after: str = "") -> Iterator[str]:
        """All ids, ascending; those `after` one of them."""
        ...

    def recent(self, since_ms: int) -> list[str]:
        """Ids of objects put after `since_ms`. Putting an object again may leave it up to `REFRESH_MS` older."""
        ...

    def stored_bytes(self, ids: Sequence[str]) -> int:
        """The bytes that objects take as they are stored, without reading them. 0 for one that is not there."""
        ...


class Refs(Protocol):
    """Reading refs and their log."""

    def ref(self, name: str) -> Ref | None: ...

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
        """Refs ordered by name, descending when `newest_first`. All `tags` must match. low <= name < high."""
        ...

    def refs_by_tag(
        self,
        prefix: str,
        key: str,
        *,
        low: str | None = None,
        high: str | None = None,
        limit: int | None = None,
    ) -> list[Ref]:
        """Refs that have the tag `key`, ordered by its value as text, then by name. low <= value < high.

        Quick: one walk of an index that stops at the limit. Values of more than 200 bytes are not in it.
        """
        ...

    def names(self, prefix: str = "", *, ending: str = "", limit: int | None = None) -> list[str]:
        """Names of refs alone, ascending: those that begin with `prefix` and end in `ending`."""
        ...

    def count_refs(self, prefix: str = "", *, tags: Wanted | None = None) -> int: ...

    def moves(self, name: str) -> list[Move]:
        """The log of one ref, oldest first. It outlives the ref."""
        ...

    def moves_since(self, at_ms: int) -> list[Move]:
        """Every move of every ref at or after `at_ms`, oldest first."""
        ...

    def moves_after(self, number: int, limit: int) -> list[LoggedMove]:
        """The moves of all refs behind the one with this number, oldest first: for who follows the log. Quick."""
        ...

    def last_move(self) -> int:
        """The number of the last move in the log, 0 when there is none."""
        ...


class Counters(Protocol):
    """Reading small facts that change often: guards keep their state in them. Named like refs.

    CounterUnreadable when a value that is asked for cannot be decoded: what was never set is another thing.
    """

    def counter(self, name: str) -> Any:
        """The value, None when there is none."""
        ...

    def counters(self, prefix: str) -> list[tuple[str, Any]]:
        """Names and values, ascending by name."""
        ...

    def count_samples(self, series: str, since_ms: int) -> int:
        """How many samples one series has from `since_ms` on. Quick: an index answers it."""
        ...

    def samples(self, prefix: str, since_ms: int) -> list[Sample]:
        """The samples of every series that begins with `prefix`, from `since_ms` on, oldest first."""
        ...

    def unreadable(self) -> list[Unreadable]:
        """All counters, series and entries that CounterUnreadable is raised for. Slow: reads all of them."""
        ...


class Entries(Protocol):
    """Reading entries: what happens often, happens once by its key, and is no part of any chain. They have no log.

    A `state` that is asked for may be one, or a tuple of which any will do.
    """

    def entry(self, kind: str, key: str) -> Entry | None:
        """CounterUnreadable when it is there and cannot be decoded."""
        ...

    def entries(
        self,
        kind: str,
        *,
        state: str | tuple[str, ...] | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        on_unreadable: Callable[[Unreadable], None] | None = None,
    ) -> list[Entry]:
        """Entries with since_ms <= at_ms < until_ms, by their time, those of one time as they were added.

        One that cannot be decoded raises CounterUnreadable; with `on_unreadable` that is told of it and the others are
        given.
        """
        ...

    def entry_kinds(self) -> list[str]:
        """The kinds of which there is any, ascending."""
        ...

    def entry_keys(
        self, kind: str, prefix: str = "", *, ending: str = "", limit: int | None = None
    ) -> list[str]:
        """Keys of entries alone, ascending: those that begin with `prefix` and end in `ending`."""
        ...

    def count_entries(
        self, kind: str, state: str | tuple[str, ...] | None = None, *, until_ms: int | None = None
    ) -> int: ...


class Leases(Protocol):
    """The holders of names, of threads most of all: one holder at a time, in this process and over processes.

    A lease ends by `release` and with the death of its holder. Where many machines share a store nobody sees all of
    them die: there one that was not renewed in time counts as held by nobody, and whoever takes the name then
    supersedes its holder. Until somebody does, that holder may renew it, and write under it.
    """

    @property
    def lasts_s(self) -> float | None:
        """How long one lasts that is not renewed; None: as long as its holder lives."""
        ...

    def longest_s(self) -> float | None:
        """How long that one lasts, of all that somebody holds, or may hold still, that lasts the longest: each machine
        says for how long it takes its own. None where there is none, or they last as long as their holders live.
        """
        ...

    @property
    def host(self) -> str:
        """What this machine is called among those that share the store; "" for a store of one machine."""
        ...

    def take(self, name: str) -> Lease | None:
        """The lease of `name`, without waiting; None when another process, or another user in this one, has it.
        StoreError when that cannot be told."""
        ...

    def holder(self, name: str) -> Owner | None:
        """The holder of `name` now. Takes nothing, and keeps no other from taking it meanwhile."""
        ...

    def anyone(self) -> Owner | None:
        """The holder of some name now; None when nothing is held."""
        ...

    def held(self) -> list[str]:
        """How each ULID ends that is held now: its last 12 characters, in no order. Costs what is held, however many
        names there are. Another name that is held may be in it as something that no ULID ends with."""
        ...

    def renew(self, lease: Lease) -> bool:
        """Hold it for longer. False when it was released, or another has taken the name since."""
        ...

    def ask(self, name: str, what: str) -> bool:
        """Leave a word for the holder of `name`, who reads it when it renews its lease. False where nobody would: it
        is not held, or by a process of this machine in a store of one, which is told by a signal."""
        ...

    def has_lapsed(self, name: str) -> bool:
        """Whether who held `name` last has not let go of it: it is free as nobody renewed it in time."""
        ...

    def asked(self, lease: Lease) -> str:
        """The word that was left since `lease` was taken, "" when none was."""
        ...

    def release(self, lease: Lease) -> None:
        """Let go. May be called twice, also when another has the name by then."""
        ...


class Gate(Protocol):
    """What everything passes on its way into a store: there secrets are replaced, before anything is hashed.

    The store applies it to what is written, so that no caller can forget it. Bytes that were encoded before
    (`put_raw`) keep their ids and are not asked for: an import refuses what the gate would change. Neither are
    names of refs and counters.
    """

    def payload(self, kind: str, payload: Any) -> Any:
        """The payload to store. Links are to be left as they are."""
        ...

    def tags(self, tags: Mapping[str, str]) -> Mapping[str, str]: ...

    def text(self, text: str) -> str:
        """Why a ref moves."""
        ...

    def value(self, value: Any) -> Any:
        """The value of a counter, a sample or an entry."""
        ...

    def is_clean(self, packed: bytes) -> bool:
        """Whether nothing of a value has to be replaced, told from its MessagePack: quicker than `value`."""
        ...


class Transaction(Objects, Refs, Counters, Entries, Protocol):
    """Writing. Reads see the transaction's own writes. Of no use after it ended."""

    def put(self, kind: str, payload: Any) -> str:
        """Store a node, return its id. Storing it again changes nothing."""
        ...

    def put_node(self, kind: str, payload: Any) -> tuple[str, Node]:
        """The same, and the node as it is stored: without secrets."""
        ...

    def put_raw(self, data: bytes) -> str:
        """Store bytes that were encoded before: imports, copies. They pass no gate. InputError unless they are
        canonical."""
        ...

    def set_ref(
        self,
        name: str,
        id: str,
        *,
        tags: Mapping[str, str] | None = None,
        expect: str | Ref | Anything | None = ANY,
        why: str,
    ) -> Ref:
        """Point `name` to `id` and log it. `tags` replace all tags, None keeps them. `expect` is the id the
        ref must have now, or the ref as it must still be, or None that it must not exist: Conflict otherwise.
        NotFound when there is no object `id`; but the tags of a ref whose object was lost can still be changed."""
        ...

    def delete_ref(self, name: str, *, expect: str | Anything | None = ANY, why: str) -> None:
        """Remove `name` and log it. NotFound when there is no such ref; Conflict as in `set_ref`."""
        ...

    def copy_moves(self, moves: Iterable[LoggedMove]) -> None:
        """Add moves of another store as they stand in its log, with their numbers, to a log without any."""
        ...

    def copy_refs(self, refs: Iterable[Ref]) -> None:
        """Add refs of another store as they are, without a move: those of its log are copied, too."""
        ...

    def set_counter(self, name: str, value: Any) -> None:
        """Give a counter a value; None removes it."""
        ...

    def add_sample(self, series: str, value: Any, at_ms: int) -> None: ...

    def drop_samples(self, series: str, before_ms: int) -> None:
        """Remove the samples of one series from before `before_ms`."""
        ...

    def add_entry(self, kind: str, key: str, at_ms: int, state: str, value: Any) -> bool:
        """Add an entry. False when there is one with that key: then nothing is written. InputError for a value that
        MessagePack cannot hold."""
        ...

    def set_entry(self, kind: str, key: str, *, state: str, value: Any) -> None:
        """Give an entry another state and value. NotFound when there is none."""
        ...

    def drop_entries(
        self, kind: str, before_ms: int, state: str | tuple[str, ...] | None = None
    ) -> int:
        """Remove the entries of before `before_ms`; how many those were."""
        ...

    def drop_unreadable(self) -> list[Unreadable]:
        """Remove the counters, samples and entries that cannot be decoded, which are given back. No others."""
        ...

    def remove(self, id: str) -> None:
        """Remove an object, if it is there. Only `gc` knows which ones nothing needs."""
        ...


class TransactionScope(Protocol):
    """What `with store.transaction(name) as tx` takes: commits on a clean exit, rolls back on any exception."""

    def __enter__(self) -> Transaction: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Snapshot(Protocol):
    """What `with store.snapshot()` takes."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_error: object) -> None: ...


class Store(Objects, Refs, Counters, Entries, Protocol):
    wait_s: float
    """How long a transaction waits for other writers where it says nothing else."""

    @property
    def place(self) -> str:
        """Where it is, as messages call it: the path of its file, or the address of its database without a password."""
        ...

    @property
    def leases(self) -> Leases:
        """What is held of what is stored here: which process runs which thread."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether other machines write to it, too."""
        ...

    def transaction(
        self,
        name: str,
        *,
        durable: bool = True,
        wait_s: float | None = None,
        lease: Lease | None = None,
    ) -> TransactionScope:
        """Begin writing. With `durable` false the commit survives the death of the process, but a power cut may
        undo it (never half of it). Not re-entrant. StoreBusy when another process writes for too long: for more
        than `wait_s`, or than what the store was opened with. `name` is what it does, one of `points.TRANSACTIONS`:
        a test may have the process killed at `name: begun`, `name: written` and `name: done`.

        With `lease` it is fenced: Superseded, and nothing is written, when that lease is not held any more. Nobody
        can take its name before the transaction has ended."""
        ...

    def snapshot(self) -> Snapshot:
        """Reads inside `with store.snapshot():` all see the store as it was at the beginning, whatever others
        write meanwhile, and as it is there: nothing is taken from what is kept near. No transaction can begin
        inside."""
        ...

    def alone(self, what: str) -> AbstractContextManager[Any]:
        """Do something to the whole store while no other process does: `what` is "gc" or "backup". Others go on
        reading and writing. StoreBusy when another is at it."""
        ...

    def keep_little(self) -> None:
        """Keep little in memory from here on: this process lives for days. What is large may take longer so."""
        ...

    @property
    def is_makeshift(self) -> bool:
        """Whether it could be opened only to be read, and must not stay open: it keeps others from writing, or ends
        when they do."""
        ...

    def is_taken_away(self) -> bool:
        """Whether another store, or none, is at its place by now."""
        ...

    def wake_others(self) -> None:
        """Wake whoever listens to this store on another machine: what was committed is worth a look. It may be lost."""
        ...

    def stats(self) -> Stats: ...

    def used_bytes(self) -> int:
        """The room that all of it takes, with what is free for new objects."""
        ...

    def checkpoint(self) -> None:
        """Do what was put off, as far as others that read let that be: a WAL is copied into the file and emptied."""
        ...

    def faults(self) -> list[str]:
        """What is wrong with the store's own structure, in words. Slow: reads everything."""
        ...

    def close(self) -> None: ...
