"""`uwf workflow`: files are checked with every problem in its place, registered, shown and drawn."""

from __future__ import annotations

import json

import pytest

from tests.helpers.project import APPROVED, ONE, REJECTED, REVIEW, WRITTEN, Project, reply

TIMES = "\N{MULTIPLICATION SIGN}"

BROKEN = """\
version: 1
name: other
descripton: a slip
roles:
  writer:
    description: writes
    frontmatter:
      type: object
      properties: {$status: {enum: [done, stuck]}}
      required: [$status]
  idler:
    frontmatter: {properties: {$status: {const: x}}}
  sleeper:
    frontmatter: {properties: {$status: {const: x}, title: {type: strnig}}}
graph:
  $START: {new: {role: writr, prompt: Go.}}
  writer:
    done: {role: $END}
    dnoe: {role: $END}
    done: {role: $END}
  idler:
    x: {role: idler, prompt: "{{ nothing }}"}
"""


def test_validate_prints_every_problem_with_file_line_and_column(project: Project) -> None:
    project.file("broken.yaml", BROKEN)
    done = project("workflow", "validate", "broken.yaml", expect=2)
    assert done.out.splitlines() == sorted(
        done.out.splitlines(), key=lambda line: int(line.split(":")[1])
    )
    for place, words in (
        ("2:7: warning: ", "file 'broken'"),
        ("3:1: warning: ", "did you mean 'description'"),
        ("11:3: warning: ", "'idler' is never reached"),
        ("14:67: error: ", "'strnig' but JSON Schema knows string, "),
        ("16:24: error: ", "did you mean 'writer'"),
        ("17:3: error: ", "'stuck', which has no edge"),
        ("19:5: warning: ", "writer → dnoe is never taken"),
        ("20:5: error: ", "'done' is given twice"),
        ("22:30: error: ", "`nothing` is nothing that role 'idler' replies"),
    ):
        [*found] = [line for line in done.out.splitlines() if f"broken.yaml:{place}" in line]
        assert any(words in line for line in found), (place, words, done.out)
    assert done.err.startswith("1 file: ")


def test_validate_as_json_and_as_names(project: Project) -> None:
    project.file("broken.yaml", BROKEN)
    project.file("one.yaml", ONE)
    words = ("workflow", "validate", "one.yaml", "broken.yaml")
    document = project(*words, "--json", expect=2).json
    assert document["valid"] is False and document["files"] == ["one.yaml", "broken.yaml"]
    assert len(document["problems"]) > 8
    for problem in document["problems"]:
        assert set(problem) == {*("severity", "code", "message", "file", "line", "column", "hint")}
        assert problem["severity"] in ("error", "warning") and problem["file"] == "broken.yaml"
    assert project(*words, "-q", expect=2).out == "broken.yaml\n"
    assert project("workflow", "validate", "one.yaml", "--json").json == {
        "valid": True,
        "files": ["one.yaml"],
        "problems": [],
    }


def test_warnings_alone_are_exit_0(project: Project) -> None:
    project.file("one.yaml", ONE.replace("version: 1\n", ""))
    done = project("workflow", "validate", "one.yaml")
    assert done.out == "one.yaml:1:1: warning: `version: 1` is missing\n"
    assert done.err == "1 file: 0 errors, 1 warning\n"


def test_an_invalid_file_starts_nothing_and_its_hint_shows_all(project: Project) -> None:
    file = project.file("broken.yaml", BROKEN)
    for words in (
        ("thread", "start", "broken.yaml", "-p", "x"),
        ("workflow", "add", "broken.yaml"),
        ("workflow", "show", "broken.yaml"),
        ("workflow", "graph", "./broken.yaml"),
    ):
        done = project(*words, "--json", expect=2)
        assert done.error["code"] == "invalid_workflow"
        assert done.error["hint"].startswith("uwf workflow validate ")
        assert len(done.error["problems"]) > 8
        shown = project(*done.error["hint"].split()[1:], expect=2)
        assert shown.out.splitlines()[0].startswith(done.error["hint"].split()[-1])
    assert file.exists() and not (project.home / "store.db").exists()


