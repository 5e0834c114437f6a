"""A machine whose clock is an hour off: it goes by the database's, and is seen from all of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.helpers.project import until
from tests.worker.conftest import Machine

Machines = Callable[[str], Machine]

HOUR_MS = 3_600_000
SET = """\
import time
time_ns = time.time_ns
time.time_ns = lambda: time_ns() + {ms} * 1_000_000
time.time = lambda: time.time_ns() / 1e9
"""


def set_clock(machine: Machine, ms: int) -> None:
    """Let the clock of a machine be so far ahead."""
    folder = machine.home.parent / "clock"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(SET.format(ms=ms))
    machine.environ["PYTHONPATH"] = str(folder)


def from_now_ms(at_ms: int) -> float:
    return at_ms - time.time() * 1000


@pytest.mark.parametrize("off_ms", [HOUR_MS, -HOUR_MS])
def test_what_a_machine_writes_whose_clock_is_off_has_the_databases_time(
    machine: Machines, off_ms: int
) -> None:
    there = machine("there")
    there.agents("painter")
    set_clock(there, off_ms)
    thread = there.begin()
    near = pytest.approx(0, abs=20_000)
    later = there("thread", "wake", thread, "--in", "2h", "--json").json["wakeAt"]
    assert from_now_ms(later) == pytest.approx(2 * HOUR_MS, abs=20_000)
    assert from_now_ms(there.show(there.due())["wakeAt"]) == near
    there("thread", "exec", thread)
    shown = there.show(thread)
    assert [from_now_ms(shown[name]) for name in ("startedAt", "updatedAt", "completedAt")] == (
        [near] * 3
    )
    there("event", "send", "shipped", "--id", "one")
    assert from_now_ms(there("event", "show", "one", "--json").json["at"]) == near


def test_no_timer_is_early_where_the_clock_of_the_one_that_leads_is_ahead(
    machine: Machines,
) -> None:
    here, there = machine("here"), machine("there")
    here.agents("painter")
    set_clock(there, HOUR_MS)
    early = here.begin()
    here("thread", "wake", early, "--in", "30m")
    daemon = there.daemon().says("the clock of there is 1h ahead of that of the database")
    here.worker()
    here.ends(here.due())
    assert f"{early} runs" not in daemon.said
    assert daemon.said.count("ahead of") == 1, "it is said once"


def test_a_worker_whose_clock_is_off_says_so_and_all_machines_see_it(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    there.agents("painter")
    set_clock(there, -HOUR_MS)
    here.daemon()
    worker = there.worker().says("the clock of there is 1h behind that of the database")
    said = "the clock of there is 1h behind that of the database; uwf goes by the database's there"

    def is_listed() -> bool:
        (row,) = here("worker", "list", "--json").json
        return bool(row["clockOffMs"] == pytest.approx(-HOUR_MS, abs=3000))

    until(is_listed, within_s=20)
    assert said in here("worker", "list").err
    for one, hint in (
        (here, "ssh there timedatectl set-ntp true"),
        (there, "timedatectl set-ntp true"),
    ):
        (found,) = one("doctor", "--only", "skew", "--json", expect=1).json
        assert (found["what"], found["hint"]) == (said, hint)
    thread = here.due()
    here.ends(thread)
    assert worker.said.count("behind") == 1, "it is said once"
    assert worker.end() == 0
    set_clock(there, 0)
    there.worker()
    until(lambda: here("doctor", "--only", "skew", "--json", expect=None).json == [], within_s=20)
    assert here("worker", "list", "--json").json[0]["clockOffMs"] == 0


def test_clocks_that_are_right_are_no_finding(machine: Machines) -> None:
    here = machine("here")
    assert here("doctor", "--only", "skew").err == "nothing is wrong\n"
