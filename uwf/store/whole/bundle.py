"""Refs and everything they reach in one file, to carry threads from one store to another.

A bundle is the line `uwf-bundle 1`, then frames: four bytes of length, big-endian, and that many bytes of
MessagePack, each an array that begins with a word:

    ["ref", name, id, tags]        a ref to make; all of these come first
    ["root", id]                   an object exported without a name
    ["object", data]               the encoded bytes of an object, each once, in any order
    ["end", frames, digest]        how many frames came before, and the BLAKE3-256 of all bytes before this frame

Ids and digests are 32 raw bytes. Every object that a ref, a root or another object names is in the bundle.
"""

from __future__ import annotations

import struct

from blake3 import blake3
from msgpack import packb, unpackb  # type: ignore[import-untyped]  # it ships none

from uwf.errors import Conflict, InputError, NotFound
from uwf.record import Record, replace
from uwf.store.codec import ID_BYTES, MAX_OBJECT_BYTES, decode, id_of, key_of, links
from uwf.store.validate import check_name, checked_tags
from uwf.store.whole.walk import walk
from uwf.working import watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO, Any, NoReturn, TypeAlias, TypeVar

    from uwf.errors import UwfError
    from uwf.store.codec import Node
    from uwf.store.protocols import Store, Transaction
    from uwf.working import OnWork

    T = TypeVar("T")
    Look: TypeAlias = Callable[[str, Node], None]
    """Is told each object and its id."""

    Allow: TypeAlias = Callable[[Mapping[str, Mapping[str, str]]], None]
    """Raises `InputError` unless all these refs, each with its tags, may come in. Asked when all objects are known."""

    Tags: TypeAlias = Callable[[str, dict[str, str], Mapping[str, str]], dict[str, str]]
    """The tags that a ref is to have, by its name, those that it comes with and those that it has here."""

    Agree: TypeAlias = Callable[[Transaction], None]
    """Raises `InputError` unless what was brought, which can be read now, may stay."""

MAGIC = b"uwf-bundle 1\n"
MAX_FRAME_BYTES = MAX_OBJECT_BYTES + 64
MAX_FRAMES = 10_000_000
IN_MEMORY_BYTES = 16 << 20  # larger bundles are spooled to a file while they are checked
_LENGTH = struct.Struct(">I")


class Contents(Record):
    """What a bundle holds: ref names, roots without a name, and the number of objects. `known` are those of the refs
    that the store had already when it was imported.
    """

    refs: tuple[str, ...]
    roots: tuple[str, ...]
    objects: int
    known: tuple[str, ...] = ()


def export_bundle(
    store: Store,
    names: Sequence[str],
    stream: IO[bytes],
    *,
    ids: Sequence[str] = (),
    if_there: Sequence[str] = (),
    tags: Callable[[Mapping[str, str]], dict[str, str]] = dict,
) -> Contents:
    """Write the refs `names` and those of `if_there` that are, each with what `tags` makes of its tags, the objects
    `ids`, and all they reach.

    NotFound for a name that is no ref; ObjectMissing and ObjectDamaged as reads do. After an error the stream holds
    no whole bundle.
    """
    digest = blake3()
    frames = 0

    def write(record: list[Any]) -> None:
        nonlocal frames
        packed = packb(record)
        for part in (_LENGTH.pack(len(packed)), packed):
            digest.update(part)
            stream.write(part)
        frames += 1

    digest.update(MAGIC)
    stream.write(MAGIC)
    with store.snapshot():
        roots = list(ids)
        for name in (*names, *if_there):
            ref = store.ref(name)
            if ref is None:
                if name in if_there:
                    continue
                raise NotFound(f"there is no ref {name}")
            write(["ref", name, key_of(ref.id), tags(ref.tags)])
            roots.append(ref.id)
        for id in ids:
            write(["root", key_of(id)])
        objects = 0
        for id in walk(store, roots, set(), _raise):
            write(["object", store.raw(id)])
            objects += 1
    write(["end", frames, digest.digest()])
    return Contents(tuple(names), tuple(ids), objects)


