"""Random payloads, links and tags: whatever the store must take."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from uwf.store.codec import Link

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
IDS = st.binary(min_size=32, max_size=32).map(bytes.hex)
LINKS = IDS.map(Link)
KINDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=10)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.binary(max_size=20),
    LINKS,
)

PAYLOADS: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXTS, inner, max_size=5)),
    max_leaves=25,
)

TAG_VALUES = st.one_of(
    st.sampled_from(["", "idle", "done", "x" * 200, "x" * 201, "é" * 101, "a\nb\0c"]), TEXTS
)
TAGS = st.dictionaries(st.sampled_from(["status", "label.team", "k"]), TAG_VALUES, max_size=3)
