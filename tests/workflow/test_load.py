"""Every mistake in a workflow file is told, at once, with its line and column, and nothing else is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.errors import WorkflowInvalid
from uwf.workflow.load import Loaded, load, parse
from uwf.workflow.model import Edge, from_payload, to_payload
from uwf.workflow.problem import ERROR, WorkflowProblem

GOOD = """\
version: 1
name: demo
description: two roles
x-note: {anything: goes}
roles:
  planner:
    description: plans
    goal: a plan
    capabilities: [think, write]
    procedure: think first
    output: a plan
    frontmatter:
      oneOf:
        - properties: {$status: {const: ready}, plan: {type: string}, note: {type: string}}
          required: [$status, plan]
        - properties: {$status: {const: "no"}, why: {type: string}}
          required: [$status, why]
  coder:
    capabilities: code
    frontmatter:
      properties: {$status: {const: done}, branch: {type: string}}
      required: [$status, branch]
graph:
  $START:
    new: {role: planner, prompt: Plan it.}
    resume: {role: planner, prompt: Plan it again.}
  planner:
    ready: {role: coder, prompt: "Do {{ plan }}: {{ _body }}", location: "/code/{{ plan }}"}
    no: {role: $END}
  coder:
    done: {role: $END, prompt: "{{ branch }}"}
