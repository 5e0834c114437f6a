"""Of the daemons of several machines one leads, as real processes: who does, who takes over, and who is woken."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.helpers.project import until
from tests.worker.conftest import Machine

Machines = Callable[[str], Machine]


def leader(machine: Machine) -> str | None:
    found = machine("daemon", "status", "--json").json["leader"]
    return None if found is None else found["host"]


def test_one_leads_all_see_which_and_another_takes_over_at_once(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    assert leader(here) is None
    first = here.daemon()
    second = there.daemon(leads=False)
    assert leader(here) == leader(there) == "here"
    assert there("daemon", "status", "--json").json["standby"] == 1
    assert f"process {first.process.pid} on here leads" in second.said
    assert first.end() == 0
    ended_s = time.monotonic()
    second.says("leads the daemons")
    assert time.monotonic() - ended_s < 5
    assert leader(here) == "there"


def test_the_lease_of_a_killed_one_ends_and_another_leads(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    for each in (here, there):
        each("config", "set", "lease", "4s")
        each.agents("painter")
    first = here.daemon()
    second = there.daemon(leads=False)
    there.worker()
    first.process.kill()
    first.process.wait()
    second.says("leads the daemons")
    there.ends(here.due())


def test_one_that_was_cut_off_leads_again_and_runs_what_came_meanwhile(machine: Machines) -> None:
    here = machine("here")
    here.agents("painter")
    daemon, _ = here.daemon(), here.worker()
    name = here.sql("SELECT current_database()")[0][0]
    here.sql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        " AND pid <> pg_backend_pid()"
    )
    here.ends(here.due())
    assert daemon.process.poll() is None


def test_whoever_leads_is_woken_by_a_commit_on_another_machine(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    here.agents("painter")
    daemon = here.daemon()
    began = there.due()
    until(lambda: f"{began} runs" in daemon.said, within_s=5)
    there("thread", "tell", began, "and mind the gap")
    shown = there.show(began)
    assert shown["status"] == "idle", "no worker is there yet"
    here.worker()
    here.ends(began)
