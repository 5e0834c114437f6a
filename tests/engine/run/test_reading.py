"""What is meant by a value, as far as the role's schema leaves no doubt; and examples, which are no replies."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.fake_agent import suspend
from tests.helpers.flows import TEXT, role, schema, workflow
from tests.helpers.rig import Rig
from uwf.agent.protocol import AgentRequest
from uwf.engine.run import reading
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
    },
    "required": ["$status"],
}


def one(front: dict[str, Any]) -> Workflow:
    graph = {"$START": {"new": ("one", "Go.")}, "one": {"done": ("$END", "")}}
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
    ],
)
def test_spelling_is_kept_where_no_number_is_asked_for(
    rig: Rig, name: str, text: str, value: Any
) -> None:
    id = rig.start(one(SHAPE))
    rig.exec(id, f"---\n$status: done\n{name}: {text}\n---\n")
    kept = rig.steps(id)[0].output[name]
    assert (kept, type(kept)) == (value, type(value))


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


def test_reply_that_is_all_its_example_can_be_is_a_reply(rig: Rig) -> None:
    for text in ("---\n$status: done\n---\n", "```\n---\n$status: done\n---\n```\nYes.\n"):
        id = rig.start(one(schema(done={})))
        rig.exec(id, text)
        assert rig.steps(id)[0].status == "done"
