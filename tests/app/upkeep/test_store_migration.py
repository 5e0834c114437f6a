"""What a migration of a shared store tells whoever makes it."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from uwf.app import App
from uwf.jobs.link import QueueLink
from uwf.jobs.workers import DRAIN, WorkerFacts, Workers
from uwf.store.postgres import schema

FACTS = WorkerFacts("box", "/home", 7, (), ("claude",), 2, "0.1.0")


def test_workers_that_are_at_work_are_named_when_the_store_gets_another_schema(
    queue_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(QueueLink(queue_url, "test")) as link:
        workers = Workers(link)
        at_work, drains = workers.register(FACTS), workers.register(FACTS)
        workers.ask(str(drains), DRAIN)
        upkeep = App.open(str(tmp_path / "home")).upkeep
        assert upkeep.migrate_store(queue_url).outdated == (), "nothing has changed for them"
        shutil.copytree(schema._MIGRATIONS, tmp_path / "migrations")
        number = schema.newest() + 1
        (tmp_path / "migrations" / f"{number:04}_next.sql").write_text("CREATE TABLE more (x int)")
        assert workers.store_too_new() is None
        with monkeypatch.context() as newer:
            newer.setattr(schema, "_MIGRATIONS", str(tmp_path / "migrations"))
            done = upkeep.migrate_store(queue_url)
        assert [each.worker for each in done.outdated] == [at_work]
        too_new = workers.store_too_new()
        assert too_new is not None and f"with schema {number}" in too_new.message
