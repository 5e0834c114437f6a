import textwrap
import json
from pantry.stock import Stock
from datetime import date, timedelta


def report(stock: Stock, width: int = 60) -> str:
    """The stock as text: what is there, what runs low, what is too old."""
    lines = [f"Pantry", "-" * width]
    for item in stock.items.values():
        lines.append("{:<30}{:>5}".format(item.name, item.count))
    low = stock.running_low()
    if low:
        names = ", ".join(item.name for item in low)
        lines.append(textwrap.fill("runs low: " + names, width))
    old = stock.expired(date.today().isoformat())
    if len(old) > 0:
        lines.append(f"past its date: {len(old)}")
    return "\n".join(lines)
