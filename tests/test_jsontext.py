from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import jsontext
from uwf.jsontext import document
from uwf.record import Record, replace

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
documents = st.recursive(
    scalars | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


@given(documents)
def test_it_writes_what_json_would(value: object) -> None:
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert jsontext.dumps(value) == compact
    assert jsontext.dumps(value, indent=True) == json.dumps(value, ensure_ascii=False, indent=2)


@given(st.text(st.characters(categories=["Cs", "Ll"])))
def test_lone_surrogates_are_escaped_and_come_back(text: str) -> None:
    written = jsontext.dumps(text)
    written.encode()
    assert json.loads(written) == json.loads(json.dumps(text))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")]])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON has no number"):
        jsontext.dumps(value)


@pytest.mark.parametrize("value", [b"x", {1: 2}, {"a": object()}, {None: 1}])
def test_what_json_has_no_form_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        jsontext.dumps(value)


def test_an_interpreter_without_the_c_function_writes_the_same() -> None:
    code = (
        "import sys; sys.modules['_json'] = None\n"
        "from uwf import jsontext; print(ascii(jsontext.dumps({'ü\\n\\x00\"': [1, '☃']})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ascii(jsontext.dumps({'ü\n\x00"': [1, "☃"]}))


class Inner(Record):
    at_ms: int
    from_: str


class Outer(Record):
    left_out: ClassVar[tuple[str, ...]] = ("end_reason",)

    thread_id: str
    rows: tuple[Inner, ...]
    tags: Mapping[str, Any]
    nothing: None = None
    end_reason: str | None = None


def test_record_is_an_object_of_the_contract() -> None:
    shown = Outer("T", (Inner(1, "uwf"),), MappingProxyType({"some_key": [1, Inner(2, "x")]}))
    assert document(shown) == {
        "threadId": "T",
        "rows": [{"atMs": 1, "from": "uwf"}],
        "tags": {"some_key": [1, {"atMs": 2, "from": "x"}]},
        "nothing": None,
    }
    assert document(replace(shown, end_reason="enough"))["endReason"] == "enough"
