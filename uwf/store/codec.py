"""What an object is: canonical bytes for `[kind, payload]`, and the id they hash to.

Encoding: one version byte (0x01), then MessagePack of the two-element array. Map keys are strings sorted by
their UTF-8 bytes, integers and lengths take their shortest form, floats are 64 bit, finite, and never -0.0.
A link to another object is MessagePack extension type 1 holding the 32 raw bytes of its id, so that a walker
finds every link without knowing the kind. Equal values therefore have equal bytes and equal ids.
The id is BLAKE3-256 of all of it, written as 64 lower-case hex digits.

Payload values: None, bool, int (64 bit), float, str, bytes, list, dict with str keys, `Link`.
Storing bytes, and checking that they still hash to their id, is the stores' business.
"""

from __future__ import annotations

from blake3 import blake3
from msgpack import ExtType, packb, unpackb  # type: ignore[import-untyped]  # it ships none

from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

VERSION = 1
LINK = 1  # MessagePack extension type
ID_BYTES = 32
ID_DIGITS = 64
MAX_DEPTH = 200  # nested lists and maps in a payload
MAX_KIND = 100  # characters
MAX_OBJECT_BYTES = 256 << 20

_VERSION_BYTE = bytes([VERSION])
_SCALARS = frozenset({str, int, bool, bytes, type(None)})
_NESTING = frozenset({list, dict})
_MALFORMED = (ValueError, TypeError, RecursionError, MemoryError)


class Link(str):
    """The id of another object, as a payload value. Equal to the same id as a plain string."""

    __slots__ = ()


_READY = _SCALARS | {Link}  # types that the packer takes as they are


class Node(Record):
    """A decoded object. `payload` holds plain values and `Link`s."""

    kind: str
    payload: Any


def id_of(data: bytes) -> str:
    """The id of encoded bytes."""
    return blake3(data).hexdigest()


def key_of(id: str) -> bytes:
    """The 32 raw bytes of an id. InputError when `id` is not 64 hex digits."""
    try:
        key = bytes.fromhex(id)
    except (ValueError, TypeError):
        key = b""
    if len(key) != ID_BYTES or len(id) != ID_DIGITS:
        raise InputError(f"{str(id)[:80]!r} is not an object id: an id is {ID_DIGITS} hex digits")
    return key


def encode(kind: str, payload: Any) -> bytes:
    """The canonical bytes of a node. InputError names the first value that cannot be encoded."""
    if type(kind) is not str or not 0 < len(kind) <= MAX_KIND or not kind.isprintable():
        raise InputError(f"{kind!r:.120} is not a kind: 1 to {MAX_KIND} printable characters")
    try:
        content = payload if type(payload) in _READY else _canonical(payload, 0)
        packed = packb([kind, content], default=_pack_link, strict_types=True)
    except (InputError, *_MALFORMED, OverflowError) as error:
        _complain(payload, error)
    data: bytes = _VERSION_BYTE + packed
    if len(data) > MAX_OBJECT_BYTES:
        raise InputError(f"a {kind} of {len(data)} bytes is too large: at most {MAX_OBJECT_BYTES}")
    return data


def decode(data: bytes, *, strict: bool = False) -> Node:
    """The node in `data`. InputError when there is none, and with `strict` also when it is not canonical."""
    return Node(*_pair(data, strict))


def check(data: bytes) -> None:
    """The same with `strict`, where nobody asks for the node."""
    _pair(data, strict=True)


def _pair(data: bytes, strict: bool) -> list[Any]:
    value = _unpack(data, _link)
    if type(value) is not list or len(value) != 2 or type(value[0]) is not str:
        raise InputError("not an object: the content is not a [kind, payload] pair")
    if strict and encode(value[0], value[1]) != data:
        raise InputError("not an object: its encoding is not the canonical one")
    return value


def links(payload: Any) -> Iterator[Link]:
    """Every link in a payload, in encoded order, as often as it occurs."""
    waiting = [payload]
    while waiting:
        value = waiting.pop()
        if type(value) is Link:
            yield value
        elif type(value) is list:
            waiting.extend(reversed(value))
        elif type(value) is dict:
            waiting.extend(value[key] for key in sorted(value, reverse=True))


