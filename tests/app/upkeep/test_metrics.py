"""What Prometheus is given, its own parser reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.engine.upkeep.test_figures import NOTHING
from uwf.app.upkeep import metrics
from uwf.engine.upkeep.figures import FiguresNow
from uwf.record import replace

FULL = replace(
    NOTHING, steps=7, failed_attempts=1, waited=2, mean_wait_ms=1500, first_bytes=9,
    first_byte_p50_ms=250, first_byte_p99_ms=4000, events=20, breaker_trips=3, completed=2,
    stopped={"trigger": 0.25, 'odd "layer"\\\n': 0.5}, completion_p50_ms=61_000,
    usd_per_thread=0.000001, tokens_per_thread=123456789.0,
)  # fmt: skip


def read(now: FiguresNow) -> dict[str, dict[tuple[str, ...], float]]:
    found = {}
    for family in text_string_to_metric_families(metrics.text(now)):
        assert family.type == "gauge" and family.documentation
        found[family.name] = {
            tuple(sample.labels.values()): sample.value for sample in family.samples
        }
    return found


def test_all_figures_are_read_back() -> None:
    assert read(FiguresNow(4, 5, 90_000, 1_300, FULL)) == {
        "uwf_queue_depth": {(): 4},
        "uwf_threads_due": {(): 5},
        "uwf_wait_seconds_mean": {(): 1.5},
        "uwf_first_byte_seconds": {("0.5",): 0.25, ("0.99",): 4},
        "uwf_events": {(): 20},
        "uwf_events_stopped_ratio": {("trigger",): 0.25, ('odd "layer"\\\n',): 0.5},
        "uwf_steps": {(): 7},
        "uwf_attempts_failed": {(): 1},
        "uwf_breaker_trips": {(): 3},
        "uwf_threads_completed": {(): 2},
        "uwf_completion_seconds_median": {(): 61},
        "uwf_thread_cost_usd": {(): 0.000001},
        "uwf_thread_cost_tokens": {(): 123456789},
        "uwf_backup_age_seconds": {(): 90},
        "uwf_restore_seconds": {(): 1.3},
    }


def test_what_is_not_known_is_left_out() -> None:
    found = read(FiguresNow(0, 0, None, None, NOTHING))
    assert "uwf_first_byte_seconds" not in found and "uwf_backup_age_seconds" not in found
    assert found["uwf_steps"] == {(): 0}
