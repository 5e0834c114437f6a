"""Leases of machines that are called the same: what one of them sees says nothing about the processes of another."""

from __future__ import annotations

import os

import psycopg
import pytest

from tests.helpers.fake_agent import NO_PID
from uwf.agent.process import platform
from uwf.errors import Superseded
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


def test_a_number_that_was_given_out_again_holds_for_who_got_it_last(database: str) -> None:
    """By a replica that has taken the place of its server, and did not have the lease yet."""
    theirs, ours = opened(database, Owner(7, "another-boot:1", "ant")), opened(database, HERE)
    lost = theirs.leases.take("T")
    assert lost is not None
    with psycopg.connect(database, autocommit=True) as behind:
        behind.execute("DELETE FROM uwf.lease")
        behind.execute("SELECT setval('uwf.lease_epoch', %s, false)", (lost.epoch,))
    held = ours.leases.take("T")
    assert held is not None and held.epoch == lost.epoch
    assert ours.leases.ask("T", "stop")
    assert (theirs.leases.asked(lost), ours.leases.asked(held)) == ("", "stop")
    assert not theirs.leases.renew(lost)
    with pytest.raises(Superseded), theirs.transaction("test", lease=lost):
        pass
    theirs.leases.release(lost)
    assert ours.leases.renew(held)
    theirs.close()
    ours.close()
