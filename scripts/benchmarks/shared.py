"""A store in PostgreSQL, over a Unix socket and with fsync: against the store file, and against bare statements."""

from __future__ import annotations

import multiprocessing
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from blake3 import blake3

from benchmarks.durable import bench_durable
from benchmarks.machines import bench_machines
from benchmarks.measure import alternate, columns, report, seconds, tell
from benchmarks.stepping import Unguarded, Uwf
from benchmarks.streams import Talker
from tests.helpers import postgres
from uwf import clock, points
from uwf.engine.run.admission import Admission
from uwf.record import replace
from uwf.store.codec import encode
from uwf.store.protocols import Store
from uwf.store.sqlite import open_in_memory
from uwf.store.values import Ref

AT_ONCE, LONG = 50, 400
BATCH = 5000
PREFIX = "@uwf/thread/"
STATUSES = ("idle", "suspended", "completed", "completed", "completed")


def bench_shared(folder: Path, quick: bool) -> None:
    print("\nA store in PostgreSQL on this machine, over a Unix socket")
    why = postgres.missing()
    if why is not None:
        print(f"SKIPPED: {why}")
        return
    rounds = 3 if quick else 11
    place = os.path.join(tempfile.gettempdir(), f"uwf-pg-bench-{os.getpid()}")
    cluster = postgres.open_cluster(place, is_safe=True)
    with cluster.database() as url:
        _steps(folder, url, rounds)
        _bare(url)
        _held(folder, url)
        _at_once(folder, url)
    with cluster.database() as url:
        _objects(url, 500 if quick else BATCH, rounds)
    with cluster.database() as url:
        _listings(url, 10_000 if quick else 1_000_000, rounds)
    bench_durable(folder, cluster, rounds)
    bench_machines(folder / "machines", cluster, quick)
    cluster.close()


def _opened(url: str) -> Store:
    from uwf.store.postgres import open_store

    return open_store(url)


def _steps(folder: Path, url: str, rounds: int) -> None:
    for name, admission, target in (
        ("step", Unguarded, 3.0),
        ("step with guards", Admission, None),
    ):
        homes = [folder / f"{admission.__name__}-{place}" for place in ("shared", "file")]
        for home in homes:
            home.mkdir()
        shared, alone = Uwf(homes[0], admission, _opened(url)), Uwf(homes[1], admission)
        for each in (shared, alone):
            each.steps(AT_ONCE)
        ours, reference = alternate(
            partial(shared.steps, AT_ONCE), partial(alone.steps, AT_ONCE), rounds
        )
        report(name, [s / AT_ONCE for s in ours], [s / AT_ONCE for s in reference], target)
        _ways(shared)
        for each in (shared, alone):
            each.store.close()


def _ways(shared: Uwf) -> None:
    """How often a step asks the server, and waits."""
    with tempfile.NamedTemporaryFile(mode="w+") as trace:
        connection = shared.store._database._connection  # type: ignore[attr-defined]
        connection.pgconn.trace(trace.fileno())
        shared.steps(AT_ONCE)
        connection.pgconn.untrace()
        trace.seek(0)
        lines = trace.read()
    trips = len(re.findall(r"\tReadyForQuery", lines))
    commits = len(re.findall(r'CommandComplete.*"COMMIT"', lines))
    print(
        f"{'ways to the server and back':34} {trips / AT_ONCE:5.1f} a step, in {commits / AT_ONCE:.1f} transactions"
    )


def _held(folder: Path, url: str) -> None:
    """For how long a step with guards, and a turn of its agent, keep all others from writing: from when a transaction
    has begun to its end.
    """
    (folder / "held").mkdir()
    uwf = Uwf(folder / "held", store=_opened(url))
    uwf.steps(AT_ONCE)
    steps = _transactions(lambda: uwf.steps(AT_ONCE))
    step_s = sum(map(sum, steps.values())) / AT_ONCE
    talker = Talker(LONG)
    uwf.engine = replace(uwf.engine, agent_for=lambda workflow, role, override: talker)
    turn_s = statistics.median(_transactions(lambda: uwf.steps(1))["turn"])
    name = "others wait for a step, a turn"
    print(f"{name:34} {step_s * 1e3:5.2f} ms, {turn_s * 1e3:.2f} ms")
    uwf.store.close()


def _transactions(run: Callable[[], None]) -> dict[str, list[float]]:
    """How long each transaction of a run takes, in seconds, by its name."""
    began_s, took_s = dict[str, float](), dict[str, list[float]]()

    def at(name: str) -> None:
        transaction, _, moment = name.partition(": ")
        if moment == "begun":
            began_s[transaction] = time.perf_counter()
        elif moment == "done":
            took_s.setdefault(transaction, []).append(time.perf_counter() - began_s[transaction])

    was, points.at = points.at, at
    try:
        run()
    finally:
        points.at = was
    return took_s


def _at_once(folder: Path, url: str) -> None:
    """Steps a second of processes that write at once, each a thread of its own: what their taking turns costs."""
    for writers in (1, 2, 3):
        homes = [folder / f"writer-{writers}-{number}" for number in range(writers)]
        with ProcessPoolExecutor(writers, multiprocessing.get_context("spawn")) as pool:
            spans = list(pool.map(_stepped, homes, [url] * writers))
        began_s, ended_s = max(began for began, _ in spans), min(ended for _, ended in spans)
        done = sum(LONG * (ended_s - began_s) / (ended - began) for began, ended in spans)
        print(
            f"{f'{writers} writing at once':34} {done / (ended_s - began_s):5.0f} steps a second, with guards"
        )