"""


def told(text: str, name: str = "demo.yaml") -> list[str]:
    """Problems as `line:column severity code`."""
    return [
        f"{problem.line}:{problem.column} {problem.severity} {problem.code}"
        for problem in problems_of(text, name)
    ]


def problems_of(text: str, name: str = "demo.yaml") -> tuple[WorkflowProblem, ...]:
    try:
        return parse(text, name).warnings
    except WorkflowInvalid as error:
        return error.problems


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_a_good_file_has_no_problems_and_all_its_parts() -> None:
    found = parse(GOOD, "demo.yaml")
    assert found == Loaded(found.workflow, ())
    workflow = found.workflow
    assert (workflow.name, workflow.description) == ("demo", "two roles")
    assert list(workflow.roles) == ["planner", "coder"]
    assert workflow.roles["planner"].capabilities == ("think", "write")
    assert workflow.roles["coder"].capabilities == ("code",)
    assert workflow.roles["coder"].goal == ""
    assert workflow.graph["planner"] == {
        "ready": Edge("coder", "Do {{ plan }}: {{ _body }}", "/code/{{ plan }}"),
        "no": Edge("$END", ""),
    }


@pytest.mark.parametrize(
    "budget", ["{tokens: 2M, usd: 5.5, time: 2h, visits: 9}", "tokens=2M,usd=5.5,time=2h,visits=9"]
)
def test_a_budget_is_a_map_or_one_text(budget: str) -> None:
    text = changed("x-note: {anything: goes}", f"budget: {budget}")
    found = parse(text.replace("    goal: a plan", "    max_visits: 3"), "demo.yaml")
    assert found.warnings == ()
    assert found.workflow.budget == {"tokens": 2_000_000, "usd": 5.5, "time": 7200, "visits": 9}
    assert found.workflow.roles["planner"].max_visits == 3
    assert found.workflow.roles["coder"].max_visits is None


@pytest.mark.parametrize(("said", "writes"), [("false", False), ("true", True)])
def test_a_role_says_whether_it_writes(said: str, writes: bool) -> None:
    text = changed("    goal: a plan", f"    writes: {said}")
    found = parse(text, "demo.yaml")
    assert found.warnings == ()
    assert found.workflow.roles["planner"].writes is writes
    assert found.workflow.roles["coder"].writes is True


def test_a_limit_that_is_misspelt_says_what_was_meant() -> None:
    [problem] = problems_of(changed("x-note: {anything: goes}", "budget: {tokns: 5}"))
    assert "did you mean tokens?" in problem.message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 1\n", "", "1:1 warning no_version"),
        ("version: 1", "version: 2", "1:10 error unknown_version"),
        ("version: 1", "version: true", "1:10 error unknown_version"),
        ("name: demo", "name: other", "2:7 warning name_differs"),
        ("name: demo", "name: $END", "2:7 error bad_name"),
        ("name: demo", "name: a/b", "2:7 error bad_name"),
        ("name: demo", "name: ''", "2:7 error bad_name"),
        ("name: demo", "name: 5", "2:7 error bad_type"),
        ("name: demo\n", "", "1:1 error missing_key"),
        ("name: demo\n", "name:\n", "1:1 error missing_key"),
        ("description: two roles", "descriptoin: two roles", "3:1 warning unknown_key"),
        ("x-note: {anything: goes}", "budgt: {usd: 5}", "4:1 warning unknown_key"),
        ("x-note: {anything: goes}", "budget: {dollars: 5}", "4:10 error bad_budget"),
        ("x-note: {anything: goes}", "budget: {usd: 0}", "4:15 error bad_budget"),
        ("x-note: {anything: goes}", "budget: {usd: five}", "4:15 error bad_budget"),
        ("x-note: {anything: goes}", "budget: {time: 60}", "4:16 error bad_budget"),
        ("x-note: {anything: goes}", "budget: {steps: 1.5}", "4:17 error bad_budget"),
        ("x-note: {anything: goes}", "budget: usd=5;steps=3", "4:9 error bad_budget"),
        ("x-note: {anything: goes}", "budget: usd=5,usd=6", "4:9 error bad_budget"),
        ("x-note: {anything: goes}", "budget: [usd, 5]", "4:9 error bad_type"),
        ("x-note: {anything: goes}", "budget: 5", "4:9 error bad_type"),
        ("x-note: {anything: goes}", "budget:", "4:1 error bad_type"),
        ("    goal: a plan", "    max_visits: 0", "8:17 error bad_type"),
        ("    goal: a plan", "    max_visits: many", "8:17 error bad_type"),
        ("    goal: a plan", "    max_visits: true", "8:17 error bad_type"),
        ("    goal: a plan", "    max_visit: 3", "8:5 warning unknown_key"),
        ("    goal: a plan", "    writes: 0", "8:13 error bad_type"),
        ("    goal: a plan", "    writes: never", "8:13 error bad_type"),
        ("    goal: a plan", "    goal: [a, plan]", "8:11 error bad_type"),
        ("    goal: a plan", "    goals: a plan", "8:5 warning unknown_key"),
        ("capabilities: code", "capabilities: [1]", "19:19 error bad_type"),
        ("why: {type: string}", "why: {type: strin}", "16:60 error bad_schema"),
        (
            "why: {type: string}",
            "why: {type: string, pattern: ^(?!no)}",
            "16:77 warning slow_pattern",
        ),
        ("plan: {type: string}", "plan: {$ref: 'http://x.y/z'}", "13:7 error bad_schema"),
        ("plan: {type: string}", "_body: {}, plan: {}", "13:7 error reserved_name"),
        ("{const: ready}", "{const: $ready}", "13:7 error bad_name"),
        ("{const: done}, ", "{type: string}, ", "21:7 error no_status"),
        ("no: {role: $END}", "na: {role: $END}", "27:3 error no_edge"),
        (
            "no: {role: $END}",
            "no: {role: $END}\n    maybe: {role: $END}",
            "30:5 warning unused_edge",
        ),
        ("no: {role: $END}", "no: {role: coder}", "29:5 error missing_key"),
        ("no: {role: $END}", "no: {prompt: x}", "29:5 error missing_key"),
        ("no: {role: $END}", "no: $END", "29:9 error bad_edge"),
        ("no: {role: $END}", "no: {role: 5}", "29:16 error bad_type"),
        ("no: {role: $END}", "no: {role: $START, prompt: x}", "29:16 error bad_target"),
        ("no: {role: $END}", "no: {role: $END, promt: x}", "29:22 warning unknown_key"),
        ("{role: coder,", "{role: codr,", "28:19 error unknown_role"),
        ("{{ _body }}", "{{ branch }}", "28:34 error unknown_variable"),
        ("{{ _body }}", "{{ why }}", "28:34 warning other_status_variable"),
        ("{{ _body }}", "{{ note }}", "28:34 warning optional_variable"),
        ("{{ _body }}", "{{ _body", "28:34 error bad_template"),
        ("{{ _body }}", "{{ plan | shout }}", "28:34 error bad_template"),
        ('"/code/{{ plan }}"', "''", "28:74 error empty_template"),
        ('"/code/{{ plan }}"', '"{{ folder }}"', "28:74 error unknown_variable"),
        ("Plan it.}", "'Plan {{ it }}'}", "25:34 warning task_variable"),
        ("new: {role: planner", "new: {role: $END", "25:17 error bad_target"),
        ("    new: {role: planner, prompt: Plan it.}\n", "", "24:3 error no_start"),
        ("    resume:", "    resumed:", "26:5 warning unused_edge"),
        ("  coder:\n    done:", "  coders:\n    done:", "30:3 error unknown_role"),
        ('done: {role: $END, prompt: "{{ branch }}"}', "{}", "30:3 error never_routed"),
    ],
)
def test_one_mistake_is_found_at_its_place(old: str, new: str, expected: str) -> None:
    assert expected in told(changed(old, new))


def test_an_edge_for_the_suspension_every_role_may_ask_for_is_refused() -> None:
    text = changed("no: {role: $END}", "no: {role: $END}\n    $SUSPEND: {role: coder, prompt: x}")
    assert told(text) == ["30:5 error reserved_name"]


def test_a_schema_that_lists_suspension_only_gets_a_hint() -> None:
    text = changed('{const: "no"}', "{const: $SUSPEND}").replace("    no: {role: $END}\n", "")
    assert told(text) == ["13:7 warning needless_status"]


def test_a_guarded_optional_variable_is_no_problem() -> None:
    assert told(changed("{{ _body }}", "{% if note %}{{ note }}{% endif %}")) == []
    assert told(changed("{{ _body }}", "{{ note | default: 'none' }}")) == []


def test_a_variable_another_status_has_is_an_error_where_the_schema_forbids_more() -> None:
    text = changed(
        "required: [$status, plan]",
        "required: [$status, plan]\n          additionalProperties: false",
    )
    assert told(text.replace("{{ _body }}", "{{ why }}")) == ["29:34 error unknown_variable"]


def test_a_variable_may_be_unknown_where_the_schema_welcomes_more() -> None:
    text = changed(
        "required: [$status, plan]",
        "required: [$status, plan]\n          additionalProperties: true",
    )
    assert told(text.replace("{{ _body }}", "{{ surprise }}")) == []


def test_a_role_that_is_never_reached_is_a_warning() -> None:
    extra = "  idle:\n    frontmatter: {properties: {$status: {const: x}}}\ngraph:\n"
    assert told(changed("graph:\n", extra)) == ["23:3 warning never_reached"]


def test_a_role_that_is_reached_but_not_routed_is_an_error() -> None:
    text = changed('  coder:\n    done: {role: $END, prompt: "{{ branch }}"}\n', "")
    assert told(text) == ["18:3 error never_routed"]


def test_roles_that_cannot_get_to_the_end_are_named() -> None:
    text = changed(
        'done: {role: $END, prompt: "{{ branch }}"}', "done: {role: coder, prompt: again}"
    )
    assert told(text) == ["30:3 error no_end"]
    nowhere = text.replace("no: {role: $END}", "no: {role: planner, prompt: again}")
    assert told(nowhere) == ["23:1 error no_end"]


def test_a_misspelt_role_is_told_once_with_the_one_that_was_meant() -> None:
    found = problems_of(changed("{role: coder,", "{role: codr,"))
    assert [(problem.message, problem.hint) for problem in found] == [
        (
            "edge planner → ready leads to 'codr', which is no role of this workflow",
            "did you mean 'coder'?",
        )
    ]
    assert str(found[0]).endswith("of this workflow (did you mean 'coder'?)")


def test_all_problems_come_at_once_and_by_line() -> None:
    text = (
        GOOD.replace("version: 1\n", "version: 3\n")
        .replace("    goal: a plan\n", "    goal: a plan\n    goal: twice\n")
        .replace("{role: coder,", "{role: nobody,")
        .replace("{{ branch }}", "{{ nothing }}")
        .replace("    resume:", "    later:")
    )
    assert told(text) == [
        "1:10 error unknown_version",
        "9:5 error bad_yaml",
        "19:3 warning never_reached",
        "27:5 warning unused_edge",
        "29:19 error unknown_role",
        "32:32 error unknown_variable",
    ]


def test_a_problem_reads_like_a_compilers() -> None:
    with pytest.raises(WorkflowInvalid) as caught:
        parse(changed("version: 1", "version: 2"), "some/demo.yaml")
    text = "some/demo.yaml:1:10: error: version is 2, and this uwf reads version 1"
    assert [str(problem) for problem in caught.value.problems] == [text]
    assert caught.value.message == f"not a valid workflow: {text.replace('error: ', '')}"


def test_a_problem_is_one_readable_line_whatever_it_quotes() -> None:
    hostile = '"' + "x" * 100_000 + '\\e[31m\\n"'
    found = problems_of(changed("{role: coder,", f"{{role: {hostile},"))
    assert all(len(str(problem)) < 600 for problem in found)
    found = problems_of(changed("{role: coder,", '{role: "a\\e[31m\\nb",'))
    said = [problem.message for problem in found if problem.code == "unknown_role"]
    assert said[0].startswith("edge planner → ready leads to 'a [31m b', which")


@pytest.mark.parametrize("text", ["", "# nothing", "just text", "- a\n- list", "5", "null", "{}"])
def test_what_is_no_workflow_at_all_is_said_plainly(text: str) -> None:
    with pytest.raises(WorkflowInvalid):
        parse(text, "demo.yaml")


@pytest.mark.parametrize(
    "graph",
    [
        '- {"role": "planner", "conditions": []}',
        "{$START: [{role: planner}]}",
        "{$START: {new: {role: planner, condition: x}}}",
        "{$START: {new: [{role: planner}]}}",
    ],
)
def test_the_oldest_format_gets_one_clear_sentence(graph: str) -> None:
    found = problems_of(f"name: demo\nroles: {{planner: {{}}}}\ngraph:\n  {graph}\n")
    assert [problem.code for problem in found] == ["oldest_format"]
    assert "status: {role: NAME, prompt: TEXT}" in found[0].message


OLD = """\
# before there were versions
name: demo
roles:
  a:
    frontmatter:
      oneOf:
        - {properties: {$status: {const: x}, why: {type: string}}, required: [$status, why]}
        - {properties: {$status: {const: y}}, required: [$status]}
  b: {frontmatter: {type: object}}