def test_a_warning_is_said_once_at_every_use(project: Project) -> None:
    project.file("one.yaml", ONE.replace("version: 1\n", ""))
    done = project("thread", "start", "one.yaml", "-p", "x")
    assert done.err.splitlines()[0] == (
        f"warning: {project.cwd}/one.yaml:1:1: `version: 1` is missing"
    )
    as_json = project("thread", "start", "one.yaml", "-p", "x", "--json")
    assert as_json.err.startswith('{"warning":{"message":')


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("{new: {role: worker", "{_: {role: worker", "write `new`"),
        ("{done: {role: $END}}", "{_: {role: $END}}", "write one edge for each status: `done`"),
        ("prompt: Do it.", 'prompt: "Do {{{ _body }}}"', "write `{{ _body }}`"),
    ],
)
def test_an_older_dialect_still_works_and_is_told_what_to_write(
    project: Project, old: str, new: str, advice: str
) -> None:
    project.file("one.yaml", ONE.replace(old, new))
    done = project("workflow", "validate", "one.yaml")
    assert ": warning: " in done.out and advice in done.out
    project("workflow", "add", "one.yaml")


def test_the_oldest_format_gets_one_clear_sentence(project: Project) -> None:
    project.file("old.yaml", "name: old\nroles: {a: {}}\ngraph: {a: [{role: b, condition: ok}]}\n")
    done = project("workflow", "validate", "old.yaml", expect=2)
    [line] = done.out.splitlines()
    assert "oldest workflow format" in line and "{role: NAME, prompt: TEXT}" in line


def test_statuses_called_yes_no_and_on_are_words(project: Project) -> None:
    text = ONE.replace("const: done}", "enum: [yes, no, on]}").replace(
        "{done: {role: $END}}",
        "{yes: {role: $END}, no: {role: worker, prompt: Again.}, on: {role: $END}}",
    )
    thread = project.begin(text)
    agent = project.agent("---\n$status: no\n---\n", "---\n$status: yes\n---\n")
    lines = project.step(thread, agent, "--until-done")
    assert [line["stepStatus"] for line in lines] == ["no", "yes"]


def test_includes_anchors_and_private_keys(project: Project) -> None:
    project.file("parts/goal.md", "Paint *all* of it.\n")
    project.file("parts/schema.json", '{"properties": {"$status": {"const": "done"}}}')
    project.file(
        "one.yaml",
        "version: 1\nname: one\nx-shared: &front !include parts/schema.json\nroles:\n  worker:\n"
        "    goal: !include parts/goal.md\n    frontmatter: *front\n"
        "graph:\n  $START: {new: {role: worker, prompt: Go.}}\n  worker: {done: {role: $END}}\n",
    )
    shown = project("workflow", "show", "one.yaml", "--json").json
    assert shown["roles"]["worker"]["goal"] == "Paint *all* of it.\n"
    assert shown["roles"]["worker"]["frontmatter"]["properties"] == {"$status": {"const": "done"}}


