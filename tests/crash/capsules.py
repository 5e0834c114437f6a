"""Files of strangers: exports with one thing changed, at any depth, and all hashes right. Each is refused in words, or
what it brings can be shown, run and ended like any thread. An internal fault is a violation.

    scripts/crash --capsules 10000
"""

from __future__ import annotations

import io
import random
import shutil
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from blake3 import blake3
from msgpack import packb, unpackb

from tests.helpers.capsules import GOLDEN, ODD, below, capsule, damaged, reached
from tests.helpers.fake_agent import Said
from tests.helpers.rig import Rig
from uwf.engine.actions import transfer
from uwf.engine.chain.tags import THREADS
from uwf.engine.query import listing, refs
from uwf.engine.query.steps import diff, markdown, steps, turns
from uwf.errors import InputError, UwfError
from uwf.store.codec import Node
from uwf.store.protocols import Store
from uwf.store.sqlite import SqliteStore, open_in_memory, open_store
from uwf.store.whole import check
from uwf.store.whole.bundle import MAGIC

LENGTH = struct.Struct(">I")


class Fault(NamedTuple):
    """The capsule of `seed` made `act` end in what is no error in words."""

    seed: int
    act: str
    error: str


class Fuzz:
    """Changes the threads of the golden store."""

    def __init__(self, folder: str) -> None:
        path = Path(folder) / "golden.db"
        shutil.copy(GOLDEN, path)
        self._golden: SqliteStore = open_store(str(path))
        self._home = str(Path(folder) / "home")
        self._threads = [name.removeprefix(THREADS) for name in self._golden.names(THREADS)]
        self.outcomes: Counter[str] = Counter()

    def close(self) -> None:
        self._golden.close()

    def faults(self, seeds: range) -> Iterator[Fault]:
        for seed in seeds:
            yield from self._try(seed)

    def _try(self, seed: int) -> Iterator[Fault]:
        dice = random.Random(seed)
        try:
            data = self._changed(dice)
        except (UwfError, RecursionError, ValueError):
            self.outcomes["not a file at all"] += 1
            return
        store = open_in_memory()
        try:
            transfer.import_threads(store, io.BytesIO(data), "a file", "/tmp")
        except UwfError as error:
            self.outcomes["refused"] += 1
            if not isinstance(error, InputError):
                yield Fault(seed, "import", f"{type(error).__name__}: {error}")
            return
        except Exception as error:
            yield Fault(seed, "import", f"{type(error).__name__}: {error}")
            return
        self.outcomes["taken in"] += 1
        for act, do in self._acts(store, dice):
            try:
                do()
            except UwfError:
                continue
            except Exception as error:
                yield Fault(seed, act, f"{type(error).__name__}: {error}")

    def _changed(self, dice: random.Random) -> bytes:
        thread = dice.choice(self._threads)
        nodes = sorted(reached(self._golden, thread))
        victims = [self._golden.get(dice.choice(nodes)) for _ in range(dice.choice((0, 1, 1, 2)))]
        lower = sorted(below(self._golden, str(dice.choice(nodes)), set()) - {""})

        def change(node: Node) -> Any:
            if node not in victims:
                return node.payload
            new = damaged(dice, node.payload, lower)
            return None if new is ... else new

        data = capsule(self._golden, thread, change).getvalue()
        return data if victims else _frames_changed(dice, data)

    def _acts(self, store: Store, dice: random.Random) -> list[tuple[str, Callable[[], Any]]]:
        rig = Rig(store, self._home)
        [id, *_] = [name.removeprefix(THREADS) for name in store.names(THREADS)] or [""]
        if not id:
            return []
        ref = rig.ref(id)

        def run(verb: str, **order: Any) -> None:
            rig.agent.forget()
            answers = [Said("no reply"), Said("---\n$status: done\n---\n"), Said("no reply")]
            rig.agent.will_say(*answers)
            try:
                rig.run(id, verb, **order)
            except AssertionError as error:
                if "the agent was asked less often" not in str(error):
                    raise

        wanted = listing.wanted(store, "all", None, {}, None, None)
        acts: list[tuple[str, Callable[[], Any]]] = [
            ("show", lambda: rig.row(id)),
            ("list", lambda: listing.look(store, rig.views, wanted, limit=None, offset=0)),
            ("read", lambda: markdown.thread_page(store, rig.thread(id), quota_chars=9000)),
            ("step list", lambda: steps.rows(store, ref.id)),
            ("step turns", lambda: turns.of_thread(store, ref)),
            ("log", lambda: refs.thread_log(store, ref.name)),
            ("diff", lambda: diff.text(store, diff.compare(store, ref, ref))),
            ("export", lambda: transfer.export(store, id, io.BytesIO())),
            ("verify", lambda: check.verify(store, True)),
            ("doctor", lambda: rig.doctor(repair=True)),
        ]
        changes: list[tuple[str, Callable[[], Any]]] = [
            ("exec", lambda: run("exec")),
            ("resume", lambda: run("resume", supplement="more")),
            ("poke", lambda: run("poke", supplement="better")),
            ("undo", lambda: rig.undo(id)),
            ("fork", lambda: rig.fork(ref.id, id, "and more")),
            ("cancel", lambda: rig.cancel(id)),
        ]
        dice.shuffle(changes)
        return acts + changes + acts