def links_in(data: bytes) -> list[str]:
    """What `links` finds in encoded bytes, without building the payload."""
    found: list[str] = []

    def note(code: int, content: bytes) -> None:
        found.append(_link(code, content))

    _unpack(data, note)
    return found


def _unpack(data: bytes, ext_hook: Any) -> Any:
    if not data or data[0] != VERSION:
        was = f"byte {data[0]:#04x}" if data else "nothing"
        raise InputError(
            f"not an object: it begins with {was} where encoding version {VERSION} should be"
        )
    try:
        return unpackb(data[1:], ext_hook=ext_hook)  # a copy costs less than a view
    except _MALFORMED as error:
        raise InputError(f"not an object: {error or type(error).__name__}") from error


def _link(code: int, content: bytes) -> Link:
    if code != LINK or len(content) != ID_BYTES:
        raise ValueError(f"extension type {code} of length {len(content)} is not a link")
    return Link(content.hex())


def _canonical(value: Any, depth: int) -> Any:
    """A map, list or float as it is to be packed: maps sorted, zeros positive.

    What is refused, here or by the packer, is worded by `_complain`.
    """
    kind = type(value)
    if kind is float:
        if value - value != 0.0:
            raise ValueError("not finite")
        return value + 0.0  # -0.0 becomes 0.0
    if kind not in _NESTING:
        raise TypeError("of no type that can be stored")
    if depth > MAX_DEPTH:
        raise ValueError("nested too deep")
    if kind is dict:
        ordered = {}
        for key in sorted(value):
            if type(key) is not str:
                raise TypeError("keys must be strings")
            item = value[key]
            ordered[key] = item if type(item) in _READY else _canonical(item, depth + 1)
        return ordered
    if _READY.issuperset(map(type, value)):
        return value
    return [item if type(item) in _READY else _canonical(item, depth + 1) for item in value]


def _pack_link(value: Any) -> ExtType:
    """The packer's question about a value that is none of its own types."""
    if type(value) is not Link:
        raise TypeError(f"cannot pack {type(value).__name__}")
    content = bytes.fromhex(value)
    if len(content) != ID_BYTES or content.hex() != value:
        raise ValueError("a link has 64 lower-case digits")
    return ExtType(LINK, content)


def _complain(payload: Any, error: Exception) -> NoReturn:
    """Say which value in the payload cannot be encoded. Slow and careful: only runs when something is wrong."""
    waiting: list[tuple[str, Any, int]] = [("payload", payload, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        why = _objection(value, depth)
        if why:
            raise InputError(f"{place}: {why}") from error
        if type(value) is list:
            waiting.extend(
                (f"{place}[{i}]", item, depth + 1) for i, item in reversed([*enumerate(value)])
            )
        elif type(value) is dict:
            for key in value:
                why = "map keys must be strings" if type(key) is not str else _objection(key, 0)
                if why:
                    raise InputError(f"{place}: {why}, not {key!r:.80}") from error
            waiting.extend((f"{place}.{key}", value[key], depth + 1) for key in value)
    raise InputError(f"payload: {error}") from error


def _objection(value: Any, depth: int) -> str:
    kind = type(value)
    if depth > MAX_DEPTH and kind in _NESTING:
        return f"nested more than {MAX_DEPTH} deep"
    if kind is int:
        return "" if -(1 << 63) <= value < 1 << 64 else "an integer must fit 64 bits"
    if kind is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            return "text with a lone surrogate is not Unicode"
        return ""
    if kind is float:
        return "" if value - value == 0.0 else f"a number must be finite, not {value}"
    if kind is Link:
        try:
            return "" if key_of(value).hex() == value else "a link has lower-case digits"
        except InputError as error:
            return error.message
    if kind in _SCALARS or kind in _NESTING:
        return ""
    return f"a value of type {kind.__name__} cannot be stored"