def test_add_registers_and_says_what_it_replaces(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    first = project("workflow", "add", file, "--json").json
    assert first == {"name": "one", "workflow": first["workflow"], "replaced": None}
    assert project("workflow", "add", file, "-q").out == f"{first['workflow']}\n"
    assert project("workflow", "add", file).out.endswith("(as before)\n")
    file.write_text(ONE.replace("Do it.", "Do it well."))
    second = project("workflow", "add", file, "--json").json
    assert second["replaced"] == first["workflow"]
    shown = project("workflow", "show", "one", "--json").json
    assert (shown["workflow"], shown["source"]) == (second["workflow"], "registry")
    assert project("ref", "log", "@uwf/registry/one", "-q").code == 0


def test_show_has_roles_and_edges(project: Project) -> None:
    project.file("review.yaml", REVIEW)
    document = project("workflow", "show", "review.yaml", "--json").json
    assert document["source"] == "file" and document["path"] == str(project.cwd / "review.yaml")
    assert set(document["roles"]) == {"writer", "reviewer"}
    assert document["graph"]["reviewer"]["approved"]["role"] == "$END"
    told = project("workflow", "show", "review.yaml").out
    for words in ("review  ", "writer  Writes.", "  rejected → writer", "  approved → $END"):
        assert words in told
    assert project("workflow", "show", "review.yaml", "-q").out.strip() == document["workflow"]


def test_list_has_files_and_registered_ones(project: Project) -> None:
    empty = project("workflow", "list")
    assert empty.out == "" and empty.err.endswith("\nhint: uwf workflow new NAME\n")
    project.file(".workflows/review.yaml", REVIEW)
    id = project("workflow", "add", project.file("one.yaml", ONE), "-q").out.strip()
    path = str(project.cwd / ".workflows/review.yaml")
    assert project("workflow", "list", "--json").json == [
        {"name": "one", "source": "registry", "workflow": id, "path": None},
        {"name": "review", "source": "file", "workflow": None, "path": path},
    ]
    assert project("workflow", "list", "-q").out == f"{id}\n{path}\n"


@pytest.mark.parametrize(
    ("format", "beginning"),
    [("text", "review"), ("mermaid", "flowchart "), ("dot", "digraph "), ("svg", "<svg ")],
)
def test_graph_draws_every_role_and_edge(project: Project, format: str, beginning: str) -> None:
    project.file("review.yaml", REVIEW)
    drawn = project("workflow", "graph", "review.yaml", "--format", format).out
    assert drawn.startswith(beginning)
    for word in ("writer", "reviewer", "approved", "rejected", "written", "new", "resume"):
        assert word in drawn
    document = project("workflow", "graph", "review.yaml", "--format", format, "--json").json
    assert document["format"] == format and document["graph"].strip() == drawn.strip()


def test_graph_marks_what_a_thread_visited_and_where_it_stands(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, REJECTED, WRITTEN, APPROVED)
    words = ("workflow", "graph", "review.yaml", "--thread", thread)
    project.step(thread, agent, "-c", "3")
    text = project(*words).out
    assert f"written  → reviewer  ✓ {TIMES}2" in text
    assert f"rejected → writer    ✓ {TIMES}1" in text
    assert "\n▶ reviewer\n" in text and "▶ writer" not in text
    project.step(thread, agent)
    assert project(*words).out.rstrip().endswith("▶ end")
    assert f"{TIMES}2" in project(*words, "--format", "mermaid").out
    project("workflow", "graph", "review.yaml", "--thread", "ZZZZ", expect=4)
    project("workflow", "graph", "review.yaml", "--format", "png", expect=2)
    project.file("one.yaml", ONE)
    done = project("workflow", "graph", "one.yaml", "--thread", thread, expect=2)
    assert f"thread {thread} runs workflow review, not one" in done.err


def test_a_workflow_to_add_is_a_file_and_its_name_leads_to_it(project: Project) -> None:
    path = project.file(".workflows/one.yaml", ONE)
    done = project("workflow", "add", "one", expect=2)
    assert done.err.splitlines() == [
        "error: cannot read the workflow file one: no such file",
        f"hint: uwf workflow add {path}",
    ]
    assert project("workflow", "add", "none", "--json", expect=2).error["hint"] == (
        "uwf workflow list"
    )


def test_a_new_workflow_is_valid_and_runs_as_it_is(project: Project) -> None:
    done = project("workflow", "new", "mine")
    assert (done.out, done.err) == (
        ".workflows/mine.yaml\n",
        "hint: uwf workflow try .workflows/mine.yaml\n",
    )
    assert project("workflow", "validate", ".workflows/mine.yaml").out == ""
    assert all(
        edge["walked"] for edge in project("workflow", "try", "mine", "--json").json["edges"]
    )
    agent = project.agent(reply("written", summary="short"), reply("good"))
    thread = project("thread", "start", "mine", "-p", "A task.", "-q").out.strip()
    assert project.step(thread, agent, "--until-done")[-1]["status"] == "completed"


def test_a_new_workflow_overwrites_nothing(project: Project) -> None:
    project.file(".workflows/mine.yml", ONE)
    done = project("workflow", "new", "mine", expect=2)
    assert ".workflows/mine.yml is there already" in done.err
    assert "hint: uwf workflow validate .workflows/mine.yml" in done.err
    project.file("flows/mine.yaml", "mine")
    project("workflow", "new", "flows/mine.yaml", expect=2)
    assert (project.cwd / "flows/mine.yaml").read_text() == "mine"
    assert not (project.cwd / ".workflows/mine.yaml").exists()


@pytest.mark.parametrize("name", ["", "$END", "a b", "flows/", "flows/x.txt", "../..", "x\ny"])
def test_a_new_workflow_has_a_name(project: Project, name: str) -> None:
    assert "cannot write a new workflow: " in project("workflow", "new", name, expect=2).err
    assert list(project.cwd.rglob("*.y*ml")) == []


def test_a_new_workflow_that_cannot_be_written_leaves_nothing(project: Project) -> None:
    project.file(".workflows", "no folder")
    assert "cannot write .workflows/mine.yaml" in project("workflow", "new", "mine", expect=2).err


def test_a_new_workflow_names_the_schema_that_is_beside_it(project: Project) -> None:
    project("workflow", "new", "before")
    schema = project("workflow", "schema").out
    project.file(".workflows/schema.json", schema)
    project("workflow", "new", "after")
    line = "# yaml-language-server: $schema=schema.json\n"
    assert line not in (project.cwd / ".workflows/before.yaml").read_text()
    assert (project.cwd / ".workflows/after.yaml").read_text().startswith(line)
    assert project("workflow", "schema", "--json").json == json.loads(schema)
    assert project("workflow", "list", "-q").out.count(".yaml") == 2
