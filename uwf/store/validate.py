"""What every store checks and refuses, in the same words: ref names, tags, ranges, prefixes, expectations,
and the values of counters and entries.
"""

from __future__ import annotations

from msgpack import unpackb  # type: ignore[import-untyped]  # it ships none

from uwf.errors import (
    Ambiguous,
    Conflict,
    CounterUnreadable,
    InputError,
    NotFound,
    ObjectDamaged,
    ObjectMissing,
)
from uwf.store.codec import ID_DIGITS
from uwf.store.values import ANY, COUNTER, ENTRY, SAMPLE, Ref, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from uwf.store.protocols import Wanted
    from uwf.store.values import Anything

MAX_NAME = 200  # characters
MAX_KEY = 300  # characters
MIN_PREFIX = 4  # hex digits that find an object
SHOWN = 5  # candidates named when a prefix is ambiguous
AFTER_ALL = "\U0010ffff"  # sorts after every name: it is not printable, so no name has it
NESTED = "a transaction or a snapshot is already open: they do not nest"
_HEX = frozenset("0123456789abcdef")


def check_name(name: str) -> None:
    """InputError unless `name` is 1 to 200 printable characters in segments separated by single slashes."""
    if not name or len(name) > MAX_NAME:
        raise InputError(f"{name!r:.80} is not a ref name: a name has 1 to {MAX_NAME} characters")
    if not name.isprintable():
        raise InputError(f"{name!r:.240} is not a ref name: it has a character that does not print")
    if "//" in name or name[0] == "/" or name[-1] == "/":
        raise InputError(f"{name!r:.240} is not a ref name: a segment between slashes is empty")
    if "." in name and not {".", ".."}.isdisjoint(name.split("/")):
        raise InputError(f"{name!r:.240} is not a ref name: '.' and '..' are not segments")


def check_text(what: str, text: str) -> None:
    """InputError when `text` is not Unicode, as an argument with broken bytes is not."""
    try:
        text.encode()
    except (UnicodeEncodeError, AttributeError):
        raise InputError(f"{what} {text!r:.120} is not Unicode text") from None


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags sorted by key. InputError unless all keys and values are text and keys are printable."""
    for key, value in tags.items():
        if type(key) is not str or not key or len(key) > MAX_NAME or not key.isprintable():
            raise InputError(f"{key!r:.120} is not a tag key: 1 to {MAX_NAME} printable characters")
        if type(value) is not str:
            raise InputError(f"tag {key}: a value must be text, not {value!r:.80}")
        check_text(f"tag {key}:", value)
    return {key: tags[key] for key in sorted(tags)}


def wanted_values(tags: Wanted | None) -> dict[str, tuple[str, ...]]:
    """A tag filter with every value a tuple without repeats."""
    wanted = {}
    for key, value in (tags or {}).items():
        values = (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))
        for text in (key, *values):
            check_text("tag", text)
        wanted[key] = values
    return wanted


def matches(tags: Mapping[str, str], wanted: Mapping[str, Sequence[str]]) -> bool:
    """Whether a ref's tags pass a filter made by `wanted_values`."""
    return all(tags.get(key) in values for key, values in wanted.items())


def bounds(prefix: str, low: str | None, high: str | None) -> tuple[str, str]:
    """The half-open range of names that have `prefix` and lie in low <= name < high."""
    for text in (prefix, low or "", high or ""):
        check_text("name", text)
    top = prefix + AFTER_ALL
    return max(prefix, low or ""), top if high is None else min(top, high)


def check_page(limit: int | None, offset: int) -> None:
    """InputError when a listing's limit or offset is negative."""
    if (limit is not None and limit < 0) or offset < 0:
        raise InputError(f"a listing's limit and offset cannot be negative: {limit}, {offset}")


def hex_prefix(prefix: str, what: str) -> str:
    """An id prefix in lower case. InputError when it is too short, too long or not hex."""
    lower = prefix.lower()
    if not MIN_PREFIX <= len(lower) <= ID_DIGITS or not _HEX.issuperset(lower):
        raise InputError(
            f"{prefix!r:.100} cannot name {_a(what)}: give {MIN_PREFIX} to {ID_DIGITS} hex digits of its id"
        )
    return lower


