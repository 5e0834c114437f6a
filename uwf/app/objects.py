"""The object store by hand: objects by their ids, and the refs that point at them."""

from __future__ import annotations

from uwf.app import payload_json
from uwf.engine.query import refs, resolve
from uwf.errors import InputError, NotFound, ObjectMissing, StoreAway, StoreError
from uwf.record import Record
from uwf.store import codec
from uwf.store.values import ANY
from uwf.store.whole.walk import links_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from uwf.app.opened import OpenHome
    from uwf.engine.query.refs import RefMove, RefView
    from uwf.store.protocols import Wanted


class StoredObject(Record):
    """An object as it is kept."""

    id: str
    kind: str
    payload: Any
    size_bytes: int

    def as_json(self) -> Any:
        """The payload in JSON's types."""
        return payload_json.to_json(self.payload)


class Reached(Record):
    """An object that another reaches over `depth` links."""

    id: str
    kind: str
    depth: int


class Unreached(Record):
    """An object on the way that is missing or damaged; `why` in words."""

    id: str
    why: str


class ObjectFigures(Record):
    """How many objects there are, and the room they take: before and after compression."""

    objects: int
    bytes: int
    stored_bytes: int


class ObjectSize(Record):
    id: str
    kind: str
    bytes: int
    stored_bytes: int


class StoredObjects:
    """What `app.objects` can do. An object is named by an id or a part of it, `THREAD~N`, `THREAD/role@N`, a thread."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    def put(self, data: bytes) -> StoredObject:
        """Store `data` as it is: UTF-8 as a text, other bytes as a blob."""
        self._home.tell_hidden(data.decode(errors="replace"), "the object")
        try:
            return self._put("text", data.decode())
        except UnicodeDecodeError:
            return self._put("blob", data)

    def put_json(self, kind: str, text: str, name: str) -> StoredObject:
        """Store what the JSON `text`, which a person calls `name`, stands for. `NotFound` for a link to nothing."""
        self._home.tell_hidden(text, "the object")
        payload = self._home.redactor.value(payload_json.from_json(text, name))
        self._check_name("kind", kind)
        codec.encode(kind, payload)  # what cannot be kept makes no store
        store = self._home.store(create=True)
        for link in codec.links(payload):
            if not store.has(link):
                raise NotFound(f"{name} links to {link}, which is not in the store")
        return self._put(kind, payload)

    def get(self, object: str) -> StoredObject:
        """An object. One that is kept near can be had by its id while the store is away, which is said then."""
        try:
            return self._read(self.id_of(object))
        except StoreAway as error:
            return self._read_near(object, error)

    def id_of(self, object: str) -> str:
        """The id of the object that is meant. Raises `NotFound`, `Ambiguous` or `InputError`."""
        return resolve.object_id(self._home.reader(), object)

    def links(self, object: str) -> list[str]:
        """The ids that an object links to, each once."""
        return list(dict.fromkeys(links_of(self._home.reader(), self.id_of(object))))

    def walk(self, object: str) -> Iterator[Reached | Unreached]:
        """Every object that one reaches, each once, nearest first."""
        store, root = self._home.reader(), self.id_of(object)
        depth, level, seen = 0, [root], {root}
        while level:
            below: list[str] = []
            for id in level:
                try:
                    node = store.get(id)
                except (ObjectMissing, StoreError) as error:
                    yield Unreached(id, error.message)
                    continue
                yield Reached(id, node.kind, depth)
                for link in codec.links(node.payload):
                    if link not in seen:
                        seen.add(link)
                        below.append(str(link))
            level, depth = below, depth + 1

    def figures(self) -> ObjectFigures:
        found = self._home.reader().stats()
        return ObjectFigures(found.objects, found.size_bytes, found.stored_bytes)

    def size(self, object: str) -> ObjectSize:
        found = self.get(object)
        stored = self._home.reader().stored_bytes([found.id])
        return ObjectSize(found.id, found.kind, found.size_bytes, stored)

    def refs(self, prefix: str = "", tags: Wanted | None = None) -> list[RefView]:
        """Refs by name: those that begin with `prefix` and have all `tags`, a tuple meaning any of its values."""
        return [refs.shown(ref) for ref in self._home.reader().refs(prefix, tags=tags)]

    def ref(self, name: str) -> RefView:
        """What a ref points to. Raises `NotFound`."""
        found = self._home.reader().ref(name)
        if found is None:
            raise _no_ref(name)
        return refs.shown(found)

    def set_ref(
        self, name: str, object: str, tags: Mapping[str, str], expect: str | None = None
    ) -> RefView:
        """Point a ref at an object. Of its tags those named are changed; one with the value "" goes.

        With `expect` only if it points there now; with "none" only if there is no such ref. `Conflict` otherwise.
        """
        self._check_name("ref", name)
        clean = self._home.redactor.text
        self._home.tell_hidden(str(tags), "a tag")
        tags = {clean(key): clean(value) for key, value in tags.items()}
        store = self._home.store(create=True)
        target = resolve.object_id(store, object)
        believed = None if expect == "none" else ANY if expect is None else store.find(expect)
        with store.transaction("ref set") as tx:
            now = tx.ref(name)
            after = {**(now.tags if now else {}), **tags}
            kept = {key: value for key, value in after.items() if value or key not in tags}
            moved = tx.set_ref(name, target, tags=kept, expect=believed, why="ref set")
        return refs.shown(moved)

    def delete_ref(self, name: str) -> str | None:
        """Delete a ref, whose log stays; returns the id it had. Raises `NotFound`."""
        if self._home.reader().ref(name) is None:
            raise _no_ref(name)
        with self._home.store().transaction("ref delete") as tx:
            last = tx.ref(name)
            tx.delete_ref(name, why="ref delete")
        return last.id if last else None

    def ref_log(self, name: str) -> list[RefMove]:
        """Every move of a ref, oldest first, also after it was deleted. Raises `NotFound`."""
        found = refs.log(self._home.reader(), name)
        if not found:
            raise _no_ref(name)
        return found

    def _check_name(self, what: str, name: str) -> None:
        """Raise `InputError` for a name that holds a secret: a name can only be kept as it is."""
        if self._home.redactor.text(name) != name:
            raise InputError(
                f"the name of that {what} holds the value of a secret, which is not stored",
                hint="uwf config get secrets",
                code="secret_in_name",
            )

    def _put(self, kind: str, payload: Any) -> StoredObject:
        with self._home.store(create=True).transaction("put") as tx:
            id = tx.put(kind, payload)
        return self._read(id)

    def _read_near(self, object: str, away: StoreAway) -> StoredObject:
        """An object that is kept near. Raises `away` where it is not."""
        from contextlib import closing

        from uwf import home as paths
        from uwf.store.object_cache import ObjectCache

        with closing(ObjectCache(paths.object_cache(self._home.home))) as cache:
            try:
                id = cache.find(object, "object")
            except (InputError, NotFound):
                raise away from None
            data = cache.raw(id)
        if data is None:
            raise away
        self._home.warn(f"{away.message}: this is what is kept near")
        node = codec.decode(data)
        return StoredObject(id, node.kind, node.payload, len(data))

    def _read(self, id: str) -> StoredObject:
        store = self._home.reader()
        node = store.get(id)
        return StoredObject(id, node.kind, node.payload, len(store.raw(id)))


def _no_ref(name: str) -> NotFound:
    return NotFound(f"no ref is called {name!r}", hint="uwf ref list", code="no_such_ref")
