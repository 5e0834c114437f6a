"""How a home does, on one screen, as JSON and for Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.project import Project, reply


def test_figures_of_a_day(project: Project) -> None:
    agent = project.agent(reply(note="x", usage={"usd": 0.25, "tokens": 1000}))
    project.step(project.begin(), agent)
    project.step(project.begin(), "false", expect=6)
    project.begin()
    project("store", "backup")
    project("store", "drill")
    found = project("figures", "--json").json
    day = found["day"]
    assert (found["queue"], found["due"]) == (0, 0)
    assert (day["steps"], day["failedAttempts"], day["completed"]) == (1, 1, 1)
    assert (day["usdPerThread"], day["tokensPerThread"]) == (0.25, 1000)
    assert 0 <= found["backupAgeMs"] < 60_000 and found["restoreMs"] > 0
    shown = project("figures").out
    assert "steps          1, 1 failed" in shown and "cost each      $0.25, 1k tokens" in shown
    text = project("figures", "--prometheus").out
    families = {one.name: one.samples[0].value for one in text_string_to_metric_families(text)}
    assert (families["uwf_steps"], families["uwf_thread_cost_usd"]) == (1, 0.25)
    status = project("daemon", "status", "--json").json
    assert status["figures"]["day"]["steps"] == 1


def test_figures_of_an_empty_home_are_nothing_and_make_none(project: Project) -> None:
    assert project("figures", "--json").json["day"]["steps"] == 0
    assert project("figures", "--days", "--json").json == []
    assert "no day is kept yet" in project("figures", "--days").err
    assert project("figures", "--prometheus", "--json", expect=2).error["hint"]
    assert not project.home.exists()
