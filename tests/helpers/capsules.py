"""Exports of threads that a stranger has changed: any node, its hash and all that link to it being right."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from uwf.engine.chain import shape
from uwf.engine.chain.tags import ATTEMPTS, THREADS, TOLD
from uwf.store.codec import Link, Node, encode
from uwf.store.protocols import Store
from uwf.store.sqlite import open_in_memory
from uwf.store.whole.bundle import export_bundle

GOLDEN = Path(__file__).parents[1] / "golden" / "0.1.0.db"

Change = Callable[[Node], Any]


def reached(store: Store, thread: str) -> set[str]:
    """All objects that a thread, its attempt and what waits for it reach."""
    found: set[str] = set()
    for prefix in (THREADS, ATTEMPTS, TOLD):
        ref = store.ref(prefix + thread)
        if ref is not None:
            below(store, ref.id, found)
    return found


def below(store: Store, id: str, found: set[str]) -> set[str]:
    found.add(id)
    for link, _ in list(shape.leads(store.get(id))):
        if link not in found:
            below(store, link, found)
    return found


def kept(golden: Store, form: str) -> str:
    """A thread of the golden store that has a node of that form."""
    ids = [name.removeprefix(THREADS) for name in golden.names(THREADS)]
    return next(
        id for id in ids if form in {shape.form(golden.get(node)) for node in reached(golden, id)}
    )


def capsule(
    golden: Store, thread: str, change: Change, tags: dict[str, str] | None = None, as_id: str = ""
) -> io.BytesIO:
    """The export of a thread, every payload being what `change` makes of its node."""
    forged, ids = open_in_memory(), {}

    def moved(value: Any) -> Any:
        if isinstance(value, Link):
            return Link(ids[value]) if value in ids else Link(made(value))
        if isinstance(value, dict):
            return {key: moved(item) for key, item in value.items()}
        return [moved(item) for item in value] if isinstance(value, list) else value

    def made(id: str) -> str:
        node = golden.get(id)
        payload = moved(change(node))
        with forged.transaction("test") as tx:
            ids[id] = str(tx.put_raw(encode(node.kind, payload)))
        return ids[id]

    names = []
    for prefix in (THREADS, ATTEMPTS, TOLD):
        ref = golden.ref(prefix + thread)
        if ref is not None:
            names.append(prefix + (as_id or thread))
            head, given = made(ref.id), ref.tags | ((tags or {}) if prefix == THREADS else {})
            with forged.transaction("test") as tx:
                tx.set_ref(names[-1], head, tags=given, why="test")
    stream = io.BytesIO()
    export_bundle(forged, names, stream)
    stream.seek(0)
    return stream


ODD = (None, True, -1, 1 << 62, 0.5, "", "x", [], {}, [None], {"a": 1}, {"role": {}}, ...)


def damaged(dice: random.Random, value: Any, nodes: list[str]) -> Any:
    """`value` with one thing in it changed, at any depth."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        key = dice.choice(list(value))
        new = damaged(dice, value[key], nodes)
        rest = {name: item for name, item in value.items() if name != key}
        return rest if new is ... else {**rest, dice.choice((key, key, key, "other")): new}
    if isinstance(value, list) and value and dice.random() < 0.85:
        at = dice.randrange(len(value))
        new = damaged(dice, value[at], nodes)
        return [*value[:at], *([] if new is ... else [new]), *value[at + 1 :]]
    return Link(dice.choice(nodes)) if dice.random() < 0.3 else dice.choice(ODD)
