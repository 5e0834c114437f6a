"""A workflow file, read and checked as a whole.

    load(path) → Loaded(workflow, warnings), or WorkflowInvalid with every problem

The steps are one module each: `find` (the text), `yaml12` (values with places), `include`, `parse`
(the format), `validate` (the meaning), `dialect` (older files). Whatever the file holds, nothing
else than WorkflowInvalid comes out.
"""

from __future__ import annotations

from uwf import yaml12
from uwf.errors import WorkflowInvalid
from uwf.record import Record
from uwf.workflow import dialect, find, validate
from uwf.workflow.include import Includes
from uwf.workflow.model import Workflow
from uwf.workflow.parse import to_workflow
from uwf.workflow.problem import ERROR, Problems, WorkflowProblem
from uwf.yaml12 import SourceMark


class Loaded(Record):
    """A workflow that can run, in today's dialect, and what its author should still know."""

    workflow: Workflow
    warnings: tuple[WorkflowProblem, ...]


def load(path: str) -> Loaded:
    """The workflow in the file. WorkflowInvalid carries all problems, errors and warnings, by line."""
    problems = Problems()
    try:
        text = find.read_text(path)
    except find.FileUnreadable as error:
        problems.error(error.code, error.text, SourceMark(path, error.line, 1))
        message = f"cannot read the workflow file {path}: {error.text}"
        raise WorkflowInvalid(message, problems.sorted(path)) from error
    return parse(text, path, problems)


def parse(text: str, path: str, problems: Problems | None = None) -> Loaded:
    """Like `load`, for the text of the file at `path`."""
    problems = problems or Problems()
    try:
        document = yaml12.read(text, name=path, include=Includes(path, problems))
    except yaml12.YamlInvalid as error:
        for fault in error.faults:
            problems.error("bad_yaml", fault.text, fault.mark)
        raise _invalid(path, problems) from error
    for fault in document.faults:
        problems.error("bad_yaml", fault.text, fault.mark)
    workflow = to_workflow(document, problems)
    if workflow is not None:
        validate.check(workflow, document, path, problems)
    if workflow is None or problems.has_errors:
        raise _invalid(path, problems)
    return Loaded(dialect.modernise(workflow), problems.sorted(path))


def _invalid(path: str, problems: Problems) -> WorkflowInvalid:
    found = problems.sorted(path)
    errors = [problem for problem in found if problem.severity == ERROR]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return WorkflowInvalid(
        f"not a valid workflow: {errors[0].plain}{more}",
        found,
        hint=f"uwf workflow validate {path}" if more else None,
    )
