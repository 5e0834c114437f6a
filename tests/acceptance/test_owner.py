"""A command that root runs in another user's home does not lock that user out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers.project import APPROVED, REVIEW, WRITTEN, Project
from uwf import owned

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another")

USER, GROUP = 1234, 2345


def of_root(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.rglob("*")) if path.lstat().st_uid == 0]


def test_all_that_root_makes_in_a_home_is_its_owners(project: Project, tmp_path: Path) -> None:
    project.home.mkdir(exist_ok=True)
    os.chown(project.home, USER, GROUP)
    id = project.begin(REVIEW)
    project("config", "set", "limits.max_running", "3")
    project.step(id, project.agent(WRITTEN, APPROVED), "--until-done")
    project("store", "backup", tmp_path / "copy.db")
    project("store", "gc")
    project("doctor")
    assert of_root(project.home) == []
    assert {path.lstat().st_gid for path in project.home.rglob("*")} == {GROUP}


def test_a_home_that_root_makes_in_a_users_folder_is_that_users(
    project: Project, tmp_path: Path
) -> None:
    above = tmp_path / "of-a-user"
    above.mkdir()
    os.chown(above, USER, GROUP)
    project("--home", above / ".config" / "uwf", "config", "set", "limits.max_steps", "7")
    assert (above / ".config" / "uwf" / "config.toml").exists()
    assert of_root(above) == []


def test_what_another_has_put_there_stays_whose_it_is(tmp_path: Path) -> None:
    """A link and a second name may lead to what root must not give away."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, USER, GROUP)
    secret = tmp_path / "secret"
    secret.touch()
    (theirs / "link").symlink_to(secret)
    os.link(secret, theirs / "name")
    for name in ("link", "name"):
        owned.give(str(theirs / name))
    assert secret.stat().st_uid == 0
    (theirs / "made").touch()
    owned.give(str(theirs / "made"))
    assert (theirs / "made").stat().st_uid == USER


def test_a_home_of_root_stays_roots(tmp_path: Path) -> None:
    owned.make_folder(str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").stat().st_uid == 0
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
