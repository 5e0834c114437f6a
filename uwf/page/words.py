"""Records of the app in the words of a page."""

from __future__ import annotations

import time

import uwf
from uwf import clock
from uwf.display import numbers, threads
from uwf.display.times import duration
from uwf.quantities import USD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from uwf.app.values import Cost, ThreadView

MOST_TITLE = 90


def moment(at_ms: int | None) -> str:
    """The clock of whoever makes the page, with its date: it may be read on another day."""
    return "" if at_ms is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at_ms / 1000))


def title_of(thread: ThreadView) -> str:
    """What it is called, else the first line of its task."""
    said = thread.title or (thread.prompt or "").strip() or thread.thread
    return shortened(said.split("\n", 1)[0])


def shortened(text: str) -> str:
    return text if len(text) <= MOST_TITLE else text[:MOST_TITLE].rstrip() + "…"


def state_of(thread: ThreadView) -> dict[str, str]:
    look = threads.look(thread)
    return {"word": thread.state, "sign": look.sign, "colour": look.colour}


def figures(cost: Cost) -> list[dict[str, str]]:
    """What it came to, a name and a value each."""
    found = [
        ("cost", money(cost.usd)),
        ("tokens", numbers.count(cost.tokens) if cost.tokens is not None else ""),
        ("agent time", duration(cost.duration_ms)),
        ("steps", str(cost.steps)),
        ("failed attempts", str(cost.failed) if cost.failed else ""),
    ]
    return [{"name": name, "value": value} for name, value in found if value]


def cost_of(usage: Mapping[str, object] | None) -> str:
    """The money in it."""
    return money((usage or {}).get(USD))


def money(usd: object) -> str:
    """Nothing where none was reported."""
    return numbers.money(usd) if isinstance(usd, (int, float)) else ""


def shares(costs: Iterable[Cost]) -> list[dict[str, object]]:
    """Each with its share of all: of the money where any is known, else of the time."""
    found = list(costs)
    has_money = any(cost.usd for cost in found)
    amounts = [(cost.usd or 0.0) if has_money else float(cost.duration_ms) for cost in found]
    whole = sum(amounts) or 1.0
    return [
        {
            "name": shortened(cost.name),
            "threads": cost.threads,
            "steps": cost.steps,
            "failed": cost.failed or "",
            "time": duration(cost.duration_ms),
            "tokens": "" if cost.tokens is None else numbers.count(cost.tokens),
            "usd": money(cost.usd),
            "share": round(100 * amount / whole, 1),
        }
        for cost, amount in zip(found, amounts, strict=True)
    ]


def made() -> dict[str, str]:
    """With what, when, and by which clock a page is made."""
    now_ms = clock.now_ms()
    return {
        "version": uwf.__version__,
        "at": moment(now_ms),
        "iso": clock.iso(now_ms),
        "zone": time.strftime("%Z (UTC%z)"),
    }
