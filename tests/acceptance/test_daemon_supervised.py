"""The daemon under a supervisor: what it says to it, and how it is restarted and stopped."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.project import Project, until
from tests.helpers.serving import Serving, configured, due
from tests.helpers.supervisor import Supervisor

HELD = (
    'cat >/dev/null\necho "$UWF_THREAD ${NOTIFY_SOCKET:-none}" >>"$UWF_HOME/../began"\n'
    'while [ ! -e "$UWF_HOME/../go" ]; do sleep 0.02; done\n'
    "printf -- '---\\n$status: done\\n---\\n'\n"
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd is a thing of Linux")


@pytest.fixture
def supervisor(project: Project, tmp_path: Path) -> Iterator[Supervisor]:
    configured(project, HELD)
    said = (tmp_path / "daemon.err").open("ab")

    def start(env: dict[str, str]) -> subprocess.Popen[bytes]:
        return project.start("daemon", "run", env=env, stdout=said, stderr=said)

    found = Supervisor(tmp_path, start, watchdog_s=1.0)
    yield found
    found.close()
    (tmp_path / "go").touch()
    for log in (project.home / "logs").glob("*.log"):
        with suppress(AssertionError):
            until(lambda log=log: project.show(log.stem)["running"] is None, within_s=10)


def test_it_is_ready_alive_reloaded_and_stopped(project: Project, supervisor: Supervisor) -> None:
    supervisor.until("READY=1")
    began_s = time.monotonic()
    for _ in range(4):
        supervisor.until("WATCHDOG=1")
    assert time.monotonic() - began_s < 20, "it says so more often than the watchdog bites"
    supervisor.process.send_signal(signal.SIGHUP)
    supervisor.until("RELOADING=1")
    supervisor.until("WATCHDOG=1")
    assert supervisor.told.index("RELOADING=1") < _last(supervisor.told, "READY=1")
    assert supervisor.stop() == 0
    assert "STOPPING=1" in supervisor.told
    assert supervisor.restarts == 0


def test_restart_under_five_live_agents_loses_none_and_runs_none_twice(
    project: Project, supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.until("READY=1")
    threads = [project.begin() for _ in range(5)]
    for thread in threads:
        due(project, thread)
    began = tmp_path / "began"
    until(lambda: began.exists() and len(began.read_text().splitlines()) == 5, within_s=60)
    supervisor.process.kill()  # as the machine's memory runs out
    supervisor.until("READY=1")
    assert supervisor.restarts == 1
    project("daemon", "stop", "--now")  # and an upgrade
    supervisor.process.wait(timeout=20)
    supervisor.process = supervisor._start(supervisor._env)
    supervisor.until("READY=1")
    (tmp_path / "go").touch()
    for thread in threads:
        until(lambda thread=thread: project.show(thread)["status"] == "completed", within_s=60)
        assert len(project.steps(thread)) == 1
    lines = began.read_text().splitlines()
    assert sorted(lines) == sorted(f"{thread} none" for thread in threads), (
        "once each, and none of them is told where the supervisor listens"
    )


def test_standby_is_started_though_it_only_waits(
    project: Project, request: pytest.FixtureRequest
) -> None:
    first = Serving(project).leads()
    supervisor: Supervisor = request.getfixturevalue("supervisor")
    supervisor.until("READY=1")
    pid = first.process.pid
    assert f"STATUS=process {pid} leads; this one waits to take over" in supervisor.told
    assert "WATCHDOG_USEC=0" in supervisor.told, "it cannot say that it lives while it sleeps"
    first.kill()
    supervisor.until("WATCHDOG_USEC=1000000")
    supervisor.until("WATCHDOG=1")
    assert supervisor.restarts == 0
    assert supervisor.stop() == 0


@linux
def test_unit_is_one_that_systemd_understands(project: Project, tmp_path: Path) -> None:
    done = project("daemon", "install", "--json").json
    path = Path(done["path"])
    assert done["written"] is True
    assert path.parent == tmp_path / "user" / ".config" / "systemd" / "user"
    assert done["commands"][1] == f"systemctl --user enable --now {path.name}"
    assert re.fullmatch(r"uwf-daemon-home-[0-9a-f]{6}\.service", path.name)
    text = path.read_text()
    for line in ("Type=notify", "Restart=on-failure", "WatchdogSec=120", "KillMode=process"):
        assert line in text.splitlines()
    assert f'"--home={project.home}"' in text
    if shutil.which("systemd-analyze"):
        verified = subprocess.run(
            ["systemd-analyze", "verify", "--user", path],
            env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert (verified.stdout, verified.stderr) == ("", "")
    assert project("daemon", "install", "--uninstall", "--json").json["removed"] is True
    assert not path.exists()
    said = project("daemon", "install", "--uninstall").err
    assert f"there was no {path}" in said


@linux
def test_file_of_somebody_else_is_left_alone(project: Project) -> None:
    path = Path(project("daemon", "install", "--dry-run", "--json").json["path"])
    assert not path.exists()
    path.parent.mkdir(parents=True)
    path.write_text("[Service]\nExecStart=/bin/true\n")
    for more in ((), ("--uninstall",)):
        done = project("daemon", "install", *more, expect=5)
        assert "was not written by uwf" in done.err
    assert path.read_text() == "[Service]\nExecStart=/bin/true\n"


def _last(lines: list[str], line: str) -> int:
    return len(lines) - 1 - lines[::-1].index(line)


def _systemctl(*words: str) -> str:
    done = subprocess.run(["systemctl", "--user", *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.mark.skipif(
    not (shutil.which("systemctl") and _systemctl("show-environment")),
    reason="no systemd of this user runs here",
)
def test_under_a_real_systemd(project: Project, tmp_path: Path) -> None:
    configured(project, HELD)
    path = Path(project("daemon", "install", "--json").json["path"])
    unit, began = path.name, tmp_path / "began"
    try:
        _systemctl("link", "--runtime", str(path))
        _systemctl("start", unit)  # which waits until it is ready
        assert _systemctl("is-active", unit) == "active"
        thread = project.begin()
        project("thread", "wake", thread)
        until(began.exists)
        pid = _systemctl("show", "-P", "MainPID", unit)
        os.kill(int(pid), signal.SIGKILL)
        until(lambda: _systemctl("show", "-P", "MainPID", unit) not in ("0", pid))
        _systemctl("restart", unit)
        (tmp_path / "go").touch()
        until(lambda: project.show(thread)["status"] == "completed")
        assert len(began.read_text().splitlines()) == 1
        _systemctl("stop", unit)
        assert _systemctl("show", "-P", "Result", unit) == "success"
    finally:
        (tmp_path / "go").touch()
        _systemctl("stop", unit)
        _systemctl("disable", "--runtime", unit)
