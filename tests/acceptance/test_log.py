"""What runs did is on record, and found again."""

from __future__ import annotations

from tests.helpers.project import ASKS, REJECTED, REVIEW, WRITTEN, Project, reply, until


def test_a_run_writes_what_it_does(project: Project) -> None:
    first, second = project.begin(REVIEW), project.begin()
    project.step(first, project.agent(WRITTEN, REJECTED), "-c", "2")
    project.step(first, "false", expect=6)
    project.step(second, project.agent(reply(note="x")))
    project("thread", "exec", second, "--json", expect=5)
    lines = project("log", "show", "--json").json_lines
    assert [(line["what"], line["thread"]) for line in lines] == [
        *[("task_dispatched", first), ("step_done", first)] * 2,
        *[("task_dispatched", first), ("step_failed", first)],
        *[("task_dispatched", second), ("step_done", second), ("run_ended", second)],
    ]
    assert (lines[1]["role"], lines[1]["status"], lines[1]["next"]) == (
        *("writer", "written", "reviewer"),
    )
    assert lines[1]["step"] == project.steps(first)[0]["step"]
    assert (lines[5]["error"], lines[8]["reason"]) == ("exit_code", "completed")
    assert {line["by"] for line in lines} == {"thread exec"}
    assert len(project("log", "show", "--thread", first[-6:], "--json").json_lines) == 6
    assert project("log", "show", "--grep", "REVIEWER rejected", "--limit", "1", "-q").out == ""
    assert project("log", "show", "--grep", "run_ended", "-q").out == f"{second}\n"
    assert project("log", "show", "--since", "1h", "--limit", "1").out.endswith(
        f"run_ended  reason=completed message=thread {second} is completed\n"
    )
    assert project("log", "show", "--since", "2030-01-01", "--json").out == ""


def test_what_an_agent_says_to_a_secret_is_not_in_the_log(project: Project) -> None:
    env = {"DEPLOY_TOKEN": "tok-0123456789abcdef"}
    thread = project.begin(REVIEW)
    asks = ASKS.replace("Which colour?", "May I use tok-0123456789abcdef?")
    words = ("thread", "exec", thread, "--agent", project.agent(asks).command)
    project(*words, env=env, expect=3)
    shown = project("log", "show").out
    assert "May I use [redacted:DEPLOY_TOKEN]?" in shown
    assert "tok-0123" not in shown


def test_an_empty_home_has_no_line_and_stays_as_it_is(project: Project) -> None:
    done = project("log", "show")
    assert (done.out, done.err) == ("", "the log has no such line\n")
    assert project("log", "show", "--thread", "01ABCDEF", expect=4)
    assert "is no time" in project("log", "show", "--since", "soon", expect=2).err
    assert not project.home.exists()


def test_it_can_be_followed(project: Project) -> None:
    thread = project.begin()
    following = project.start("log", "show", "--follow", "--json")
    try:
        project.step(thread, project.agent(reply(note="x")))
        assert following.stdout is not None
        assert b'"what":"task_dispatched"' in following.stdout.readline()
        assert b'"what":"step_done"' in following.stdout.readline()
        following.send_signal(2)
        assert until(lambda: following.poll() is not None) and following.returncode == 130
    finally:
        following.kill()
        following.wait()


def test_an_event_may_be_given_in_part_and_a_store_need_not_be_readable(project: Project) -> None:
    thread = project.begin()
    project.step(thread, project.agent(reply(note="x")))
    project("event", "send", "look", "--id", "a-long-id", "--from", "ci")
    log = next((project.home / "logs").glob("*.jsonl"))
    with log.open("a") as file:
        for event in ("a-long-id", "of-long-ago"):
            file.write(f'{{"at":1,"what":"event_told","event":"{event}"}}\n')
    for words in ("a-long-id", "long-id", "of-long-ago"):
        [line] = project("log", "show", "--event", words, "--json").json_lines
        assert line["event"].endswith(words)
    (project.home / "store.db").write_bytes(b"no store" * 1000)
    assert project("log", "show", "--event", "a-long-id").out
    assert project("log", "show", "--thread", thread).out
