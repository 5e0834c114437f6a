"""What a thread used is never forgotten, and what it may use is a matter of record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.helpers import dying
from tests.helpers.dying import Killed
from tests.helpers.fake_agent import Answers, Said, crash, reply, suspend
from tests.helpers.flows import LOOP as WALK
from tests.helpers.flows import PAIR
from tests.helpers.rig import CHANGES, WROTE, Rig, everything
from uwf.agent.protocol import Usage
from uwf.config.records import AgentConfig
from uwf.engine.chain import usage
from uwf.engine.chain.tags import THREADS
from uwf.engine.progress import Used
from uwf.engine.run.admission import Admission
from uwf.errors import InputError, Interrupted, Refused, StateError, StoreError
from uwf.guard.spending import day
from uwf.record import replace
from uwf.workflow.model import Workflow

DEAR = Said(WROTE, usage={"usd": 1.5, "tokens": 1000})
REVIEW = Said(CHANGES, usage={"usd": 1.0})
LOOP = (DEAR, REVIEW)
BOTH = {"tokens": 1, "usd": 1}


def test_a_sum_has_no_dust_of_adding() -> None:
    assert usage.add({"usd": 0.1, "tokens": 3}, {"usd": 0.2, "tokens": 4}) == {
        "usd": 0.3,
        "tokens": 7,
    }
    assert usage.add({"usd": 0.0030610000000000004}) == {"usd": 0.003061}


def limited(rig: Rig, **parts: dict[str, float]) -> Rig:
    """The rig with a budget in its config."""
    settings = replace(rig.engine.config, settings={"budget": parts})
    admission = Admission(rig.store, rig.engine.home, settings, "/bin")
    rig.engine = replace(rig.engine, config=settings, admission=admission)
    return rig


def spent(rig: Rig, id: str) -> dict[str, float]:
    used = usage.of_thread(rig.store, rig.thread(id))
    return {name: amount for name, amount in used.items() if name in ("tokens", "usd", "steps")}


def unknown(rig: Rig, id: str) -> dict[str, int]:
    return usage.unknown(usage.of_thread(rig.store, rig.thread(id)))


def why(rig: Rig, id: str) -> list[str]:
    return [move.why for move in rig.store.moves(THREADS + id)]


def test_usage_of_steps_and_of_failed_attempts_is_summed(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, DEAR)
    assert spent(rig, id) == {"usd": 1.5, "tokens": 1000, "steps": 1}
    rig.exec(id, crash(usage={"usd": 0.25}))
    assert spent(rig, id) == {"usd": 1.75, "tokens": 1000, "steps": 1}
    rig.resume(id, crash(usage={"usd": 0.25}))
    rig.resume(id, REVIEW, supplement="try once more")
    assert spent(rig, id) == {"usd": 3.0, "tokens": 1000, "steps": 2}


def test_what_an_attempt_has_not_said_is_not_known_whatever_comes_of_it(rig: Rig) -> None:
    id = rig.start()
    for ended in ("timeout", "signal"):
        rig.run(id, "exec" if ended == "timeout" else "resume", Said("", ended=ended))
    rig.resume(id, DEAR)
    assert unknown(rig, id) == {"tokens": 2, "usd": 2}
    rig.exec(id, Said(CHANGES, usage={"tokens": 5, "unknown.usd": 9}))
    assert unknown(rig, id) == {"tokens": 2, "usd": 3}, "an agent cannot say that of another"
    rig.undo(id)
    rig.undo(id)
    assert unknown(rig, id) == {"tokens": 2, "usd": 3}, "no undo makes it known"
    assert spent(rig, id) == {"usd": 1.5, "tokens": 1005, "steps": 0}


@pytest.mark.parametrize(
    ("said", "many"),
    [
        (Said("", exit_code=1, stderr="Error: connect ECONNREFUSED 127.0.0.1:1"), 0),
        (Said("I begin.\n", exit_code=1, stderr="Error: connect ECONNREFUSED 127.0.0.1:1"), 3),
        (Said("", exit_code=1, stderr="401 Unauthorized"), 0),
        (Said("", exit_code=1, stderr="something else"), 1),
    ],
)
def test_an_agent_that_was_let_in_nowhere_has_used_nothing(rig: Rig, said: Said, many: int) -> None:
    id = rig.start()
    tries = 3 if "ECONN" in said.stderr else 1
    with suppress(Refused):  # it goes on later by itself
        rig.run(id, "exec", *[said] * tries)
    assert unknown(rig, id).get("tokens", 0) == many


BAD = reply("done", usage={"usd": 1})
"""A reply without the file that the writer has to name."""


def test_what_refused_replies_used_is_counted(rig: Rig) -> None:
    id = rig.start()
    good = reply("done", file="a.py", usage={"usd": 1, "tokens": 5})
    rig.run(id, "exec", "no front matter", BAD, good)
    assert rig.steps(id)[0].usage == {"usd": 2, "tokens": 5}
    assert spent(rig, id) == {"usd": 2, "tokens": 5, "steps": 1}
    assert day.today(rig.store)["usd"] == 2


def test_what_an_attempt_of_bad_replies_used_is_counted(rig: Rig) -> None:
    id = rig.start()
    rig.run(id, "exec", BAD, reply("nonsense", usage={"usd": 1}), BAD)
    assert spent(rig, id) == {"usd": 3, "steps": 0}
    assert day.today(rig.store)["usd"] == 3


@pytest.mark.parametrize(
    ("asked", "not_known"),
    [
        ([BAD, Said("", ended="timeout")], BOTH),
        (["no front matter", BAD, BAD], BOTH),
        ([BAD, Said("", exit_code=1, stderr="401 Unauthorized")], {"tokens": 1}),
        ([BAD, BAD, BAD], {"tokens": 1}),
        (["no front matter", Said("", exit_code=1, stderr="401 Unauthorized")], BOTH),
    ],
)
def test_what_one_ask_of_several_has_not_said_is_not_known(
    rig: Rig, asked: list[Answers], not_known: dict[str, int]
) -> None:
    id = rig.start()
    rig.run(id, "exec", *asked)
    assert unknown(rig, id) == not_known
    assert spent(rig, id).get("usd", 0) == asked.count(BAD)
    rig.run(id, "resume", reply("done", file="a.py", usage={"usd": 1, "tokens": 5}))
    assert unknown(rig, id) == not_known


def test_what_the_next_ask_says_meanwhile_is_known_when_uwf_is_killed(rig: Rig) -> None:
    id = rig.start()
    with pytest.raises(Killed):
        rig.run(id, "exec", BAD, Killed())
    dying.die(rig, id, "exec", "half a", says=(Usage({"usd": 1}),))
    with pytest.raises(Killed):
        rig.run(id, "exec", Said("bad", events=(Usage({"tokens": 7, "usd": 1}),)), Killed())
    rig.run(id, "exec", reply("done", file="a.py", usage={"usd": 1, "tokens": 5}))
    assert unknown(rig, id) == {"tokens": 3, "usd": 2}
    assert spent(rig, id) == {"tokens": 12, "usd": 4, "steps": 1}


def test_what_the_second_ask_has_said_when_uwf_is_killed_is_known(rig: Rig) -> None:
    id, plain = rig.start(), rig.engine.on_progress

    def on_progress(event: object) -> None:
        if isinstance(event, Used) and event.amounts == {"usd": 3.0, "tokens": 7}:
            raise Killed

    rig.engine = replace(rig.engine, on_progress=on_progress)
    bad = reply("done", usage={"usd": 1, "tokens": 5})
    more = Said("half a", events=(Usage({"usd": 2, "tokens": 2}),))
    with pytest.raises(Killed):
        rig.run(id, "exec", bad, more)
    rig.engine = replace(rig.engine, on_progress=plain)
    rig.exec(id, reply("done", file="a.py", usage={"usd": 1, "tokens": 5}))
    assert unknown(rig, id) == {}
    assert spent(rig, id) == {"tokens": 12, "usd": 4, "steps": 1}


@pytest.mark.parametrize("ended", [crash(usage={"usd": 0.5}), Said(ended="timeout")])
def test_what_a_refused_reply_used_is_counted_when_the_next_ask_fails(
    rig: Rig, ended: Said
) -> None:
    id = rig.start()
    rig.run(id, "exec", BAD, ended)
    assert spent(rig, id)["usd"] == 1 + (ended.usage or {}).get("usd", 0)


def test_what_a_refused_reply_used_is_counted_when_a_person_stops_the_next_ask(rig: Rig) -> None:
    id = rig.start()
    with pytest.raises(Interrupted):
        rig.run(id, "exec", BAD, Said(ended="stopped"))
    assert spent(rig, id) == {"usd": 1, "steps": 0}


SAID = reply("done", file="a.py", usage={"usd": 0.4, "tokens": 70, "model": "small"})


@pytest.mark.parametrize(
    "ended",
    [
        Said(SAID, exit_code=3),
        Said(SAID, ended="timeout"),
        Said(SAID, ended="stall"),
        Said(SAID, ended="signal"),
        Said(SAID + "x", ended="output_limit"),
    ],
    ids=lambda said: said.ended,
)
def test_what_an_agent_said_that_it_used_counts_however_it_ended(rig: Rig, ended: Said) -> None:
    id = rig.start()
    rig.run(id, "exec", ended)
    assert spent(rig, id) == {"usd": 0.4, "tokens": 70, "steps": 0}
    assert day.today(rig.store)["usd"] == 0.4


def test_what_an_agent_used_counts_when_a_person_stops_it(rig: Rig) -> None:
    id = rig.start()
    with pytest.raises(Interrupted):
        rig.run(id, "exec", Said(SAID, ended="stopped"))
    assert spent(rig, id) == {"usd": 0.4, "tokens": 70, "steps": 0}
    assert day.today(rig.store)["usd"] == 0.4


def test_an_echo_of_the_prompt_by_a_failing_agent_costs_nothing(rig: Rig) -> None:
    id = rig.start(task=f"Copy this:\n{SAID}")
    rig.run(id, "exec", lambda request: Said(request.prompt, exit_code=3))
    assert spent(rig, id) == {"steps": 0}


def test_a_reply_gives_nothing_back_of_what_a_refused_one_used(rig: Rig) -> None:
    id = rig.start()
    rig.run(id, "exec", BAD, reply("done", file="a.py", usage={"usd": -1}))
    assert spent(rig, id) == {"usd": 1, "steps": 1}


def test_a_poke_keeps_what_the_step_it_replaces_has_used(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, DEAR)
    rig.poke(id, "shorter", DEAR)
    assert spent(rig, id) == {"usd": 3.0, "tokens": 2000, "steps": 1}


def test_an_undo_gives_nothing_back_but_steps_and_visits(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start(limited_file({}, 9))
    rig.exec(id, *LOOP)
    rig.exec(id, crash(usage={"usd": 0.25}))
    used = {"usd": 2.75, "tokens": 1000}
    for steps in (1, 0):
        time = rig.row(id)["spent"]["time"]
        rig.undo(id)
        assert spent(rig, id) == {**used, "steps": steps}
        row = rig.row(id)
        assert row["usage"] == used
        assert row["spent"] == {**used, "steps": steps, "visits": 0, "time": time}
    rig.exec(id, DEAR)
    assert spent(rig, id) == {"usd": 4.25, "tokens": 2000, "steps": 1}


def test_an_undone_poke_stays_spent_once(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, DEAR)
    rig.poke(id, "shorter", DEAR)
    rig.undo(id)
    assert spent(rig, id) == {"usd": 3.0, "tokens": 2000, "steps": 1}


def test_an_undone_cancellation_costs_nothing(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, DEAR, crash(usage={"usd": 0.25}))
    before = spent(rig, id)
    rig.cancel(id)
    rig.undo(id)
    assert spent(rig, id) == before


def test_what_was_undone_counts_against_the_budget(rig: Rig) -> None:
    id = rig.start(budget={"usd": 4.0})
    rig.exec(id, *LOOP)
    rig.undo(id)
    rig.undo(id)
    rig.exec(id, DEAR)
    assert "$4.00 of $4.00" in rig.state(id)["suspendMessage"]
    rig.undo(id)
    with pytest.raises(Refused, match=r"has used \$4\.00 of \$4\.00"):
        rig.exec(id)


def test_a_fork_has_what_its_source_has_undone(rig: Rig) -> None:
    id = rig.start()
    start = rig.head(id)
    rig.exec(id, *LOOP)
    rig.undo(id)
    assert spent(rig, rig.fork(rig.head(id), id)) == {"usd": 2.5, "tokens": 1000, "steps": 1}
    assert spent(rig, rig.fork(start, id)) == {"usd": 1.0, "steps": 0}


def test_a_fork_of_what_was_undone_counts_it_once(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, *LOOP)
    undone = rig.head(id)
    rig.undo(id)
    rig.exec(id, REVIEW)
    assert spent(rig, rig.fork(undone, id)) == {"usd": 2.5, "tokens": 1000, "steps": 2}


@pytest.mark.parametrize("amount", ["much", "-1", "nan", "inf"])
def test_an_undone_amount_that_is_none_is_named(rig: Rig, amount: str) -> None:
    id = rig.start()
    ref = rig.ref(id)
    with rig.store.transaction("test") as tx:
        tx.set_ref(ref.name, ref.id, tags={**ref.tags, "undone.usd": amount}, why="by hand")
    with pytest.raises(StoreError, match=f"undone.usd='{amount}'"):
        rig.exec(id)
    assert rig.row(id)["status"] == "corrupt"


def test_what_uwf_counts_itself_an_agent_cannot_say(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, usage={"usd": -1, "steps": 99, "time": 1e6, "visits": 7}))
    used = usage.of_thread(rig.store, rig.thread(id))
    assert (used["steps"], used["usd"]) == (1, 0)
    assert used["time"] < 1000
    assert rig.row(id)["spent"]["visits"] == 0


def test_reaching_a_limit_suspends_and_says_what_was_reached(rig: Rig) -> None:
    id = rig.start(budget={"usd": 2.0})
    rig.exec(id, *LOOP)
    assert rig.state(id)["status"] == "suspended"
    assert "$2.50 of $2.00" in rig.state(id)["suspendMessage"]
    assert rig.state(id)["suspendedRole"] == "writer"
    assert rig.views.way_on(rig.thread(id)) == f"uwf thread resume {id} --budget +usd=2"


def test_a_limit_that_is_reached_with_the_last_step_does_no_harm(rig: Rig) -> None:
    id = rig.start(budget={"usd": 2.0})
    rig.exec(id, DEAR, Said(reply("approved"), usage={"usd": 9}))
    assert rig.state(id)["status"] == "completed"


def test_no_resume_resets_what_was_spent(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start(budget={"usd": 2.0})
    rig.exec(id, *LOOP)
    before = everything(rig.store)
    for supplement in (None, "please"):
        with pytest.raises(Refused, match=r"has used \$2\.50 of \$2\.00") as caught:
            rig.resume(id, supplement=supplement)
        assert caught.value.reason == "budget_exhausted"
    with pytest.raises(StateError):
        rig.exec(id)
    assert everything(rig.store) == before


def test_raising_the_budget_is_on_record_and_lets_the_thread_go_on(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start(budget={"usd": 2.0})
    rig.exec(id, *LOOP)
    result = rig.resume(id, DEAR, budget="+usd=2.5,tokens=10k")
    assert result.thread.status == "idle"
    tags = rig.ref(id).tags
    assert (tags["budget.usd"], tags["budget.tokens"]) == ("4.5", "10k")
    assert "budget: tokens → 10k, usd 2 → 4.5" in why(rig, id)
    rig.exec(id, REVIEW)
    assert "$5.00 of $4.50" in rig.state(id)["suspendMessage"]


def test_a_raise_that_is_refused_or_wrong_changes_nothing(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start(budget={"usd": 2.0, "steps": 2})
    rig.exec(id, *LOOP)
    before = everything(rig.store)
    with pytest.raises(Refused, match="2 of 2 steps"):
        rig.resume(id, budget="+usd=1")
    with pytest.raises(InputError, match="would raise a limit that there is not"):
        rig.resume(id, budget="+tokens=1")
    assert everything(rig.store) == before


def test_a_raise_is_kept_when_the_step_it_allowed_fails(rig: Rig) -> None:
    id = rig.start(budget={"usd": 2.0})
    rig.exec(id, *LOOP)
    rig.resume(id, crash(), budget="+usd=1.5")
    assert rig.ref(id).tags["budget.usd"] == "3.5"
    assert rig.resume(id, DEAR).step is not None


def test_an_idle_thread_goes_on_when_its_budget_is_raised(rig: Rig) -> None:
    limited(rig, reserve={"usd": 1.0})
    id = rig.start(budget={"usd": 0.5})
    with pytest.raises(Refused, match=r"\$0\.00 of \$0\.50 \(\$1\.00 needed\)"):
        rig.exec(id)
    with pytest.raises(StateError):
        rig.resume(id)
    assert rig.resume(id, DEAR, budget="usd=9").step is not None


def test_a_completed_thread_is_resumed_with_more(rig: Rig) -> None:
    id = rig.start(budget={"usd": 2.0})
    rig.exec(id, DEAR, Said(reply("approved"), usage={"usd": 1}))
    with pytest.raises(Refused):
        rig.resume(id, supplement="a review came")
    rig.resume(id, DEAR, supplement="a review came", budget="+usd=3")
    assert rig.state(id)["status"] == "idle"
    assert "budget: usd 2 → 5" in why(rig, id)


def test_a_step_needs_its_reserve_and_a_thread_without_it_is_suspended(rig: Rig) -> None:
    limited(rig, reserve={"usd": 1.0})
    id = rig.start(budget={"usd": 2.0})
    rig.exec(id, DEAR)
    assert rig.state(id)["status"] == "suspended"
    assert "$1.50 of $2.00 ($1.00 needed)" in rig.state(id)["suspendMessage"]


def test_a_step_that_used_more_than_one_may_leaves_the_thread_to_a_person(rig: Rig) -> None:
    limited(rig, step={"usd": 1.0})
    id = rig.start()
    rig.exec(id, DEAR)
    message = rig.state(id)["suspendMessage"]
    assert message == "the step of writer used more than one may: $1.50 of $1.00"
    rig.resume(id, REVIEW)  # just what one may
    assert rig.state(id)["status"] == "idle"


def test_the_config_limits_every_thread_and_the_machine(rig: Rig) -> None:
    limited(rig, thread={"usd": 2.0}, day={"usd": 4.0})
    first, second, third = rig.start(), rig.start(), rig.start()
    rig.exec(first, *LOOP)
    assert rig.state(first)["status"] == "suspended"
    rig.exec(second, DEAR)
    with pytest.raises(
        Refused, match=r"this machine has used \$4\.00 of \$4\.00 today; try again at"
    ):
        rig.exec(third)


def limited_file(budget: dict[str, float], max_visits: int | None = None) -> Workflow:
    roles = {
        name: replace(role, max_visits=max_visits if name == "writer" else None)
        for name, role in PAIR.roles.items()
    }
    return replace(PAIR, budget=budget, roles=roles)


def test_a_workflow_file_lowers_what_config_allows_and_never_raises_it() -> None:
    file = limited_file({"usd": 50.0, "tokens": 10.0, "visits": 8.0}, 3)
    config = {"usd": 5.0, "tokens": 100.0}
    allowed = {"usd": 5.0, "tokens": 10.0, "visits": 8.0}
    assert usage.allowed(config, file, "reviewer", {}) == allowed
    assert usage.allowed(config, file, None, {}) == allowed
    assert usage.allowed(config, file, "writer", {}) == allowed | {"visits": 3.0}
    own = {"budget.usd": "500", "budget.visits": "30", "label.x": "y"}
    assert usage.allowed(config, file, "writer", own) == allowed | {"usd": 500, "visits": 30}


def test_a_role_is_visited_as_often_as_its_workflow_says(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    id = rig.start(limited_file({}, 2))
    rig.exec(id, *LOOP, *LOOP)
    assert "2 of 2 visits" in rig.state(id)["suspendMessage"]
    row = rig.row(id)
    assert (row["spent"]["visits"], row["budget"]) == (2, {"visits": 2.0})
    rig.resume(id, DEAR, budget="+visits=1")
    assert rig.state(id)["status"] == "idle"


@pytest.mark.parametrize(
    ("limits", "reached"), [({"steps": 1.0}, "1 of 1 step"), ({"visits": 1.0}, "1 of 1 visit")]
)
def test_a_poke_adds_no_step_and_no_visit(rig: Rig, limits: dict[str, float], reached: str) -> None:
    id = rig.start(WALK, budget=limits)
    rig.exec(id, reply("on"))
    for _ in range(2):
        assert reached in rig.state(id)["suspendMessage"]
        with pytest.raises(Refused, match=reached):
            rig.resume(id)
        rig.poke(id, "further", reply("on"))
    rig.poke(id, "further still", crash())
    rig.resume(id, reply("on"))
    assert reached in rig.state(id)["suspendMessage"]
    assert len(rig.steps(id)) == 1


def test_a_poke_costs_what_a_step_costs(rig: Rig) -> None:
    id = rig.start(budget={"usd": 1.0, "steps": 1})
    rig.exec(id, DEAR)
    with pytest.raises(Refused, match=r"has used \$1\.50 of \$1\.00$"):
        rig.poke(id, "shorter")


def test_a_time_budget_bounds_the_step(rig: Rig) -> None:
    limited(rig, step={"time": 30.0})
    id = rig.start(budget={"time": 60.0})
    rig.exec(id, DEAR)
    assert rig.agent.asks[-1].timeout_s == 30
    limited(rig, step={})
    rig.exec(id, REVIEW)
    left = rig.agent.asks[-1].timeout_s
    assert left is not None
    assert 30 < left <= 60


def test_a_tag_that_is_no_limit_is_named(rig: Rig) -> None:
    id = rig.start()
    ref = rig.ref(id)
    with rig.store.transaction("test") as tx:
        tx.set_ref(ref.name, ref.id, tags={**ref.tags, "budget.usd": "much"}, why="by hand")
    with pytest.raises(StoreError, match=r"budget\.usd='much'"):
        rig.exec(id)
    assert rig.row(id)["status"] == "corrupt"


def test_a_fork_has_the_budget_of_its_source(rig: Rig) -> None:
    id = rig.start(budget={"usd": 2.0})
    rig.exec(id, DEAR)
    assert rig.ref(rig.fork(rig.head(id), id)).tags["budget.usd"] == "2"


def test_the_same_failure_three_times_in_a_life_is_left_to_a_person(rig: Rig) -> None:
    id = rig.start()
    for n in range(2):
        rig.exec(id, crash(f"no such file /tmp/{n}"))
        rig.resume(id, WROTE)
        rig.exec(id, CHANGES)
    failed = rig.exec(id, crash("no such file /tmp/9"))
    assert failed.failure is not None
    assert "the same failure 3 times in this thread" in failed.failure.message
    with pytest.raises(Refused, match="failed in the same way 3 times in its life") as caught:
        rig.resume(id)
    assert caught.value.reason == "attempts_exhausted"
    rig.resume(id, WROTE, supplement="the file is there now")


def test_a_question_to_a_person_goes_before_a_budget(rig: Rig) -> None:
    id = rig.start(budget={"usd": 1.0})
    rig.exec(id, Said(suspend("Which colour?"), usage={"usd": 2}))
    assert rig.state(id)["suspendMessage"] == "Which colour?"


def test_agent_that_is_ended_for_its_time_budget_has_not_failed(rig: Rig) -> None:
    id = rig.start(budget={"time": 0.0005})
    result = rig.exec(id, Said(ended="timeout", turns=("half",)))
    assert (result.failure, result.step) == (None, None)
    message = rig.state(id)["suspendMessage"]
    assert message.startswith("the budget is used up: ") and "--budget` raises it" in message
    assert stats_of(rig) == []
    for _ in range(4):  # no count of tries is used up
        rig.run(id, "resume", Said(ended="timeout"), budget="+time=1s")
    assert rig.resume(id, WROTE, budget="+time=1h").step is not None
    assert len(rig.steps(id)[0].attempts) == 5


def test_agent_with_a_tighter_timeout_of_its_own_has_failed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(agents={"fake": AgentConfig(timeout_s=1.0)})
    result = rig.exec(rig.start(budget={"time": 3600}), Said(ended="timeout"))
    assert result.failure is not None and result.failure.code == "timeout"


def stats_of(rig: Rig) -> list[object]:
    return [sample.value for sample in rig.store.samples("step/", 0)]
