"""Leases of machines that are called the same: what one of them sees says nothing about the processes of another."""

from __future__ import annotations

import os

import pytest

from tests.helpers.fake_agent import NO_PID
from uwf.agent.process import platform
from uwf.record import replace
from uwf.store.owner import Owner
from uwf.store.postgres import PostgresStore, open_store

HERE = replace(platform.this_process(), host="box")


def opened(url: str, owner: Owner) -> PostgresStore:
    return open_store(url, owner=owner, may_live=platform.may_live)


@pytest.mark.parametrize("pid", [os.getpid(), NO_PID], ids=["living", "dead"])
@pytest.mark.parametrize(
    "where", ["another-boot", f"{platform.where(HERE)}.7"], ids=["boot", "pids"]
)
def test_a_lease_of_another_machine_that_has_the_same_name_counts(
    database: str, pid: int, where: str
) -> None:
    namesake = Owner(pid, f"{where}:1", "box")
    theirs, ours = opened(database, namesake), opened(database, HERE)
    lease = theirs.leases.take("T")
    assert lease is not None
    assert ours.leases.take("T") is None
    assert ours.leases.holder("T") == ours.leases.anyone() == namesake
    assert ours.leases.held() == ["T"]
    assert theirs.leases.renew(lease)
    theirs.close()
    ours.close()


def test_a_lease_of_a_dead_process_of_this_machine_is_taken_over_at_once(database: str) -> None:
    dead = Owner(NO_PID, f"{platform.where(HERE)}:1", "box")
    theirs, ours = opened(database, dead), opened(database, HERE)
    lease = theirs.leases.take("T")
    assert lease is not None
    assert ours.leases.holder("T") is None
    assert ours.leases.take("T") is not None
    assert not theirs.leases.renew(lease)
    theirs.close()
    ours.close()
