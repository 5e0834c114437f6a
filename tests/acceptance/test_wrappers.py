"""The configs and the wrappers of docs/agents.md, as they stand there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.helpers.fake_model import serving
from tests.helpers.project import Project, program, reply
from uwf import config

GUIDE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text()
WRAPPERS = dict(re.findall(r"^### ([^\n:]+)[^\n]*\n.*?^```\w+\n(.*?)^```", GUIDE, re.M | re.S))
"""The first program below a heading, by its first word."""

TESTED = """\
version: 1
name: tested
description: One runs the tests.
roles:
  worker:
    description: Runs them.
    frontmatter:
      type: object
      properties: {$status: {enum: [done, passed, failed]}}
      required: [$status]
graph:
  $START: {new: {role: worker, prompt: Do it.}}
  worker: {done: {role: $END}, passed: {role: $END}, failed: {role: $END}}
"""

GEMINI = """\
read prompt
echo "$*" >> "$0.args"
if [ -e "$0.fails" ]; then
    echo '{"type":"result","status":"error","error":{"message":"401 Unauthorized"},"stats":{"total_tokens":0}}'
    exit 145
fi
if [ -e "$0.breaks" ]; then lines=8; else lines=9; fi
head -n $lines <<'END'
Data collection is disabled.
{"type":"init","timestamp":"2026-11-29T20:34:01.999Z","session_id":"27104abb","model":"gemini-2.5-flash"}
{"type":"message","role":"user","content":"Do it."}
{"type":"message","role":"assistant","content":"I look.","delta":true}
{"type":"tool_use","tool_name":"read_file","tool_id":"t1","parameters":{"path":"x"}}
{"type":"tool_result","tool_id":"t1","status":"success","output":"it stands there"}
{"type":"message","role":"assistant","content":"---\\n$status: done\\n---\\n","delta":true}
{"type":"message","role":"assistant","content":"Done.","delta":true}
{"type":"result","status":"success","stats":{"total_tokens":108,"input_tokens":101,"output_tokens":7}}
END
"""
"""What Gemini CLI 0.61.0 says."""


CONFIGS = [
    each for each in re.findall(r"^```toml\n(.*?)^```", GUIDE, re.M | re.S) if "[agents." in each
]


@pytest.mark.parametrize("text", CONFIGS)
def test_each_config_can_be_pasted(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    assert config.load(str(tmp_path)).agents


@pytest.fixture
def wrapper(project: Project, request: pytest.FixtureRequest) -> str:
    """The one that a test names, as the agent of a project."""
    path = project.home.parent / "bin" / "wrapper"
    program(path, "")
    path.write_text(WRAPPERS[request.param])
    return str(path)


@pytest.mark.parametrize("wrapper", ["A shell script"], indirect=True)
def test_the_shell_script(project: Project, wrapper: str) -> None:
    thread = project.begin(TESTED)
    [line] = project.step(thread, wrapper, expect=6)
    assert line["error"]["message"].endswith("there is no Makefile here")
    project.file("Makefile", "test:\n\techo all is well\n")
    project("thread", "retry", thread, "--agent", wrapper)
    turns = [(turn["kind"], turn["text"]) for turn in project.turns(thread)]
    assert turns[:2] == [("tool", "make test {}"), ("tool_result", "passed")]
    assert project.steps(thread)[0]["status"] == "passed"
    assert "all is well" in project("step", "read", thread).out


@pytest.mark.parametrize("wrapper", ["Python"], indirect=True)
def test_the_one_for_gemini(project: Project, wrapper: str) -> None:
    gemini = project.program("gemini", GEMINI)
    project.environ["PATH"] = f"{Path(gemini).parent}:{project.environ['PATH']}"
    thread = project.begin(TESTED)
    project.step(thread, wrapper)
    assert [(turn["kind"], turn["text"]) for turn in project.turns(thread)] == [
        ("text", "I look."),
        ("tool", 'read_file {"path": "x"}'),
        ("tool_result", "it stands there"),
        ("text", "---\n$status: done\n---\n"),
        ("text", "Done."),
    ]
    assert project.show(thread)["usage"] == {"tokens": 108}
    project.step(thread, wrapper, "--supplement", "Once more.", verb="resume")
    args = Path(f"{gemini}.args").read_text().splitlines()
    assert ["--resume 27104abb" in line for line in args] == [False, True]
    Path(f"{gemini}.fails").touch()
    [line] = project.step(thread, wrapper, "--supplement", "And again.", verb="resume", expect=6)
    assert line["error"]["code"] == "authentication"
    Path(f"{gemini}.fails").rename(f"{gemini}.breaks")
    [line] = project.step(thread, wrapper, verb="resume", expect=6)
    assert line["error"]["code"] == "exit_code", "half of a reply is none"


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
@pytest.mark.parametrize("wrapper", ["curl"], indirect=True)
def test_the_one_for_a_local_model(project: Project, wrapper: str) -> None:
    with serving() as model:
        project.environ["MODEL_URL"] = f"{model.url}/v1"
        answer = {"choices": [{"message": {"content": reply("done", "Hello.")}}]}
        model.will_say({**answer, "model": "qwen3:8b", "usage": {"total_tokens": 41}})
        thread = project.begin(TESTED)
        project.step(thread, wrapper)
        asked = model.asked[0]
        assert asked["path"] == "/v1/chat/completions"
        assert "Do it." in asked["body"]["messages"][0]["content"]
        assert project.show(thread)["usage"] == {"tokens": 41}
        model.will_say({"error": {"message": "you may not"}}, status=403)
        [line] = project.step(thread, wrapper, "--supplement", "x", verb="resume", expect=6)
        assert (line["error"]["code"], line["error"]["message"]) == (
            "authentication",
            f"agent {wrapper}: its service answers 403: you may not",
        )
    project("config", "set", "retry.attempts", "0")
    project.step(thread, wrapper, verb="resume", expect=75)
