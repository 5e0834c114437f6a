"""Puts and gets of objects against a bare SQLite table."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3
from msgpack import packb, unpackb  # type: ignore[import-untyped]  # it ships none

from benchmarks.measure import alternate, report
from benchmarks.stepping import bare_database
from uwf.store.sqlite import open_store


def bench_objects(folder: Path, count: int, rounds: int) -> None:
    print(f"\nPuts and gets of 1 KB objects against a bare SQLite table, {count} a time")
    store, bare = open_store(str(folder / "objects" / "store.db")), bare_database(folder / "o.db")
    ids: list[str] = []
    keys: list[bytes] = []
    number = 0

    def payloads() -> list[str]:
        nonlocal number
        number += 1
        return [f"{number} {n} ".ljust(1000, "x") for n in range(count)]

    def put() -> None:
        ids.clear()
        texts = payloads()
        with store.transaction("bench") as tx:
            ids.extend(tx.put("text", text) for text in texts)

    def bare_put() -> None:
        keys.clear()
        bare.execute("BEGIN IMMEDIATE")
        for text in payloads():
            data = packb(["text", text])
            key = blake3(data).digest()
            bare.execute("INSERT OR IGNORE INTO object VALUES (?, ?)", (key, data))
            keys.append(key)
        bare.execute("COMMIT")

    def get() -> None:
        for id in ids:
            store.get(id)

    def bare_get() -> None:
        for key in keys:
            row = bare.execute("SELECT data FROM object WHERE id = ?", (key,)).fetchone()
            unpackb(row[0])

    report("put", *alternate(put, bare_put, rounds), 0.7, most=False)
    report("get", *alternate(get, bare_get, rounds), 0.6, most=False)
    store.close()
