from __future__ import annotations

import json

import pytest

from uwf.cli.screen.output import Output


def test_an_answer_takes_the_form_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    drawn: list[int] = []
    for out in (Output(json=True), Output(quiet=True), Output(), Output(json=True, quiet=True)):
        out.answer({"a": "ü"}, ids=["x", "y"], draw=lambda: drawn.append(1))
    assert capsys.readouterr().out == '{"a":"ü"}\nx\ny\n{"a":"ü"}\n'
    assert drawn == [1]


def test_lines_are_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        Output(json=True).line({"n": number})
    assert [json.loads(line)["n"] for line in capsys.readouterr().out.splitlines()] == [0, 1, 2]


def test_a_table_is_aligned_and_has_no_holes(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("name", "n"), [("long name", "1"), ("a\nb", ""), ("", "22")])
    assert capsys.readouterr().out == "NAME       N\nlong name  1\na b        -\n-          22\n"


def test_a_table_without_rows_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("name", "n"), [])
    assert capsys.readouterr().out == ""


def test_fields_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    Output().fields({"id": "1", "nothing": "", "longer": "2"})
    assert capsys.readouterr().out == "id       1\nlonger   2\n"


def test_notes_and_hints_are_for_people_and_warnings_for_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for out in (Output(), Output(quiet=True), Output(json=True)):
        out.note("n")
        out.hint("h")
        out.warning("w")
        out.status("s")
    assert capsys.readouterr().err == (
        'n\nhint: h\nwarning: w\nwarning: w\n{"warning":{"message":"w"}}\n'
    )
