"""What is written through a store with a gate has passed it: ids are those of the cleaned bytes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import uwf
from uwf.store.codec import Link, encode, id_of
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_store

SECRET, SHOWN = "hunter2-hunter2", "[redacted:PASSWORD]"
ABSENT = Link("ab" * 32)


class Hiding:
    """A gate that knows one secret."""

    def text(self, text: str) -> str:
        return text.replace(SECRET, SHOWN)

    def value(self, value: Any) -> Any:
        if type(value) is str:
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return value

    def is_clean(self, packed: bytes) -> bool:
        return SECRET.encode() not in packed

    def payload(self, kind: str, payload: Any) -> Any:
        return self.value(payload)

    def tags(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        return {self.text(key): self.text(value) for key, value in tags.items()}


@pytest.fixture
def gated(path: str) -> Iterator[SqliteStore]:
    store = open_store(path, gate=Hiding())
    yield store
    store.close()


def holds_the_secret(store: SqliteStore) -> bool:
    """Whether any byte of the file has it: objects this small are not compressed."""
    store.close()
    return any(SECRET.encode() in file.read_bytes() for file in Path(store.place).parent.iterdir())


def test_an_object_is_that_of_the_cleaned_payload(gated: SqliteStore) -> None:
    with gated.transaction("test") as tx:
        id = tx.put("note", {"said": f"it is {SECRET}!", "more": [SECRET, 1, ABSENT]})
        cleaned = encode("note", {"said": f"it is {SHOWN}!", "more": [SHOWN, 1, ABSENT]})
        assert id == id_of(cleaned)
        assert tx.raw(id) == cleaned
        assert tx.put("note", {"said": f"it is {SHOWN}!", "more": [SHOWN, 1, ABSENT]}) == id
    assert not holds_the_secret(gated)


def test_a_node_that_is_put_is_given_as_it_is_stored(gated: SqliteStore) -> None:
    with gated.transaction("put") as tx:
        id, node = tx.put_node("note", {"text": f"with {SECRET}", "to": ABSENT, "zero": -0.0})
    assert node == gated.get(id)
    assert node.payload["text"] == f"with {SHOWN}"


def test_tags_and_the_reason_of_a_move_are_cleaned(gated: SqliteStore) -> None:
    with gated.transaction("test") as tx:
        id = tx.put("note", 1)
        ref = tx.set_ref("r", id, tags={"label": SECRET, SECRET: "x"}, why=f"for {SECRET}")
        assert ref.tags == {"label": SHOWN, SHOWN: "x"}
    assert gated.ref("r") == ref
    assert [each.name for each in gated.refs(tags={"label": SHOWN})] == ["r"]
    assert gated.refs(tags={"label": SECRET}) == []
    with gated.transaction("test") as tx:
        tx.delete_ref("r", why=f"no more {SECRET}")
    assert [move.why for move in gated.moves("r")] == [f"for {SHOWN}", f"no more {SHOWN}"]
    assert not holds_the_secret(gated)


def test_counters_samples_and_entries_are_cleaned(gated: SqliteStore) -> None:
    with gated.transaction("test") as tx:
        tx.set_counter("guard/pause", {"why": SECRET})
        tx.add_sample("guard/costs", [SECRET], 1)
        tx.add_entry("event", "1", 1, "new", {"data": SECRET})
        tx.add_entry("event", "2", 1, "new", {})
        tx.set_entry("event", "2", state="told", value={"data": [SECRET]})
    assert gated.counter("guard/pause") == {"why": SHOWN}
    assert [sample.value for sample in gated.samples("guard", 0)] == [[SHOWN]]
    values = [entry.value for entry in gated.entries("event")]
    assert values == [{"data": SHOWN}, {"data": [SHOWN]}]
    assert not holds_the_secret(gated)


def test_bytes_that_were_encoded_elsewhere_keep_their_id(gated: SqliteStore) -> None:
    data = encode("note", SECRET)
    with gated.transaction("test") as tx:
        assert tx.put_raw(bytes(data)) == id_of(data)


def test_only_what_was_encoded_before_goes_around_it() -> None:
    """Bytes of a bundle or of another store keep their ids, and a rebind, whose id is known before it is written,
    holds links alone."""
    root = Path(uwf.__file__).parent
    callers = {
        str(path.relative_to(root)): ast.unparse(call)
        for path in root.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".put_raw")
    }
    assert callers == {
        "store/whole/bundle.py": "tx.put_raw(record[1])",
        "store/whole/copying.py": "tx.put_raw(data)",
        "store/object_cache.py": "tx.put_raw(data)",
        "engine/run/attempt/begin.py": "tx.put_raw(rebind.data)",
    }


def test_without_a_gate_all_is_stored_as_it_is(disk: Store) -> None:
    with disk.transaction("test") as tx:
        assert tx.get(tx.put("note", SECRET)).payload == SECRET


WORDS = st.text(max_size=5) | st.just(SECRET) | st.just(f"<{SECRET}>")
VALUES = st.recursive(
    WORDS | st.integers(-5, 5) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(payload=VALUES)
def test_no_payload_gets_around_it(payload: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = open_store(str(tmp_path_factory.mktemp("gate") / "store.db"), gate=Hiding())
    with store.transaction("test") as tx:
        id = tx.put("note", payload)
        assert SECRET.encode() not in tx.raw(id)
        assert id == id_of(tx.raw(id))
    store.close()
