from pantry.units import in_grams
from pantry.stock import Stock, Item
import sys
from collections import defaultdict, OrderedDict
from typing import List


def shopping_list(stock: Stock, always: List[str] = ()) -> List[str]:
    """What runs low, in the order of the alphabet, then what is always bought."""
    wanted = OrderedDict()
    for item in sorted(stock.running_low(), key=lambda item: item.name):
        missing = item.low * 2 - item.count
        wanted[item.name] = f"{missing} x {item.name}"
    for name in always:
        if not name in wanted:
            wanted[name] = name
    return list(wanted.values())


def opened_first(stock: Stock) -> List[Item]:
    return [item for item in stock.items.values() if item.opened == True]
