"""Which pull requests threads carry, by their labels."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.rig import Rig
from uwf import clock
from uwf.engine.sources.carried import CarriedPull, carried
from uwf.store.sqlite import open_in_memory


def numbers(found: list[CarriedPull]) -> list[int]:
    return sorted(one.number for one in found)


def test_threads_carry_by_their_labels(tmp_path: Path) -> None:
    rig = Rig(open_in_memory(), str(tmp_path))
    first = rig.start(labels={"pr": "42"})
    second = rig.start(labels={"pr": "42", "repo": "Octo/Shop"})
    rig.start(labels={"pr": "43", "repo": "octo/other"})
    rig.start(labels={"pr": "#44"})
    rig.start(labels={"pr": "https://example.com/45"})
    rig.start()
    [both] = carried(rig.store, "octo/shop", is_only_one=True)
    assert (both.number, set(both.threads)) == (42, {first, second})
    assert both.begun_ms == clock.ulid_ms(min(first, second))
    assert both.active_ms >= both.begun_ms
    [labelled] = carried(rig.store, "octo/shop", is_only_one=False)
    assert labelled.threads == (second,)
    assert numbers(carried(rig.store, "octo/other", is_only_one=False)) == [43]


def test_a_cancelled_thread_carries_nothing(tmp_path: Path) -> None:
    rig = Rig(open_in_memory(), str(tmp_path))
    stays, goes = rig.start(labels={"pr": "42"}), rig.start(labels={"pr": "42"})
    rig.cancel(goes)
    [one] = carried(rig.store, "octo/shop", is_only_one=True)
    assert one.threads == (stays,)
    rig.cancel(stays)
    assert carried(rig.store, "octo/shop", is_only_one=True) == []
