"""What a stranger sends as JSON is a value that can be stored, or is refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.daemon.intake import strict_json
from uwf.errors import InputError
from uwf.store.codec import encode


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not JSON"),
        (b"{", "line 1, column 2"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"\xff", "is not UTF-8"),
        (b"[" * 100_000, "nested more than 64"),
        (b"[" * 65 + b"]" * 65, "nested more than 64"),
        (b'{"a":' * 64 + b"1" + b"}" * 64, "nested more than 64"),
        (b"1" * 100_000, "too large"),
        (b"18446744073709551616", "too large"),
        (b"1e999", "too large"),
        (rb'"\ud800"', "lone surrogate"),
        (rb'{"\udfff": 1}', "lone surrogate"),
        (b" " * (1 << 20) + b"1", "longer than 1 MiB"),
    ],
)
def test_what_no_program_means_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why) as refused:
        strict_json.parse(data)
    assert refused.value.code == "bad_json"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    )
)
def test_what_is_taken_can_be_stored(value: object) -> None:
    try:
        found = strict_json.parse(json.dumps(value).encode())
    except InputError:
        return
    encode("test", found)