def _stepped(home: Path, url: str) -> tuple[float, float]:
    """Make `LONG` steps; when the first was begun, and when the last had ended."""
    home.mkdir()
    uwf = Uwf(home, store=_opened(url))
    uwf.steps(AT_ONCE)
    began_s = time.time()
    uwf.steps(LONG)
    return began_s, time.time()


def _bare(url: str) -> None:
    """What the bare way costs here, with and without a disk that waits."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (x int)")
        ours, reference = alternate(
            lambda: [connection.execute("INSERT INTO bare VALUES (1)") for _ in range(AT_ONCE)],
            lambda: [connection.execute("SELECT 1") for _ in range(AT_ONCE)],
            5,
        )
        print(
            f"{'a bare commit, a bare question':34} {min(ours) / AT_ONCE * 1e3:5.2f} ms, "
            f"{min(reference) / AT_ONCE * 1e3:.2f} ms"
        )


def _objects(url: str, count: int, rounds: int) -> None:
    import psycopg

    store = _opened(url)
    bare = psycopg.connect(url, autocommit=True)
    bare.execute("CREATE TABLE bare (id bytea PRIMARY KEY, data bytea)")
    number = 0
    ids: list[str] = []
    keys: list[bytes] = []

    def some() -> list[bytes]:
        nonlocal number
        number += 1
        return [encode("text", f"{number} {n} ".ljust(1000, "x")) for n in range(count)]

    batches: dict[Callable[[], None], list[bytes]] = {}

    def put() -> None:
        ids.clear()
        with store.transaction("import") as tx:
            ids.extend(map(tx.put_raw, batches.pop(put)))

    def copy() -> None:
        keys.clear()
        with bare.cursor().copy("COPY bare FROM STDIN (FORMAT BINARY)") as to:
            to.set_types(("bytea", "bytea"))
            for data in batches.pop(copy):
                keys.append(blake3(data).digest())
                to.write_row((keys[-1], data))

    def timed(run: Callable[[], None]) -> Callable[[], None]:
        batches[run] = some()
        return run

    pairs = [(seconds(timed(put)), seconds(timed(copy))) for _ in range(rounds)]
    report(f"put of {count}, by COPY", *columns(pairs), 0.5, most=False)

    def get() -> None:
        for id in ids[:500]:
            store.get(id)

    def select() -> None:
        cursor = bare.cursor(binary=True)
        for key in keys[:500]:
            cursor.execute("SELECT data FROM bare WHERE id = %s", (key,)).fetchone()

    report("get, one by one", *alternate(get, select, rounds), 0.5, most=False)

    def all_at_once() -> None:
        for at in range(0, min(count, 5000), 500):
            list(store.raw_many(ids[at : at + 500]))

    def scan() -> None:
        for at in range(0, min(count, 5000), 500):
            bare.execute(
                "SELECT id, data FROM bare WHERE id = ANY(%s)", (keys[at : at + 500],), binary=True
            ).fetchall()

    report("get, 500 at a time", *alternate(all_at_once, scan, rounds), 0.5, most=False)
    store.close()
    bare.close()


def _tags(number: int) -> dict[str, str]:
    status = STATUSES[number % len(STATUSES)]
    return {"status": status, "workflow": f"w{number % 7}", "wakeAt": f"{number:09}"}


def _listings(url: str, count: int, rounds: int) -> None:
    shared, alone = _opened(url), open_in_memory()
    names = [clock.ulid(1_700_000_000_000 + number) for number in range(count)]
    for store in (shared, alone):
        for at in range(0, count, BATCH):
            with store.transaction("import", durable=False) as tx:
                id = tx.put("text", "a thread")
                tx.copy_refs(
                    Ref(PREFIX + name, id, 1, _tags(number), 1_700_000_000_000)
                    for number, name in enumerate(names[at : at + BATCH], at)
                )
    queries: dict[str, Callable[[Store], Any]] = {
        "the newest 50": lambda store: store.refs(PREFIX, newest_first=True, limit=50),
        "the newest 50 of a status": lambda store: store.refs(
            PREFIX, tags={"status": "suspended"}, newest_first=True, limit=50
        ),
        "the newest 50 by two tags": lambda store: store.refs(
            PREFIX,
            tags={"status": ("idle", "suspended"), "workflow": "w3"},
            newest_first=True,
            limit=50,
        ),
        "what is due": lambda store: store.refs_by_tag(PREFIX, "wakeAt", high="000000050"),
        "how many": lambda store: store.count_refs(PREFIX),
        "by the end of a name": lambda store: store.names(PREFIX, ending=names[count // 2][-8:]),
        "one": lambda store: store.ref(PREFIX + names[count // 3]),
    }
    for name, query in queries.items():
        found = query(shared)
        assert found == query(alone) or not isinstance(found, int)
        ours, reference = alternate(partial(query, shared), partial(query, alone), rounds)
        middle = statistics.median(reference)
        tell(f"{name}, of {count}", ours, 10, f"a store in memory {middle * 1e3:.2f} ms  ")
    ours, reference = alternate(
        lambda: shared.count_refs(PREFIX, tags={"status": "completed"}),
        lambda: alone.count_refs(PREFIX, tags={"status": "completed"}),
        3,
    )
    report(f"how many of a status, of {count}", ours, reference, 10)
    shared.close()
    alone.close()
