"""Figures in the text format of Prometheus, version 0.0.4: see
https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.upkeep.figures import FiguresNow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(now: FiguresNow) -> str:
    """All that is known, a gauge each. Times are seconds, and of the last 24 hours where nothing else is said."""
    day, lines = now.day, list[str]()

    def gauge(name: str, help: str, values: Mapping[str, float | None], label: str = "") -> None:
        known = {key: value for key, value in values.items() if value is not None}
        if known:
            lines.append(f"# HELP uwf_{name} {_escaped(help)}")
            lines.append(f"# TYPE uwf_{name} gauge")
        for key, value in known.items():
            labels = f'{{{label}="{_escaped(key, quotes=True)}"}}' if label else ""
            lines.append(f"uwf_{name}{labels} {value:.10g}")

    def one(name: str, help: str, value: float | None) -> None:
        gauge(name, help, {"": value})

    one("queue_depth", "Threads that wait for a slot now.", now.queue)
    one("threads_due", "Threads that are due now and wait for a run.", now.due)
    one(
        "wait_seconds_mean",
        "What attempts wait for a slot; most need not.",
        _s(day.mean_wait_ms),
    )
    firsts = {"0.5": _s(day.first_byte_p50_ms), "0.99": _s(day.first_byte_p99_ms)}
    gauge(
        "first_byte_seconds",
        "From an event that is taken in to the agent's first word.",
        firsts,
        "quantile",
    )
    one("events", "Events that were taken in.", day.events)
    gauge("events_stopped_ratio", "Share of events that a layer stopped.", day.stopped, "layer")
    one("steps", "Steps that were made.", day.steps)
    one("attempts_failed", "Attempts that failed.", day.failed_attempts)
    one("breaker_trips", "Circuits that opened.", day.breaker_trips)
    one("threads_completed", "Threads that completed.", day.completed)
    one("completion_seconds_median", "From a thread's start to its end.", _s(day.completion_p50_ms))
    one("thread_cost_usd", "What a completed thread has cost.", day.usd_per_thread)
    one("thread_cost_tokens", "What a completed thread has used.", day.tokens_per_thread)
    one("backup_age_seconds", "How old the newest backup is.", _s(now.backup_age_ms))
    one("restore_seconds", "How long the last drill took.", _s(now.restore_ms))
    return "".join(f"{line}\n" for line in lines)


def _s(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text
