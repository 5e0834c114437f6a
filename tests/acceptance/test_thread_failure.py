"""When an agent fails: the attempt is kept, the head stays, the thread waits, and a resume goes on."""

from __future__ import annotations

import re

import pytest

from tests.helpers.project import APPROVED, ONE, REVIEW, WRITTEN, Project, reply


def test_a_failed_agent_is_exit_6_and_suspends_the_thread(project: Project) -> None:
    thread = project.begin(REVIEW)
    project.step(thread, project.agent(WRITTEN))
    head = project.show(thread)["head"]
    failing = project.program("failing", "echo I tried; echo no model >&2; exit 9")
    done = project("thread", "exec", thread, "--agent", failing, "--json", expect=6)
    [line] = done.json_lines
    message = f"agent {failing} exited with code 9: no model"
    attempt = line["error"]["attempt"]
    assert line["error"] == {"code": "exit_code", "message": message, "attempt": attempt}
    assert (line["step"], line["role"], line["status"]) == (None, "reviewer", "suspended")
    assert done.error["code"] == "exit_code"
    shown = project.show(thread)
    assert (shown["head"], shown["steps"], shown["done"]) == (head, 1, False)
    assert (shown["suspendedRole"], shown["currentRole"]) == ("reviewer", "reviewer")
    assert shown["suspendMessage"] == message
    assert shown["error"] == line["error"]


def test_a_failure_is_told_once_with_the_command_that_shows_what_was_said(project: Project) -> None:
    thread = project.begin()
    failing = project.program("failing", "seq 1 200 >&2; exit 1")
    done = project("thread", "exec", thread, "--agent", failing, expect=6)
    attempt = project.show(thread)["error"]["attempt"]
    assert re.fullmatch(r"worker failed  \d\.\ds  \(suspended\)\n", done.out)
    assert done.err.splitlines() == [
        f"error: agent {failing} exited with code 1: 200",
        f"hint: uwf thread resume {thread} --agent {failing}",
        f"what it said is kept: uwf step show {attempt[:16]}",
    ]
    again = project("thread", "exec", thread, expect=5)
    assert again.err.splitlines()[-1] == f"hint: uwf thread resume {thread} --agent {failing}"
    silent = project("step", "turns", thread)
    assert silent.err.splitlines()[-1] == f"hint: uwf step show {attempt[:16]}"


def test_a_bad_reply_is_told_in_full_only_when_it_is_another_one(project: Project) -> None:
    failing = project.program("failing", "echo hello")
    done = project("thread", "exec", project.begin(), "--agent", failing, expect=6)
    first, second, error, *_ = done.err.splitlines()
    assert "no front matter" in first and "no front matter" in error
    assert second == "worker: reply not valid, asking again: as before"


def test_a_failed_attempt_is_shown_with_its_process_stderr_and_turns(project: Project) -> None:
    thread = project.begin()
    failing = project.program("failing", "echo I tried; seq 1 200 >&2; exit 9")
    [line] = project.step(thread, failing, "--supplement", "be quick", expect=6)
    attempt = line["error"]["attempt"]
    shown = project("step", "show", attempt[:12], "--json").json
    assert (shown["attempt"], shown["thread"], shown["role"]) == (attempt, thread, "worker")
    assert (shown["error"]["code"], shown["process"]["exitCode"]) == ("exit_code", 9)
    assert shown["stderr"].split() == [str(n) for n in range(1, 201)]
    assert [turn["text"] for turn in shown["turns"]] == ["I tried\n"]
    assert shown["supplement"] == "be quick" and "be quick" in shown["prompt"]
    assert project("step", "show", attempt, "-q").out == f"{attempt}\n"
    text = project("step", "show", attempt).out
    assert "process      exited with code 9, 8 bytes on stdout, 692 on stderr" in text
    assert "Its stderr:\n\n1\n2\n" in text and "I tried" in text
    page = project("step", "read", attempt).out
    assert page.startswith("## Attempt 1 of worker: exit_code\n")
    assert "## Its stderr\n\n```\n1\n2\n" in page and "## The prompt it got" in page


