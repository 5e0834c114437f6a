"""The prompt a role gets: its sections, in order, and what stands in each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.fake_agent import reply, suspend
from tests.helpers.flows import LOOP, PAIR, TEXT, role, schema, workflow
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain.nodes import prompt_text

HEADINGS = (
    "## How to reply",
    "## Where this thread stands",
    "## Your role: ",
    "## The task",
    "## The story so far (newest first)",
    "## New information",
    "## Your instruction now",
)


def section(prompt: str, heading: str) -> str:
    """The section that begins with `heading`, up to the next one the engine writes."""
    start = prompt.index(heading)
    ends = [prompt.find(f"\n\n{other}", start + 1) for other in HEADINGS]
    return prompt[start : min((end for end in ends if end > 0), default=len(prompt))]


def test_sections_come_in_this_order(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    rig.exec(id, CHANGES, supplement="use tabs")
    places = [rig.prompt.find(heading) for heading in HEADINGS]
    assert -1 not in places
    assert places == sorted(places)
    assert rig.prompt.count("\n## ") == len(HEADINGS) - 1


def test_first_prompt_has_no_story_and_no_new_information(rig: Rig) -> None:
    rig.exec(rig.start(), WROTE)
    assert "The story" not in rig.prompt
    assert "New information" not in rig.prompt


def test_role_section_has_goal_capabilities_procedure_and_output(rig: Rig) -> None:
    rig.exec(rig.start(), WROTE)
    told = section(rig.prompt, "## Your role: writer")
    for words in (
        "The writer.",
        "### Goal\n\nGoal of the writer.",
        "### Capabilities\n\n- writer-skill",
        "### Procedure\n\nProcedure of the writer.",
        "### Output\n\nOutput of the writer.",
    ):
        assert words in told
    assert told.index("Goal") < told.index("Capabilities") < told.index("Procedure")


def test_what_a_role_does_not_say_has_no_heading(rig: Rig) -> None:
    silent = role(
        "silent",
        schema(done={}),
        description="",
        goal="",
        capabilities=(),
        procedure=" \n",
        output="Text.",
    )
    flow = workflow("quiet", [silent], {"$START": {"new": ("silent", "Go.")}})
    flow.graph["silent"] = {"done": PAIR.graph["reviewer"]["approved"]}
    rig.exec(rig.start(flow), reply("done"))
    assert section(rig.prompt, "## Your role: ") == "## Your role: silent\n\n### Output\n\nText."


def test_task_stands_in_every_prompt(rig: Rig) -> None:
    id = rig.start(task="Write a parser.\n\nIt reads dates.")
    rig.exec(id, WROTE, CHANGES)
    for ask in rig.agent.asks:
        told = section(ask.prompt, "## The task")
        assert told == "## The task\n\nWrite a parser.\n\nIt reads dates."


def test_place_says_round_step_and_visits(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES, WROTE, CHANGES, WROTE)
    rig.exec(id, APPROVED)
    rig.resume(id, WROTE)
    told = [section(ask.prompt, "## Where this thread stands") for ask in rig.agent.asks]
    assert f"Workflow `pair`, thread `{id}`: round 1, step 1." in told[0]
    assert "here for the first time" in told[0]
    assert "round 1, step 3." in told[2]
    assert "been here once before" in told[2]
    assert "been here 2 times before" in told[4]
    assert "round 2, step 7." in told[6]
    assert "been here 3 times before" in told[6]


def test_edge_prompt_is_rendered_over_the_last_output(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES)
    assert rig.prompt.endswith(
        "## Your instruction now\n\nReview a.py. The writer says: I wrote it."
    )


def test_supplement_has_a_heading_of_its_own(rig: Rig) -> None:
    rig.exec(rig.start(), WROTE, supplement="use tabs")
    assert section(rig.prompt, "## New information").endswith("\n\nuse tabs")


def test_first_visit_tells_the_whole_story_newest_first(rig: Rig) -> None:
    three = workflow(
        "three",
        [role(name, schema(ok={"note": TEXT})) for name in ("one", "two", "three")],
        {
            "$START": {"new": ("one", "Begin.")},
            "one": {"ok": ("two", "Go on.")},
            "two": {"ok": ("three", "End it.")},
            "three": {"ok": ("$END", "")},
        },
    )
    id = rig.start(three)
    rig.exec(id, *[reply("ok", f"text of {n}", note=f"note {n}") for n in (1, 2, 3)])
    told = section(rig.prompt, "## The story so far (newest first)")
    assert "### Step 2: two → ok\n\n- note: note 2\n\ntext of 2" in told
    assert "### Step 1: one → ok\n\n- note: note 1\n\ntext of 1" in told
    assert told.index("Step 2") < told.index("Step 1")


def test_later_visit_tells_only_what_happened_since_the_last(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES, reply("done", "I mended it.", file="b.py"), CHANGES)
    told = rig.prompt[rig.prompt.index("## What happened since your last visit") :]
    assert "Step 3: writer → done" in told
    assert "I mended it." in told
    assert "Step 2: reviewer" not in told
    assert "Step 1" not in told


def test_role_that_asked_is_told_its_own_question_again(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, suspend("tabs or spaces?"))
    rig.resume(id, APPROVED, supplement="tabs")
    assert "tabs or spaces?" in section(rig.prompt, "## What happened since your last visit")
    assert section(rig.prompt, "## New information").endswith("\n\ntabs")
    assert rig.prompt.endswith("Review a.py. The writer says: I wrote it.")


def test_what_a_person_added_is_part_of_the_story(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, supplement="use tabs\n\nand no globals")
    rig.exec(id, CHANGES)
    assert "A person had added:\n\n> use tabs\n>\n> and no globals" in rig.prompt


@pytest.mark.parametrize("quota", [0, 1, 150, 1_000, 5_000])
def test_story_keeps_to_its_quota(make_rig: Callable[..., Rig], quota: int) -> None:
    rig = make_rig(history_chars=quota)
    id = long_story(rig)
    told = section(rig.prompt, "## The story so far (newest first)")
    assert len(told) <= quota + 300
    assert (f"uwf thread read {id}" in told) == (quota < 5_000)


def test_newest_steps_are_the_ones_kept(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(history_chars=1_000)
    long_story(rig)
    told = section(rig.prompt, "## The story so far (newest first)")
    assert "### Step 10: walker" in told
    assert "### Step 9: walker" in told
    assert "### Step 1: walker" not in told


def test_step_that_fits_only_in_part_says_where_the_rest_is(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig(history_chars=200)
    id = long_story(rig)
    told = section(rig.prompt, "## The story so far (newest first)")
    assert f"more characters: `uwf step read {rig.steps(id)[9].id[:16]}`" in told


def test_new_round_tells_the_last_round_the_supplement_and_the_edge(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, reply("done", "second", file="b.py"), APPROVED, supplement="first feedback")
    rig.resume(id, WROTE, supplement="second feedback")
    told = section(rig.prompt, "## The story of round 2 (newest first)")
    assert told.index("Step 4: reviewer") < told.index("Step 3: writer")
    assert "Step 2" not in told
    assert "> first feedback" in told
    assert section(rig.prompt, "## New information").endswith("\n\nsecond feedback")
    assert rig.prompt.endswith(
        "## Your instruction now\n\nGo on. The last word was: Write a parser."
    )


def test_stored_prompt_is_what_the_agent_got(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start(task="A long task. " * 200)
    rig.exec(id, WROTE, supplement="word " * 500)
    rig.exec(id, CHANGES, WROTE)
    stored = [prompt_text(rig.store, step.prompt) for step in rig.steps(id)]
    assert stored == [ask.prompt for ask in rig.agent.asks]
    assert rig.step(rig.head(id))["prompt"] == rig.prompt


def test_sections_that_repeat_are_stored_once(rig: Rig) -> None:
    id = rig.start(LOOP)
    rig.exec(id, reply("on"))
    first = rig.steps(id)[0].prompt
    rig.exec(id, reply("on"))
    second = rig.steps(id)[1].prompt
    parts = [rig.store.get(prompt).payload["parts"] for prompt in (first, second)]
    same = [part for part in parts[0] if part in parts[1]]
    assert len(same) == 3  # how to reply, the role, the task
    assert all(rig.store.get(part).kind == "text" for part in same)


def long_story(rig: Rig) -> str:
    """Ten steps of one role, then the first visit of another."""
    flow = workflow(
        "long",
        [role("walker", schema(on={}, off={})), role("judge", schema(ok={}))],
        {
            "$START": {"new": ("walker", "Walk.")},
            "walker": {"on": ("walker", "Walk on."), "off": ("judge", "Judge.")},
            "judge": {"ok": ("$END", "")},
        },
    )
    id = rig.start(flow)
    rig.exec(id, *[reply("on", f"body {n} " + "x" * 300) for n in range(1, 10)])
    rig.exec(id, reply("off", "the last " + "x" * 300), reply("ok"))
    return id
