"""What time alone cures, from the outside: exit 75, a timer, a wait that sits it out, and nobody else who suffers."""

from __future__ import annotations

import shlex
import subprocess
import time

import pytest

from tests.helpers.gate import configure
from tests.helpers.program import PROGRAM
from tests.helpers.project import Project, reply, until

OUTAGE = "API Error: Unable to connect to API (ConnectionRefused)"


def service(project: Project, **retry: str) -> str:
    """An agent whose service is down while there is a file `down`; the name it has in the config."""
    script = f"""cat >/dev/null
[ -e "{project.cwd}/down" ] && {{ echo '{OUTAGE}'; exit 1; }}
printf -- '---\\n$status: done\\n---\\nDone.\\n'
"""
    configure(project, "[agents.client]", command=f"{project.program('client', script)!r}")
    project("config", "set", "default_agent", "client")
    configure(
        project, "[retry]", base="'10ms'", **{key: f"'{text}'" for key, text in retry.items()}
    )
    return "client"


def test_an_outage_is_exit_75_with_the_time_of_the_next_try(project: Project) -> None:
    service(project)
    project.file("down", "")
    thread = project.begin()
    head = project.show(thread)["head"]
    done = project("thread", "exec", thread, "--until-done", "--json", expect=75)
    assert (done.error["code"], done.error["reason"]) == ("transient", "transient")
    assert OUTAGE in done.error["message"]
    shown = project.show(thread)
    [line] = done.json_lines
    assert (line["status"], line["role"], line["step"]) == ("idle", "worker", None)
    assert (line["wakeAt"], line["error"]) == (shown["wakeAt"], shown["error"])
    assert OUTAGE in line["suspendMessage"] and shown["suspendMessage"] is None
    assert (shown["status"], shown["head"], shown["currentRole"]) == ("idle", head, "worker")
    assert shown["wakeAt"] == done.error["retryAtMs"] > time.time_ns() // 1_000_000
    assert OUTAGE in shown["wakeWhy"]
    assert shown["error"]["code"] == "network"
    waited = project("thread", "wait", thread, "--json", expect=75)
    assert (waited.error["reason"], waited.error["retryAtMs"]) == ("transient", shown["wakeAt"])
    tags = project("ref", "get", f"@uwf/thread/{thread}", "--json").json["tags"]
    assert tags["wakeAt"] == str(shown["wakeAt"])
    assert f"{OUTAGE}\n" in project("thread", "show", thread).out
    assert project("guard", "stats", "--json").json[-1]["refused"] == {"transient": 1}


@pytest.mark.parametrize(
    ("said", "end", "code"),
    [
        (
            "Rate limit exceeded errors no longer crash it, which waits until it resets at 11pm.",
            "exit 0",
            "bad_reply",
        ),
        (
            "I read it.\\nRate limit exceeded: it now waits until it resets at 11pm.",
            "exit 1",
            "exit_code",
        ),
        ("---\\n$status: done\\n---\\nUsage limit reached, resets at 11pm", "exit 1", "exit_code"),
        ("HTTP 429 is mapped to a banner that says: resets at 11pm.", "kill -9 $$", "signal"),
    ],
)
def test_what_an_agent_writes_of_limits_pauses_nothing(
    project: Project, said: str, end: str, code: str
) -> None:
    script = f"cat >/dev/null\nprintf -- '{said}\\n'\n{end}\n"
    configure(project, "[agents.client]", command=f"{project.program('client', script)!r}")
    thread = project.begin()
    words = ("thread", "exec", thread, "--agent", "client", "--json")
    assert project(*words, expect=6).json_lines[-1]["error"]["code"] == code
    assert project.show(thread)["wakeAt"] is None


def test_the_hint_sits_it_out(project: Project) -> None:
    service(project, wake_base="200ms")
    project.file("down", "")
    thread = project.begin()
    first, *words = shlex.split(
        project("thread", "exec", thread, "--json", expect=75).error["hint"]
    )
    assert (first, words[-2:]) == ("uwf", ["--wait", "2h"])
    process = project.start(*words, stderr=subprocess.DEVNULL)
    attempts = f"@uwf/attempt/{thread}"
    until(lambda: len(project("ref", "log", attempts, "--json").json) > 12)
    assert process.poll() is None
    (project.cwd / "down").unlink()
    process.communicate(timeout=30)
    assert process.returncode == 0
    shown = project.show(thread)
    assert (shown["status"], shown["wakeAt"], shown["error"]) == ("completed", None, None)


def test_the_hint_names_the_agent_that_was_asked_for(project: Project) -> None:
    name = service(project)
    configure(project, "[agents.other]", command="'false'")
    project("config", "set", "default_agent", "other")
    project.file("down", "")
    thread = project.begin()
    words = ("thread", "exec", thread, "--agent", name, "--json")
    hint = project(*words, expect=75).error["hint"]
    (project.cwd / "down").unlink()
    project(*shlex.split(hint)[1:])


def test_a_night_that_is_given_up_waits_for_a_person(project: Project) -> None:
    service(project, give_up="1ms")
    project.file("down", "")
    thread = project.begin()
    done = project("thread", "exec", thread, "--json", expect=6)
    assert "in vain" in done.error["message"]
    shown = project.show(thread)
    assert (shown["status"], shown["wakeAt"]) == ("suspended", None)
    (project.cwd / "down").unlink()
    project("thread", "resume", thread)


def test_a_shell_without_descriptors_stops_no_other(project: Project) -> None:
    name = service(project)
    threads = [project.begin() for _ in range(4)]
    for thread in threads:
        narrow = ["sh", "-c", f'ulimit -n 14; exec "{PROGRAM}" thread exec {thread}']
        done = subprocess.run(narrow, cwd=project.cwd, env=project.environ, capture_output=True)
        assert (done.returncode, b"Too many open files" in done.stderr) == (75, True), done
        assert b"no room for agent" in done.stderr
    assert project("guard", "status", "--json").json["breakers"] == []
    for thread in threads:
        project.step(thread, name)


def test_an_export_takes_no_timer_along(project: Project) -> None:
    service(project)
    project.file("down", "")
    thread = project.begin()
    project("thread", "exec", thread, expect=75)
    file = project.cwd / "carried"
    project("thread", "export", thread, "-o", file)
    project.environ["UWF_HOME"] = str(project.home.parent / "another")
    project("thread", "import", file)
    shown = project.show(thread)
    assert (shown["status"], shown["wakeAt"]) == ("idle", None)
    assert shown["error"]["code"] == "network"
    project.step(thread, project.agent(reply()))
