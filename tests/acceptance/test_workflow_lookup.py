"""What WORKFLOW may be: an object id, a YAML path, a name in `.workflows/`, a registered name; in that order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.project import ONE, Project
from uwf.store import codec


def named(project: Project, path: str, goal: str, name: str = "one") -> Path:
    """A workflow file whose role has that goal, so that one can be told from another."""
    return project.file(
        path, ONE.replace("name: one", f"name: {name}").replace("Does the task", goal)
    )


def goal_of(project: Project, word: str) -> str:
    shown = project("workflow", "show", word, "--json").json
    return str(shown["roles"]["worker"]["description"])


def test_the_order_is_id_path_folder_registry(project: Project) -> None:
    added = project("workflow", "add", named(project, "one.yaml", "registered"), "-q").out.strip()
    assert goal_of(project, "one") == "registered."
    named(project, ".workflows/one.yaml", "in the folder")
    assert goal_of(project, "one") == "in the folder."
    assert goal_of(project, "one.yaml") == "registered."
    assert goal_of(project, added) == goal_of(project, added[:8]) == "registered."
    project.file(added, "a file with the name of an object")
    assert goal_of(project, added) == "registered."


@pytest.mark.parametrize(
    "path",
    [
        *(".workflows/one.yaml", ".workflows/one.yml", ".workflows/one/index.yaml"),
        *(".workflow/one.yaml", ".workflow/one.yml", ".workflow/one/index.yaml"),
    ],
)
def test_a_name_is_found_in_the_folders_of_the_project(project: Project, path: str) -> None:
    named(project, path, "found")
    assert goal_of(project, "one") == "found."
    thread = project("thread", "start", "one", "-p", "x", "--json").json["thread"]
    assert project.show(thread)["workflowName"] == "one"
    [row] = project("workflow", "list", "--json").json
    assert (row["name"], row["source"]) == ("one", "file")
    assert row["path"] == str(project.cwd / path)


def test_todays_folder_goes_before_the_older_one(project: Project) -> None:
    named(project, ".workflow/one.yaml", "older")
    named(project, ".workflows/one/index.yaml", "today")
    assert goal_of(project, "one") == "today."


def test_names_are_looked_for_upward_to_the_root_of_the_repository(
    project: Project, tmp_path: Path
) -> None:
    top = project.cwd
    named(project, ".workflows/one.yaml", "top")
    named(project, ".workflows/two.yaml", "top", "two")
    named(project, "a/.workflows/two.yaml", "nearer", "two")
    outside = Project(project.home, project.cwd.parent)
    named(outside, ".workflows/three.yaml", "outside", "three")
    (top / ".git").mkdir()
    deep = Project(project.home, top / "a" / "b")
    deep.cwd.mkdir()
    assert goal_of(deep, "one") == "top."
    assert goal_of(deep, "two") == "nearer."
    assert deep("workflow", "show", "three", "--json", expect=4).error["code"] == "no_such_workflow"
    assert {row["name"] for row in deep("workflow", "list", "--json").json} == {"one", "two"}


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_called_like_a_workflow_does_not_hide_it(project: Project, kind: str) -> None:
    named(project, ".workflows/one.yaml", "found")
    project("workflow", "add", named(project, "two.yaml", "registered", "two"))
    for name in ("one", "two"):
        if kind == "folder":
            (project.cwd / name).mkdir()
        else:
            project.file(name, "some text")
    assert goal_of(project, "one") == "found."
    assert goal_of(project, "two") == "registered."


def test_a_file_is_taken_by_its_path_whatever_it_is_called(project: Project) -> None:
    named(project, "flow", "no suffix", "flow")
    named(project, "deep/one/index.yaml", "in a folder")
    for word, goal in (("./flow", "no suffix."), ("deep/one", "in a folder.")):
        assert goal_of(project, word) == goal
    home = Path(project.environ["HOME"])
    shutil.copy(project.cwd / "flow", home / "flow.yaml")
    assert goal_of(project, "~/flow.yaml") == "no suffix."


def test_a_name_that_looks_like_an_id_is_still_a_name(project: Project) -> None:
    """Once two objects begin like it, it would be an ambiguous id."""
    seen: dict[str, str] = {}
    for n in range(10_000):
        text = f"text {n}"
        word = codec.id_of(codec.encode("text", text))[:4]
        if word in seen and not word.isdigit():
            break
        seen[word] = text
    for each in (seen[word], text):
        project("cas", "put", "-", input=each)
    assert project("workflow", "show", word, "--json", expect=2).error["code"] == "ambiguous"
    named(project, f".workflows/{word}.yaml", "found", word)
    assert goal_of(project, word) == "found."
    assert project("thread", "list", "--workflow", word, "--json").json == []


@pytest.mark.parametrize("word", ["nothing", "no/such.yaml", "", "../x", "feedfeedfeed", "f" * 64])
def test_what_is_nowhere_is_exit_4_with_a_hint(project: Project, word: str) -> None:
    project.begin()
    for words in (("workflow", "show", word), ("thread", "start", word, "-p", "x")):
        done = project(*words, "--json", expect=4)
        assert done.error["code"] == "no_such_workflow"
        assert done.error["hint"] == "uwf workflow list"


def test_an_object_of_another_kind_is_no_workflow(project: Project) -> None:
    head = project.show(project.begin())["head"]
    done = project("workflow", "show", head, "--json", expect=2)
    assert done.error["code"] == "not_a_workflow"
    assert done.error["message"].endswith("is a start, not a workflow")


def test_a_name_with_a_slip_is_answered_with_the_one_that_was_meant(project: Project) -> None:
    named(project, ".workflows/greet.yaml", "hello", "greet")
    refused = project("thread", "start", "gret", "-p", "x", expect=4)
    assert "did you mean greet?" in refused.err
