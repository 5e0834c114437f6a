from __future__ import annotations

import os
from pathlib import Path

from uwf.cli.screen import terminal


def test_a_pipe_whose_reader_is_gone_is_read_by_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    assert terminal.is_read(writing)
    os.close(reading)
    assert not terminal.is_read(writing)
    os.close(writing)
    with (tmp_path / "out").open("w") as file:
        assert terminal.is_read(file.fileno())
