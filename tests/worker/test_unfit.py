"""A machine whose home cannot be written, or has no room: it takes nothing, says why, and others run what is due."""

from __future__ import annotations

from collections.abc import Callable

from tests.helpers.project import until
from tests.helpers.read_only import read_only
from tests.worker.conftest import Machine

Machines = Callable[[str], Machine]


def state(machine: Machine, host: str) -> str:
    return next(
        str(one["state"]) for one in machine("worker", "list", "--json").json if one["host"] == host
    )


def test_a_machine_whose_home_cannot_be_written_leaves_threads_to_others(
    machine: Machines,
) -> None:
    here, there = machine("here"), machine("there")
    for each in (here, there):
        each.agents("painter")
    here.daemon()
    worker = there.worker()
    went_there = here.due("--place", "host:there")
    here.ends(went_there)
    with read_only(there.home):
        lacks = f"{there.home} cannot be written"
        worker.says(f"{lacks}: it takes nothing until that is over")
        until(lambda: state(here, "there") == "unfit")
        assert f"worker 1 on there takes nothing: {lacks}" in here("worker", "list").err
        (found,) = there("doctor", "--only", "disk", "--json", expect=1).json
        assert found["what"] == f"{lacks}: steps are refused"
        (found,) = here("doctor", "--only", "worker", "--json", expect=1).json
        assert (found["what"], found["hint"]) == (
            f"the worker on there takes nothing: {lacks}",
            "uwf worker list",
        )
        aside = until(lambda: here("daemon", "status", "--json").json["quarantine"])
        assert [(one["kind"], one["name"]) for one in aside] == [("worker", "there")]
        placed = here.due("--place", "host:there")
        here.worker()
        for thread in [here.due() for _ in range(3)]:
            shown = here.ends(thread)
            assert shown["host"] == "here"
        assert here.show(placed)["status"] == "idle"
        assert worker.said.count("takes nothing") == 1, "it is said once"
    here.ends(placed)
    worker.says("its home has room again, and can be written")
    assert state(here, "there") == "working"
    assert here("doctor", "--only", "worker").err == "nothing is wrong\n"
    until(lambda: here("daemon", "status", "--json").json["quarantine"] == [])


def test_a_machine_without_room_leaves_threads_to_others(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    for each in (here, there):
        each.agents("painter")
    there("config", "set", "limits.disk_floor", "900000GiB")
    here.daemon()
    there.worker().says("of disk are free", "must stay free (limits.disk_floor): it takes nothing")
    thread = here.due()
    here.worker()
    assert here.ends(thread)["host"] == "here"
