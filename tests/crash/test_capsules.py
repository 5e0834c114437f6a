"""The short version of `scripts/crash --capsules`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import capsules
from uwf.engine.query.steps import markdown


def test_no_file_of_a_stranger_leads_to_an_internal_fault(tmp_path: Path) -> None:
    fuzz = capsules.Fuzz(str(tmp_path))
    assert list(fuzz.faults(range(300))) == []
    fuzz.close()
    assert min(fuzz.outcomes["refused"], fuzz.outcomes["taken in"]) > 20


def test_an_internal_fault_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_words: object, **_named: object) -> None:
        raise KeyError("pattern")

    monkeypatch.setattr(markdown, "thread_page", fail)
    assert capsules.main(20, 0) == 1
    assert "read, capsule " in (told := capsys.readouterr().out)
    assert "KeyError: 'pattern'" in told
