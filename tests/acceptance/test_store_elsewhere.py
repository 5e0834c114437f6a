"""A home whose store is not a file of it: where it is said, and what of that nobody sees."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from tests.helpers.program import Uwf
from tests.helpers.project import Project, until
from tests.helpers.serving import Serving

NOWHERE = "postgresql://ann:s3cret-pw@127.0.0.1:1/uwf"
SEEN = "postgresql://ann:[redacted]@127.0.0.1:1/uwf"
NO_PSYCOPG = "raise ImportError('No module named psycopg')"


def in_home(uwf: Uwf) -> str:
    """All that is written in the home and in its log, but for the settings themselves."""
    files = (path for path in uwf.home.rglob("*") if path.is_file())
    return "".join(
        path.read_text(errors="replace")
        for path in files
        if path.name not in ("config.toml", "config.msgpack")
    )


def test_what_is_no_address_is_refused_and_not_repeated(uwf: Uwf) -> None:
    for wrong in ("postgres:ann:s3cret-pw@h/db", "mysql://ann:s3cret-pw@h/db"):
        error = uwf("thread", "list", "--json", env={"UWF_STORE": wrong}, expect=2).error
        assert error["message"].startswith("UWF_STORE: it is neither sqlite nor the address")
        assert error["hint"] == "unset UWF_STORE"
        refused = uwf("config", "set", "store", wrong, "--json", expect=2)
        assert "s3cret" not in refused.err + json.dumps(error)


def test_the_password_of_an_address_is_shown_nowhere(uwf: Uwf) -> None:
    done = uwf("config", "set", "store", NOWHERE)
    assert done.out == f"{SEEN}\n"
    shown = [
        uwf("config", "get", "store", "--json"),
        uwf("config", "list"),
        uwf("config", "list", "--json"),
        uwf("config", "list", env={"UWF_STORE": NOWHERE}),
        uwf("thread", "list", expect=1),
        uwf("thread", "show", "01HV", "--json", expect=1),
        uwf("doctor", expect=1),
        uwf("store", "stats", expect=1),
        uwf("store", "backup", expect=5),
    ]
    for done in shown:
        assert "s3cret" not in done.out + done.err
    assert shown[0].json == {"key": "store", "value": SEEN}
    assert "s3cret" not in in_home(uwf)


def test_the_environment_goes_before_the_settings(uwf: Uwf) -> None:
    uwf("config", "set", "store", NOWHERE)
    there = {"UWF_STORE": "sqlite"}
    row = uwf("config", "list", env=there).out.splitlines()[1]
    assert row.split() == ["store", "sqlite", "UWF_STORE"]
    got = uwf("config", "get", "store", env=there)
    assert (got.out, "UWF_STORE says so" in got.err) == ("sqlite\n", True)
    assert uwf("thread", "list", "-q", env={"UWF_STORE": "sqlite"}).out == ""
    uwf("config", "unset", "store")
    uwf("thread", "list", expect=1, env={"UWF_STORE": NOWHERE})
    assert uwf("thread", "list", "-q").out == ""


def test_settings_that_cannot_be_read_hide_no_store_and_show_no_wrong_one(uwf: Uwf) -> None:
    uwf("cas", "put", "-", input="here")
    (uwf.home / "config.toml").write_text("[limits]\nmax_steps = 'x'\n")
    assert uwf("cas", "stat", "--json").json["objects"] == 1
    (uwf.home / "config.toml").write_text(f"store = '{NOWHERE}'\n[limits]\nmax_steps = 'x'\n")
    assert uwf("cas", "stat", "--json", expect=2).error["code"] == "bad_config"
    (uwf.home / "config.toml").write_text("store = 'host=db dbname=uwf'\n")
    assert uwf("cas", "stat", "--json", expect=2).error["code"] == "bad_config"


def test_what_is_no_address_is_not_shown_as_it_may_have_a_password(uwf: Uwf) -> None:
    for wrong in ("host=db password=s3cret", "Postgresql://ann:s3cret@h/db"):
        for words in (("config", "list"), ("config", "get", "store")):
            said = uwf(*words, env={"UWF_STORE": wrong})
            assert "[redacted]" in said.out
            assert "s3cret" not in said.out + said.err


def test_a_store_in_a_database_is_backed_up_by_postgresql(uwf: Uwf) -> None:
    env = {"UWF_STORE": NOWHERE}
    bare = "postgresql://ann@127.0.0.1:1/uwf"
    for words in (["backup"], ["backup", "x.db"], ["drill"]):
        error = uwf("store", *words, "--json", env=env, expect=5).error
        assert error["code"] == "store_in_database"
        assert error["hint"] == f"pg_dump --format=custom --file=uwf.dump {bare}"
    error = uwf("store", "restore", "x.db", "--json", env=env, expect=5).error
    assert error["hint"] == f"pg_restore --clean --if-exists --dbname={bare} uwf.dump"
    assert not os.path.exists(uwf.cwd / "x.db")


def test_a_daemon_says_that_it_has_another_store_than_the_settings_name(project: Project) -> None:
    daemon = Serving(project).leads()
    try:
        project("config", "set", "store", NOWHERE)
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "it names another store" in daemon.said)
    finally:
        assert daemon.end() == 0
    assert "s3cret" not in daemon.said


def test_without_the_extra_it_is_said_what_to_install(uwf: Uwf, tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text(NO_PSYCOPG)
    env = {"UWF_STORE": NOWHERE, "PYTHONPATH": str(tmp_path)}
    error = uwf("thread", "list", "--json", env=env, expect=1).error
    assert (error["code"], error["hint"]) == ("no_postgres", "pip install 'uwf[postgres]'")