def test_the_beginning_of_an_attempt_leads_to_its_thread(project: Project) -> None:
    thread = project.begin()
    [line] = project.step(thread, "false", expect=6)
    end = project("cas", "get", line["error"]["attempt"], "--json").json
    begun = end["payload"]["begun"]["$ref"]
    done = project("step", "show", begun, "--json", expect=2)
    assert done.error["code"] == "not_a_step"
    assert done.error["hint"] == f"uwf step turns {thread}"
    done = project("step", "turns", thread, "--step", begun, "--json", expect=2)
    assert done.error["message"] == f"object {begun[:12]} is an attempt, not a step"


def test_a_fixed_agent_goes_on_and_its_step_links_the_failed_attempts(project: Project) -> None:
    thread = project.begin(ONE)
    failing = project.program("failing", "echo my thoughts; exit 1")
    attempts = [
        project.step(thread, failing, "--supplement", "be quick", expect=6)[0]["error"]["attempt"],
        project.step(thread, failing, verb="resume", expect=6)[0]["error"]["attempt"],
    ]
    agent = project.agent(reply())
    [line] = project.step(thread, agent, "--supplement", "and careful", verb="resume")
    assert (line["status"], line["error"]) == ("completed", None)
    prompt = agent.prompt(1)
    assert prompt.index("\n\nbe quick\n\n") < prompt.index("\n\nand careful\n\n")
    assert agent.environ(1)["UWF_ATTEMPT"] == "3"
    [row] = project.steps(thread)
    assert row["attempts"] == attempts
    step = project("step", "show", row["step"], "--json").json
    failed = step["failedAttempts"]
    assert [each["number"] for each in failed] == [1, 2]
    assert [each["error"]["code"] for each in failed] == ["exit_code"] * 2
    assert failed[0]["turns"][0]["text"] == "my thoughts\n"
    assert project.show(thread)["error"] is None


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("exit 3", "exit_code", "exited with code 3"),
        ("kill -SEGV $$", "signal", "killed by signal 11"),
        ("sleep 60", "timeout", "timeout"),
        ("echo x; sleep 60", "stall", "said nothing"),
        ("yes", "output_limit", "output limit"),
        ("cat >/dev/null", "bad_reply", "the reply is empty"),
        ("echo hello", "bad_reply", "no front matter"),
    ],
)
def test_every_way_to_fail_has_a_code_and_words(
    project: Project, script: str, code: str, said: str
) -> None:
    project("config", "set", "agents.bad.command", project.program("bad", script))
    project("config", "set", "agents.bad.output_limit", "64KiB")
    if code == "timeout":
        project("config", "set", "agents.bad.timeout", "200ms")
    if code == "stall":
        project("config", "set", "agents.bad.stall_timeout", "200ms")
    thread = project.begin()
    [line] = project.step(thread, "bad", expect=6)
    assert line["error"]["code"] == code
    assert said in line["error"]["message"]
    assert project.show(thread)["status"] == "suspended"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program-here", "not found on PATH"),
        ("./gone", "no such file"),
        ("./plain.txt", "not executable"),
        ("./folder", "not a file"),
    ],
)
def test_an_agent_that_is_not_there_is_a_refusal_that_changes_nothing(
    project: Project, command: str, said: str
) -> None:
    project.file("plain.txt", "text")
    (project.cwd / "folder").mkdir()
    thread = project.begin()
    before = project.show(thread)
    done = project("thread", "exec", thread, "--agent", command, "--json", expect=5)
    assert done.error["reason"] == "no_agent" and said in done.error["message"]
    assert project.show(thread) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("just words\n", "neither a program nor a script"),
        ("#!/no/such/sh\n", "the interpreter '/no/such/sh' of its first line is missing"),
    ],
)
def test_an_agent_that_cannot_be_started_says_why(project: Project, text: str, said: str) -> None:
    project.file("agent", text).chmod(0o755)
    thread = project.begin()
    done = project("thread", "exec", thread, "--agent", "./agent", "--json", expect=6)
    [line] = done.json_lines
    assert line["error"]["code"] == "spawn_failed"
    assert said in line["error"]["message"]
    assert "trying again" not in done.err  # it would be the same