def the_one(prefix: str, what: str, found: Sequence[str]) -> str:
    """The only id in `found`, which holds at most one more than is shown. NotFound or Ambiguous otherwise."""
    if not found:
        raise NotFound(f"no {what} has an id that begins with {prefix}")
    if len(found) > 1:
        shown = ", ".join(id[:16] for id in found[:SHOWN])
        more = " and more" if len(found) > SHOWN else ""
        raise Ambiguous(
            f"{prefix} fits more than one {what}: {shown}{more}; give more digits",
            hint=f"uwf cas get {found[0][:16]}",
        )
    return found[0]


def check_expected(name: str, now: Ref | None, expect: str | Ref | Anything | None) -> None:
    """Conflict unless the ref is what the caller of a compare-and-set believes it to be."""
    if isinstance(expect, Ref):
        if now is None or (now.version, now.updated_ms) != (expect.version, expect.updated_ms):
            raise moved(expect)
        return
    if expect is ANY or expect == (now.id if now else None):
        return
    believed = "not to exist" if expect is None else f"to point to {expect}"
    found = f"it points to {now.id}" if now else "there is none"
    raise Conflict(f"{name} was expected {believed}, but {found}", hint=f"uwf ref log {name}")


def moved(ref: Ref) -> Conflict:
    """The error for a ref that is not as it was when it was read."""
    return Conflict(
        f"{ref.name} was expected at version {ref.version}, but has been moved since",
        hint=f"uwf ref log {ref.name}",
    )


def missing(id: str) -> ObjectMissing:
    return ObjectMissing(f"object {id} is not in the store", hint="uwf store verify")


def damaged(id: str, why: str) -> ObjectDamaged:
    return ObjectDamaged(f"object {id} is damaged: {why}", hint="uwf store verify --deep")


def counter_value(name: str, packed: object) -> Any:
    """The value of the counter `name`. CounterUnreadable when the bytes in its place are none."""
    return _unpacked(f"counter {name}", packed)


def sample_value(series: str, packed: object) -> Any:
    """The value of one sample. CounterUnreadable when the bytes in its place are none."""
    return _unpacked(f"a sample of {series}", packed)


def check_key(what: str, key: str) -> None:
    """InputError unless `key`, which is `what`, is 1 to 300 printable characters."""
    check_text(what, key)
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InputError(f"{what} {key!r:.120} is not 1 to {MAX_KEY} printable characters")


def check_kind(kind: str) -> None:
    """InputError unless `kind`, of an entry, is a name without a slash."""
    check_name(kind)
    if "/" in kind:
        raise InputError(f"{kind!r} is not a kind of entry: it has a slash")


def entry_value(kind: str, key: str, packed: object) -> Any:
    """The value of one entry. CounterUnreadable when the bytes in its place are none."""
    return _unpacked(f"{kind} {key}", packed)


def unreadable_ones(
    counters: Iterable[tuple[str, object]] = (),
    samples: Iterable[tuple[str, object]] = (),
    entries: Iterable[tuple[str, object]] = (),
) -> list[Unreadable]:
    """Which of these, each a name with a packed value, are unreadable: each once."""
    found = []
    for kind, rows, read in (
        (COUNTER, counters, counter_value),
        (SAMPLE, samples, sample_value),
        (ENTRY, entries, _value_of_named),
    ):
        for name, packed in rows:
            try:
                read(name, packed)
            except CounterUnreadable as error:
                found.append(Unreadable(kind, name, error.message))
    return list(dict.fromkeys(found))


def _value_of_named(name: str, packed: object) -> Any:
    kind, key = name.split("/", 1)
    return entry_value(kind, key, packed)


def _unpacked(what: str, packed: object) -> Any:
    try:
        return unpackb(packed)
    except (ValueError, TypeError) as error:
        why = f"{error}" or "these bytes are no MessagePack"
        raise CounterUnreadable(
            f"the value of {what} cannot be read: {why}", hint="uwf doctor --repair"
        ) from error


def _a(what: str) -> str:
    return f"an {what}" if what[:1] in "aeiou" else f"a {what}"
