"""Events from outside, with the real command: sources that are asked, the spool folder, and the recipe of a review."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import fake_forge
from tests.helpers.fake_forge import REPO, SECRET, FakeForge, Weather, free_port, post
from tests.helpers.project import Project, is_alive, reply, until
from tests.helpers.serving import Serving

FIX = """\
version: 1
name: fix
description: One opens a pull request, and answers what is said about it.
roles:
  worker:
    description: Does the task.
    frontmatter:
      type: object
      properties: {$status: {const: done}}
      required: [$status]
graph:
  $START:
    new: {role: worker, prompt: Do it and open a pull request.}
    resume: {role: worker, prompt: Answer what was said about it.}
  worker: {done: {role: $END}}
"""

WORKER = """\
at=$(dirname "$0")
n=$(($(cat "$at/count" 2>/dev/null || echo 0) + 1))
cat >"$at/prompt.$n"
echo $n >"$at/count"
[ $n -gt 1 ] || uwf thread set "$UWF_THREAD" --label pr=42 >/dev/null
printf -- '---\\n$status: done\\n---\\nDone, round %s.\\n' "$n"
"""

GUIDE = Path(__file__).parents[2] / "docs" / "daemon.md"


def triggers_of_the_guide() -> str:
    """The triggers of the recipe as it is written down, which here wait for seconds in place of minutes."""
    recipe = GUIDE.read_text().partition("## A review wakes")[2]
    config = recipe.partition("```toml\n")[2].partition("```")[0]
    return config[config.index("[[triggers]]") :].replace('"5m"', '"1s"')


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    yield from fake_forge.running(lambda: FakeForge(token="of-the-forge"))


class World:
    """A project whose configuration has the forge as source `shop`."""

    def __init__(self, project: Project, forge: FakeForge) -> None:
        self.project, self.forge = project, forge
        self.port = free_port()
        self.env = {"SHOP_TOKEN": "of-the-forge", "SHOP_SECRET": SECRET.decode()}
        self.env["UWF_HOOK_TOKEN"] = "of-a-program"
        project.environ.update(self.env)
        project.home.mkdir(exist_ok=True)
        self.config = project.home / "config.toml"
        self.config.write_text(
            f'[daemon]\nlisten = "127.0.0.1:{self.port}"\ntokens = ["UWF_HOOK_TOKEN"]\n'
            f'[[sources]]\nname = "shop"\nkind = "github"\nrepo = "{REPO}"\nurl = "{forge.url}"\n'
            'token = "SHOP_TOKEN"\nsecrets = ["SHOP_SECRET"]\nevery = "5s"\n'
        )
        self.daemon: Serving | None = None

    def serve(self) -> Serving:
        self.daemon = Serving(self.project).leads()
        return self.daemon

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def hook(self, call: fake_forge.WebhookCall) -> int:
        """Deliver it, once the daemon listens, which it does in its first round."""
        until(self._listens)
        return post(f"http://127.0.0.1:{self.port}/hooks/shop", *call)[0]

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.project("event", "list", "--json").json
        return found


@pytest.fixture
def world(project: Project, forge: FakeForge) -> Iterator[World]:
    world = World(project, forge)
    yield world
    if world.daemon is not None and world.daemon.process.poll() is None:
        world.daemon.kill()


def test_sources_are_listed_paused_and_resumed(world: World) -> None:
    project = world.project
    [row] = project("source", "list", "--json").json
    assert (row["source"], row["kind"], row["state"], row["of"]) == ("shop", "github", "new", REPO)
    assert project("source", "list").out.split()[:4] == ["SOURCE", "KIND", "STATE", "OF"]
    assert project("source", "list", "-q").out == "shop\n"
    assert project("source", "pause", "shop", "--json").json["state"] == "paused"
    assert project("source", "list", "--json").json[0]["state"] == "paused"
    assert project("source", "resume", "shop").out == "shop is asked again\n"
    assert project("source", "resume", "shop").out == "shop was not paused\n"
    missing = project("source", "pause", "shpo", "--json", expect=4)
    assert missing.error["code"] == "no_such_source"
    assert "did you mean shop?" in missing.error["message"]
    world.config.unlink()
    said = project("source", "list").err
    assert "no source is configured" in said and "config.toml" in said


def test_a_trial_asks_delivers_and_sees_it_come_back(world: World) -> None:
    project = world.project
    done = project("source", "test", "shop", "--json").json
    assert [(step["step"], step["ok"]) for step in done["steps"]] == [
        ("ask", True),
        ("deliver", True),
        ("decide", True),
        ("list", True),
    ]
    assert project("event", "show", done["event"], "--json").json["name"] == "source.test"
    world.serve()
    done = project("source", "test", "shop", "--json").json
    assert f"taken in by http://127.0.0.1:{world.port}/hooks/shop" in done["steps"][1]["text"]
    assert done["ok"]
    assert project("source", "test", "endpoint", "--json").json["ok"]
    assert project("source", "test", "spool", "--json").json["ok"]


def test_a_trial_that_fails_says_what_is_wrong(world: World) -> None:
    project = world.project
    project.environ["SHOP_TOKEN"] = "wrong"
    done = project("source", "test", "shop", "--json", expect=5)
    assert not done.json["ok"] and done.json["event"] is None
    assert "the token is not accepted" in done.error["message"]
    assert "of-the-forge" not in done.out + done.err
    failed = project("source", "test", "endpoint", expect=5)
    assert "no daemon listens" in failed.err and "hint: uwf daemon run" in failed.err
    del project.environ["SHOP_TOKEN"]
    failed = project("source", "test", "shop", expect=5)
    assert "SHOP_TOKEN is not set" in failed.err
    project("source", "test", "nowhere", expect=4)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ('kind = "githob"', "none of github, gitea, command, file"),
        ('kind = "github"\nrpeo = "a/b"', "did you mean sources.shop.repo?"),
        ('kind = "github"', "a source of kind github needs a repo"),
        ('kind = "github"\nrepo = "a/b"\ntoken = "ghp_1234567890"', "not what stands in it"),
        ('kind = "command"\ncommand = "./here"', "absolute path"),
        ('kind = "file"\npath = "/x"\nrepo = "a/b"', "repo is for github and gitea"),
        (
            'kind = "github"\nrepo = "a/b"\n[[sources]]\nname = "two"\nkind = "github"\nrepo = "A/b"',
            "A/b is asked as shop already",
        ),
    ],
)
def test_a_source_that_is_wrong_is_refused_with_its_line(
    project: Project, wrong: str, why: str
) -> None:
    project.home.mkdir(exist_ok=True)
    file = project.home / "config.toml"
    file.write_text(f'[limits]\nmax_steps = 7\n[[sources]]\nname = "shop"\n{wrong}\n')
    for words in (("source", "list"), ("daemon", "run"), ("config", "list")):
        done = project(*words, expect=2)
        assert why in done.err
        assert re.search(rf"{re.escape(str(file))}:[3-9]: ", done.err)


def test_a_file_in_the_spool_folder_is_an_event(world: World) -> None:
    project = world.project
    world.config.write_text("")
    folder = project.home / "events"
    folder.mkdir()
    (folder / "1.json").write_text('{"name": "deploy.done", "id": "d-1"}')
    (folder / "2.json").write_text("nonsense")
    (folder / ".3.json").write_text('{"name": "half')
    world.serve()
    until(lambda: not (folder / "1.json").exists())
    assert [row["name"] for row in world.events()] == ["deploy.done"]
    status = world.daemon and world.daemon.status()
    assert status is not None
    [aside] = [one for one in status["quarantine"] if one["kind"] == "spool"]
    assert aside["name"] == "2.json" and "is not JSON" in aside["why"]
    assert "events/2.json was no event" in project("source", "list").err
    assert (folder / ".3.json").exists()


def test_the_daemon_says_how_its_sources_stand(world: World) -> None:
    daemon = world.serve()
    until(lambda: daemon.status()["sources"][0]["state"] == "ok")
    world.config.write_text(world.config.read_text().replace("/shop", "/other"))
    assert daemon.status()["sources"][0]["of"] == "octo/other"


def test_a_review_wakes_the_thread_that_made_the_pull_request(world: World) -> None:
    """The recipe of docs/daemon.md, from a made pull request to the second answer, in bad weather."""
    project, forge = world.project, world.forge
    with world.config.open("a") as config:
        config.write(triggers_of_the_guide())
    command = project.program("worker/agent", WORKER)
    folder = project.home.parent / "bin" / "worker"
    project("config", "set", "agents.worker.command", command)
    project("config", "set", "default_agent", "worker")
    thread = project.begin(FIX)
    project("thread", "exec", thread, "--until-done")
    assert project.show(thread)["status"] == "completed"
    forge.open_pull(42)
    world.serve()
    weather = Weather(7)
    said = [f"words {number}." for number in range(6)]
    for at, body in enumerate(said):
        if at % 2:
            forge.comment(42, body, "ben")
        else:
            forge.review(42, "changes_requested", body, "ann")
        for call in weather.through(forge.deliveries):
            assert world.hook(call) in (200, 202)
        forge.deliveries.clear()

    def heard() -> list[str]:
        prompts = [path.read_text() for path in sorted(folder.glob("prompt.*"))]
        return re.findall(r"words \d\.", "".join(prompts[1:]))

    until(lambda: set(heard()) == set(said), within_s=60)
    until(lambda: project.show(thread)["status"] == "completed", within_s=60)
    rows = project.steps(thread)
    assert rows[-1]["round"] >= 2 and {row["role"] for row in rows} == {"worker"}
    again = [text for step in rows[1:] for text in told(project, step["step"])]
    assert sorted(re.findall(r"words \d\.", " ".join(again))) == said
    assert all(row["state"] in ("told", "ignored") for row in world.events())


def told(project: Project, step: str) -> list[str]:
    shown = project("step", "show", step, "--json").json
    return [word["text"] for word in shown["told"]]


def test_a_payload_of_another_is_refused_and_the_daemon_goes_on(world: World) -> None:
    world.serve()
    bad = fake_forge.signed("github", "issue_comment", "d-1", {"a": 1}, secret=b"another")
    assert world.hook(bad) == 401
    deep = b"[" * 50_000
    assert world.hook(fake_forge.WebhookCall(bad.headers, deep)) == 401
    url = f"http://127.0.0.1:{world.port}/events"
    headers = {"Authorization": "Bearer of-a-program", "Content-Type": "application/json"}
    assert post(url, headers, deep)[0] == 400
    assert post(url, headers, b"x" * (10 << 20))[0] == 413
    body = json.dumps({"name": "deploy.done", "id": "d-1"}).encode()
    assert post(url, headers, body)[0] == 202
    assert post(url, headers, body)[0] == 200
    assert [row["name"] for row in world.events()] == ["deploy.done"]


@pytest.mark.parametrize("manner", ["killed", "ended"])
def test_a_command_ends_with_its_daemon(world: World, manner: str) -> None:
    """What it has forked away too: at once, or by the check for orphans where the daemon was killed."""
    pids = world.project.home.parent / "pids"
    script = f"(setsid sh -c 'echo $$ >>{pids}; exec sleep 100' &) & echo $$ >>{pids}; sleep 100"
    with world.config.open("a") as config:
        words = json.dumps(["sh", "-c", script])
        config.write(f'[[sources]]\nname = "ci"\nkind = "command"\ncommand = {words}\n')
    daemon = world.serve()
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    alive = [int(pid) for pid in pids.read_text().split()]
    assert all(map(is_alive, alive))
    if manner == "ended":
        daemon.end()
    else:
        daemon.kill()
        until(lambda: sum(map(is_alive, alive)) == 1)
        world.project("doctor", "--repair", "--only", "orphan")
    assert not any(map(is_alive, alive))


def test_a_line_in_a_crontab_takes_in_as_well(world: World) -> None:
    """Without a daemon: the spool folder, a source that is due, and a look before the run."""
    project, forge = world.project, world.forge
    with world.config.open("a") as config:
        config.write(triggers_of_the_guide().replace('debounce = "1s"\n', ""))
    agent = project.agent(reply("done"))
    project("config", "set", "agents.all.command", agent.command)
    project("config", "set", "default_agent", "all")
    thread, other = project.begin(FIX, "--label", "pr=42"), project.begin(FIX, "--label", "pr=43")
    for number in (42, 43):
        forge.open_pull(number)
    forge.comment(42, "Too long.", "ben")
    gone = forge.comment(43, "Never mind.", "ben")
    folder = project.home / "events"
    folder.mkdir()
    (folder / "1.json").write_text('{"name": "deploy.done"}')
    project("source", "test", "shop")  # asks, and decides
    forge.delete(43, gone)
    said = project("thread", "run", "--due")
    assert f"{other} is not told of shop/43/comment/" in said.err
    assert "Too long." in agent.prompt(1)
    assert agent.calls == 1
    assert project.show(thread)["status"] == "completed"
    assert project.show(other)["status"] == "idle"
    names = sorted(row["name"] for row in world.events())
    assert names == ["deploy.done", "github.comment", "github.comment", "source.test"]
    [dropped] = [row for row in world.events() if row["reason"] == "no_longer_so"]
    assert dropped["state"] == "ignored"
    assert not list(folder.glob("*.json"))
