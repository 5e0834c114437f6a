"""Two sides of a ratio, run in turn, and the line that is printed of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def alternate(
    ours: Callable[[], object], reference: Callable[[], object], rounds: int
) -> tuple[list[float], list[float]]:
    """The seconds of both, run in turn."""
    return columns([(seconds(ours), seconds(reference)) for _ in range(rounds)])


def columns(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def report(
    name: str,
    ours: list[float],
    reference: list[float],
    target: float | None,
    *,
    most: bool = True,
) -> None:
    """One line: the ratio of times (or of rates, when more is better) and the times behind it. None: no target."""
    ratios = sorted(
        mine / other if most else other / mine for mine, other in zip(ours, reference, strict=True)
    )
    middle = statistics.median(ratios)
    verdict = "no target" if target is None else _verdict(middle, target, most)
    print(
        f"{name:34} {middle:5.2f}x  ({ratios[0]:.2f} to {ratios[-1]:.2f})  "
        f"{statistics.median(ours) * 1e3:8.2f} ms against {statistics.median(reference) * 1e3:8.2f} ms  "
        f"{verdict}",
        flush=True,
    )


def _verdict(value: float, target: float, most: bool) -> str:
    kept = value <= target if most else value >= target
    return f"target {'≤' if most else '≥'} {target:g}{'' if kept else '  MISSED'}"


def tell(name: str, ours: list[float], target: float, text: str = "") -> None:
    """One line for a time that stands by itself: the median and the largest, in seconds, against a target in ms."""
    middle = statistics.median(ours)
    print(
        f"{name:34} {middle * 1e3:5.2f} ms  (at most {max(ours) * 1e3:.2f} ms)  {text}"
        f"target ≤ {target:g} ms{'' if middle * 1e3 <= target else '  MISSED'}",
        flush=True,
    )
