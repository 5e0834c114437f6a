"""`uwf event` and `uwf trigger`: what happens, from the command line to the prompt of the next step."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from tests.helpers.gate import configure
from tests.helpers.project import APPROVED, ONE, REVIEW, WRITTEN, Project, reply, until
from uwf.engine.events.event import Event
from uwf.store.sqlite import open_store

REVIEWED = {
    "name": "github.review",
    "source": "github",
    "who": "ann",
    "trust": "collaborator",
    "data": {"number": 42, "state": "changes_requested", "body": "Mind the gap."},
}


def send(project: Project, *words: str, input: str = "", expect: int = 0) -> dict[str, Any]:
    sent: dict[str, Any] = project(
        "event", "send", *words, "--json", input=input, expect=expect
    ).json
    return sent


def with_trigger(project: Project, **more: str) -> None:
    configure(
        project,
        "[[triggers]]",
        **{
            "on": "'github.review'",
            "find": "{ pr = '{{ data.number }}' }",
            "text": "'{{ who }}: {{ data.body }}'",
            **more,
        },
    )


def test_a_persons_event_is_told_and_woken_and_its_words_reach_the_next_step(
    project: Project,
) -> None:
    thread = project.begin(REVIEW)
    sent = send(project, "look.here", "--thread", "@last", "--data", '"Dates in ISO form."')
    assert (sent["state"], sent["decision"]["threads"]) == ("new", [thread])
    shown = project.show(thread)
    assert [word["text"] for word in shown["told"]] == ["look.here\n\nDates in ISO form."]
    assert shown["told"][0]["event"] == sent["event"]
    assert shown["wakeAt"] is not None
    agent = project.agent(WRITTEN, APPROVED)
    project.step(thread, agent, "--until-done")
    assert "Dates in ISO form." in agent.prompt(1)
    assert "## New information" not in agent.prompt(2), "it is told once"


def test_the_same_id_is_taken_once(project: Project) -> None:
    project.begin(ONE)
    words = ("deploy.done", "--id", "deploy-7", "--thread", "@last")
    assert [send(project, *words)["state"] for _ in range(2)] == ["new", "seen"]
    assert send(project, *words, "--from", "ci")["state"] == "seen"
    [row] = project("event", "list", "--json").json
    assert (row["event"], row["name"], row["state"]) == ("deploy-7", "deploy.done", "told")
    assert len(project.show("@last")["told"]) == 1


def test_an_event_of_the_threads_with_a_label(project: Project) -> None:
    one, other = project.begin(ONE, "--label", "pr=1"), project.begin(ONE, "--label", "pr=2")
    sent = send(project, "look", "--label", "pr=1", "--urgent")
    assert sent["decision"]["threads"] == [one]
    assert project.show(other)["told"] == []


def test_a_trigger_finds_the_thread_that_made_the_pull_request(project: Project) -> None:
    with_trigger(project, when="\"data.state == 'changes_requested'\"")
    thread = project.begin(ONE, "--label", "pr=42")
    agent = project.agent(reply())
    project.step(thread, agent)
    assert project.show(thread)["status"] == "completed"
    event = project.file("review.json", json.dumps(REVIEWED))
    tried = project("trigger", "test", str(event), "--json").json
    assert (tried["state"], tried["threads"]) == ("told", [thread])
    assert [step["layer"] for step in tried["steps"]] == ["trigger", "priority"]
    assert project.show(thread)["told"] == [], "nothing was changed"
    data = json.dumps(REVIEWED["data"])
    sent = send(project, "github.review", "--data", "-", "--from", "ann", input=data)
    assert sent["decision"]["threads"] == [thread]
    project.step(thread, agent, verb="exec")
    assert "ann: Mind the gap." in agent.prompt(2)
    assert project.show(thread)["rounds"] == 2


def test_each_no_is_listed_with_its_reason(project: Project) -> None:
    with_trigger(project, trust='["owner"]', when="'data.number == 42'")
    project.begin(ONE)
    send(project, "unknown", "--id", "a")
    send(project, "github.review", "--id", "b", "--data", '{"number": 42}')
    send(project, "github.review", "--id", "c", "--data", '{"number": 1}')
    rows = project("event", "list", "--json").json
    assert [(row["event"], row["state"], row["reason"]) for row in rows] == [
        ("c", "ignored", "when"),
        ("b", "ignored", "no_thread"),
        ("a", "ignored", "no_trigger"),
    ]
    assert project("event", "list", "--state", "told", "--json").json == []
    assert [row["event"] for row in project("event", "list", "--name", "git*", "--json").json] == [
        *("c", "b")
    ]
    assert project("event", "list", "--limit", "1", "-q").out == "c\n"
    page = project("event", "show", "b", "--json").json
    assert (page["data"], page["reason"]) == ({"number": 42}, "no_thread")
    assert page["why"] == "no thread has pr=42"
    shown = project("event", "show", "b").out
    assert "no thread has pr=42" in shown and '"number": 42' in shown
    tried = project("trigger", "test", "-", "--json", input=json.dumps(REVIEWED)).json
    assert tried["reason"] == "trust"
    assert "it is from a collaborator" in tried["why"]


def test_a_replay_decides_by_the_triggers_of_today(project: Project) -> None:
    project.begin(ONE, "--label", "pr=42")
    send(project, "github.review", "--id", "b", "--data", '{"number": 42, "body": "Look."}')
    with_trigger(project)
    assert project("event", "replay", "b", "--json").json["threads"] == [
        project.show("@last")["thread"]
    ]
    assert [word["text"] for word in project.show("@last")["told"]] == ["a person: Look."]


def test_a_trigger_begins_a_thread_once(project: Project) -> None:
    project.file(".workflows/one.yaml", ONE)
    configure(
        project,
        "[[triggers]]",
        on="'ci.failed'",
        start="'one'",
        cwd=repr(str(project.cwd)),
        prompt="'Mend {{ data.job }}.'",
        label="{ job = '{{ data.job }}' }",
    )
    words = ("ci.failed", "--id", "x", "--data", '{"job": "lint"}')
    sent = send(project, *words)
    send(project, *words)
    [row] = project("thread", "list", "--json").json
    assert sent["decision"]["threads"] == [row["thread"]]
    shown = project.show(row["thread"])
    assert (shown["prompt"], shown["labels"]) == ("Mend lint.", {"job": "lint"})
    assert shown["wakeAt"] is not None


def test_triggers_of_a_registered_workflow_are_in_use(project: Project) -> None:
    on = 'on:\n  - {on: ci.failed, find: {pr: "{{ data.pr }}"}, text: "CI: {{ data.log }}"}\nroles:'
    file = project.file("one.yaml", ONE.replace("roles:", on, 1))
    project("workflow", "add", str(file))
    [row] = project("trigger", "list", "--json").json
    assert (row["trigger"], row["workflow"], row["on"]) == ("one/1", "one", ["ci.failed"])
    thread = project("thread", "start", "one", "-p", "x", "--label", "pr=1", "-q").out.strip()
    sent = send(project, "ci.failed", "--data", '{"pr": "1", "log": "boom"}')
    assert sent["decision"]["threads"] == [thread]


def test_a_glance_asks_an_agent_and_its_rule_stands_when_that_fails(project: Project) -> None:
    agent = project.agent(
        reply("seen", should_run=False, urgency=1, reason="noise"),
        reply("seen", should_run=True, urgency=5, reason="the build is red"),
        "no reply at all",
    )
    configure(project, "[agents.eye]", command=repr(agent.command))
    configure(project, "[glance]", agent="'eye'")
    with_trigger(project, **{"class": "'fuzzy'", "debounce": "'5m'"})
    thread = project.begin(ONE, "--label", "pr=42")

    def reviewed(id: str) -> dict[str, Any]:
        data = json.dumps({**REVIEWED["data"], "body": id})
        sent: dict[str, Any] = send(project, "github.review", "--id", id, "--data", data)[
            "decision"
        ]
        return sent

    assert (reviewed("a")["reason"], reviewed("b")["threads"]) == ("glance", [thread])
    assert "Mind" not in agent.prompt(1) and '"body": "a"' in agent.prompt(1)
    told = [word["text"] for word in project.show(thread)["told"]]
    assert told == ["a person: b"]
    failed = reviewed("c")
    assert failed["threads"] == [thread]
    assert "by the rule, since agent eye gave no answer" in [
        step["why"].split(":")[0] for step in failed["steps"]
    ]
    assert project("thread", "list", "--all", "-q").out.split() == [thread], "of its own store"


def test_what_is_stored_and_open_is_decided_later(project: Project) -> None:
    thread = project.begin(ONE)
    assert project("event", "decide", "--json").json == []
    with open_store(str(project.home / "store.db")).transaction("event") as tx:
        event = Event("x", "cli", "look", 1_700_000_000_000, "ci", "bot", "Look.", thread)
        tx.add_entry("event", "x", 1_700_000_000_000, "new", event.to_value())
    assert project("event", "list", "--state", "new", "-q").out == "x\n"
    [done] = project("event", "decide", "--json").json
    assert (done["event"], done["state"], done["threads"]) == ("x", "told", [thread])


def test_when_very_many_are_due_status_says_so(project: Project) -> None:
    configure(project, "[queue]", high_water="1", low_water="1")
    for _ in range(2):
        project.begin(ONE)
        send(project, "look", "--thread", "@last")
    assert project("daemon", "status", "--json").json["crowdedSince"] is None
    send(project, "other", "--from", "ci")
    assert project("daemon", "status", "--json").json["crowdedSince"] is not None
    assert "have to be urgent" in project("daemon", "status").out
    assert [
        row["name"] for row in project("event", "list", "--name", "queue.*", "--json").json
    ] == ["queue.high"]


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "is not JSON"),
        ("x" * (10 << 20), "longer than 4 MiB"),
        (json.dumps("x" * (2 << 20)), "larger than 1 MiB"),
        (deep(100), "nested more than 64 deep"),
        (deep(200_000), "nested more than 64 deep"),
        ("NaN", "NaN"),
        ("[Infinity]", "Infinity"),
        ("1" * 50, "too large"),
        ("1e999", "too large"),
        ('"\\ud800"', "surrogate"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_hostile_data_is_refused_and_nothing_is_stored(
    project: Project, data: str | bytes, words: str
) -> None:
    done = project("event", "send", "a.b", "--data", "-", "--json", input=data, expect=2)
    assert words in done.error["message"] and done.error["hint"]
    assert len(done.err) < 1000
    assert project("event", "list", "--json").json == []


@pytest.mark.parametrize(
    "words",
    [
        ("a b",),
        ("a.b", "--id", "x" * 201),
        ("a.b", "--id", ""),
        ("a.b", "--id", " "),
        ("a.b", "--from", " "),
        ("a.b", "--from", "x\ny"),
        ("a.b", "--label", "novalue"),
        ("a.b", "--thread", "@last", "--label", "a=b"),
    ],
    ids=str,
)
def test_what_is_no_event_is_bad_input(project: Project, words: tuple[str, ...]) -> None:
    project.begin(ONE)
    assert project("event", "send", *words, "--json", expect=2).error["hint"]


@pytest.mark.parametrize("id", ["it's one", "--help", "a b"])
def test_the_hint_at_an_event_can_be_typed_whatever_its_id(project: Project, id: str) -> None:
    hint = project("event", "send", "a.b", "--id", id).err.splitlines()[-1]
    words = shlex.split(hint.removeprefix("hint: uwf "))
    assert f"event    {id}" in project(*words).out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("3", "it is 3, not an object"),
        ("{}", "needs a name"),
        ('{"nam": "a"}', "'nam' is no field of an event"),
        ('{"name": "a", "urgent": 1}', "urgent"),
        ('{"name": "a", "at": "now"}', "at"),
        ('{"name": "a", "labels": {"a": 3}}', "labels"),
        ('{"name": "a", "trust": "me"}', "trust is 'me'"),
        ('{"name": "a b"}', "is not the name"),
        ('{"name": "a", "depth": -1}', "the depth of an event"),
        ('{"name": "a", "cause": 3}', "the cause of an event"),
        ('{"name": "a", "source": 3}', "the source of an event"),
    ],
)
def test_a_file_that_is_no_event_says_why(project: Project, given: str, words: str) -> None:
    done = project("trigger", "test", "-", "--json", input=given, expect=2)
    assert words in done.error["message"]


def test_the_page_of_an_event_is_a_file_to_test_with(project: Project) -> None:
    project.begin(ONE)
    send(project, "look", "--id", "a", "--thread", "@last")
    page = project("event", "show", "a", "--json").out
    tried = project("trigger", "test", "-", "--json", input=page).json
    assert tried["state"] == "told"
    assert [step["layer"] for step in tried["steps"]] == ["seen", "trigger", "priority"]


def test_a_template_bomb_is_a_stored_refusal(project: Project) -> None:
    bomb = "{% assign a = 'xy' %}{% for i in (1..90) %}{% assign a = a | append: a %}{% endfor %}{{ a }}"
    with_trigger(project, text=json.dumps(bomb))
    project.begin(ONE, "--label", "pr=42")
    sent = send(project, "github.review", "--id", "x", "--data", '{"number": 42}')
    assert (sent["decision"]["state"], sent["decision"]["reason"]) == ("refused", "bad_trigger")
    assert project("event", "show", "x", "--json").json["state"] == "refused"


def test_an_id_may_be_given_in_part(project: Project) -> None:
    send(project, "a", "--id", "deploy-1")
    send(project, "a", "--id", "deploy-2")
    assert project("event", "show", "oy-2", "--json").json["event"] == "deploy-2"
    assert "fits more than one" in project("event", "show", "deploy", expect=2).err
    assert project("event", "show", "nothing", "--json", expect=4).error["hint"] == "uwf event list"
    assert project("event", "replay", "nothing", expect=4).err


def test_where_nothing_has_happened_lists_are_empty(project: Project) -> None:
    assert project("event", "list", "--json").json == []
    assert project("trigger", "list", "--json").json == []
    assert "there is no event" in project("event", "list").err
    assert project("event", "list", "--state", "nice", expect=2).err
    assert not (project.home / "store.db").exists()


def test_what_an_agent_sends_is_its_threads_act(project: Project) -> None:
    other = project.begin(ONE, "--label", "pr=7")
    script = project.program(
        "caller",
        "cat >/dev/null; uwf event send i.am.done --id x --label pr=7 >&2; "
        "printf '%s\\n' --- '$status: done' ---",
    )
    thread = project.begin(ONE)
    project.step(thread, script)
    page = project("event", "show", "x", "--json").json
    assert (page["trust"], page["who"], page["cause"]) == ("bot", f"thread {thread}", thread)
    assert (page["depth"], page["threads"]) == (1, [other])


def test_secrets_are_not_in_what_is_stored_of_an_event(project: Project) -> None:
    secret = "hunter2-hunter2-hunter2"
    env = {"DEPLOY_PASSWORD": secret}
    project.begin(ONE)
    project(
        "event",
        "send",
        "look",
        "--id",
        "x",
        "--thread",
        "@last",
        "--data",
        json.dumps({"log": f"with {secret}"}),
        env=env,
    )
    error = project("event", "send", "look", "--id", secret, "--json", env=env, expect=2).error
    assert "holds a secret, DEPLOY_PASSWORD" in error["message"]
    page = project("event", "show", "x", "--json", env=env).out
    assert secret not in page and "[redacted:DEPLOY_PASSWORD]" in page
    for file in project.home.iterdir():
        assert secret.encode() not in (file.read_bytes() if file.is_file() else b"")


def test_old_events_go_with_what_nobody_needs(project: Project) -> None:
    send(project, "a")
    assert project("store", "gc", "--json").json["events"] == 0
    assert project("store", "stats", "--json").json["entries"] == 1


def test_an_event_may_interrupt_what_its_thread_is_at(project: Project) -> None:
    configure(project, "[[triggers]]", on="'stop.it'", text="'Not so.'", when_busy="'interrupt'")
    slow = project.program("slow", "cat >/dev/null; touch began; sleep 60")
    thread = project.begin(ONE)
    process = project.start("thread", "exec", thread, "--agent", slow)
    until((project.cwd / "began").exists)
    sent = send(project, "stop.it", "--thread", thread)
    assert sent["decision"]["threads"] == [thread]
    process.communicate(timeout=30)
    assert process.returncode == 143
    shown = project.show(thread)
    assert (shown["status"], shown["running"]) == ("idle", None)
    assert [word["text"] for word in shown["told"]] == ["Not so."]
    agent = project.agent(reply())
    project.step(thread, agent)
    assert "Not so." in agent.prompt(1)


def test_an_event_may_be_refused_while_its_thread_runs(project: Project) -> None:
    configure(project, "[[triggers]]", on="'later'", text="'x'", when_busy="'reject'")
    slow = project.program("slow", "cat >/dev/null; touch began; sleep 60")
    thread = project.begin(ONE)
    process = project.start("thread", "exec", thread, "--agent", slow)
    until((project.cwd / "began").exists)
    sent = send(project, "later", "--id", "x", "--thread", thread)
    assert (sent["decision"]["reason"], project.show(thread)["told"]) == ("busy", [])
    project("thread", "stop", thread)
    process.communicate(timeout=30)
    assert project("event", "replay", "x", "--json").json["threads"] == [thread]
