"""Threads and steps as the contract shows them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.fake_agent import Said, crash, reply, suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain.tags import THREADS
from uwf.engine.run import lock
from uwf.errors import ObjectDamaged, StoreBusy, StoreError
from uwf.jsontext import document

LINE = {
    *("thread", "workflow", "head", "status", "role", "step", "currentRole", "suspendedRole"),
    *("suspendMessage", "done", "round", "usage", "error"),
}
SHOW = (LINE - {"role", "step"}) | {
    *("prompt", "cwd", "labels", "priority", "steps", "rounds", "startedAt", "updatedAt"),
    *("completedAt", "running"),
}
STEP_ROW = {
    *("step", "index", "round", "role", "status", "output", "agent", "startedAt", "durationMs"),
    *("usage", "attempts"),
}


def tag(rig: Rig, id: str, **tags: str) -> None:
    with rig.store.transaction("test") as tx:
        tx.set_ref(THREADS + id, rig.head(id), tags={**rig.ref(id).tags, **tags}, why="test")


def test_fresh_thread_shows_all_fields_of_the_contract(rig: Rig) -> None:
    id = rig.start(task="Mend it.", labels={"repo": "shop"}, priority=3)
    row = rig.row(id)
    assert row.keys() >= SHOW
    started = row["startedAt"]
    assert {name: row[name] for name in SHOW} == {
        "thread": id,
        "workflow": rig.put_workflow(PAIR),
        "head": rig.head(id),
        "status": "idle",
        "currentRole": "writer",
        "suspendedRole": None,
        "suspendMessage": None,
        "done": False,
        "round": 1,
        "usage": None,
        "error": None,
        "prompt": "Mend it.",
        "cwd": rig.engine.home,
        "labels": {"repo": "shop"},
        "priority": 3,
        "steps": 0,
        "rounds": 1,
        "startedAt": started,
        "updatedAt": rig.ref(id).updated_ms,
        "completedAt": None,
        "running": None,
    }
    assert abs(row["updatedAt"] - started) < 10


def test_line_of_exec_has_all_fields_of_the_contract(rig: Rig) -> None:
    id = rig.start()
    line = document(rig.views.result(rig.exec(id, Said(WROTE, usage={"tokens": 5})).event))
    assert line.keys() >= LINE
    assert (line["role"], line["step"], line["stepStatus"]) == ("writer", rig.head(id), "done")
    assert (line["currentRole"], line["round"], line["usage"]) == ("reviewer", 1, {"tokens": 5})
    assert (line["status"], line["done"], line["error"]) == ("idle", False, None)


def test_everything_shown_is_plain_json(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, crash())
    result = rig.resume(id, APPROVED)
    shown = [rig.row(id), document(rig.views.result(result.event)), *rig.step_rows(rig.head(id))]
    shown.append(rig.step(rig.head(id)))
    for each in shown:
        assert json.loads(json.dumps(each)) == each


def test_steps_are_listed_oldest_first_without_the_start(rig: Rig) -> None:
    id = rig.start()
    assert rig.step_rows(rig.head(id)) == []
    rig.exec(id, WROTE, CHANGES)
    rows = rig.step_rows(rig.head(id))
    assert [row["index"] for row in rows] == [1, 2]
    assert all(row.keys() >= STEP_ROW for row in rows)
    assert rows[1]["output"] == {"$status": "changes", "remarks": "too long"}
    assert rows[0]["startedAt"] < rows[1]["startedAt"]


def test_step_shows_prompt_supplement_body_folder_and_turns(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, turns=(WROTE[:20],)), supplement="use tabs")
    shown = rig.step(rig.head(id))
    assert shown.keys() >= STEP_ROW | {"prompt", "supplement", "body", "cwd", "turns"}
    assert (shown["prompt"], shown["supplement"]) == (rig.prompt, "use tabs")
    assert (shown["body"], shown["cwd"]) == ("I wrote it.", rig.engine.home)
    assert [turn["text"] for turn in shown["turns"]] == [WROTE[:20], WROTE[20:]]


def test_long_texts_come_back_whole(each_rig: Rig) -> None:
    rig = each_rig
    long = "long line. " * 10_000
    id = rig.start(task=long)
    rig.exec(id, reply("done", long.strip(), file="a.py"), supplement=long)
    shown = rig.step(rig.head(id))
    assert (shown["body"], shown["supplement"]) == (long.strip(), long)
    assert rig.row(id)["prompt"] == long
    assert "".join(turn["text"] for turn in shown["turns"]).endswith(long.strip())


def test_thread_that_runs_says_who_runs_it(rig: Rig) -> None:
    import os

    id = rig.start()

    def look(ask: object) -> str:
        row = rig.row(id)
        assert row["status"] == "running"
        assert row["running"].keys() == {"pid", "role", "since", "agent"}
        assert (row["running"]["pid"], row["running"]["role"]) == (os.getpid(), "writer")
        assert row["running"]["agent"] == "fake"
        assert row["currentRole"] == "writer"
        return WROTE

    rig.exec(id, look)
    assert rig.row(id)["running"] is None


def test_thread_whose_lock_is_held_without_an_agent_runs_too(rig: Rig) -> None:
    id = rig.start()
    with lock.hold(rig.engine, id):
        row = rig.row(id)
    assert row["status"] == "running"
    assert row["running"]["role"] is None


def test_error_is_that_of_the_failed_attempt_until_it_is_over(rig: Rig) -> None:
    id = rig.start()
    failed = rig.exec(id, crash())
    assert rig.row(id)["error"]["attempt"] == failed.attempt
    rig.resume(id, suspend("which?"))
    assert rig.row(id)["error"] is None


@pytest.mark.parametrize("gone", ["start", "workflow", "step"])
def test_thread_with_a_hole_in_its_chain_is_corrupt(each_rig: Rig, gone: str) -> None:
    rig = each_rig
    id = rig.start(labels={"repo": "shop"})
    rig.exec(id, WROTE)
    step = rig.steps(id)[0]
    lost = {"start": step.start, "workflow": step.workflow, "step": step.id}[gone]
    with rig.store.transaction("test") as tx:
        tx.remove(lost)
    row = rig.row(id)
    assert row.keys() >= SHOW
    assert (row["status"], row["error"]["code"]) == ("corrupt", "object_missing")
    assert lost[:12] in row["error"]["message"]
    assert (row["labels"], row["workflowName"]) == ({"repo": "shop"}, "pair")


@pytest.mark.parametrize(
    "fault",
    [
        StoreBusy("in use"),
        StoreError("the disk reports an error", code="store_io"),
        StoreError("not enough memory", code="store_memory"),
    ],
    ids=lambda fault: fault.code,
)
def test_store_that_cannot_be_asked_now_makes_no_thread_corrupt(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, fault: StoreError
) -> None:
    id = rig.start()
    ref, views = rig.ref(id), rig.views

    def fail(id: str) -> Any:
        raise fault

    monkeypatch.setattr(rig.store, "get", fail)
    with pytest.raises(StoreError) as raised:
        views.thread(ref)
    assert raised.value is fault


def test_damaged_object_makes_its_thread_corrupt(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    id = rig.start()
    ref, views = rig.ref(id), rig.views

    def fail(id: str) -> Any:
        raise ObjectDamaged(f"object {id} is damaged")

    monkeypatch.setattr(rig.store, "get", fail)
    shown = views.thread(ref)
    assert shown.error is not None
    assert (shown.status, shown.error.code) == ("corrupt", "object_damaged")


STEP_FIELDS = (
    *("prev", "start", "workflow", "role", "index", "round", "visits", "sessions", "status"),
    "spent",
)


@pytest.mark.parametrize("wrong", [None, "x", -5, 1.5, [], ["x"], {}, {"x": "y"}], ids=repr)
@pytest.mark.parametrize("field", STEP_FIELDS)
def test_step_made_by_hand_with_a_wrong_shape_breaks_no_listing(
    rig: Rig, field: str, wrong: Any
) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    with rig.store.transaction("test") as tx:
        payload = {**tx.get(rig.head(id)).payload, field: wrong}
        ref = rig.ref(id)
        tx.set_ref(ref.name, tx.put("step", payload), tags=ref.tags, why="test")
    row = rig.row(id)
    if row["status"] != "corrupt":
        assert type(row["steps"]) is type(row["round"]) is int
        assert row["currentRole"] is None or isinstance(row["currentRole"], str)
        assert all(isinstance(amount, int | float) for amount in row["spent"].values())


@pytest.mark.parametrize("field", ["visits", "spent", "status", "index", "round", "role"])
def test_step_made_by_hand_with_a_list_where_none_belongs_is_corrupt(rig: Rig, field: str) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    with rig.store.transaction("test") as tx:
        payload = {**tx.get(rig.head(id)).payload, field: ["x"]}
        ref = rig.ref(id)
        tx.set_ref(ref.name, tx.put("step", payload), tags=ref.tags, why="test")
    row = rig.row(id)
    assert (row["status"], row["error"]["code"]) == ("corrupt", "bad_node")


@pytest.mark.parametrize(
    "tags",
    [
        {"priority": "high"},
        {"status": "completed", "completedAt": "yesterday"},
        {"status": "done", "completedAt": "²"},
        {"status": "running"},
        {"status": ""},
    ],
    ids=str,
)
def test_tags_set_by_hand_do_not_break_a_listing(rig: Rig, tags: dict[str, str]) -> None:
    id = rig.start()
    tag(rig, id, **tags)
    row = rig.row(id)
    assert row["thread"] == id
    assert row["status"] == "corrupt"
    assert row["error"]["message"]


def test_name_set_by_hand_does_not_break_a_listing(rig: Rig) -> None:
    id = rig.start()
    with rig.store.transaction("test") as tx:
        tags = {"status": "idle", "forkedFromThread": id}
        ref = tx.set_ref(THREADS + "by-hand", rig.head(id), tags=tags, why="test")
    assert rig.views.thread(ref).status == "idle"


def test_entry_of_an_old_store_keeps_its_status(rig: Rig) -> None:
    with rig.store.transaction("test") as tx:
        old = tx.put("old-node", {"any": "thing"})
        tx.set_ref(
            THREADS + "01HF7YAT000000000000AAAAAA",
            old,
            tags={"status": "completed", "completedAt": "5"},
            why="migrated",
        )
    row: dict[str, Any] = rig.row("01HF7YAT000000000000AAAAAA")
    assert (row["status"], row["completedAt"]) == ("completed", 5)
    assert row["error"]["code"] == "not_a_chain"