def test_a_bad_reply_is_asked_again_with_what_was_wrong(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(
        "Here it is.",
        reply("written", "x", title=["T"], session="s-1"),
        reply("written", title="T"),
    )
    [line] = project.step(thread, agent)
    assert line["stepStatus"] == "written"
    assert agent.calls == 3
    second, third = agent.prompt(2), agent.prompt(3)
    assert second.startswith(agent.prompt(1))
    assert "Your last reply was not accepted" in second
    assert "no front matter" in second and "Here it is." in second
    assert "`title` is" in third and "must be a string" in third and "no front matter" not in third
    assert "UWF_SESSION" not in agent.environ(2)
    assert agent.environ(3)["UWF_SESSION"] == "s-1"
    said = [(turn["from"], turn["text"].split("\n")[0]) for turn in project.turns(thread)]
    assert [speaker for speaker, _ in said] == ["agent", "uwf", "agent", "uwf", "agent"]
    assert [row["attempts"] for row in project.steps(thread)] == [[]]


def test_a_third_bad_reply_is_a_failed_attempt(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(reply("wrong"))
    [line] = project.step(thread, agent, expect=6)
    assert agent.calls == 3
    assert line["error"]["code"] == "bad_reply"
    assert "`$status` is 'wrong' but must be `written`" in line["error"]["message"]
    assert project.show(thread)["steps"] == 0


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("\n\n---\n$status: written\ntitle: T\n---\nBody.\n", "Body.\n"),
        ("Sure! Here is it.\n\n---\n$status: written\ntitle: T\n---\nBody.\n", "Body.\n"),
        ("```yaml\n$status: written\ntitle: T\n```\nBody.\n", "Body.\n"),
        ("```\n---\n$status: written\ntitle: T\n---\nBody.\n```\n", "Body.\n"),
        ("\ufeff---\r\n$status: written\r\ntitle: T\r\n---\r\nBody.\r\n", "Body.\r\n"),
        ("One\n\n---\n\nTwo\n\n---\n$status: written\ntitle: T\n---\nBody.\n", "Body.\n"),
        ("---\n$status: written\ntitle: T", ""),
    ],
)
def test_front_matter_is_found_where_agents_put_it(project: Project, text: str, body: str) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(text)
    [line] = project.step(thread, agent)
    step = project("step", "show", line["step"], "--json").json
    assert agent.calls == 1
    assert (step["output"], step["body"]) == ({"$status": "written", "title": "T"}, body)


def test_asking_for_a_person_needs_a_reason(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(reply("$SUSPEND"), reply("$SUSPEND", reason="I am lost."))
    [line] = project.step(thread, agent, expect=3)
    assert agent.calls == 2 and "needs a `reason`" in agent.prompt(2)
    assert (line["suspendMessage"], line["stepStatus"]) == ("I am lost.", "$SUSPEND")


def test_a_reply_that_leads_nowhere_is_asked_again(project: Project) -> None:
    silent = REVIEW.replace('"Not yet: {{ why }}"', '"{{ why }}"')
    thread = project.begin(silent)
    agent = project.agent(WRITTEN, reply("rejected", why=" "), APPROVED)
    lines = project.step(thread, agent, "--until-done")
    assert lines[-1]["status"] == "completed"
    assert "the prompt of edge reviewer → rejected" in agent.prompt(3)
    assert "{{ why }}" in agent.prompt(3)


@pytest.mark.parametrize("settings", [{"linger": "300ms"}, {"stall_timeout": "50s"}, {}])
def test_a_whole_reply_of_an_agent_that_hangs_is_taken_where_that_is_set(
    project: Project, settings: dict[str, str]
) -> None:
    hanging = project.program("hanging", f"cat >/dev/null\ncat <<'E'\n{reply()}E\nsleep 60")
    project("config", "set", "agents.hanging.command", hanging)
    project("config", "set", "agents.hanging.timeout", "1s")
    for name, value in settings.items():
        project("config", "set", f"agents.hanging.{name}", value)
    thread = project.begin()
    is_taken = "linger" in settings
    [line] = project.step(thread, "hanging", expect=0 if is_taken else 6)
    if not is_taken:
        assert line["error"]["code"] == "timeout"
        return
    assert line["status"] == "completed"
    shown = project("step", "show", line["step"], "--json").json
    assert shown["process"]["ended"] == "lingered"


def test_only_a_valid_reply_ends_the_waiting(project: Project) -> None:
    hanging = project.program("hanging", "cat >/dev/null\necho hello\nsleep 60")
    project("config", "set", "agents.hanging.command", hanging)
    project("config", "set", "agents.hanging.linger", "100ms")
    project("config", "set", "agents.hanging.timeout", "1s")
    [line] = project.step(project.begin(), "hanging", expect=6)
    assert line["error"]["code"] == "timeout"