def import_bundle(
    store: Store,
    stream: IO[bytes],
    *,
    allow: Allow,
    look: Look = lambda id, node: None,
    agree: Agree = lambda tx: None,
    tags: Tags = lambda name, tags, now: tags,
    folder: str | None = None,
    on_work: OnWork | None = None,
) -> Contents:
    """Check a whole bundle, then add its objects and refs in one transaction.

    A bundle may come from a stranger: before anything is written `look` is told what it holds, and `allow` is asked
    whether this is what the import is for; `agree` is asked last, and without its agreement nothing was written.
    `tags` says which tags a ref gets, by its name, those that it comes with and those that it has here.

    A ref that is there already with the same id and tags stays as it is; with others it is a Conflict. InputError
    when the bundle is damaged, cut off or incomplete. After an error nothing was added. `folder` is where a large
    bundle is spooled.
    """
    import tempfile

    with tempfile.SpooledTemporaryFile(
        max_size=IN_MEMORY_BYTES, dir=folder, prefix=".spool-"
    ) as spool:
        contents = _check(stream, spool.write, look, allow, on_work)
        spool.seek(0)
        with store.transaction("import") as tx:
            named, known = [], []
            records = watched(_frames(spool.read), "storing objects", contents.objects, on_work)
            for record in records:
                if record[0] == "object":
                    tx.put_raw(record[1])
                elif record[0] == "ref":
                    named.append(record)
            for _, name, key, told in named:
                now = tx.ref(name)
                wanted = tags(name, told, {} if now is None else now.tags)
                if now is None:
                    tx.set_ref(name, key.hex(), tags=wanted, expect=None, why="import")
                elif (now.id, now.tags) != (key.hex(), wanted):
                    raise Conflict(
                        f"{name} is here already and differs", hint=f"uwf ref log {name}"
                    )
                else:
                    known.append(name)
            agree(tx)
    return replace(contents, known=tuple(known))


def _check(
    stream: IO[bytes],
    keep: Callable[[bytes], Any],
    look: Look,
    allow: Allow,
    on_work: OnWork | None,
) -> Contents:
    """Read a bundle to its end, handing every byte to `keep`. InputError unless all of it is right."""
    refs: dict[str, dict[str, str]] = {}
    roots: list[str] = []
    there: set[str] = set()
    needed: set[str] = set()

    def read(size: int) -> bytes:
        data = stream.read(size)
        keep(data)
        return data

    for record in watched(_frames(read), "checking objects", 0, on_work):
        match record:
            case ["object", bytes(data)]:
                id = id_of(data)
                node = _sound(lambda: decode(data, strict=True))
                needed.update(links(node.payload))
                look(id, node)
                if id in there:
                    _bad(f"object {id} is in it twice")
                there.add(id)
            case ["ref", str(name), bytes(key), dict(tags)] if len(key) == ID_BYTES:
                _sound(lambda: check_name(name))
                _sound(lambda: checked_tags(tags))
                if name in refs:
                    _bad(f"ref {name} is in it twice")
                refs[name] = tags
                needed.add(key.hex())
            case ["root", bytes(key)] if len(key) == ID_BYTES:
                roots.append(key.hex())
                needed.add(key.hex())
            case _:
                _bad("a record in it is of no known form")
    if needed - there:
        more = len(needed - there) - 1
        _bad(f"it lacks object {min(needed - there)}" + (f" and {more} more" if more else ""))
    allow(refs)
    return Contents(tuple(refs), tuple(roots), len(there))


def _frames(read: Callable[[int], bytes]) -> Iterator[list[Any]]:
    """The records before the closing one, which is checked. InputError when the bytes are not a whole bundle."""
    digest = blake3(MAGIC)
    beginning = read(len(MAGIC))
    if beginning and beginning[: len(MAGIC)] == MAGIC[: len(beginning)]:
        beginning += _exactly(read, len(MAGIC) - len(beginning))
    if beginning != MAGIC:
        _bad("it does not begin as one; perhaps it is another file, or from a newer uwf")
    for count in range(MAX_FRAMES):
        head = _exactly(read, _LENGTH.size)
        (size,) = _LENGTH.unpack(head)
        if size > MAX_FRAME_BYTES:
            _bad(f"a record of {size} bytes is too large")
        body = _exactly(read, size)
        try:
            record = unpackb(body)
        except (ValueError, TypeError, RecursionError, MemoryError) as error:
            _bad(f"a record cannot be decoded: {error}")
        if not isinstance(record, list):
            _bad("a record in it is of no known form")
        if record[:1] == ["end"]:
            if record != ["end", count, digest.digest()] or read(1):
                _bad("its closing record does not fit the rest")
            return
        digest.update(head)
        digest.update(body)
        yield record
    _bad(f"it has more than {MAX_FRAMES} records")


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """`size` bytes, taken in pieces: a length that lies shall not reserve memory."""
    pieces = []
    while size:
        piece = read(min(size, 1 << 20))
        if not piece:
            _bad("it is cut off")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _sound(check: Callable[[], T]) -> T:
    """What `check` gives. What it complains of makes the bundle a bad one."""
    try:
        return check()
    except InputError as error:
        _bad(error.message)


def _bad(why: str) -> NoReturn:
    raise InputError(f"this is no sound bundle: {why}", code="bad_bundle")


def _raise(id: str, error: UwfError) -> NoReturn:
    raise error
