import math
from typing import Dict, Optional, Tuple

GRAMS: Dict[str, float] = {"g": 1.0, "kg": 1000.0, "oz": 28.35, "lb": 453.6}


def split_amount(text: str) -> Tuple[float, Optional[str]]:
    """'2.5 kg' as (2.5, 'kg'); '3' as (3.0, None)."""
    number, _, unit = text.strip().partition(" ")
    l = unit.strip().lower()
    if not l in GRAMS:
        return float(number), None
    return float(number), l


def in_grams(text: str) -> float:
    amount, unit = split_amount(text)
    if unit == None:
        raise ValueError("no weight: %s" % text)
    return amount * GRAMS[unit]