graph:
  $START: {_: {role: a, prompt: Begin.}}
  a:
    x: {role: $SUSPEND, prompt: 'Because {{{why}}}'}
    y: {role: b, prompt: Go on.}
  b: {_: {role: $END, prompt: Done.}}
"""


def test_older_dialects_load_with_a_warning_that_shows_todays_form() -> None:
    found = parse(OLD, "demo.yaml")
    assert [(problem.line, problem.code) for problem in found.warnings] == [
        (2, "no_version"),
        (9, "no_status"),
        (11, "old_any_edge"),
        (13, "old_suspend_edge"),
        (13, "old_braces"),
        (15, "old_any_edge"),
    ]
    assert [problem.hint for problem in found.warnings if problem.code.startswith("old")] == [
        "write `new`, and `resume` if later rounds begin differently",
        "let the role reply `$status: $SUSPEND` with a `reason`",
        "write `{{ why }}`",
        "write one edge for each status: the `$status` values of its schema",
    ]
    assert found.workflow.graph == {
        "$START": {"new": Edge("a", "Begin.")},
        "a": {"x": Edge("$SUSPEND", "Because {{ why }}"), "y": Edge("b", "Go on.")},
        "b": {"_": Edge("$END", "Done.")},
    }


OLDER = {
    "old_body": ("prompt: Go on.", "prompt: 'Go on from {{ $body | strip }}.'"),
    "old_any_status": (
        "b: {frontmatter: {type: object}}",
        "b: {frontmatter: {properties: {$status: {enum: ['_']}}, required: [$status]}}",
    ),
    "unknown_variable": ("prompt: Go on.", "prompt: 'Go on with {{ plan }}.'"),
    "no_status": ("prompt: Go on.", "prompt: Go on."),
}


@pytest.mark.parametrize("code", OLDER)
def test_what_older_files_may_do_is_an_error_in_one_of_today(code: str) -> None:
    text = OLD.replace(*OLDER[code])
    if code != "no_status":
        given = "b: {frontmatter: {type: object}}"
        text = text.replace(given, "b: {frontmatter: {properties: {$status: {const: z}}}}")
    warned = {problem.code for problem in parse(text, "demo.yaml").warnings}
    assert code in warned
    today = text.replace("# before there were versions", "version: 1")
    with pytest.raises(WorkflowInvalid) as invalid:
        parse(today, "demo.yaml")
    errors = [problem for problem in invalid.value.problems if problem.severity == ERROR]
    assert [problem.code for problem in errors] == [code]


def test_an_older_body_is_read_as_todays() -> None:
    edge = parse(OLD.replace(*OLDER["old_body"]), "demo.yaml").workflow.graph["a"]["y"]
    assert edge.prompt == "Go on from {{ _body | strip }}."
    triple = OLD.replace("prompt: Go on.", "prompt: '{{{$body}}}'")
    assert parse(triple, "demo.yaml").workflow.graph["a"]["y"].prompt == "{{ _body }}"


def test_a_role_whose_edges_name_statuses_has_to_have_them_in_any_dialect() -> None:
    text = OLD.replace("b: {_: {role: $END, prompt: Done.}}", "b: {z: {role: $END}}")
    with pytest.raises(WorkflowInvalid, match="names no"):
        parse(text, "demo.yaml")


def test_an_any_edge_becomes_one_edge_for_each_status() -> None:
    text = OLD.replace(
        "b: {frontmatter: {type: object}}",
        "b: {frontmatter: {properties: {$status: {enum: [p, q]}}}}",
    )
    assert list(parse(text, "demo.yaml").workflow.graph["b"]) == ["p", "q"]


def test_a_status_named_like_a_yaml_1_1_word_stays_a_word() -> None:
    text = changed('{const: "no"}', "{const: no}")
    assert told(text) == []
    assert "no" in parse(text, "demo.yaml").workflow.graph["planner"]


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"", "not_a_workflow", 1),
        (b"name: a\n\xff\n", "not_utf8", 2),
        ("name: ü".encode("utf-16"), "not_text", 1),
        (b"\x7fELF\x00\x01", "not_text", 1),
        (b"name: a\nb: \x1b[31m\n", "bad_yaml", 2),
        (b"#" * (4 * 1024 * 1024 + 1), "too_large", 1),
        (b"[" * 100_000, "bad_yaml", 1),
    ],
    ids=["empty", "latin-1", "utf-16", "binary", "escape codes", "huge", "deep"],
)
def test_unusable_bytes_get_one_clear_problem(
    tmp_path: Path, data: bytes, code: str, line: int
) -> None:
    file = tmp_path / "demo.yaml"
    file.write_bytes(data)
    with pytest.raises(WorkflowInvalid) as caught:
        load(str(file))
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [(code, line)]


def test_a_file_with_a_byte_order_mark_and_dos_lines_loads(tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(str(file)).warnings == ()


def test_what_is_not_an_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    begun = time.monotonic()
    for path in (
        tmp_path,
        tmp_path / "pipe",
        tmp_path / "none",
        Path("/dev/zero"),
        tmp_path / "a\0b",
    ):
        with pytest.raises(WorkflowInvalid):
            load(str(path))
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(GOOD)
    file.chmod(0)
    with pytest.raises(WorkflowInvalid, match="Permission denied"):
        load(str(file))


def test_the_index_file_of_a_folder_is_named_after_the_folder(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    file = tmp_path / "demo" / "index.yaml"
    file.write_text(GOOD)
    assert load(str(file)).warnings == ()


LINES = GOOD.splitlines()


@given(
    st.lists(st.sampled_from([*LINES, "  ", "x: &a [*a]", "- b", "}", "_: {role: a}"]), max_size=40)
)
def test_shuffled_files_load_or_are_refused(lines: list[str]) -> None:
    try:
        parse("\n".join(lines), "demo.yaml")
    except WorkflowInvalid as error:
        assert error.problems


@given(st.data())
def test_files_with_one_part_replaced_load_or_are_refused(data: st.DataObject) -> None:
    parts = GOOD.replace(":", " : ").split(" ")
    place = data.draw(st.integers(0, len(parts) - 1))
    new = data.draw(
        st.sampled_from(
            ["[]", "{}", "5", "null", "true", "_", "$END", "''", "{a: [b]}", ".nan", "{{"]
        )
    )
    text = " ".join([*parts[:place], new, *parts[place + 1 :]])
    try:
        parse(text, "demo.yaml")
    except WorkflowInvalid as error:
        assert error.problems


VALUES: st.SearchStrategy[object] = st.recursive(
    st.sampled_from([None, True, 1, 1e400, "a", "$END", "{{ x", ""]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(
                [
                    "a",
                    "$START",
                    "new",
                    "_",
                    "role",
                    "prompt",
                    "frontmatter",
                    "budget",
                    "usd",
                    "max_visits",
                    "properties",
                    "$status",
                    "const",
                ]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=12,
)


@given(VALUES, VALUES, VALUES)
def test_any_values_load_or_are_refused(name: object, roles: object, graph: object) -> None:
    import json

    text = json.dumps({"name": name, "roles": roles, "graph": graph}).replace("Infinity", ".inf")
    try:
        parse(text, "demo.yaml")
    except WorkflowInvalid as error:
        assert error.problems


@pytest.mark.parametrize(
    ("roles", "graph", "expected"),
    [
        ("{}", "{}", ["2:1 error empty", "3:1 error empty"]),
        ("{}", "{$START: {new: {role: $END, prompt: x}}}", ["2:1 error empty"]),
        ("{a: {frontmatter: {properties: {$status: {const: x}}}}}", "{}", ["3:1 error empty"]),
    ],
)
def test_workflow_of_nothing_is_refused(roles: str, graph: str, expected: list[str]) -> None:
    found = told(f"version: 1\nroles: {roles}\ngraph: {graph}\nname: plan\ndescription: x\n")
    assert [line for line in found if line.endswith("empty")] == expected


@pytest.mark.parametrize("const", ["true", "1", "null", "1.5"])
def test_shape_of_a_reply_whose_status_is_no_text_is_refused(const: str) -> None:
    shapes = f"[{{properties: {{$status: {{const: x}}}}}}, {{properties: {{$status: {{const: {const}}}}}}}]"
    text = (
        "version: 1\nname: plan\ndescription: x\n"
        f"roles: {{a: {{frontmatter: {{oneOf: {shapes}}}}}}}\n"
        "graph: {$START: {new: {role: a, prompt: x}}, a: {x: {role: $END}}}\n"
    )
    assert "4:103 error bad_status" in told(text)
    quoted = told(text.replace(f"const: {const}}}", f'const: "{const}"}}'))
    assert not any("bad_status" in line for line in quoted)


def test_a_role_says_in_words_who_runs_it_and_what_it_needs() -> None:
    said = "    agent: big-one\n    model: fast\n    needs: [write]"
    flow = parse(changed("    goal: a plan", said), "demo.yaml").workflow
    role = flow.roles["planner"]
    assert (role.agent, role.model, role.needs) == ("big-one", "fast", ("write",))
    assert from_payload(to_payload(flow)).roles["planner"] == role


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("agent: /bin/evil --now", "unknown_word"),
        ("model: [a]", "unknown_word"),
        ("needs: [network]", "bad_type"),
        ("needs: write", "bad_type"),
    ],
)
def test_what_is_no_word_means_nothing(said: str, code: str) -> None:
    text = changed("    goal: a plan", f"    {said}")
    assert [problem.code for problem in problems_of(text)] == [code]
