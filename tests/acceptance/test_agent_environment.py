"""What an agent is given: prompt, environment, schema, folder. And that no project folder can name agents."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.helpers.project import (
    APPROVED,
    ONE,
    REJECTED,
    REVIEW,
    WRITTEN,
    Project,
    program,
    reply,
)


def test_the_environment_names_thread_step_role_round_and_attempt(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, APPROVED, WRITTEN)
    project.step(thread, agent, "--until-done")
    project.step(thread, agent, "--supplement", "again", verb="resume")
    first, second, third = (agent.environ(call) for call in (1, 2, 3))
    assert {name: value for name, value in first.items() if name.startswith("UWF_")} == {
        "UWF_THREAD": thread,
        "UWF_STEP_INDEX": "1",
        "UWF_ROLE": "writer",
        "UWF_ROUND": "1",
        "UWF_VISIT": "1",
        "UWF_ATTEMPT": "1",
        "UWF_WORKFLOW": project.show(thread)["workflow"],
        "UWF_HOME": str(project.home),
        "UWF_SCHEMA": first["UWF_SCHEMA"],
        "UWF_RUN": first["UWF_RUN"],
        "UWF_EVENTS": first["UWF_EVENTS"],
    }
    assert (second["UWF_STEP_INDEX"], second["UWF_ROLE"]) == ("2", "reviewer")
    assert (third["UWF_STEP_INDEX"], third["UWF_ROUND"]) == ("3", "2")
    assert len({each["UWF_RUN"] for each in (first, second, third)}) == 3
    assert first["HOME"] == project.environ["HOME"]


def test_the_schema_file_is_the_schema_of_the_role(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, APPROVED)
    project.step(thread, agent, "--until-done")
    writer, reviewer = (Path(agent.environ(call)["UWF_SCHEMA"]) for call in (1, 2))
    assert json.loads(writer.read_text()) == {
        "type": "object",
        "properties": {"$status": {"const": "written"}, "title": {"type": "string"}},
        "required": ["$status", "title"],
    }
    assert [way["properties"]["$status"] for way in json.loads(reviewer.read_text())["oneOf"]] == [
        {"const": "approved"},
        {"const": "rejected"},
    ]
    assert stat.S_IMODE(writer.stat().st_mode) == 0o600


def test_the_prompt_on_stdin_is_the_prompt_that_is_stored(project: Project) -> None:
    thread = project.begin(REVIEW, task="Über ☃\nsecond line")
    agent = project.agent(WRITTEN, APPROVED)
    project.step(thread, agent, "--until-done")
    for row, call in zip(project.steps(thread), (1, 2), strict=True):
        step = project("step", "show", row["step"], "--json").json
        assert step["prompt"].removesuffix("\n") + "\n" == agent.prompt(call)
    assert "Über ☃\nsecond line" in agent.prompt(1)


def test_the_prompt_shows_the_reply_a_role_may_give(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, APPROVED)
    project.step(thread, agent, "--until-done")
    prompt = agent.prompt(2)
    for words in ("For `approved`:", "For `rejected`:", "$status: rejected\nwhy: ", "$SUSPEND"):
        assert words in prompt


def test_a_later_visit_is_told_only_what_happened_since(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(
        reply("written", "FIRST DRAFT", title="a"),
        REJECTED,
        reply("written", "SECOND DRAFT", title="b"),
        APPROVED,
    )
    project.step(thread, agent, "--until-done")
    assert "What happened since your last visit" in agent.prompt(4)
    assert "SECOND DRAFT" in agent.prompt(4) and "FIRST DRAFT" not in agent.prompt(4)
    assert "You have been here once before" in agent.prompt(4)


def test_the_story_is_held_to_its_quota(project: Project) -> None:
    project("config", "set", "prompt.history_chars", "1000")
    thread = project.begin(REVIEW)
    agent = project.agent(reply("written", "x" * 5000, title="long"), APPROVED)
    project.step(thread, agent, "--until-done")
    story = agent.prompt(2).partition("## The story so far")[2].partition("## Your instruction")[0]
    assert 900 < story.count("x") <= 1000
    assert "uwf step read" in story


def test_the_session_a_role_returned_comes_back_to_it_and_to_no_other(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(
        reply("written", title="x", session="w-1"), REJECTED, WRITTEN, REJECTED, WRITTEN
    )
    project.step(thread, agent, "-c", "5")
    sessions = [agent.environ(call).get("UWF_SESSION") for call in (1, 2, 3, 4, 5)]
    assert sessions == [None, None, "w-1", None, "w-1"]
    assert all("session" not in row["output"] for row in project.steps(thread))


def test_a_fork_and_an_undo_hand_the_session_on_to_be_forked(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(reply("written", title="x", session="w-1"), REJECTED, WRITTEN)
    project.step(thread, agent, "-c", "2")
    fork = project("thread", "fork", thread, "--json").json["thread"]
    project.step(fork, agent)
    project.step(thread, agent)
    project("thread", "undo", thread)
    project.step(thread, agent)
    environs = [agent.environ(call) for call in (3, 4, 5)]
    assert [each["UWF_SESSION"] for each in environs] == ["w-1", "w-1", "w-1"]
    assert [each.get("UWF_SESSION_FORK") for each in environs] == ["1", None, "1"]


def test_a_location_is_rendered_and_taken_from_the_threads_folder(project: Project) -> None:
    moving = REVIEW.replace(
        "written: {role: reviewer,", 'written: {role: reviewer, location: "tree/{{ title }}",'
    )
    (project.cwd / "tree" / "A tale").mkdir(parents=True)
    thread = project.begin(moving)
    agent = project.agent(WRITTEN, REJECTED, WRITTEN)
    project.step(thread, agent, "-c", "3")
    assert [agent.folder(call) for call in (1, 2, 3)] == [
        str(project.cwd),
        str(project.cwd / "tree" / "A tale"),
        str(project.cwd),
    ]
    step = project("step", "show", f"{thread}/reviewer@1", "--json").json
    assert step["cwd"] == str(project.cwd / "tree" / "A tale")


def test_an_absolute_location_is_taken_as_it_is(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "else where"
    place.mkdir()
    moving = REVIEW.replace(
        "written: {role: reviewer,", 'written: {role: reviewer, location: "{{ title }}",'
    )
    thread = project.begin(moving)
    agent = project.agent(reply("written", title=str(place)), APPROVED)
    project.step(thread, agent, "--until-done")
    assert agent.folder(2) == str(place)


def test_an_agent_has_its_own_settings_in_its_environment(project: Project) -> None:
    agent = project.agent(reply())
    project.home.mkdir()
    (project.home / "config.toml").write_text(
        f'default_agent = "mine"\n[agents.mine]\ncommand = "{agent.command}"\n'
        '[agents.mine.env]\nMODEL = "small"\nAPI_KEY = "k-123456789"\n'
    )
    thread = project.begin()
    project("thread", "exec", thread)
    assert agent.environ(1)["MODEL"] == "small"
    assert agent.environ(1)["API_KEY"] == "k-123456789"


def test_what_forces_colours_is_not_handed_on(project: Project) -> None:
    agent = project.agent(reply())
    project.home.mkdir()
    (project.home / "config.toml").write_text(
        f'default_agent = "mine"\n[agents.mine]\ncommand = "{agent.command}"\n'
        '[agents.mine.env]\nPY_COLORS = "1"\n'
    )
    thread = project.begin()
    env = {"FORCE_COLOR": "3", "CLICOLOR_FORCE": "1", "PY_COLORS": "2", "COLORTERM": "truecolor"}
    project("thread", "exec", thread, env=env)
    found = {name: value for name, value in agent.environ(1).items() if "COLOR" in name}
    found.pop("NO_COLOR", None)  # of whoever runs this
    assert found == {"COLORTERM": "truecolor", "PY_COLORS": "1"}  # the one that the config names


def test_secrets_reach_the_agent_and_never_the_store(project: Project) -> None:
    secret = "s3cr3t-0123456789"
    script = 'cat >/dev/null; echo "$DEPLOY_TOKEN" >&2; echo "$DEPLOY_TOKEN"; exit 1'
    leaking = project.program("leaking", script)
    agent = project.agent(reply("done", f"I used {secret}", note=secret))
    thread = project.begin(ONE)
    env = {"DEPLOY_TOKEN": secret}
    words = ("thread", "exec", thread, "--agent", leaking)
    project(*words, "--supplement", f"it is {secret}", env=env, expect=6)
    project("thread", "resume", thread, "--agent", agent.command, env=env)
    assert agent.environ(1)["DEPLOY_TOKEN"] == secret
    assert secret not in agent.prompt(1) and "it is [redacted:DEPLOY_TOKEN]" in agent.prompt(1)
    step = project("step", "show", thread, "--json")
    assert step.json["output"]["note"] == "[redacted:DEPLOY_TOKEN]"
    assert step.json["body"] == "I used [redacted:DEPLOY_TOKEN]\n"
    for words in (("step", "turns", thread), ("thread", "read", thread), ("thread", "log", thread)):
        assert secret not in project(*words, "--json").out
    kept = [path for path in project.home.rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in kept)


@pytest.mark.parametrize("place", [".uwf", ".", ".workflows", ".workflows/.uwf"])
def test_a_project_folder_cannot_name_an_agent(project: Project, place: str) -> None:
    evil = program(project.cwd / "evil", "touch evil-ran; exit 1")
    project.file(
        f"{place}/config.toml", f'default_agent = "evil"\n[agents.evil]\ncommand = "{evil}"\n'
    )
    thread = project.begin()
    done = project("thread", "exec", thread, "--json", expect=5)
    assert done.error["code"] == "no_agent"
    done = project("thread", "exec", thread, "--agent", "evil", "--json", expect=5)
    assert "not found on PATH" in done.error["message"]
    assert project("agent", "list", "--json").json == []
    assert not (project.cwd / "evil-ran").exists()


def test_a_workflow_file_cannot_name_an_agent(project: Project) -> None:
    evil = program(project.cwd / "evil", "touch evil-ran; exit 1")
    keys = f"agent: {evil}\n    command: {evil}\n    "
    thread = project.begin(ONE.replace("description: Does", f"{keys}description: Does"))
    project("thread", "exec", thread, expect=5)
    assert not (project.cwd / "evil-ran").exists()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux lists descriptors")
def test_an_agent_holds_neither_the_store_nor_the_lock_of_its_thread(project: Project) -> None:
    script = "cat >/dev/null; ls -l /proc/self/fd >fds; exit 1"
    thread = project.begin()
    project("thread", "exec", thread, "--agent", project.program("nosy", script), expect=6)
    held = (project.cwd / "fds").read_text()
    assert "/proc/" in held and "store.db" not in held and "threads.lock" not in held


def test_a_secret_is_in_no_form_and_no_place_of_the_store(project: Project) -> None:
    token, inline = "tok_Abcdef123456", "sk-live-INLINE99"
    encoded = base64.b64encode(f"x:{token}".encode()).decode()
    env = {"MY_TOKEN": token}
    agent = project.agent(reply("done", f"{inline} or {encoded}", note=quote(f"{token}/?")))
    folder = project.cwd / f"for-{token}"
    folder.mkdir()
    flow = project.file("one.yaml", ONE.replace("Does the task.", f"Uses {token}."))
    words = ("thread", "start", flow, "-p", f"Use {token}.", "--cwd", folder, "-q")
    started = project(*words, "--label", f"of={token}", env=env)
    for what in ("the task", "workflow one", "a label", "the name of the working directory"):
        assert f"warning: {what} holds a secret" in started.err
    thread = started.out.strip()
    project("workflow", "add", flow, env=env)
    project("cas", "put", "-", input=encoded, env=env)
    words = ("thread", "exec", thread, "--agent", f"{agent.command} --api-key {inline}")
    project(*words, "--supplement", f"or {token}", env=env)
    assert agent.folder(1) == str(folder)
    kept = b"".join(path.read_bytes() for path in project.home.glob("store.db*"))
    told = [project(*words).out for words in (("thread", "read", thread), ("step", "list", thread))]
    told += [project("thread", "export", thread).out, agent.prompt(1)]
    for secret in (token, inline, encoded[4:-4]):
        assert secret.encode() not in kept
        assert all(secret not in text for text in told)


def test_an_ordinary_word_is_hidden_nowhere(project: Project) -> None:
    """What every web project sets for its database in a container."""
    flow = ONE.replace("{const: done}", "{enum: [postgres, sqlite]}")
    flow = flow.replace("done: {role", "postgres: {role: $END}, sqlite: {role")
    agent = project.agent(reply("postgres", "I took postgres.", note="postgres"))
    thread = project.begin(flow, task="Is it postgres?")
    env = {"POSTGRES_PASSWORD": "postgres"}
    project("thread", "exec", thread, "--agent", agent.command, env=env)
    assert "`$status` is one of: `postgres`, `sqlite`" in agent.prompt(1)
    [step] = project.steps(thread)
    assert step["output"] == {"$status": "postgres", "note": "postgres"}
