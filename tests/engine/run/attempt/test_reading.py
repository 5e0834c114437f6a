"""What is meant by a value, as far as the role's schema leaves no doubt; and examples, which are no replies."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.fake_agent import suspend
from tests.helpers.flows import TEXT, role, schema, workflow
from tests.helpers.rig import Rig
from uwf.agent.echo import Echo
from uwf.agent.protocol import AgentRequest
from uwf.engine.run.attempt import reading
from uwf.engine.run.attempt.reply import Rejected, ValidReply, judge
from uwf.engine.run.prompt import reply_section
from uwf.workflow.model import Workflow

SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "$status": {"enum": ["done", "v1."]},
        "count": {"type": "integer"},
        "share": {"type": ["number", "null"]},
        "word": {"type": "string"},
        "least": {"minimum": 0},
        "list": {"type": "array"},
        "words": {"type": "array", "items": {"type": "string"}},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "sure": {"type": "boolean"},
        "level": {"enum": ["3", "true", 5]},
        "short": {"type": ["string", "integer"], "minimum": 10, "maxLength": 3},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 10}]},
    },
    "required": ["$status"],
}


def one(front: dict[str, Any]) -> Workflow:
    ends = {"done": ("$END", ""), "skipped": ("$END", "")}
    graph = {"$START": {"new": ("one", "Go.")}, "one": ends}
    return workflow("w", [role("one", front)], graph)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("free", "0098", "0098"),
        ("free", "1.20", "1.20"),
        ("free", "3e4", "3e4"),
        ("free", "0x2A", "0x2A"),
        ("free", "+7", "+7"),
        ("free", "98", 98),
        ("free", "1.25", 1.25),
        ("free", "True", True),
        ("free", "[007, {a: 1.00}]", ["007", {"a": "1.00"}]),
        ("count", "0x2A", 42),
        ("count", "007", 7),
        ("share", "0.50", 0.5),
        ("share", "1e-3", 0.001),
        ("word", "2.0", "2.0"),
        ("least", "4.50", 4.5),
        ("list", "[01, 2]", ["01", 2]),
        ("free", "31e4159", "31e4159"),
        ("free", "-2e999", "-2e999"),
        ("free", "-.INF", "-.INF"),
        ("free", ".NaN", ".NaN"),
        ("free", "9223372036854775807", 2**63 - 1),
        ("free", "9223372036854775808", "9223372036854775808"),
        ("free", "-9223372036854775809", "-9223372036854775809"),
        ("free", "0xFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFF"),
        (
            "free",
            "[31e4159, {a: 36893488147419103232}]",
            ["31e4159", {"a": "36893488147419103232"}],
        ),
        ("free", "1e+30", 1e30),
        ("free", "1" * 5_000, "1" * 5_000),
        ("word", "31e4159", "31e4159"),
        ("word", ".nan", ".nan"),
        ("word", "36893488147419103232", "36893488147419103232"),
        ("maybe", "5e999", "5e999"),
        ("words", "[.inf, 5e999, 1.50]", [".inf", "5e999", "1.50"]),
    ],
)
def test_spelling_is_kept_where_no_number_is_asked_for(
    rig: Rig, name: str, text: str, value: Any
) -> None:
    id = rig.start(one(SHAPE))
    rig.exec(id, f"---\n$status: done\n{name}: {text}\n---\n")
    kept = rig.steps(id)[0].output[name]
    assert (kept, type(kept)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("word", "false", "false"),
        ("word", "True", "True"),
        ("word", "8", "8"),
        ("maybe", "1.5", "1.5"),
        ("words", "[true, 8, x]", ["true", "8", "x"]),
        ("count", '"8"', 8),
        ("share", "'0.25'", 0.25),
        ("sure", '"true"', True),
        ("level", "3", "3"),
        ("level", "true", "true"),
        ("level", '"5"', 5),
        ("free", '"8"', "8"),
        ("free", "NULL", None),
    ],
)
def test_value_of_another_kind_is_what_the_schema_asks_for(
    rig: Rig, name: str, text: str, value: Any
) -> None:
    id = rig.start(one(SHAPE))
    rig.exec(id, f"---\n$status: done\n{name}: {text}\n---\n")
    kept = rig.steps(id)[0].output[name]
    assert (kept, type(kept)) == (value, type(value))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("count: 31e4159", "`count` is inf, which cannot be kept"),
        ('count: "31e4159"', "`count` is '31e4159' but must be a whole number"),
        ('count: "36893488147419103232"', "`count` is '36893488147419103232' but must be"),
        ("count: seven", "`count` is 'seven' but must be a whole number"),
        ('count: ""', "`count` is '' but must be a whole number"),
        ("list: 7", "`list` is 7 but must be a list"),
        ("word: null", "`word` is empty but must be a string"),
        ("short: 5", "`short` is 5 but must be at least 10"),
        ("short: '5000'", "`short` has 4 characters but may have at most 3"),
        ("either: 5", "`either` is 5 but must"),
        ("either: true\nlist: 1", "`list` is 1 but must be a list"),
        ("least: -5", "`least` is -5 but must be at least 0"),
        ("least: 31e4159", "`least` is inf, which cannot be kept"),
        ("free: 31e4159\nlist: 7", "`list` is 7 but must be a list"),
    ],
)
def test_value_that_may_be_meant_otherwise_is_asked_again(
    rig: Rig, line: str, problem: str
) -> None:
    flow = one(SHAPE)
    text = f"---\n$status: done\n{line}\n---\n"
    found = judge(flow, flow.roles["one"], text, rig.engine.redactor)
    assert isinstance(found, Rejected)
    assert len(found.problems) == 1
    assert found.problems[0].startswith(problem)


def test_reason_to_suspend_has_any_values_beside_it(rig: Rig) -> None:
    id = rig.start(one(SHAPE))
    rig.exec(id, "---\n$status: $SUSPEND\nreason: 1.50\nseen: [2e999, 007]\n---\n")
    output = rig.steps(id)[0].output
    assert (output["reason"], output["seen"]) == ("1.50", ["2e999", "007"])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("free", "4.50", "4.50"),
        ("free", "7e999", "7e999"),
        ("free", "[36893488147419103232, 1.0]", ["36893488147419103232", 1.0]),
        ("free", "1" * 5_000, "1" * 5_000),
        ("word", "4.50", "4.50"),
        ("word", "true", "true"),
        ("share", "4.50", 4.5),
        ("count", '"8"', 8),
        ("free", "true", True),
    ],
)
@pytest.mark.parametrize("around", ["{}", "---\n{}\n---\n", "\n {}\n"])
def test_json_keeps_its_spellings_with_or_without_lines_around_it(
    rig: Rig, around: str, name: str, text: str, value: Any
) -> None:
    id = rig.start(one(SHAPE))
    said = f'{{"$status": "done", "{name}": {text}, "session": 6e10}}'
    rig.exec(id, around.replace("{}", said))
    step = rig.steps(id)[0]
    kept = step.output[name]
    assert (kept, type(kept), step.session) == (value, type(value), "6e10")


@pytest.mark.parametrize("mark", reading.MARKS.values(), ids=reading.MARKS.keys())
def test_marks_around_a_status_are_read_past(mark: str) -> None:
    for sign in mark:
        assert reading.status_meant(SHAPE, f"done{sign}") == "done"
    assert reading.status_meant(SHAPE, "`done`.") == "done"


@pytest.mark.parametrize("status", ["v1.", "v1", "done it", "Done", "$SUSPEND", "`other`"])
def test_status_that_is_known_or_not_certain_stays(status: str) -> None:
    assert reading.status_meant(SHAPE, status) == status


@pytest.mark.parametrize(
    "text",
    [
        "---\n$status: `done`\nfile: a.py\n---\n",
        "---\n$status: **done**.\nfile: a.py\n---\n",
        '{"$status": "done", "file": "a.py"}',
        '\n{\n\t"file": "a.py",\n\t"$status": "done"\n}\n',
        '---\n{"$status": "done", "file": "a.py", "mark": "\\ud83d\\ude80"}\n---\n',
    ],
)
def test_reply_is_read_although_it_is_not_as_asked(rig: Rig, text: str) -> None:
    id = rig.start(one(schema(done={"file": TEXT})))
    rig.exec(id, text)
    output = rig.steps(id)[0].output
    assert (output["$status"], output["file"]) == ("done", "a.py")
    assert output.get("mark", "🚀") == "🚀"


@pytest.mark.parametrize(
    "text", ['{"$status": "done"', '[{"$status": "done"}]', '{"a": {"$status": 1}}']
)
def test_json_that_is_no_whole_reply_is_asked_again(rig: Rig, text: str) -> None:
    rig.run(rig.start(one(schema(done={}))), "exec", text, suspend("so"))
    assert len(rig.agent.asks) == 2


VERDICTS = schema(fine={"words": TEXT}, broken={"where": TEXT})
ANSWER = "---\n$status: broken\nwhere: in the cellar\n---\nMend it.\n"
PRINTED: dict[str, Callable[[str], str]] = {
    "windows line ends": lambda text: text.replace("\n", "\r\n"),
    "wrapped": lambda text: "\n".join(
        "\n".join(textwrap.wrap(line, 50)) for line in text.split("\n")
    ),
    "coloured": lambda text: "\n".join(f"\x1b[2m{line}\x1b[22m" for line in text.split("\n")),
    "blanks at line ends": lambda text: "\n".join(f"{line}   " for line in text.split("\n")),
    "from the first example on": lambda text: text[text.index("---\n") :],
}


def printing(change: Callable[[str], str]) -> Callable[[AgentRequest], str]:
    return lambda ask: f"user\n{change(ask.prompt)}\n\nassistant\n{ANSWER}"


@pytest.mark.parametrize("change", PRINTED.values(), ids=PRINTED.keys())
@pytest.mark.parametrize("front", [VERDICTS, schema(fine={}, broken={"where": TEXT})])
def test_printed_example_is_not_the_answer(
    rig: Rig, change: Callable[[str], str], front: dict[str, Any]
) -> None:
    flow = workflow(
        "judged",
        [role("judge", front)],
        {
            "$START": {"new": ("judge", "Go.")},
            "judge": {"fine": ("$END", ""), "broken": ("$END", "")},
        },
    )
    id = rig.start(flow)
    rig.exec(id, printing(change))
    assert rig.steps(id)[0].output == {"$status": "broken", "where": "in the cellar"}


def test_example_as_it_was_given_is_asked_again(rig: Rig) -> None:
    for text in ('words: "<words>"', "words: <words>"):
        rig.run(
            rig.start(one(schema(done={"words": TEXT}))),
            "exec",
            f"---\n$status: done\n{text}\n---\nAll of it.\n",
            suspend("what you need to know, or what is in the way"),
            suspend("really"),
        )
        assert len(rig.agent.asks) % 3 == 0


LINK = {"type": "string", "format": "uri"}
COMMIT = {"type": "string", "pattern": "^[0-9a-f]{7}$"}


def accepted(rig: Rig, front: dict[str, Any], text: str) -> bool:
    """Whether `text` is taken for a reply of a role with that front matter."""
    flow = one(front)
    form = reply_section(flow.roles["one"])
    found = judge(flow, flow.roles["one"], text, rig.engine.redactor, Echo(f"Go.\n{form}", form))
    return isinstance(found, ValidReply)


@pytest.mark.parametrize(
    "line",
    [
        'words: "\u2039wor…"',
        'words: "<wor..."',
        "words: <words>...",
        "words: <WORDS>",
        'words: "&lt;words&gt;"',
        'words: "`<words>`."',
        'words: "«words»"',
        'words: "\\\\<words\\\\>"',
        'words: "<wo"',
    ],
)
def test_placeholder_in_another_spelling_or_cut_is_none_of_a_reply(rig: Rig, line: str) -> None:
    assert not accepted(
        rig, schema(done={"words": TEXT}), f"---\n$status: done\n{line}\n---\nDone.\n"
    )


@pytest.mark.parametrize(
    "lines",
    [
        'words: "[words]"',
        "words: [words]",
        'words: "{words}"',
        "words: {words}",
        "words: words",
        "words: Words",
        'words: "..."',
        "words: …",
        "words: words\nmore: more",
        "words: [words]\nmore: '...'",
        "words: <your words>\nmore: x",
        "words: <a few words>\nmore: x",
        "words: <your_words>\nmore: x",
        "words: <words, one sentence>\nmore: x",
        "words: <words> (one sentence)\nmore: x",
        "words: '`<words>` (short)'\nmore: x",
    ],
)
def test_example_with_its_signs_changed_or_words_added_is_no_reply(rig: Rig, lines: str) -> None:
    fields = {"words": TEXT, "more": TEXT} if "more:" in lines else {"words": TEXT}
    assert not accepted(rig, schema(done=fields), f"---\n$status: done\n{lines}\n---\nDone.\n")


@pytest.mark.parametrize(
    "words", ["<", "<b>words</b>", "<words> and more", "words", "...", "[words]", "<swords x>"]
)
def test_value_that_only_resembles_a_placeholder_is_a_value(rig: Rig, words: str) -> None:
    assert accepted(
        rig,
        schema(done={"words": TEXT, "more": TEXT}),
        f'---\n$status: done\nwords: "{words}"\nmore: x\n---\nDone.\n',
    )


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"pr": LINK, "sha": COMMIT}, 'pr: "https://example.com/"\nsha: "0000000"'),
        ({"pr": LINK, "sha": COMMIT}, "sha: '0000000'\npr: https://example.com/"),
        ({"mail": {"type": "string", "format": "email"}}, "mail: someone@example.com"),
        (
            {"day": {"type": "string", "format": "date"}, "n": {"type": "integer"}},
            "day: 2026-01-31\nn: 1",
        ),
        ({"links": {"type": "array", "items": LINK}}, "links: [https://example.com/]"),
        (
            {"at": {"type": "object", "properties": {"url": LINK}}},
            "at: {url: https://example.com/}",
        ),
        ({"pr": LINK}, "pr: https://example.com/\nsession: abc\nusage: {tokens: 5}"),
    ],
)
def test_reply_that_has_all_values_of_the_example_is_none(
    rig: Rig, fields: dict[str, Any], lines: str
) -> None:
    assert not accepted(rig, schema(done=fields), f"---\n$status: done\n{lines}\n---\nI did it.\n")


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"pr": LINK, "sha": COMMIT}, 'pr: "https://example.com/"\nsha: "00000a0"'),
        ({"pr": LINK}, "pr: https://example.com/\nnote: mine"),
        ({"ok": {"type": "boolean"}, "n": {"type": "integer"}}, "ok: true\nn: 1"),
        ({"level": {"enum": ["example.com", "b"]}}, "level: example.com"),
        ({"n": {"type": "string", "pattern": "^[0-9]$"}}, 'n: "1"'),
        ({"version": {"type": "string", "pattern": r"^v\d+\.\d+\.\d+$"}}, "version: v1.0.0"),
    ],
)
def test_reply_with_a_value_that_may_be_meant_is_one(
    rig: Rig, fields: dict[str, Any], lines: str
) -> None:
    assert accepted(rig, schema(done=fields), f"---\n$status: done\n{lines}\n---\nI did it.\n")


@pytest.mark.parametrize(
    "reason",
    [
        "What you need to know, or what is in the way.",
        "WHAT YOU NEED TO KNOW OR WHAT IS IN THE WAY",
        "`what you need to know`, or what is in the way!",
        "what you need to know, or wha…",
    ],
)
def test_reason_of_the_example_is_none(rig: Rig, reason: str) -> None:
    assert not accepted(rig, schema(done={}), suspend(reason))


@pytest.mark.parametrize("reason", ["What you need to know is in the file.", "what you need…ed"])
def test_other_reason_is_one(rig: Rig, reason: str) -> None:
    assert accepted(rig, schema(done={}), suspend(reason))


@pytest.mark.parametrize("text", ["Your te…", "Your text...", "Yo… (12 lines more)", "Your\ntext."])
def test_printed_example_that_is_cut_in_its_text_is_no_reply(rig: Rig, text: str) -> None:
    assert not accepted(rig, schema(done={}, skipped={}), f"---\n$status: skipped\n---\n{text}\n")


def test_text_of_an_own_that_is_cut_is_one(rig: Rig) -> None:
    for text in ("It is no…", "… and so on", "..."):
        assert accepted(rig, schema(done={}), f"---\n$status: done\n---\n{text}\n")


def test_reply_that_is_all_its_example_can_be_is_a_reply(rig: Rig) -> None:
    for text in ("---\n$status: done\n---\n", "```\n---\n$status: done\n---\n```\nYes.\n"):
        id = rig.start(one(schema(done={})))
        rig.exec(id, text)
        assert rig.steps(id)[0].status == "done"
