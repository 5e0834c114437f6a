"""What a step needs of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guard.asking import host, refused, request
from tests.helpers.read_only import read_only
from uwf.guard.preflight import Preflight, missing_folder
from uwf.store.protocols import Store


def test_folder_that_cannot_be_written_refuses_roles_that_write_and_no_others(
    store: Store, tmp_path: Path
) -> None:
    guard = Preflight(host(store))
    guard.enter(request(cwd=str(tmp_path)))
    folder = tmp_path / "project"
    folder.mkdir()
    with read_only(folder):
        refusal = refused(lambda: guard.enter(request(cwd=str(folder))))
        assert refusal.reason == "preflight_failed" and "`writes: false`" in refusal.message
        guard.enter(request(cwd=str(folder), writes=False))


@pytest.mark.parametrize("writes", [True, False])
def test_folder_that_is_not_there_refuses_every_role(
    store: Store, tmp_path: Path, writes: bool
) -> None:
    missing = request(cwd=str(tmp_path / "none"), writes=writes)
    assert "does not exist" in refused(lambda: Preflight(host(store)).enter(missing)).message


def test_what_is_in_place_of_a_folder_is_not_to_be_made(tmp_path: Path) -> None:
    file, link = tmp_path / "a file", tmp_path / "link"
    file.write_text("")
    link.symlink_to("nowhere")
    assert missing_folder(str(tmp_path)) is None
    for path, said, hint in (
        (tmp_path / "no ne" / "x", "does not exist", f"mkdir -p '{tmp_path / 'no ne' / 'x'}'"),
        (file, "is not a folder", f"ls -ld '{file}'"),
        (file / "x", f"does not exist: {file} is not a folder", f"ls -ld '{file}'"),
        (link, "leads nowhere", f"ls -ld {link}"),
    ):
        found = missing_folder(str(path))
        assert found is not None and (found.said, found.hint) == (said, hint)
