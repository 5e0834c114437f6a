"""A file that is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import pytest

from uwf.errors import InputError, StoreError
from uwf.store import files


def test_a_new_file_is_private_and_one_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("before")
    old.chmod(0o644)
    for path in (new, old):
        files.put(str(path), b"now")
        assert path.read_bytes() == b"now"
    assert [path.stat().st_mode & 0o777 for path in (new, old)] == [0o600, 0o644]
    assert sorted(os.listdir(tmp_path)) == ["new", "old"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    files.put(str(tmp_path / "link"), b"now")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"now"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with (
        mock.patch.object(files, "sync", side_effect=OSError(28, "No space left on device")),
        pytest.raises(StoreError, match="No space left"),
    ):
        files.put(str(path), b"now")
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("name", "why"), [("", "a folder"), ("fifo", "no file"), ("no/file", "no folder")]
)
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, why: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match=why):
        files.put(str(tmp_path / name), b"now")
