"""What a model costs, for a client that counts tokens and knows no money."""

from __future__ import annotations

from uwf.config_table import each, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def prices(*names: str) -> Any:
    """The field of a kind's options that says what a million tokens cost (USD), by model, for each of `names`: by
    default of the input, of that which was cached, of the output.
    """
    return each(number, names=names or ("input", "cached", "output"))


def usd(used: Mapping[str, float], prices: Mapping[str, float]) -> float | None:
    """What `used` costs by the prices of its model; None where they do not say it. The cached is part of the input."""
    if not {"input", "output"} <= prices.keys():
        return None
    cached = min(used["cached"], used["input"])
    cost = (used["input"] - cached) * prices["input"] + used["output"] * prices["output"]
    return round((cost + cached * prices.get("cached", prices["input"])) / 1e6, 9)
