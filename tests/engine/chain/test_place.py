"""Where a thread may run: a machine, or those with a label, and nothing else."""

from __future__ import annotations

import pytest

from uwf.engine.chain.place import checked
from uwf.errors import InputError


@pytest.mark.parametrize("place", ["host:box-1.example", "label:gpu"])
def test_a_machine_or_a_label_is_a_place(place: str) -> None:
    assert checked(place, "uwf thread set 1") == place


@pytest.mark.parametrize(
    "place", ["", "gpu", "label:", "host:a b", "agent:claude", "any", "label:" + "x" * 101]
)
def test_anything_else_is_refused_with_what_to_type(place: str) -> None:
    with pytest.raises(InputError) as told:
        checked(place, "uwf thread set 1")
    assert told.value.hint == "uwf thread set 1 --place label:gpu"
