"""Names hold nothing that means something in a ref, on a command line or in the graph."""

from __future__ import annotations

import pytest

from uwf.workflow.validate import fault_in


@pytest.mark.parametrize(
    "name", ["a", "code-review", "fix_1", "v1.2", "prüfer", "日本", "a" * 100, "no"]
)
def test_ordinary_names_are_fine(name: str) -> None:
    assert fault_in(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("$START", "is reserved"),
        ("_body", "is reserved"),
        ("$other", "begins with $, which is reserved"),
        ("_", "means 'any status' in older files"),
        ("a" * 101, "is longer than 100 characters"),
        (" a", "has spaces around it or characters that do not print"),
        ("a\x1b[31m", "has spaces around it or characters that do not print"),
        ("a\nb", "has spaces around it or characters that do not print"),
        ("a b", "has a space in it"),
        ("a/b", "has / in it"),
        ("a@2", "has @ in it"),
        ("a~1", "has ~ in it"),
        ("a..b", "has .. in it"),
    ],
)
def test_other_names_say_what_is_wrong(name: str, fault: str) -> None:
    assert fault_in(name) == fault


def test_a_status_may_have_spaces_inside() -> None:
    assert fault_in("needs review", spaces=True) is None
