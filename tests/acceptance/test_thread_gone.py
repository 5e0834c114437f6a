"""A store that is taken away under a command ends that command with words; it is not waited for, and not believed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.helpers.project import ONE, Project, until


def test_neither_a_step_nor_a_look_outlives_its_store(project: Project) -> None:
    id = project.begin(ONE)
    began, go_on = project.home.parent / "began", project.home.parent / "go-on"
    agent = project.program(
        "slow",
        f"cat >/dev/null; : >{began}; while [ ! -e {go_on} ]; do sleep 0.05; done\n"
        "printf -- '---\\n$status: done\\n---\\n'",
    )
    run = project.start("thread", "exec", id, "--agent", agent, "--json")
    until(began.exists)
    waits = project.start("thread", "wait", id, "--json")
    with pytest.raises(subprocess.TimeoutExpired):
        waits.wait(1)
    shutil.rmtree(project.home)
    _, err = waits.communicate(timeout=30)
    assert (waits.returncode, b'"store_gone"' in err) == (1, True), err
    go_on.touch()
    out, err = run.communicate(timeout=30)
    assert (run.returncode, out, b'"store_gone"' in err) == (1, b"", True), err


def test_settings_of_a_home_that_is_not_mounted_are_not_made(project: Project) -> None:
    disk = project.home.parent / "disk"
    shutil.rmtree(project.home, ignore_errors=True)
    project.home.symlink_to(disk)
    done = project("config", "set", "limits.max_steps", "4", expect=1)
    assert f"it is a link to {disk}, which is not there" in done.err
