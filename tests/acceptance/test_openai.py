"""A workflow that a model over HTTP runs, from the config to the store."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.fake_model import FakeModel, serving
from tests.helpers.project import APPROVED, ONE, REVIEW, WRITTEN, Project, reply, until

KEY = "sunny-side-7"
EVENTS = {"content-type": "text/event-stream"}


def event(said: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(said).encode()


def streamed(text: str) -> tuple[bytes, ...]:
    used = {"prompt_tokens": 100, "completion_tokens": 7}
    return (
        event({"model": "small", "choices": [{"delta": {"content": text[:9]}}]}),
        event({"choices": [{"delta": {"content": text[9:]}, "finish_reason": "stop"}]}),
        event({"choices": [], "usage": used}),
        b"data: [DONE]\n\n",
    )


@pytest.fixture
def model(project: Project) -> Iterator[FakeModel]:
    """One that the config of a project names."""
    with serving() as model:
        project.home.mkdir()
        (project.home / "config.toml").write_text(
            f"""\
default_agent = "local"
[retry]
attempts = 0
[agents.local]
kind = "openai"
base_url = "{model.url}/v1"
model = "small"
key_env = "MY_MODEL"
[agents.local.prices.small]
input = 1000
output = 1000
""",
        )
        project.environ["MY_MODEL"] = KEY
        yield model


def test_a_workflow_runs_to_its_end(project: Project, model: FakeModel) -> None:
    for text in (WRITTEN, reply("what"), APPROVED):
        model.will(*streamed(text), headers=EVENTS)
    thread = project.begin(REVIEW)
    lines = project("thread", "exec", thread, "--until-done", "--json").json_lines
    assert [line["stepStatus"] for line in lines] == ["written", "approved"]
    assert project.show(thread)["usage"] == {"tokens": 321, "usd": 0.321}
    first, second, third = (asked["body"]["messages"] for asked in model.asked)
    assert [len(each) for each in (first, second, third)] == [1, 1, 1], "each prompt is whole"
    assert "Your last reply was not accepted" in third[0]["content"]
    assert second[0]["content"] in third[0]["content"]
    assert project("agent", "list", "--json").json[0]["kind"] == "openai"
    assert project("agent", "check", "--json").json[0]["ok"] is True


def test_its_key_stands_nowhere(project: Project, model: FakeModel) -> None:
    refusal = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    model.will(json.dumps(refusal).encode(), status=401)
    thread = project.begin(ONE)
    done = project("thread", "exec", thread, "--json", expect=6)
    assert done.json["error"]["code"] == "authentication"
    assert "Incorrect API key provided: [redacted:MY_MODEL]" in done.json["error"]["message"]
    assert model.asked[0]["headers"]["authorization"] == f"Bearer {KEY}"
    kept = [path.read_bytes() for path in project.home.rglob("*") if path.is_file()]
    assert not [data for data in kept if KEY.encode() in data]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_what_it_said_before_an_end_is_kept(
    project: Project, model: FakeModel, signum: int
) -> None:
    over = threading.Event()
    text = event({"model": "small", "choices": [{"delta": {"content": "Half a reply"}}]})
    model.will(text, lambda: over.wait(20), headers=EVENTS)
    thread = project.begin(ONE)
    run = project.start("thread", "exec", thread, stderr=subprocess.DEVNULL)
    until(lambda: [turn for turn in project.turns(thread) if "Half" in turn["text"]])
    run.send_signal(signum)
    assert run.wait(20) == (-signum if signum == signal.SIGKILL else 128 + signum)
    over.set()
    model.will(*streamed(reply()), headers=EVENTS)
    project("thread", "exec", thread)
    assert project.show(thread)["status"] == "completed"
    [step] = project.steps(thread)
    assert len(step["attempts"]) == 1
