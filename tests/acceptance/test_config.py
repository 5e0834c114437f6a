"""`uwf config`: settings from the command line."""

from __future__ import annotations

import os
import shlex

import pytest

from tests.helpers.program import Uwf


def test_path_says_where_and_whether(uwf: Uwf) -> None:
    file = str(uwf.home / "config.toml")
    assert uwf("config", "path").out == f"{file}\n"
    assert uwf("config", "path", "--json").json == {"path": file, "exists": False}


def test_list_gives_every_setting_with_its_default(uwf: Uwf) -> None:
    found = uwf("config", "list", "--json").json
    assert found["limits.max_running"] == 5
    assert found["limits.grace"] == "3s"
    assert found["default_agent"] is None
    assert uwf("config", "list").out.splitlines()[0].split() == ["KEY", "VALUE", "SOURCE"]
    assert not uwf.home.exists()


def test_what_is_set_is_listed_as_set(uwf: Uwf) -> None:
    assert uwf("config", "set", "limits.grace", "1m30s").out == "1m30s\n"
    row = next(line for line in uwf("config", "list").out.splitlines() if "grace" in line)
    assert row.split() == ["limits.grace", "1m30s", "config.toml"]
    assert uwf("config", "get", "limits.grace", "--json").json == {
        "key": "limits.grace",
        "value": "1m30s",
    }


def test_get_of_a_table_gives_all_below_it(uwf: Uwf) -> None:
    uwf("config", "set", "agents.a.command", "cat 'x y'")
    found = uwf("config", "get", "agents.a", "--json").json
    assert found["agents.a.command"] == "cat 'x y'"
    assert found["agents.a.timeout"] == "1h"
    assert "agents.a.command = cat 'x y'" in uwf("config", "get", "agents").out


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("limits.max_step", "3", "uwf config set limits.max_steps 3"),
        ("agents.a.comand", "a b", "uwf config set agents.a.command 'a b'"),
        ("per_label.repo", "1", "uwf config set limits.per_label.repo 1"),
        ("max_steps", "3", "uwf config set limits.max_steps 3"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(
    uwf: Uwf, key: str, value: str, hint: str
) -> None:
    error = uwf("config", "set", key, value, "--json", expect=2).error
    assert error["hint"] == hint
    assert uwf(*shlex.split(hint)[1:]).code == 0


def test_one_table_is_listed_by_its_name(uwf: Uwf) -> None:
    limits = uwf("config", "list", "limits", "--json").json
    assert limits["limits.max_steps"] == 100
    assert all(key.startswith("limits.") for key in limits)
    empty = uwf("config", "list", "limits.per_label")
    assert (empty.out, empty.err) == ("", "nothing is set below limits.per_label\n")
    assert uwf("config", "list", "limts", "--json", expect=2).error["hint"] == (
        "uwf config list limits"
    )


def test_a_table_is_no_setting(uwf: Uwf) -> None:
    for words in (["get", "limits.per_label"], ["set", "limits.per_label", "1"]):
        error = uwf("config", *words, "--json", expect=2).error
        assert "did you mean" not in error["message"]
        assert uwf(*shlex.split(error["hint"])[1:]).code == 0


def test_values_that_do_not_fit_say_what_would(uwf: Uwf) -> None:
    assert "a duration such as 90s" in uwf("config", "set", "limits.grace", "3", expect=2).err
    assert "1 or more" in uwf("config", "set", "limits.max_steps", "0", expect=2).err
    assert "known: command" in uwf("config", "set", "agents.a.kind", "x", expect=2).err
    assert not (uwf.home / "config.toml").exists()


def test_a_mistake_in_the_file_is_told_by_every_command_that_reads_it(uwf: Uwf) -> None:
    uwf.home.mkdir()
    (uwf.home / "config.toml").write_text("[limits]\nmax_steps = 'many'\n")
    for words in (["config", "list"], ["config", "get", "limits.grace"]):
        done = uwf(*words, expect=2)
        assert (
            f"{uwf.home}/config.toml:2: limits.max_steps: 'many' is not a whole number" in done.err
        )
    assert uwf("config", "set", "limits.max_steps", "7").code == 0
    assert uwf("config", "get", "limits.max_steps").out == "7\n"


def test_secrets_are_not_listed(uwf: Uwf) -> None:
    uwf("config", "set", "agents.a.command", "cat")
    uwf("config", "set", "agents.a.env.API_KEY", "hunter2hunter2")
    listed = uwf("config", "list")
    assert "hunter2" not in listed.out and "[redacted]" in listed.out
    assert uwf("config", "list", "--json").json["agents.a.env.API_KEY"] == "[redacted]"
    for table in ("agents", "agents.a", "agents.a.env"):
        for more in ((), ("--json",), ("-q",)):
            got = uwf("config", "get", table, *more).out
            assert "API_KEY" in got and "hunter2" not in got
    assert uwf("config", "get", "agents.a", "--json").json["agents.a.env.API_KEY"] == "[redacted]"
    assert uwf("config", "get", "agents.a.env.API_KEY").out == "hunter2hunter2\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_a_fault(uwf: Uwf) -> None:
    uwf.home.mkdir(mode=0o500)
    assert "Permission denied" in uwf("config", "set", "limits.max_steps", "7", expect=1).err


def test_a_home_below_a_file_is_a_fault(uwf: Uwf) -> None:
    uwf.home.write_text("a file")
    done = uwf("config", "set", "limits.max_steps", "7", expect=1)
    assert done.err.startswith("error: ") and len(done.err.splitlines()) == 1


def test_unset_brings_the_default_back(uwf: Uwf) -> None:
    uwf("config", "set", "limits.max_steps", "9")
    uwf("config", "set", "agents.mine.command", "/bin/true")
    assert uwf("config", "unset", "limits.max_steps", "--json").json == {
        "key": "limits.max_steps",
        "value": 100,
    }
    assert uwf("config", "get", "limits.max_steps").out == "100\n"
    assert uwf("config", "unset", "agents.mine").out == "agents.mine is not set any more\n"
    assert uwf("agent", "list", "--json").json == []
    again = uwf("config", "unset", "agents.mine", "--json", expect=2)
    assert again.error["code"] == "bad_config"
    wrong = uwf("config", "unset", "limits.max_step", expect=2)
    assert "hint: uwf config unset limits.max_steps\n" in wrong.err


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agents.mine.env.FOO", "bar"),
        ("overrides.w.reviewer", "mine"),
        ("limits.per_label.repo", "1"),
        ("limits.threads_per_label.repo", "1"),
    ],
)
def test_key_whose_name_is_chosen_is_unset_and_has_no_default(
    uwf: Uwf, key: str, value: str
) -> None:
    uwf("config", "set", "agents.mine.command", "/bin/true")
    before = (uwf.home / "config.toml").read_text()
    uwf("config", "set", key, value)
    assert uwf("config", "unset", key, "--json").json == {"key": key, "value": None}
    assert (uwf.home / "config.toml").read_text().split() == before.split()
    assert uwf("config", "list", key, "--json").json == {}
    again = uwf("config", "unset", key, expect=2)
    assert f"{key} is not set in" in again.err


def test_agent_that_is_the_default_one_is_not_unset_alone(uwf: Uwf) -> None:
    uwf("config", "set", "agents.mine.command", "/bin/true")
    uwf("config", "set", "default_agent", "mine")
    refused = uwf("config", "unset", "agents.mine", "--json", expect=2)
    assert refused.error["message"].startswith("agents.mine is needed: ")
    assert "default_agent" in refused.error["message"]
    uwf("config", "unset", "default_agent")
    uwf("config", "unset", "agents.mine")
