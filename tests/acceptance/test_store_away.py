"""A server that goes away while uwf works, and comes back: nothing is lost, and nothing has to be mended."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.helpers import postgres
from tests.helpers.fake_forge import eventually
from tests.helpers.postgres import Cluster
from tests.helpers.program import Uwf
from tests.helpers.project import ONE, Project, reply


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A cluster of this test alone, which it may stop."""
    with postgres.alone() as cluster:
        yield cluster


@pytest.fixture
def away(server: Cluster, project: Project) -> Iterator[Project]:
    """A project whose store is there, with an agent that replies once there is a file `go` beside it."""
    agent = project.cwd / "agent.sh"
    agent.write_text(
        "#!/bin/sh\ncat >/dev/null\n: >began\nwhile [ ! -e go ]; do sleep 0.05; done\n"
        f"cat <<'END'\n{reply(note='told')}END\n"
    )
    agent.chmod(0o755)
    with server.database() as url:
        project("config", "set", "store", url)
        project("config", "set", "agents.mine.command", agent)
        project("config", "set", "default_agent", "mine")
        yield project


def test_a_reply_that_comes_while_the_server_is_away_is_kept_and_taken_in(
    server: Cluster, away: Project
) -> None:
    away("config", "set", "lease", "10s")
    thread = away.begin(ONE)
    run = away.start("thread", "exec", thread)
    eventually((away.cwd / "began").exists)
    server.stop()
    (away.cwd / "go").touch()
    _, err = run.communicate(timeout=60)
    assert run.returncode == 1 and b"cannot reach the store" in err
    [kept] = (away.home / "replies").glob("*.reply")
    assert str(kept).encode() in err
    error = Uwf.__call__(away, "thread", "show", thread, "--json", expect=1).error
    assert error["code"] == "store_away"
    server.start()
    assert "is taken in" in Uwf.__call__(away, "thread", "exec", thread).err
    shown = away("thread", "show", thread, "--json").json
    assert (shown["status"], shown["steps"]) == ("completed", 1)
    assert not kept.exists()
    assert away("store", "verify", "--deep", "--json").json["problems"] == []


def test_a_daemon_whose_server_was_away_leads_again_by_itself(
    server: Cluster, away: Project
) -> None:
    def leads() -> bool:
        found = Uwf.__call__(away, "daemon", "status", "--json", expect=None).json
        return found["leader"] is not None and not found["faults"]

    daemon = away.start("daemon", "run")
    try:
        eventually(leads)
        server.stop()
        status = Uwf.__call__(away, "daemon", "status", expect=None)
        assert "cannot reach the store" in status.err
        server.start()
        eventually(leads)
        assert daemon.poll() is None
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=60)
