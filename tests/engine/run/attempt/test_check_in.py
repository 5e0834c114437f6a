"""`nextCheckIn` in a reply: when it is a wish, what of it is sense, and who is told where it is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.fake_agent import reply, suspend
from tests.helpers.flows import role, schema, workflow
from tests.helpers.rig import APPROVED, Rig
from tests.helpers.ticking import Ticking
from uwf import quantities
from uwf.engine.chain import wake
from uwf.engine.chain.wake import Wake
from uwf.engine.progress import CheckInNoted
from uwf.engine.query.steps import turns as stored
from uwf.engine.run.attempt import check_in
from uwf.engine.run.attempt.check_in import LEAST_S, MOST_S

HOUR_MS = 3_600_000


def timer(rig: Rig, id: str) -> Wake | None:
    return wake.of(rig.ref(id).tags, id)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800),
        ("1h30m", 5400),
        (" 90s ", 90),
        ("2 hours", 7200),
        ("in 1 hour and 30 minutes", 5400),
        ("1.5h", 5400),
        ("1 day, 2 hrs", 93_600),
        ("2W", 1_209_600),
        ("10 Min", 600),
        ("30d", MOST_S),
        ("60 sec", LEAST_S),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert check_in.read(text) == check_in.CheckIn(seconds)


@given(st.integers(LEAST_S, MOST_S))
def test_what_uwf_writes_it_reads(seconds: int) -> None:
    text = quantities.written(quantities.TIME, seconds)
    assert check_in.read(text) == check_in.CheckIn(seconds)


@pytest.mark.parametrize("text", ["5s", "0m", "59s", "0.5 minutes"])
def test_less_than_a_minute_is_a_minute(text: str) -> None:
    found = check_in.read(text)
    assert found.after_s == LEAST_S and found.note is not None and text in found.note


@pytest.mark.parametrize("text", ["31d", "999999999w", "2000h"])
def test_more_than_30_days_are_30_days(text: str) -> None:
    found = check_in.read(text)
    assert found.after_s == MOST_S and found.note is not None and text in found.note


@pytest.mark.parametrize(
    "value",
    [30, 1.5, True, None, [], {"m": 30}, "", "soon", "-5m", "30", "1h30", "5ms", "1m" * 60, "1_0m"],
)
def test_what_is_no_length_of_time_is_no_wish(value: Any) -> None:
    found = check_in.read(value)
    assert found.after_s is None and found.note is not None
    assert "is no length of time such as 30m" in found.note and len(found.note) < 130
    assert found.wake("writer") is None


def test_one_who_asks_for_a_person_is_looked_at_again(each_rig: Rig, now: Ticking) -> None:
    id = each_rig.start()
    each_rig.exec(id, suspend("is the build done?", nextCheckIn="1h"))
    found = timer(each_rig, id)
    assert found is not None and (found.kind, found.for_words) == (wake.TIMER, False)
    assert found.why == "writer asked for a look after 1h"
    assert 0 <= now() - (found.at_ms - HOUR_MS) < 100
    assert each_rig.state(id)["suspendMessage"] == "is the build done?"
    shown = each_rig.row(id)
    assert (shown["wakeAt"], shown["wakeKind"]) == (found.at_ms, "timer")


def test_any_reply_may_ask_for_it_and_it_is_no_part_of_its_output(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, reply("done", file="a.py", nextCheckIn="1h"))
    assert timer(rig, id) is not None
    assert rig.steps(id)[0].output == {"$status": "done", "file": "a.py"}


def test_the_last_step_of_a_thread_may_ask_for_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, reply("done", file="a.py"), reply("approved", nextCheckIn="1h"))
    assert rig.state(id)["status"] == "completed"
    assert timer(rig, id) is not None


def test_a_step_that_follows_has_looked(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, reply("done", file="a.py", nextCheckIn="1h"), APPROVED)
    assert timer(rig, id) is None


def test_a_schema_that_has_such_a_field_keeps_it(rig: Rig) -> None:
    looker = role("looker", schema(wait={"nextCheckIn": {"type": "string"}}))
    flow = workflow(
        "looking",
        [looker],
        {"$START": {"new": ("looker", "Look.")}, "looker": {"wait": ("$END", "")}},
    )
    id = rig.start(flow)
    rig.exec(id, reply("wait", nextCheckIn="1h"))
    assert rig.steps(id)[0].output["nextCheckIn"] == "1h"
    assert timer(rig, id) is not None


def test_a_wish_that_makes_no_sense_spoils_no_reply_and_is_noted(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, reply("done", "The text.", file="a.py", nextCheckIn=30))
    assert timer(rig, id) is None
    noted = [event for event in rig.events if isinstance(event, CheckInNoted)]
    assert [event.message.partition(" is no")[0] for event in noted] == ["nextCheckIn: 30"]
    said, remark = stored.up_to(rig.store, rig.steps(id)[0].turns)
    assert (remark.from_, remark.text) == ("uwf", noted[0].message)
    assert "The text." in said.text


def test_a_person_who_is_asked_reads_that_nobody_looks(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, suspend("is the build done?", nextCheckIn="soon"))
    assert timer(rig, id) is None
    assert rig.state(id)["suspendMessage"] == (
        "is the build done? (nextCheckIn: soon is no length of time such as 30m, and nobody looks for it)"
    )


def test_what_is_cut_to_sense_says_so_where_it_is_shown(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, suspend("is the build done?", nextCheckIn="5s"))
    found = timer(rig, id)
    assert found is not None
    assert found.why == "writer asked for a look after 1m (nextCheckIn: 5s is less than one minute)"
