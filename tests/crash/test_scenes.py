"""The short version of what `scripts/crash` plays beside its kills."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import disk, scenes
from tests.crash.scenes import SCENES, Scene

failing_disk = pytest.mark.skipif(not disk.can_fail(), reason=disk.WHY_NOT)


@failing_disk
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_no_reply_is_lost_nor_paid_for_twice(scene: Scene, seed: int, tmp_path: Path) -> None:
    assert scenes.play(scene, tmp_path / "world", seed) == []
