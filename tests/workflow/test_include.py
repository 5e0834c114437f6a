"""`!include` reads from the workflow's own folder, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from uwf.errors import WorkflowInvalid
from uwf.workflow.load import load
from uwf.workflow.model import Workflow
from uwf.workflow.problem import WorkflowProblem

MAIN = """\
version: 1
name: demo
roles:
  a:
    procedure: !include {procedure}
    frontmatter: !include {schema}
graph:
  $START: {{new: {{role: a, prompt: Begin.}}}}
  a: {{done: {{role: $END}}}}
"""
SCHEMA = '{\n\t"properties": {"$status": {"const": "done"}}\n}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "flows"
    (inside / "parts").mkdir(parents=True)
    (inside / "parts" / "how.md").write_text("# How\n\nstep by step\n")
    (inside / "parts" / "schema.json").write_text(SCHEMA)
    (inside / "parts" / "schema.yaml").write_text("properties: {$status: {const: done}}\n")
    (tmp_path / "secret.txt").write_text("secret")
    return inside


def loaded(
    folder: Path, procedure: str = "parts/how.md", schema: str = "parts/schema.json"
) -> Workflow:
    file = folder / "demo.yaml"
    file.write_text(MAIN.format(procedure=procedure, schema=schema))
    return load(str(file)).workflow


def problems(
    folder: Path, procedure: str = "parts/how.md", schema: str = "parts/schema.json"
) -> list[WorkflowProblem]:
    with pytest.raises(WorkflowInvalid) as caught:
        loaded(folder, procedure, schema)
    return list(caught.value.problems)


def test_text_json_and_yaml_are_included_as_what_they_are(folder: Path) -> None:
    for schema in ("parts/schema.json", "parts/schema.yaml", "./parts/../parts/schema.yaml"):
        role = loaded(folder, schema=schema).roles["a"]
        assert role.procedure == "# How\n\nstep by step\n"
        assert role.schema == {"properties": {"$status": {"const": "done"}}}


def test_an_included_file_includes_relative_to_itself(folder: Path) -> None:
    (folder / "parts" / "schema.yaml").write_text("properties: !include deep/props.yml\n")
    (folder / "parts" / "deep").mkdir()
    (folder / "parts" / "deep" / "props.yml").write_text("$status: {const: done}")
    assert loaded(folder, schema="parts/schema.yaml").roles["a"].schema == {
        "properties": {"$status": {"const": "done"}}
    }


@pytest.mark.parametrize(
    "word", ["../secret.txt", "parts/../../secret.txt", "/etc/passwd", "..", "."]
)
def test_nothing_outside_the_folder_is_read(folder: Path, word: str) -> None:
    found = problems(folder, procedure=word)
    assert [(problem.line, problem.column) for problem in found] == [(5, 16)]
    assert found[0].code in ("include_outside", "not_a_file")


def test_symbolic_links_are_followed_before_the_place_is_judged(folder: Path) -> None:
    os.symlink(folder.parent / "secret.txt", folder / "link.txt")
    os.symlink(folder.parent, folder / "up")
    assert problems(folder, procedure="link.txt")[0].code == "include_outside"
    assert problems(folder, procedure="up/secret.txt")[0].code == "include_outside"
    os.symlink(folder / "parts" / "how.md", folder / "inside.md")
    assert loaded(folder, procedure="inside.md").roles["a"].procedure.startswith("# How")


def test_a_folder_whose_name_only_begins_alike_is_outside(folder: Path) -> None:
    twin = folder.parent / "flows-secret"
    twin.mkdir()
    (twin / "x.txt").write_text("secret")
    assert problems(folder, procedure="../flows-secret/x.txt")[0].code == "include_outside"


def test_a_workflow_reached_through_a_link_includes_from_where_it_really_is(folder: Path) -> None:
    loaded(folder)
    os.symlink(folder / "demo.yaml", folder.parent / "demo.yaml")
    assert load(str(folder.parent / "demo.yaml")).workflow.name == "demo"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("none.md", None, "missing_file"),
        ("big.md", b"x" * (1024 * 1024 + 1), "too_large"),
        ("latin.md", b"caf\xe9", "not_utf8"),
        ("binary.md", b"a\0b", "not_text"),
        ("demo.yaml", None, "include_cycle"),
        ("''", None, "bad_include"),
    ],
)
def test_a_file_that_cannot_be_included_is_told_once_at_its_place(
    folder: Path, name: str, data: bytes | None, code: str
) -> None:
    if data is not None:
        (folder / name).write_bytes(data)
    for found in (problems(folder, procedure=name), problems(folder, schema=name)):
        assert [problem.code for problem in found] == [code]
        assert found[0].line in (5, 6)


def test_a_circle_of_includes_is_refused(folder: Path) -> None:
    (folder / "a.yaml").write_text("x: !include b.yaml")
    (folder / "b.yaml").write_text("y: !include a.yaml")
    found = problems(folder, schema="a.yaml")
    assert [(problem.code, Path(problem.file).name) for problem in found][-1] == (
        "include_cycle",
        "b.yaml",
    )


def test_a_pipe_does_not_hang_us(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert problems(folder, procedure="pipe")[0].code == "not_a_file"


def test_problems_inside_an_included_file_carry_its_name_and_line(folder: Path) -> None:
    (folder / "parts" / "schema.yaml").write_text(
        "properties:\n  $status: {const: done}\n  x: {type: strin}\n  x: 5\n"
    )
    found = problems(folder, schema="parts/schema.yaml")
    assert [
        (Path(problem.file).name, problem.line, problem.column, problem.code) for problem in found
    ] == [
        ("schema.yaml", 3, 13, "bad_schema"),
        ("schema.yaml", 4, 3, "bad_yaml"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{"a": 1,\n "a": 2}', 1, "given twice"),
        ('{"a": \n }', 2, "Expecting value"),
        ('{"a": NaN}', 1, "NaN"),
        ("[" * 100_000, 1, "deep"),
        ("[" * 500 + "]" * 500, 1, "deep"),
        ('{"a": ' + "9" * 5000 + "}", 1, "digits"),
    ],
)
def test_bad_json_is_told_with_its_place(folder: Path, text: str, line: int, words: str) -> None:
    (folder / "bad.json").write_text(text)
    found = problems(folder, schema="bad.json")
    assert [(problem.code, problem.line) for problem in found] == [("bad_json", line)]
    assert words in found[0].message


def test_many_includes_together_are_bounded(folder: Path) -> None:
    (folder / "long.md").write_text("x" * 1024 * 1024)
    words = "\n".join(f"x-{n}: !include long.md" for n in range(10))
    (folder / "demo.yaml").write_text(
        MAIN.format(procedure="parts/how.md", schema="parts/schema.json") + words
    )
    with pytest.raises(WorkflowInvalid) as caught:
        load(str(folder / "demo.yaml"))
    assert {problem.code for problem in caught.value.problems} == {"too_large"}
