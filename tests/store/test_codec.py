"""The laws of the encoding, on random values."""

from __future__ import annotations

import math
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it ships none
import pytest
from blake3 import blake3
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.strategies import KINDS, LINKS, PAYLOADS
from uwf.errors import InputError
from uwf.store.codec import MAX_DEPTH, Link, decode, encode, id_of, key_of, links, links_in

FORMS = b"\x01"
A = "ab" * 32


def exact(value: Any) -> Any:
    """`value` in a form in which 1, 1.0 and True differ, and a link from its text."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return type(value), value


def shuffled(value: Any) -> Any:
    """The same value with every map in another order, and zeros negative."""
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return -0.0 if type(value) is float and value == 0.0 else value


def found(value: Any) -> list[str]:
    if isinstance(value, Link):
        return [value]
    if isinstance(value, list):
        return [link for item in value for link in found(item)]
    if isinstance(value, dict):
        return [link for key in sorted(value) for link in found(value[key])]
    return []


@given(KINDS, PAYLOADS)
def test_decoding_gives_back_what_was_encoded(kind: str, payload: Any) -> None:
    node = decode(encode(kind, payload), strict=True)
    assert node.kind == kind
    assert exact(node.payload) == exact(payload)


@given(PAYLOADS)
def test_same_value_has_same_bytes_and_id(payload: Any) -> None:
    data = encode("k", payload)
    assert encode("k", shuffled(payload)) == data
    assert encode("k", decode(data).payload) == data
    assert id_of(data) == blake3(data).hexdigest()


@given(PAYLOADS, PAYLOADS)
@example([1], [True])
@example([1], [1.0])
@example([Link(A)], [A])
@example("a", b"a")
def test_other_value_has_another_id(one: Any, other: Any) -> None:
    same = exact(decode(encode("k", one)).payload) == exact(decode(encode("k", other)).payload)
    assert (id_of(encode("k", one)) == id_of(encode("k", other))) == same


@given(PAYLOADS)
def test_every_link_is_found_in_order(payload: Any) -> None:
    assert list(links(payload)) == links_in(encode("k", payload)) == found(payload)


@given(PAYLOADS)
def test_keys_lie_in_the_order_of_their_utf8_bytes(payload: Any) -> None:
    def check(pairs: list[tuple[bytes, Any]]) -> None:
        assert [key for key, _ in pairs] == sorted(key for key, _ in pairs)

    data = encode("k", payload)[1:]
    msgpack.unpackb(
        data, object_pairs_hook=check, raw=True, strict_map_key=False, ext_hook=msgpack.ExtType
    )


@given(st.binary(max_size=60))
@example(b"")
@example(b"\x01")
@example(b"\x01\xc1")
def test_random_bytes_are_refused_or_are_canonical(data: bytes) -> None:
    for candidate in (data, FORMS + data, FORMS + b"\x92\xa1k" + data):
        try:
            node = decode(candidate, strict=True)
        except InputError:
            continue
        assert encode(node.kind, node.payload) == candidate


@given(PAYLOADS, st.data())
def test_a_changed_byte_is_refused_or_another_value(payload: Any, data: st.DataObject) -> None:
    good = encode("k", payload)
    place = data.draw(st.integers(0, len(good) - 1))
    bad = good[:place] + bytes([data.draw(st.integers(0, 255))]) + good[place + 1 :]
    try:
        node = decode(bad, strict=True)
    except InputError:
        return
    assert encode(node.kind, node.payload) == bad


@pytest.mark.parametrize(
    "packed",
    [
        b"\x92\xa1k\x82\xa1b\x01\xa1a\x02",  # keys out of order
        b"\x92\xa1k\x82\xa1a\x01\xa1a\x02",  # a key twice
        b"\x92\xa1k\xcc\x05",  # 5 in two bytes
        b"\x92\xa1k\xd9\x01a",  # a short text with a long head
        b"\x92\xa1k\xdc\x00\x01\x01",  # a short list with a long head
        b"\xdc\x00\x02\xa1k\x01",  # the pair itself with a long head
        b"\x92\xa1k\xca\x3f\x80\x00\x00",  # a float of 32 bits
        b"\x92\xa1k\xcb\x80\x00\x00\x00\x00\x00\x00\x00",  # -0.0
        b"\x92\xa1k\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",  # NaN
        b"\x92\xa1k\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",  # infinity
        b"\x92\xa1k\xa2\xc3\x28",  # not UTF-8
        b"\x92\xa1k\xa3\xed\xa0\x80",  # a surrogate
        b"\x92\xa1k\x81\x01\x01",  # a key that is a number
        b"\x92\xa1k\x81\xc4\x01a\x01",  # a key that is bytes
        b"\x92\xa1k\xd4\x01a",  # a link of one byte
        b"\x92\xa1k\xc7\x20\x02" + b"a" * 32,  # another extension type
        b"\x92\xa1k\xd6\xff\x00\x00\x00\x01",  # a timestamp
        b"\x92\xa1k",  # cut off
        b"\x92\xa1k\x01\x01",  # something behind it
        b"\x91\xa1k",  # no pair
        b"\x93\xa1k\x01\x01",
        b"\x92\x01\x01",  # a kind that is a number
        b"\x92\xa0\x01",  # no kind
        b"\x92\xa1\x07\x01",  # a kind that does not print
        b"\x81\xa1k\x01",
        b"\xa1k",
    ],
    ids=lambda packed: packed.hex()[:40],
)
def test_what_is_not_canonical_is_refused(packed: bytes) -> None:
    with pytest.raises(InputError):
        decode(FORMS + packed, strict=True)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x92\xa1k\x01", b"\x02\x92\xa1k\x01", b"\x92\xa1k\x01"]
)
def test_another_version_is_refused_and_named(data: bytes) -> None:
    with pytest.raises(InputError, match=r"encoding version 1"):
        decode(data)


def nested(depth: int, leaf: Any) -> Any:
    for level in range(depth):
        leaf = [leaf] if level % 2 else {"a": leaf}
    return leaf


@pytest.mark.parametrize("leaf", [[], {}, 1, 1.5, Link(A), "x"])
def test_nesting_is_bounded(leaf: Any) -> None:
    bounded = nested(MAX_DEPTH, leaf)
    assert exact(decode(encode("k", bounded), strict=True).payload) == exact(bounded)
    with pytest.raises(InputError, match=r"payload.*: nested more than 200 deep"):
        encode("k", nested(MAX_DEPTH + 2, leaf))


def test_bottomless_nesting_is_refused() -> None:
    with pytest.raises(InputError, match="nested more than 200 deep"):
        encode("k", nested(5000, 1))
    for head in (b"\x91", b"\x81\xa1a"):
        with pytest.raises(InputError):
            decode(FORMS + b"\x92\xa1k" + head * 100_000 + b"\x01", strict=True)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"a": [1, {"b": math.nan}]}, r"payload\.a\[1\]\.b: a number must be finite, not nan"),
        ([-math.inf], r"payload\[0\]: a number must be finite, not -inf"),
        (math.inf, r"payload: a number must be finite"),
        ([1 << 64], r"payload\[0\]: an integer must fit 64 bits"),
        ([-(1 << 63) - 1], r"payload\[0\]: an integer must fit 64 bits"),
        ({"a": {1: 2}}, r"payload\.a: map keys must be strings, not 1"),
        ({"a": {1: 2, "b": 3}}, r"payload\.a: map keys must be strings, not 1"),
        ({b"a": 1}, r"payload: map keys must be strings"),
        ({Link(A): 1}, r"payload: map keys must be strings"),
        ({"a": "\ud800"}, r"payload\.a: text with a lone surrogate"),
        ({"\ud800": 1}, r"payload: text with a lone surrogate"),
        ([Link("abc")], r"payload\[0\]: 'abc' is not an object id"),
        ([Link(A.upper())], r"payload\[0\]: a link has lower-case digits"),
        ([Link(" " * 32 + "ab" * 16)], r"payload\[0\]: .* is not an object id"),
        ([(1, 2)], r"payload\[0\]: a value of type tuple cannot be stored"),
        ([{1, 2}], r"payload\[0\]: a value of type set cannot be stored"),
        ([object()], r"payload\[0\]: a value of type object cannot be stored"),
        ([bytearray(b"a")], r"payload\[0\]: a value of type bytearray"),
        ([msgpack.ExtType(1, b"a" * 32)], r"payload\[0\]: a value of type ExtType"),
        ([msgpack.Timestamp(1)], r"payload\[0\]: a value of type Timestamp"),
    ],
)
def test_what_cannot_be_encoded_is_named(payload: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        encode("k", payload)


@pytest.mark.parametrize("kind", ["", "x" * 101, "a\nb", "\ud800", 1, None, Link(A)])
def test_a_kind_is_short_printable_text(kind: Any) -> None:
    with pytest.raises(InputError, match="is not a kind"):
        encode(kind, None)


def test_an_object_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uwf.store.codec.MAX_OBJECT_BYTES", 1000)
    encode("k", "x" * 900)
    with pytest.raises(InputError, match="too large"):
        encode("k", "x" * 1000)


@pytest.mark.parametrize("id", ["", "ab", A[:-1], A + "a", "g" * 64, " " + A[1:], A[:62] + "  "])
def test_an_id_is_64_hex_digits(id: str) -> None:
    with pytest.raises(InputError, match="is not an object id"):
        key_of(id)


@given(LINKS)
def test_a_link_is_the_text_of_its_id(link: Link) -> None:
    assert key_of(link).hex() == link
    assert [type(item) for item in decode(encode("k", [link])).payload] == [Link]


def test_bytes_are_what_they_always_were() -> None:
    """Changing these changes every id there is."""
    payload = {"b": [1, -1, 2.5, None, True], "a": Link(A), "é": b"\x00", "c": 1 << 40}
    data = encode("step", payload)
    assert data.hex() == (
        "0192a473746570" "84" "a161c72001" + A + "a162950 1ffcb4004000000000000c0c3".replace(" ", "")
        + "a163cf0000010000000000" "a2c3a9c40100"
    )  # fmt: skip
    assert id_of(data) == blake3(data).hexdigest()


@settings(max_examples=20)
@given(st.lists(LINKS, max_size=3))
def test_long_chains_of_lists_do_not_recurse(items: list[Link]) -> None:
    deep: Any = items
    for _ in range(20_000):
        deep = [deep]
    assert list(links(deep)) == items
