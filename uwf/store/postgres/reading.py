"""Reading many objects of a store in PostgreSQL on one way to the server and back: in a transaction and outside."""

from __future__ import annotations

from uwf.errors import ObjectDamaged, ObjectMissing
from uwf.store.codec import key_of
from uwf.store.sql.reading import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uwf.errors import UwfError

_OF_THESE = "FROM object WHERE id = ANY(CAST(? AS bytea[]))"
_GET_MANY = f"SELECT id, data, encoding, size {_OF_THESE}"
_BYTES = f"SELECT CAST(coalesce(sum(length(data)), 0) AS bigint) {_OF_THESE}"


class ReadingAtOnce(Reading):
    """What is asked for together comes together."""

    def raw_many(self, ids: Sequence[str]) -> Iterator[bytes | UwfError]:
        keys = list(map(key_of, ids))
        found = {row[0]: row[1:] for row in self._database.all(_GET_MANY, (keys,))}
        for id, key in zip(ids, keys, strict=True):
            try:
                yield self._whole(id, key, found.get(key))
            except (ObjectMissing, ObjectDamaged) as error:
                yield error

    def stored_bytes(self, ids: Sequence[str]) -> int:
        total: int = self._database.one(_BYTES, (list(map(key_of, ids)),))[0]
        return total
