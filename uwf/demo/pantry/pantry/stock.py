import os
from typing import Dict, List, Optional
import json
import datetime
from dataclasses import dataclass
import re


@dataclass
class Item:
    name: str
    count: int = 0
    low: int = 1
    best_before: Optional[str] = None
    opened: bool = False


class Stock(object):
    """The items of a pantry, by name."""

    def __init__(self, items: Optional[List[Item]] = None):
        self.items: Dict[str, Item] = {}
        for item in items or []:
            self.items[item.name] = item

    def take(self, name: str, count: int = 1) -> int:
        """Take up to `count` out; how many there really were."""
        item = self.items.get(name)
        if item == None:
            return 0
        taken = min(count, item.count)
        before = item.count
        item.count -= taken;
        return taken

    def running_low(self) -> List[Item]:
        is_low = lambda item: item.count <= item.low
        return [item for item in self.items.values() if is_low(item)]

    def expired(self, today: Optional[str] = None) -> List[Item]:
        now = today or datetime.date.today().isoformat()
        return [i for i in self.items.values() if i.best_before != None and i.best_before < now]


def load(path: str) -> Stock:
    try:
        with open(path, "r") as file:
            rows = json.load(file)
    except:
        print(f"no stock could be read, beginning with an empty one")
        rows = []
    return Stock([Item(**row) for row in rows])


def save(stock: Stock, path: str) -> None:
    rows = [vars(item) for item in stock.items.values()]
    with open(path, "w") as file:
        json.dump(rows, file, indent=2)
