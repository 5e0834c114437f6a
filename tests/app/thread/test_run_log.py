"""What a run writes to the log: all of its progress but what is in the store anyway, and never a fault of its own."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from uwf.app.thread.run_log import UNSAID, RunLog
from uwf.engine import progress
from uwf.engine.chain.redact import Redactor
from uwf.engine.query.thread_view import ErrorView, RunView
from uwf.engine.upkeep.log.search import LogFilter, LogSearch
from uwf.engine.upkeep.log.writer import Log
from uwf.errors import Refused
from uwf.record import Record

KINDS = [
    kind
    for _, kind in inspect.getmembers(progress, inspect.isclass)
    if issubclass(kind, Record) and kind is not Record and "thread" in kind._fields
]


def lines(home: Path) -> list[dict[str, Any]]:
    search = LogSearch(str(home))
    try:
        return [line.fields for line in search.newest(LogFilter(), 100)]
    finally:
        search.close()


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    return RunLog(Log(str(tmp_path), "test", Redactor), "T", None)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_every_kind_of_progress_can_be_written(kind: Any, log: RunLog, tmp_path: Path) -> None:
    log.on_progress(kind(**dict.fromkeys(kind._fields, "x")))
    written = lines(tmp_path)
    assert len(written) == (0 if kind.__name__ in UNSAID else 1)
    assert all(line["thread"] == "T" and line["what"].islower() for line in written)


def test_progress_is_passed_on(tmp_path: Path) -> None:
    told: list[object] = []
    event = progress.Turn("T", "writer", "text", "hello")
    RunLog(Log(str(tmp_path), "test", Redactor), "T", told.append).on_progress(event)
    assert told == [event]


@pytest.mark.parametrize(
    ("view", "what"),
    [
        ({"step": "S", "role": "r"}, "step_done"),
        ({"role": "r", "error": ErrorView("exit_code", "no luck", "A")}, "step_failed"),
        (
            {"role": "r", "error": ErrorView("network", "no route", "A"), "wake_at": 5},
            "step_postponed",
        ),
        ({"role": "r"}, "step_over_budget"),
        ({}, "graph_done"),
    ],
)
def test_what_came_of_a_step_has_a_word(
    view: dict[str, Any], what: str, log: RunLog, tmp_path: Path
) -> None:
    log.step(RunView("T", "H", "idle", **view))
    [line] = lines(tmp_path)
    assert (line["what"], line.get("step")) == (what, view.get("step"))


def test_why_a_run_went_no_further_is_written(log: RunLog, tmp_path: Path) -> None:
    log.ended(Refused("the queue is full", reason="queue_full"))
    [line] = lines(tmp_path)
    assert (line["what"], line["reason"], line["message"]) == (
        *("run_ended", "queue_full", "the queue is full"),
    )
