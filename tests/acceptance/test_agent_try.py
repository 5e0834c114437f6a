"""`uwf agent try`: one real prompt says whether an agent starts, answers, fits and may write, and what that costs."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.gate import Gate, configure
from tests.helpers.project import Project, is_alive, reply, until

SAYS = r"printf -- '---\n$status: done\n---\nI could not.\n'"
WRITES = r"""
asked=$(cat)
echo hello >"$(echo "$asked" | sed -n 's/.*called `\([^`]*\)`.*/\1/p')"
[ -n "$HERE" ] || echo hello >"$(echo "$asked" | sed -n 's/.*same as `\([^`]*\)`.*/\1/p')"
printf -- '---\n$status: done\nusage: {tokens: 1200, usd: 0.03}\n---\nI wrote it.\n'
"""


def tried(project: Project, script: str, *more: str, expect: int = 0) -> dict[str, Any]:
    agent = project.program("agent", script)
    done = project("agent", "try", agent, "--json", *more, expect=expect)
    answer: dict[str, Any] = done.json
    assert (answer["agent"], answer["error"] is None) == (agent, expect == 0)
    if expect:
        assert done.error["code"] == answer["error"]["code"]
    return answer


def seen(answer: dict[str, Any]) -> tuple[bool, ...]:
    return tuple(answer[name] for name in ("starts", "answers", "fits", "writes"))


def test_a_good_agent(project: Project) -> None:
    answer = tried(project, WRITES)
    assert seen(answer) == (True, True, True, True)
    assert (answer["usage"], answer["asks"]) == ({"tokens": 1200, "usd": 0.03}, 1)
    assert (answer["status"], answer["body"]) == ("done", "I wrote it.\n")
    assert answer["writesElsewhere"] is True
    project.environ["HERE"] = "1"
    assert tried(project, WRITES)["writesElsewhere"] is False
    assert 0 < answer["durationMs"] < 60_000 and answer["cwd"] == str(project.cwd)
    assert os.listdir(project.cwd) == []  # what it wrote is gone again
    told = project("agent", "try", project.program("agent", WRITES))
    for line in (
        "starts   yes",
        "answers  yes",
        "fits     yes, as done",
        "cost     $0.03, 1.2k tokens",
    ):
        assert line in told.out
    assert told.err == ""


def test_it_is_given_the_form_of_a_reply_and_the_environment_of_a_step(project: Project) -> None:
    agent = project.agent(reply())
    project("agent", "try", agent.command)
    assert "## How to reply" in agent.prompt(1) and "$status: done" in agent.prompt(1)
    environ = agent.environ(1)
    assert environ["UWF_HOME"] == str(project.home) and Path(environ["UWF_SCHEMA"]).exists()


def test_what_was_denied_and_which_model_answered_is_told(project: Project) -> None:
    script = """
        echo '{"type": "denied", "tool": "Write", "arguments": {"file": "x"}}' >"$UWF_EVENTS"
        echo '{"type": "model", "model": "small"}' >"$UWF_EVENTS"
        cat >/dev/null
        printf -- '---\\n$status: done\\n---\\n'
    """
    answer = tried(project, script)
    assert (answer["denied"], answer["model"]) == (['Write {"file": "x"}'], "small")
    told = project("agent", "try", project.program("agent", script)).out
    assert 'denied   Write {"file": "x"}' in told and "model    small" in told


def test_nothing_of_it_is_stored(project: Project) -> None:
    thread = project.begin()
    before = project("store", "stats", "--json").json
    tried(project, WRITES)
    assert project("store", "stats", "--json").json["objects"] == before["objects"]
    assert [row["thread"] for row in project("thread", "list", "--all", "--json").json] == [thread]
    assert project("doctor", "--json").json == []


def test_any_status_fits_and_a_file_that_is_not_there_is_told(project: Project) -> None:
    agent = project.agent(reply("written", title="A tale"))
    done = project("agent", "try", agent.command)
    assert "fits     yes, as written" in done.out and "writes   no" in done.out
    assert done.err.startswith(f"warning: {agent.command} has not written the file")


@pytest.mark.parametrize(
    ("script", "code", "exit_code", "found"),
    [
        (
            "cat >/dev/null; echo Error: Invalid API key >&2; exit 1",
            "authentication",
            6,
            (True, False),
        ),
        ("cat >/dev/null; echo Error: 429 rate limit >&2; exit 1", "quota", 6, (True, False)),
        ("cat >/dev/null; kill -9 $$", "signal", 6, (True, False)),
        ("cat >/dev/null; echo hello", "bad_reply", 6, (True, True)),
        ("cat >/dev/null; echo", "bad_reply", 6, (True, False)),
    ],
)
def test_an_agent_that_fails(
    project: Project, script: str, code: str, exit_code: int, found: tuple[bool, bool]
) -> None:
    answer = tried(project, script, expect=exit_code)
    assert answer["error"]["code"] == code
    assert seen(answer) == (*found, False, False)
    assert answer["asks"] == (3 if code == "bad_reply" else 1)


def test_an_agent_that_is_not_there(project: Project) -> None:
    done = project("agent", "try", "no-such-program-here", "--json", expect=5)
    assert (done.error["reason"], done.error["retryAtMs"]) == ("no_agent", None)
    assert seen(done.json) == (False, False, False, False)
    assert done.error["code"] == "no_agent"
    hint = done.error["hint"].split()[1:]
    assert hint == ["agent", "check", "no-such-program-here"]
    project(*hint, expect=5)


def test_a_folder_that_cannot_be_written(project: Project) -> None:
    (project.cwd / "there").mkdir()
    answer = tried(
        project, f"cat >/dev/null; echo x 2>/dev/null >/nowhere/it; {SAYS}", "--cwd", "there"
    )
    assert seen(answer) == (True, True, True, False)
    assert answer["cwd"] == str(project.cwd / "there")
    assert project("agent", "try", "true", "--cwd", "nowhere", expect=2).err.startswith("error: ")


def test_what_a_command_line_hands_over_is_not_shown(project: Project) -> None:
    agent = project.agent(reply("done", "My key is sk-live-77."))
    done = project("agent", "try", f"{agent.command} --api-key sk-live-77 | tee log")
    assert "sk-live-77" not in done.out and "[redacted:api-key]" in done.out
    assert "no shell is run" in done.err


def test_ctrl_c_ends_the_agent(project: Project) -> None:
    pids = project.home.parent / "pids"
    agent = project.program("slow", f"echo $$ >{pids}; sleep 300")
    process = project.start("agent", "try", agent)
    until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130 and b"error: stopped" in err
    assert not is_alive(int(pids.read_text()))


def test_it_takes_a_slot_as_every_agent_does(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    gate = Gate(project)
    process = gate.running(project.begin())
    done = project("agent", "try", project.agent(reply()).command, "--json", expect=75)
    assert (done.error["reason"], done.error["hint"]) == ("server_overloaded", "uwf guard status")
    gate.open()
    process.communicate()
