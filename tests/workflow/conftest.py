"""Every file that a test of workflows reads is held against the JSON Schema for editors as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from uwf.workflow import file_schema, load
from uwf.workflow.problem import Problems
from uwf.yaml12 import Document

VALIDATOR = jsonschema_rs.validator_for(file_schema.schema())
UNKNOWN = {"unknown_key", "unknown_word", "unused_edge"}
"""What a file may say all the same, with a warning; an editor points at it."""


def fits(value: Any) -> bool:
    return VALIDATOR.is_valid(value)


@pytest.fixture(autouse=True)
def schema_and_validator_agree(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    read: list[tuple[Any, Problems]] = []

    def to_workflow(document: Document, problems: Problems) -> Any:
        read.append((document.value, problems))
        return original(document, problems)

    original = load.to_workflow
    monkeypatch.setattr(load, "to_workflow", to_workflow)
    yield
    for value, problems in read:
        said = {problem.code for problem in problems.sorted("")}
        if problems.has_errors or said & UNKNOWN:
            continue
        try:
            assert fits(value), (said, value)
        except ValueError:  # the value is none that JSON has, such as a number of 300 digits
            continue
