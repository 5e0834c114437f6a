"""`uwf workflow try`, and the agent that plays a file."""

from __future__ import annotations

import re
from pathlib import Path

from tests.helpers.project import REVIEW, Project

GUIDE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text()


def scenario() -> str:
    found = re.search(r"^```yaml\n(# review\.scenario.*?)^```", GUIDE, re.M | re.S)
    assert found is not None
    return found[1]


def test_every_edge_is_walked_and_its_prompt_printed(project: Project) -> None:
    project.file(".workflows/review.yaml", REVIEW)
    done = project("workflow", "try", "review")
    assert "==== 1. $START → new → writer\n" in done.out
    assert "Review sample title" in done.out
    assert "---- reply: $status: rejected, why: sample why" in done.out
    assert "5 of 5 edges walked" in done.err
    document = project("workflow", "try", "review", "--json").json
    assert {
        "source": "reviewer",
        "status": "approved",
        "target": "$END",
        "walked": True,
    } in document["edges"]
    assert document["steps"][0]["prompt"].startswith("## How to reply")
    assert project("workflow", "try", "review", "-q").out == ""
    assert not project.home.exists()


def test_what_is_not_walked_is_an_error_with_the_way_out(project: Project) -> None:
    odd = REVIEW.replace(
        "title: {type: string}", "title: {type: string, pattern: '^[A-Z]{3}x[0-9]$'}"
    )
    project.file(".workflows/review.yaml", odd)
    done = project("workflow", "try", "review", "--json", expect=2)
    assert done.error["code"] == "not_walked"
    assert "title" in done.error["message"]
    assert done.error["hint"] == "uwf workflow try review --scenario FILE"
    project.file("s.yaml", "writer: [{reply: {$status: written, title: ABCx1}}]")
    project("workflow", "try", "review", "--scenario", "s.yaml")
    project.file("s.yaml", "writer: [{fails: network}]")
    done = project("workflow", "try", "review", "--scenario", "s.yaml", expect=2)
    assert "the last step came to nothing" in done.err


def test_the_scenario_of_the_guide_is_played_in_a_trial_and_by_an_agent(project: Project) -> None:
    project.file(".workflows/review.yaml", REVIEW)
    file = project.file("review.scenario.yaml", scenario())
    tried = project("workflow", "try", "review", "--scenario", file, "--json").json
    said = [(step["role"], (step["output"] or {}).get("$status")) for step in tried["steps"]]
    assert said[-1] == ("reviewer", "approved")
    assert ("writer", None) in said, "one try fails"
    project("config", "set", "agents.fake.kind", "mock")
    project("config", "set", "agents.fake.scenario", str(file))
    project("config", "set", "retry.base", "10ms")
    project("config", "set", "default_agent", "fake")
    thread = project("thread", "start", "review", "-p", "x", "-q").out.strip()
    lines = project("thread", "exec", thread, "--until-done", "--json").json_lines
    assert [(line["role"], line["stepStatus"]) for line in lines] == [
        each for each in said if each[1]
    ]
    assert project.show(thread)["usage"] == {"tokens": 1200, "usd": 0.03}
    assert project("agent", "check", "fake", "--json").json[0]["ok"] is True
    file.write_text("writer: [{tex: x}]")
    [row] = project("agent", "check", "fake", "--json", expect=5).json
    assert "line 1" in row["reason"]
