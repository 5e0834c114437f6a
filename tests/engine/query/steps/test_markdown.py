"""A thread and a step as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.helpers.fake_agent import crash, reply, suspend
from tests.helpers.flows import LOOP, PAIR
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain.story import inline, quote
from uwf.engine.query.steps import markdown
from uwf.engine.run import lock
from uwf.record import replace


def shown(rig: Rig, id: str, quota_chars: int = 32_000, before: int | None = None) -> str:
    return markdown.thread_page(
        rig.store, rig.thread(id), quota_chars=quota_chars, before=before
    ).markdown


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def test_thread_is_told_from_its_task_to_its_last_step(rig: Rig) -> None:
    id = rig.start(task="Write a parser.")
    rig.exec(id, WROTE, CHANGES)
    text = shown(rig, id)
    assert headings(text) == [
        f"# Thread {id}",
        "## Task",
        "## Step 1: writer → done",
        "## Step 2: reviewer → changes",
    ]
    assert "Write a parser." in text
    assert "- **file**: a.py\n\nI wrote it.\n" in text
    assert "Workflow pair, idle, round 1, 2 steps, started 2023-11-14" in text
    assert f"in {rig.engine.home}" in text


def test_a_thread_that_a_process_runs_reads_as_running(rig: Rig) -> None:
    id = rig.start()
    with lock.hold(rig.engine, id):
        assert "*Workflow pair, running, round 1, 0 steps" in shown(rig, id)
    assert "*Workflow pair, idle, round 1, 0 steps" in shown(rig, id)


def test_what_a_person_added_stands_with_its_step(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, supplement="use tabs\nnot spaces")
    assert "A person added:\n\n> use tabs\n> not spaces\n" in shown(rig, id)


def test_every_later_round_has_a_heading(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, WROTE, CHANGES)
    assert headings(shown(rig, id))[2:] == [
        "## Step 1: writer → done",
        "## Step 2: reviewer → approved",
        "# Round 2",
        "## Step 3: writer → done",
        "## Step 4: reviewer → changes",
    ]


def test_round_after_a_rebind_has_its_heading_too(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.rebind(id, rig.put_workflow(replace(PAIR, name="other")))
    rig.resume(id, WROTE)
    assert "# Round 2" in headings(shown(rig, id))


def test_suspension_says_why_and_how_to_go_on(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, suspend("tabs or spaces?"))
    text = shown(rig, id)
    assert "**Suspended** at writer: tabs or spaces?" in text
    assert f"uwf thread resume {id} --supplement" in text
    rig.resume(id, crash("no network"))
    assert "**Suspended** at writer: agent fake exited with code 7: no network" in shown(rig, id)


def test_newest_steps_are_kept_and_a_line_loads_the_others(rig: Rig) -> None:
    id = rig.start(LOOP)
    rig.exec(id, *[reply("on", f"body {n} " + "x" * 200) for n in range(1, 11)])
    text = shown(rig, id, quota_chars=1_000)
    kept = [line for line in headings(text) if line.startswith("## Step")]
    assert kept == [f"## Step {n}: walker → on" for n in (8, 9, 10)]
    assert (
        f"*Steps 1 to 7 are not shown here. To load them: `uwf thread read {id} --before 8`*"
        in text
    )
    earlier = shown(rig, id, quota_chars=1_000, before=8)
    assert [line for line in headings(earlier) if line.startswith("## Step")] == [
        f"## Step {n}: walker → on" for n in (5, 6, 7)
    ]
    assert "--before 5" in earlier


def test_newest_step_is_shown_however_long_it_is(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, reply("approved", "x" * 5_000))
    text = shown(rig, id, quota_chars=10)
    assert "x" * 5_000 in text
    assert "Step 1: writer" not in text


def test_step_is_shown_with_the_prompt_it_got(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    page = markdown.step_page(rig.store, rig.head(id)).markdown
    assert page.startswith("## Step 1: writer → done\n")
    assert rig.prompt in page
    fence = page[page.index("## The prompt it got") :].split("\n")[2]
    assert fence == "````markdown"
    assert fence.removesuffix("markdown") not in rig.prompt


def test_values_stand_on_one_line() -> None:
    assert [inline(value) for value in ("a", True, None, 12, 1.5, [1, "ü"], {"a": None})] == [
        "a",
        "true",
        "null",
        "12",
        "1.5",
        '[1, "ü"]',
        '{"a": null}',
    ]
    assert inline("two\nlines") == "two\n  lines"
    assert quote("a\n\nb") == "> a\n>\n> b"


def test_of_many_failed_attempts_the_newest_are_told(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(lenient=True)
    id = rig.start()
    rig.exec(id, crash("denied 1"))
    for number in range(2, 13):
        rig.resume(id, crash(f"denied {number}"))
    text = shown(rig, id)
    assert "## Attempts at step 1\n\n- *2 earlier attempts*\n- *Attempt 3 of writer" in text
    assert "denied 12" in text and "denied 2\n" not in text
    rig.resume(id, WROTE)
    text = shown(rig, id)
    assert "Attempts at step" not in text
    assert text.index("- *2 earlier attempts*") > text.index("## Step 1: writer → done")


def test_moments_are_said_as_the_reader_sees_them_and_lengths_as_everywhere(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash())
    rig.resume(id, WROTE)
    page = markdown.thread_page(rig.store, rig.thread(id), quota_chars=9000, when=str).markdown
    assert "2023-11-14" not in page and "started 17" in page
    assert re.search(r"^\*17\d{11}, \d\.\ds, ", page, re.MULTILINE)
