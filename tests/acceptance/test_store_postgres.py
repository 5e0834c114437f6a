"""A home whose store is in PostgreSQL: every command works as with a file, and a home moves from one to the other."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.helpers.postgres import Cluster, binaries
from tests.helpers.program import Uwf
from tests.helpers.project import ONE, Project, reply
from uwf.store.database import open_store
from uwf.store.owner import Owner


@pytest.fixture
def bare(cluster: Cluster) -> Iterator[str]:
    """A database with nothing in it."""
    with cluster.database("template1") as url:
        yield url


def lines_about(threads: list[str]) -> list[tuple[str, ...]]:
    """What is asked of a home about its threads, its refs and their log, and each object there is."""
    lines: list[tuple[str, ...]] = [
        ("thread", "list", "--all", "--json"),
        ("ref", "list", "--json"),
        ("event", "list", "--json"),
        ("store", "verify", "--deep", "--json"),
    ]
    for thread in threads:
        lines += [
            ("thread", "show", thread, "--json"),
            ("thread", "read", thread),
            ("ref", "log", f"@uwf/thread/{thread}", "--json"),
            ("cas", "walk", thread, "--json"),
        ]
    return lines


def shown(uwf: Uwf, threads: list[str], *more: str | Path) -> list[str]:
    return [uwf(*line, *more).out for line in lines_about(threads)]


def test_a_database_without_tables_says_what_makes_them(uwf: Uwf, bare: str) -> None:
    env = {"UWF_STORE": bare}
    for words in (["thread", "list"], ["cas", "put", "-"], ["doctor"], ["store", "stats"]):
        error = uwf(*words, "--json", env=env, expect=1).error
        assert error["hint"] == "uwf store migrate", words
    made = uwf("store", "migrate", "--json", env=env).json
    assert (made["before"], made["after"] > 0, made["queue"] > 0) == (0, True, True)
    again = uwf("store", "migrate", "--json", env=env).json
    assert again == {**made, "before": made["after"], "queue": 0}
    assert "is up to date" in uwf("store", "migrate", bare).out
    assert uwf("thread", "list", "-q", env=env).out == ""
    assert not os.path.exists(uwf.home / "store.db")


def test_what_can_only_be_read_is_not_migrated(
    uwf: Uwf, cluster: Cluster, database: str, bare: str
) -> None:
    for url in (database, bare):
        name = url.partition("@/")[2].partition("?")[0]
        cluster.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        error = uwf("store", "migrate", url, "--json", expect=1).error
        assert error["code"] == "store_readonly"


def test_a_file_needs_no_migration(uwf: Uwf) -> None:
    uwf("cas", "put", "-", input="x")
    error = uwf("store", "migrate", "--json", expect=5).error
    assert error["code"] == "store_is_file" and str(uwf.home / "store.db") in error["message"]


def test_a_schema_of_a_newer_uwf_is_read_and_not_written(uwf: Uwf, database: str) -> None:
    env = {"UWF_STORE": database}
    id = uwf("cas", "put", "-", "-q", input="before", env=env).out.strip()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE uwf.meta SET value = '999' WHERE key = 'schema'")
        connection.execute("UPDATE uwf.meta SET value = 'uwf 9.9.9' WHERE key = 'writer'")
    assert uwf("cas", "get", id, env=env).out == "before"
    for words in (["cas", "put", "-"], ["store", "migrate"]):
        error = uwf(*words, "--json", input="after", env=env, expect=1).error
        assert error["code"] == "store_too_new" and "uwf 9.9.9" in error["message"]


def test_a_demo_moves_to_postgresql_and_back_and_says_the_same(
    uwf: Uwf, database: str, tmp_path: Path
) -> None:
    threads = uwf("demo", "--json").json["threads"]
    uwf("event", "send", "it.happened", "--id", "seen", "--thread", threads[0])
    uwf("cas", "put", "-", input="x" * 300_000)
    before = shown(uwf, threads)
    done = uwf("store", "copy", uwf.home, database, "--json").json
    assert done["refs"] > 0 and done["place"].startswith("postgresql://")
    uwf("config", "set", "store", database)
    os.rename(uwf.home / "store.db", uwf.home / "old.db")
    assert shown(uwf, threads) == before
    other = tmp_path / "other"
    back = uwf("store", "copy", database, other, "--json").json
    assert (back["objects"], back["moves"]) == (done["objects"], done["moves"])
    assert shown(uwf, threads, "--home", other) == before
    again = uwf("store", "copy", other, database, "--json").json
    assert again["new"] == 0
    uwf("thread", "tell", threads[0], "one more word")
    refused = uwf("store", "copy", database, other, "--json", expect=5).error
    assert refused["code"] == "store_not_empty"


def test_every_command_works_with_a_store_in_postgresql(uwf: Uwf, database: str) -> None:
    uwf("config", "set", "store", database)
    document = uwf("demo", "--json").json
    assert document["status"] == "completed"
    thread = document["threads"][0]
    assert uwf("store", "verify", "--deep", "--json").json["problems"] == []
    assert uwf("doctor", "--json").json is not None
    assert uwf("store", "gc", "--dry-run", "--json").json["removed"] == 0
    found = uwf("store", "stats", "--json").json
    assert found["path"].startswith("postgresql://") and found["fileBytes"] > found["storedBytes"]
    short = uwf("store", "gc", "--grace", "1s", "--json", expect=2).error
    assert short["hint"] == "uwf store gc --grace 1m"
    assert uwf("store", "gc", "--grace", "1m", "--json").json["kept"] > 0
    with closing(open_store(database, owner=Owner(7, "", "other"), lease_s=600.0)) as other:
        lease = other.leases.take("run")
        assert lease is not None
        short = uwf("store", "gc", "--grace", "1m", "--json", expect=2).error
        assert short["hint"] == "uwf store gc --grace 10m", (
            "a run on another machine may be silent so long"
        )
        other.leases.release(lease)
    assert uwf("store", "gc", "--grace", "1m", "--json").json["kept"] > 0
    for words in (
        ["thread", "fork", thread],
        ["thread", "tell", thread, "x"],
        ["digest"],
        ["audit"],
    ):
        uwf(*words)
    assert uwf("daemon", "status", "--json", expect=None).code in (0, 1, 3)
    assert not (uwf.home / "store.db").exists()


def test_a_dump_of_postgresql_is_a_backup_that_can_be_put_back(
    uwf: Uwf, database: str, bare: str
) -> None:
    env = {"UWF_STORE": database}
    uwf("store", "migrate", env=env)
    threads = uwf("demo", "--json", env=env).json["threads"]
    uwf("event", "send", "it.happened", "--id", "seen", "--thread", threads[0], env=env)
    with_env = [uwf(*line, env=env).out for line in lines_about(threads)]
    hint = uwf("store", "backup", "--json", env=env, expect=5).error["hint"]
    run_by_hand(uwf, hint)
    uwf("thread", "tell", threads[0], "after the backup", env=env)
    again = {"UWF_STORE": bare}
    hint = uwf("store", "restore", "uwf.dump", "--json", env=again, expect=5).error["hint"]
    run_by_hand(uwf, hint)
    assert [uwf(*line, env=again).out for line in lines_about(threads)] == with_env
    assert uwf("store", "migrate", "--json", env=again).json["queue"] == 0
    uwf("thread", "tell", threads[0], "and on it goes", env=again)
    run_by_hand(uwf, hint)  # over a store that is there
    assert [uwf(*line, env=again).out for line in lines_about(threads)] == with_env


def run_by_hand(uwf: Uwf, line: str) -> None:
    """Do what a hint says with the programs of the PostgreSQL that the tests run."""
    program, *words = shlex.split(line)
    subprocess.run([f"{binaries()}/{program}", *words], cwd=uwf.cwd, check=True)


def test_the_password_of_the_database_gets_nowhere(
    project: Project, database: str, tmp_path: Path
) -> None:
    """Not to agents, not into what is stored or logged; of what an agent says of it the mark is left."""
    url = database.replace("//uwf@", "//uwf:s3cret%40pw@")
    project("config", "set", "store", url)
    agent = project.cwd / "agent.sh"
    text = reply(
        note="the password is s3cret@pw, s3cret%40pw, and $UWF_STORE", body="It was $(env)"
    )
    agent.write_text(
        f"#!/bin/sh\ncat >/dev/null\ncat <<END\n{text}END\n".replace("---\n$", "---\n\\$")
    )
    agent.chmod(0o755)
    project("config", "set", "agents.mine.command", agent)
    environ = {"UWF_STORE": url}
    thread = project.begin(ONE)
    for words in (
        ("thread", "exec", thread, "--agent", "mine"),
        ("thread", "tell", thread, "and s3cret@pw"),
        ("store", "migrate", url),
        ("store", "copy", url, tmp_path / "copy"),
        ("doctor",),
    ):
        done = Uwf.__call__(project, *words, env=environ, expect=None)
        assert "s3cret" not in done.out + done.err, words
        assert done.code == 0, (words, done)
    read = Uwf.__call__(project, "thread", "read", thread, env=environ).out
    assert "the password is [redacted:store]" in read
    assert f"UWF_STORE={database}" in read
    own = {"config.toml", "config.msgpack", agent.name}
    for folder in (tmp_path, project.home):
        for path in folder.rglob("*"):
            if path.is_file() and path.name not in own:
                assert b"s3cret" not in path.read_bytes(), path


def test_what_is_kept_near_may_be_deleted_at_any_time(uwf: Uwf, database: str) -> None:
    env = {"UWF_STORE": database}
    id = uwf("cas", "put", "-", "-q", input="near", env=env).out.strip()
    near = uwf.home / "cache" / "objects.db"
    assert uwf("cas", "get", id, env=env).out == "near"
    assert near.exists()
    near.write_bytes(b"no database")
    for _ in range(3):
        assert uwf("cas", "get", id, env=env).out == "near"
    near.unlink()
    assert uwf("cas", "get", id, env=env).out == "near"


def test_while_the_server_is_away_what_is_kept_near_is_read_and_that_is_said(
    uwf: Uwf, database: str
) -> None:
    env = {"UWF_STORE": database}
    id = uwf("cas", "put", "-", "-q", input="near", env=env).out.strip()
    uwf("cas", "get", id, env=env)
    away = {"UWF_STORE": "postgresql://uwf@127.0.0.1:1/uwf"}
    for name in (id, id[:12]):
        done = uwf("cas", "get", name, env=away)
        assert done.out == "near" and "warning: cannot reach the store" in done.err
    for words in (["cas", "get", "@last"], ["cas", "get", "beef" * 16], ["cas", "put", "-"]):
        error = uwf(*words, "--json", env=away, expect=1).error
        assert error["code"] == "store_away" and "waited 0." in error["message"]


def test_what_is_lost_is_found_although_it_is_kept_near(uwf: Uwf, database: str) -> None:
    env = {"UWF_STORE": database}
    id = uwf("cas", "put", "-", "-q", input="near", env=env).out.strip()
    uwf("ref", "set", "top", id, env=env)
    uwf("cas", "get", id, env=env)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM uwf.object")
    [problem] = uwf("store", "verify", "--json", env=env, expect=1).json["problems"]
    assert (problem["kind"], problem["id"]) == ("missing", id)
    [found] = uwf("doctor", "--only", "store", "--json", env=env, expect=1).json
    assert id in found["what"]
