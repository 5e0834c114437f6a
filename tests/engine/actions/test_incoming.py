"""What a stranger's file may bring: nodes of the right shape, nothing that runs, no id from the future."""

from __future__ import annotations

import io
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.capsules import GOLDEN, Change, below, capsule, damaged, kept, reached
from uwf import clock
from uwf.engine.actions import fork, lifecycle, transfer
from uwf.engine.chain import shape, story, told
from uwf.engine.chain import thread as threads
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.tags import AGENT, THREADS, TOLD
from uwf.engine.chain.word import Word
from uwf.engine.query.threads import ThreadViews
from uwf.errors import InputError, UwfError
from uwf.store.codec import Link, Node
from uwf.store.sqlite import SqliteStore, open_in_memory, open_store
from uwf.trust import OWNER, STRANGER

NOW_MS = 1_900_000_000_000


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    path = tmp_path_factory.mktemp("golden") / "store.db"
    shutil.copy(GOLDEN, path)
    return open_store(str(path))


WORDS = (
    Word("use tabs", "a person", OWNER, 1, None),
    Word("x" * 5_000, "octocat", STRANGER, 2, "e-1"),
)


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[SqliteStore]:
    """The golden store, where words wait for every thread."""
    shutil.copy(GOLDEN, tmp_path / "store.db")
    store = open_store(str(tmp_path / "store.db"))
    with store.transaction("test") as tx:
        for name in tx.names(THREADS):
            for word in WORDS:
                told.tell(tx, name.removeprefix(THREADS), word)
    yield store
    store.close()


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: NOW_MS)


def taken(stream: io.BytesIO) -> SqliteStore:
    store = open_in_memory()
    try:
        transfer.import_threads(store, stream, "a file", "/tmp")
    except InputError:
        assert (store.refs(), list(store.ids())) == ([], [])
        raise
    return store


def same(node: Node) -> Any:
    return node.payload


def putting(form: str, **fields: Any) -> Change:
    """Puts other values into the nodes of a form; `...` takes the field out."""

    def change(node: Node) -> Any:
        if shape.form(node) != form:
            return node.payload
        merged = {**node.payload, **fields}
        return {name: value for name, value in merged.items() if value is not ...}

    return change


def test_all_that_an_old_version_wrote_may_come_in(golden: SqliteStore) -> None:
    for name in golden.names(THREADS):
        thread = name.removeprefix(THREADS)
        assert taken(capsule(golden, thread, same)).ref(name) is not None


@pytest.mark.parametrize(
    ("form", "fields", "said"),
    [
        ("step", {"visits": [1]}, "wrong `visits`, which is list, not a map"),
        ("step", {"visits": {}}, "does not count"),
        ("step", {"role": "nobody", "visits": {"nobody": 1}}, "the role 'nobody'"),
        ("step", {"startedAt": 1 << 60}, "out of range"),
        ("step", {"spent": {"usd": "much"}}, "not an amount"),
        ("step", {"output": ...}, "lacks `output`"),
        ("start", {"cwd": 5}, "wrong `cwd`"),
        ("start", {"workflow": "00" * 32}, "not a link"),
        ("workflow", {"graph": {}}, "'$START'"),
        ("workflow", {"roles": {"a": 1}}, "wrong `roles`"),
        ("workflow", {"version": 99}, "format version 99"),
        ("prompt", {"parts": "text"}, "not a list"),
        ("turn", {"at": None}, "wrong `at`"),
        (shape.ENDED, {"error": {"code": "x"}}, "lacks `message`"),
    ],
)
def test_a_node_of_a_wrong_shape_is_refused_before_anything_is_written(
    golden: SqliteStore, form: str, fields: dict[str, Any], said: str
) -> None:
    stream = capsule(golden, kept(golden, form), putting(form, **fields))
    with pytest.raises(InputError, match="cannot import a file") as error:
        taken(stream)
    assert error.value.code == "bad_bundle"
    assert said in error.value.message


def test_a_link_leads_to_what_its_field_means(golden: SqliteStore) -> None:
    thread = kept(golden, "step")
    head = threads.current(golden, golden, thread).position
    for field, to in (("start", head.workflow), ("prompt", head.start), ("workflow", head.start)):
        with pytest.raises(InputError, match="links to"):
            taken(capsule(golden, thread, putting("step", **{field: Link(to)})))


def test_a_file_that_names_an_agent_names_none_here(golden: SqliteStore) -> None:
    thread = kept(golden, "step")
    tags = {**golden.ref(THREADS + thread).tags, AGENT: "touch /tmp/owned"}
    ref = taken(capsule(golden, thread, same, tags)).ref(THREADS + thread)
    assert ref is not None and AGENT not in ref.tags


def test_what_waits_comes_along(waiting: SqliteStore) -> None:
    thread = kept(waiting, "step")
    store = taken(capsule(waiting, thread, same))
    assert told.waiting(store, thread) == told.waiting(waiting, thread) == WORDS