def _frames_changed(dice: random.Random, data: bytes) -> bytes:
    """The file with a byte changed; or with a record changed, left out, doubled or moved, and a closing that fits."""
    if dice.random() < 0.3:
        at = dice.randrange(len(data))
        return data[:at] + dice.randbytes(1) + data[at + dice.choice((0, 1)) :]
    records = list(_records(data))[:-1]
    at = dice.randrange(len(records))
    kind = dice.choice(("change", "leave out", "double", "move"))
    if kind == "change":
        field = dice.randrange(len(records[at]))
        records[at][field] = _odd(dice, records[at][field])
    elif kind == "leave out":
        del records[at]
    elif kind == "double":
        records.insert(dice.randrange(len(records)), records[at])
    else:
        records.insert(dice.randrange(len(records)), records.pop(at))
    return _bundled(records)


def _odd(dice: random.Random, value: Any) -> Any:
    """Another value: of a tag, a name, some bytes, or something that does not belong there."""
    if isinstance(value, dict) and value and dice.random() < 0.7:
        key = dice.choice(list(value))
        words = ("", "x", "-1", "soon", "9" * 30, "idle", "completed", "suspended", "\0", "é" * 400)
        return {**value, key: dice.choice(words)}
    if isinstance(value, str) and dice.random() < 0.7:
        at = dice.randrange(len(value) + 1)
        return value[:at] + dice.choice(("/", "Z", "", " ", "@uwf/registry/x")) + value[at + 1 :]
    if isinstance(value, bytes) and dice.random() < 0.7:
        at = dice.randrange(len(value) or 1)
        return value[:at] + dice.randbytes(1) + value[at + 1 :]
    new = dice.choice(ODD)
    return None if new is ... else new


def _records(data: bytes) -> Iterator[list[Any]]:
    at = len(MAGIC)
    while at < len(data):
        [size] = LENGTH.unpack_from(data, at)
        yield unpackb(data[at + 4 : at + 4 + size])
        at += 4 + size


def _bundled(records: list[list[Any]]) -> bytes:
    digest, stream = blake3(MAGIC), io.BytesIO()
    stream.write(MAGIC)
    for record in records:
        packed = packb(record)
        for part in (LENGTH.pack(len(packed)), packed):
            digest.update(part)
            stream.write(part)
    packed = packb(["end", len(records), digest.digest()])
    stream.write(LENGTH.pack(len(packed)) + packed)
    return stream.getvalue()


def main(count: int, seed: int) -> int:
    """Try `count` capsules and say what came of them; 0 when none led to an internal fault."""
    began_s, found = time.monotonic(), list[Fault]()
    with tempfile.TemporaryDirectory(prefix="uwf-capsules-") as folder:
        fuzz = Fuzz(folder)
        for fault in fuzz.faults(range(seed, seed + count)):
            found.append(fault)
            print(f"{fault.act}, capsule {fault.seed}: {fault.error}", flush=True)
        fuzz.close()
    told = ", ".join(f"{number} {what}" for what, number in sorted(fuzz.outcomes.items()))
    took_s = time.monotonic() - began_s
    print(f"{count} capsules in {took_s:.0f} s, seed {seed}: {told}; {len(found)} internal faults")
    return 1 if found else 0
