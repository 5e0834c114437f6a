"""`uwf agent list` and `check`: which agents this home knows, and whether they can be started."""

from __future__ import annotations

import os
import shlex

import pytest

from tests.helpers.project import ONE, Project, reply


def test_list_has_the_configured_agents_by_name(project: Project) -> None:
    project("config", "set", "agents.zed.command", "cat 'two words'")
    project("config", "set", "agents.amy.command", '["printf", "%s"]')
    project("config", "set", "default_agent", "zed")
    assert project("agent", "list", "--json").json == [
        {"name": "amy", "kind": "command", "command": ["printf", "%s"], "default": False},
        {"name": "zed", "kind": "command", "command": ["cat", "two words"], "default": True},
    ]
    assert project("agent", "list", "-q").out == "amy\nzed\n"
    head, *rows = project("agent", "list").out.splitlines()
    assert head.split() == ["NAME", "KIND", "DEFAULT", "COMMAND"]
    assert [row.split()[:3] for row in rows] == [["amy", "command", "-"], ["zed", "command", "yes"]]


def test_an_empty_list_hints_at_a_command_that_works(project: Project) -> None:
    told = project("agent", "list")
    assert (told.out, told.err) == ("", "hint: uwf config set agents.mine.command 'COMMAND'\n")
    project("config", "set", "agents.mine.command", "COMMAND")
    assert project("agent", "list", "--json").json[0]["name"] == "mine"


def test_check_says_which_agents_can_be_started_and_why_not(project: Project) -> None:
    good = project.agent(reply()).command
    project("config", "set", "agents.good.command", good)
    [row] = project("agent", "check", "--json").json
    assert (row["name"], row["command"], row["ok"], row["reason"]) == ("good", [good], True, None)
    project("config", "set", "agents.bad.command", "no-such-program-here --flag")
    bad, fine = project("agent", "check", "--json", expect=5).json
    assert (bad["name"], bad["ok"], fine["ok"]) == ("bad", False, True)
    assert "not found on PATH" in bad["reason"]
    assert project("agent", "check", "-q", expect=5).out == "good\n"
    assert project("agent", "check", "good").code == 0
    error = project("agent", "check", "bad", "--json", expect=5).error
    assert (error["reason"], error["retryAtMs"]) == ("no_agent", None)
    told = project("agent", "check", "bad", expect=5).out
    assert "not found on PATH" in told


@pytest.mark.parametrize("word", ["tools/agent", "./tools/agent --print", "../here/agent 'a b'"])
def test_a_relative_command_in_the_config_is_refused_with_the_absolute_path(
    project: Project, word: str
) -> None:
    told = project("config", "set", "agents.mine.command", word, "--json", expect=2).error
    assert "relative path" in told["message"]
    hint = shlex.split(told["hint"])
    assert hint[:-1] == ["uwf", "config", "set", "agents.mine.command"]
    program, *arguments = shlex.split(hint[-1])
    assert program == os.path.normpath(project.cwd / word.split()[0])
    assert arguments == shlex.split(word)[1:]
    project(*hint[1:])
    assert project("agent", "list", "--json").json[0]["command"] == [program, *arguments]


@pytest.mark.parametrize(
    "word, line", [("$HOME/mya 'a b'", "/there/mya 'a b'"), ("$UWF_NO_SUCH/mya", "COMMAND")]
)
def test_a_variable_in_a_command_of_the_config_is_said_to_need_a_shell(
    project: Project, word: str, line: str
) -> None:
    words = ("config", "set", "agents.mine.command")
    told = project(*words, word, "--json", expect=2, env={"HOME": "/there"}).error
    assert "no shell is run" in told["message"]
    assert shlex.split(told["hint"]) == ["uwf", *words, line]


def test_a_relative_agent_is_that_of_the_folder_it_was_typed_in(project: Project) -> None:
    (project.cwd / "clone").mkdir()
    agent = project.agent(reply())
    for folder, code in (("clone", "exit 3"), (".", f"exec {agent.command}")):
        project.file(f"{folder}/agent", f"#!/bin/sh\n{code}\n").chmod(0o755)
    project.step(project.begin(ONE, "--cwd", "clone"), "./agent")
    assert agent.calls == 1


@pytest.mark.parametrize(
    ("word", "expect"), [("sh -c 'exit 1'", 0), ("no-such-program-here", 5), ("'open", 2)]
)
def test_a_command_line_can_be_checked_without_being_configured(
    project: Project, word: str, expect: int
) -> None:
    project("agent", "check", word, expect=expect)


def test_check_warns_of_what_only_a_shell_understands(project: Project) -> None:
    agent = project.agent(reply()).command
    done = project("agent", "check", f"{agent} --print && echo $DONE")
    assert "warning: " in done.err and "&& $DONE" in done.err and "sh -c" in done.err
    assert project("agent", "check", shlex.join(["sh", "-c", f"{agent} && echo"])).err == ""
    project("config", "set", "agents.quoted.command", f"{agent} 'say a | b'")
    assert project("agent", "check", "quoted").err == ""
    project("config", "set", "agents.glued.command", f"{agent}>out")
    assert ">out is handed to it" in project("agent", "check", "glued", expect=5).err


def test_nothing_to_check_is_exit_4(project: Project) -> None:
    done = project("agent", "check", "--json", expect=4)
    assert done.error["code"] == "no_agent"


def test_checking_runs_nothing(project: Project) -> None:
    agent = project.agent(reply())
    project("agent", "check", agent.command)
    assert agent.calls == 0
    assert not project.home.exists()


def test_a_broken_config_is_exit_2_and_names_file_and_place(project: Project) -> None:
    project.home.mkdir()
    for text, said in (
        ("[agents.mine\n", "config.toml is not TOML"),
        ("[agents.mine]\nkind = 'command'\n", "agents.mine.command is missing"),
        ("[agents.mine]\ncommand = 7\n", "agents.mine.command: 7 is not a command"),
        ("default_agent = 'ghost'\n", "no agent is called 'ghost'"),
        ("[agent.mine]\ncommand = 'x'\n", "agent is not a known key"),
    ):
        (project.home / "config.toml").write_text(text)
        done = project("agent", "list", "--json", expect=2)
        assert done.error["code"] == "bad_config"
        assert said in done.error["message"] and str(project.home) in done.error["message"]


def test_detect_proposes_what_is_on_path_and_writes_it_when_told_to(project: Project) -> None:
    path = project.home.parent / "bin"
    project.environ["PATH"] = f"{path}:/usr/bin:/bin"
    done = project("agent", "detect", "--json", expect=5)
    assert done.json == {"found": [], "written": {}}
    assert (done.error["code"], done.error["reason"]) == ("no_client", "no_agent")
    project.program("claude", "exit 1")
    told = project("agent", "detect")
    assert '[agents.claude]\nkind = "claude"\n' in told.out
    assert told.err == "hint: uwf agent detect --write\n"
    assert project("agent", "detect", "-q").out == "claude\n"
    assert not project.home.exists(), "without a yes nothing is written"
    assert (
        project("agent", "detect", "--write", "--json").json["written"]["default_agent"] == "claude"
    )
    assert project("config", "get", "agents.claude.kind", "-q").out == "claude\n"
    [found] = project("agent", "detect", "--write", "--json").json["found"]
    assert (found["agents"], found["settings"]) == (["claude"], {})