@pytest.mark.parametrize(
    ("form", "fields", "said"),
    [
        ("word", {"trust": "boss"}, "none of owner, collaborator, bot, stranger"),
        ("word", {"text": b"x"}, "wrong `text`"),
        ("word", {"who": None}, "wrong `who`"),
        ("word", {"at": -1}, "out of range"),
        ("word", {"event": 7}, "wrong `event`"),
        ("told", {"word": "00" * 32}, "not a link"),
        ("told", {"before": ...}, "lacks `before`"),
    ],
)
def test_what_waits_is_words(
    waiting: SqliteStore, form: str, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match="cannot import a file") as error:
        taken(capsule(waiting, kept(waiting, "step"), putting(form, **fields)))
    assert said in error.value.message


@pytest.mark.parametrize("form", ["step", shape.BEGUN])
def test_what_was_told_is_words(golden: SqliteStore, form: str) -> None:
    thread = kept(golden, form)
    head = threads.current(golden, golden, thread).position

    def tells(links: Any) -> Change:
        def change(node: Node) -> Any:
            if shape.form(node) != form:
                return node.payload
            if form == "step":
                return {**node.payload, "told": links}
            return {**node.payload, "plan": {**node.payload["plan"], "told": links}}

        return change

    with pytest.raises(InputError, match="links to start for word"):
        taken(capsule(golden, thread, tells([Link(head.start)])))
    with pytest.raises(InputError, match="wrong `told`, which is str, not a list"):
        taken(capsule(golden, thread, tells("words")))


def test_what_waits_leads_to_nothing_else(waiting: SqliteStore) -> None:
    thread = kept(waiting, "step")
    ref = waiting.ref(TOLD + thread)
    assert ref is not None
    head = threads.current(waiting, waiting, thread).position
    for field in ("word", "before"):
        with pytest.raises(InputError, match="links to step"):
            taken(capsule(waiting, thread, putting("told", **{field: Link(head.id)})))
    for other in (head.id, waiting.get(ref.id).payload["word"]):
        with waiting.transaction("test") as tx:
            tx.set_ref(TOLD + thread, other, why="test")
        with pytest.raises(InputError, match="nothing that waits to be told"):
            taken(capsule(waiting, thread, same))


@pytest.mark.parametrize("pid", [1, 4711])
def test_an_attempt_that_is_said_to_run_is_refused(golden: SqliteStore, pid: int) -> None:
    thread = kept(golden, shape.ENDED)
    found = read_attempt(golden, thread)
    assert found is not None
    process = {"runner": 1, "pid": pid, "started": "x"}

    def runs(node: Node) -> Any:
        if shape.form(node) != shape.ENDED:
            return node.payload
        return {"begun": node.payload["begun"], "turns": None, "process": process}

    with pytest.raises(InputError, match="an attempt that is running"):
        taken(capsule(golden, thread, runs))


def test_an_id_more_than_a_day_ahead_is_refused(golden: SqliteStore) -> None:
    thread = kept(golden, "step")
    for ahead_h, fits in ((23, True), (25, False), (24 * 365 * 100, False)):
        id = clock.ulid(NOW_MS + ahead_h * 3_600_000)
        stream = capsule(golden, thread, same, as_id=id)
        if fits:
            assert taken(stream).ref(THREADS + id) is not None
            continue
        with pytest.raises(InputError, match="begins in the future"):
            taken(stream)
    with pytest.raises(InputError, match="begins in the future"):
        taken(capsule(golden, thread, same, as_id="7" + "Z" * 25))


@pytest.mark.parametrize(
    "tags",
    [
        {"completedAt": "soon"},
        {"completedAt": str(1 << 62)},
        {"priority": "high"},
        {"budget.usd": "all"},
        {"undone.usd": "-1"},
        {"suspendedRole": "nobody"},
        {"forkedFromThread": "mine"},
    ],
)
def test_tags_that_no_thread_can_have_are_refused(
    golden: SqliteStore, tags: dict[str, str]
) -> None:
    with pytest.raises(InputError):
        taken(capsule(golden, kept(golden, "step"), same, tags))


@pytest.mark.parametrize("seed", range(400))
def test_whatever_is_changed_in_a_file_it_is_refused_or_harmless(
    golden: SqliteStore, seed: int
) -> None:
    dice = random.Random(seed)
    thread = kept(golden, ("step", shape.ENDED, "rebind")[seed % 3])
    nodes = sorted(reached(golden, thread))
    victim = golden.get(dice.choice(nodes))
    lower = sorted(below(golden, str(dice.choice(nodes)), set()) - {""})

    def change(node: Node) -> Any:
        if node != victim:
            return node.payload
        new = damaged(dice, node.payload, lower)
        return None if new is ... else new

    try:
        store = taken(capsule(golden, thread, change))
    except (InputError, RecursionError) as error:
        assert not isinstance(error, InputError) or error.code
        return
    try:
        row = ThreadViews(store).thread(store.refs(THREADS)[0])
        assert row.is_readable
        for step in story.steps_back(store, row.head):
            story.entry_text(step)
        fork.fork(store, row.head, thread, "and more")
        lifecycle.cancel(store, threads.current(store, store, thread), "no more")
    except UwfError as error:
        assert error.code in (
            "completed",
            "cancelled",
            "no_edge",
            "bad_template",
            "empty_prompt",
            "empty_location",
        )
