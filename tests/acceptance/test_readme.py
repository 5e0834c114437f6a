"""The first thread of the README, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.helpers.project import Project

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_agent_of_the_readme_plays_both_roles_of_its_workflow(project: Project) -> None:
    script = re.search(r"^```sh\n#!/bin/sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    workflow = re.search(r"<<'YAML'\n(.*?)^YAML$", README, re.MULTILINE | re.DOTALL)
    assert script is not None and workflow is not None
    project.file(".workflows/greet.yaml", workflow[1])
    project("workflow", "validate", ".workflows/greet.yaml")
    thread = project("thread", "start", "greet", "-p", "Greet them.", "-q").out.strip()
    lines = project.step(thread, project.program("my-agent", script[1]), "--until-done")
    assert [line["stepStatus"] for line in lines] == ["written", "kind"]
    assert lines[-1]["status"] == "completed"
    assert project.show(thread)["usage"] == {"tokens": 1200, "usd": 0.03}
