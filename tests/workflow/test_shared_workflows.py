"""Files that other people wrote validate, and every status of every role in them leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from uwf.workflow.load import load
from uwf.workflow.model import from_payload, to_payload
from uwf.workflow.reply_schema.check import reply_problems
from uwf.workflow.reply_schema.sample import examples
from uwf.workflow.route import ToEnd, ToRole, ToSuspend, entry, route

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "workflows"
FILES = sorted(FOLDER.glob("**/*.yaml"))

pytestmark = pytest.mark.skipif(not FILES, reason="the shared workflow files are not here")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_every_status_of_every_role_leads_somewhere(file: Path) -> None:
    workflow = load(str(file)).workflow
    workflow = from_payload(to_payload(workflow))
    for round in (1, 2):
        assert isinstance(entry(workflow, round, {"_body": "the task"}), ToRole)
    ends = 0
    for role in workflow.roles.values():
        for status, example in examples(role.schema).items():
            assert reply_problems(role.schema, example) == []
            step = route(workflow, role.name, status, {**example, "_body": "the body"})
            assert isinstance(step, (ToRole, ToEnd, ToSuspend))
            assert "{{" not in str(step)
            ends += isinstance(step, ToEnd)
    assert ends


@pytest.mark.parametrize("name", ["debate", "solve-issue", "suspend"])
def test_older_dialects_come_with_warnings(name: str) -> None:
    warnings = load(str(FOLDER / "older" / f"{name}.yaml")).warnings
    assert any(problem.code.startswith("old_") for problem in warnings)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: str(file.name))
def test_todays_files_have_no_warning_about_their_dialect(file: Path) -> None:
    codes = {problem.code for problem in load(str(file)).warnings}
    assert codes <= {"task_variable", "optional_variable"}
