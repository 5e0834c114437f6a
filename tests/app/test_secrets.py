"""A front door that is written in a few lines, and that thinks of no secret, cannot bring one into the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.project import ONE
from uwf.app import App
from uwf.engine.chain.gate import SecretsGate
from uwf.engine.chain.redact import Redactor
from uwf.errors import ConfigInvalid, InputError, Refused
from uwf.store.codec import Link

SECRET = "hunter2-hunter2"
MARK = "[redacted:DB_PASSWORD]"
AGENT = "printf '%s\\n' '---' '$status: done' '---' 'The end.'"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(ONE)
    with App.open(str(tmp_path / "home")) as app:
        yield app


def leaks(app: App, secret: str = SECRET) -> list[str]:
    """Where the secret stands in the store: objects, tags, reasons of moves, counters."""
    store = app.store()
    found = [store.get(id).kind for id in store.ids() if secret.encode() in store.raw(id)]
    found += [f"{ref.name} {ref.tags}" for ref in store.refs() if secret in str(ref.tags)]
    found += [move.why for move in store.moves_since(0) if secret in f"{move.why}{move.tags}"]
    return found + [name for name, value in store.counters("") if secret in str(value)]


def test_task_and_labels(app: App) -> None:
    thread = app.start("one.yaml", f"Log in with {SECRET}.", labels={"pw": SECRET, SECRET: "x"})
    assert leaks(app) == []
    assert thread.prompt == f"Log in with {MARK}."
    assert thread.labels == {"pw": MARK, MARK: "x"}


def test_what_is_said_to_a_thread_that_runs(app: App) -> None:
    id = app.start("one.yaml", "x" * 2000 + SECRET).thread
    [done] = app.exec(id, agent="false", supplement=f"use {SECRET}")
    assert done.error is not None
    list(app.resume(id, agent=f"echo {SECRET}", supplement=f"or {SECRET}"))
    app.stop(id)
    app.fork(id, f"and {SECRET}")
    app.undo(id) if app.show(id).steps else None
    app.cancel(id, f"nothing but {SECRET}")
    assert leaks(app) == []
    assert app.show(id).end_reason == f"nothing but {MARK}"


def test_thread_of_a_home_that_did_not_know_the_secret_is_not_imported(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DB_PASSWORD")
    file = tmp_path / "thread.uwf"
    with App.open(str(tmp_path / "other")) as other:
        other.export_to(other.start("one.yaml", f"Log in with {SECRET}.").thread, str(file))
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    with (
        file.open("rb") as stream,
        pytest.raises(InputError, match=r"object \w+ holds the secret DB_PASSWORD of this"),
    ):
        app.import_threads(stream, "a file")
    assert leaks(app) == []


def test_objects_and_refs_by_hand(app: App) -> None:
    text = app.objects.put(f"it is {SECRET}".encode())
    assert text.payload == f"it is {MARK}"
    blob = app.objects.put(b"\xff" + SECRET.encode())
    assert blob.payload == b"\xff" + MARK.encode()
    note = app.objects.put_json("note", f'{{"{SECRET}": ["{SECRET}", 1]}}', "a note")
    assert note.payload == {MARK: [MARK, 1]}
    for key in ("why", "status", "priority", "budget.usd", SECRET):
        app.objects.set_ref("@x/y", text.id, {key: SECRET})
    assert leaks(app) == []


@pytest.mark.parametrize("kind", ["workflow", "start", "step", "attempt", "turn", "rebind"])
def test_object_by_hand_has_no_names_of_its_own(app: App, kind: str) -> None:
    payload = {"thread": SECRET, "role": SECRET, "mark": SECRET, SECRET: {"cwd": SECRET}}
    app.objects.put_json(kind, json.dumps(payload), "an object")
    assert leaks(app) == []


@pytest.mark.parametrize("tag", ["workflow", "suspendedRole", "forkedFromThread", "budget.usd"])
def test_tags_by_hand(app: App, tag: str) -> None:
    id = app.objects.put(b"a text").id
    app.objects.set_ref(
        "@x/y", id, {tag: SECRET, f"budget.{SECRET}": "1", f"completedAt{SECRET}": "1"}
    )
    assert leaks(app) == []


def test_name_that_holds_a_secret_is_refused(app: App) -> None:
    id = app.objects.put(b"a text").id
    with pytest.raises(InputError, match="name of that ref holds the value of a secret"):
        app.objects.set_ref(f"@x/{SECRET}", id, {})
    with pytest.raises(InputError, match="name of that kind"):
        app.objects.put_json(SECRET, "1", "a number")
    assert leaks(app) == [] and app.objects.refs("@x/") == []


def test_agent_is_paused_by_the_name_that_a_run_has_for_it(app: App) -> None:
    app.guards.pause(f"run --key {SECRET}")
    assert leaks(app) == []
    id = app.start("one.yaml", "A task.").thread
    with pytest.raises(Refused, match="is paused"):
        list(app.exec(id, agent=f"run --key {SECRET}"))
    assert app.guards.unpause(f"run --key {SECRET}")


def test_what_an_inline_agent_is_handed_is_hidden_wherever_it_stands(app: App) -> None:
    id = app.start("one.yaml", "A task.").thread
    Path("tells.sh").write_text(f'echo "I am $0 $*" >&2; {AGENT} "$*"')
    [done] = app.exec(id, agent="sh tells.sh --api-key sk-live-INLINE99")
    assert done.step_status == "done"
    assert leaks(app, "sk-live-INLINE99") == []
    assert "--api-key [redacted:api-key]" in app.steps.all(id)[0].agent


def test_a_folder_whose_name_holds_a_secret_is_worked_in_and_not_named(
    app: App, tmp_path: Path
) -> None:
    folder = tmp_path / f"of-{SECRET}"
    folder.mkdir()
    id = app.start("one.yaml", "A task.", cwd=str(folder)).thread
    assert app.show(id).cwd == str(tmp_path / f"of-{MARK}")
    (folder / "works.sh").write_text(f"pwd > here; {AGENT}")
    [done] = app.exec(id, agent="sh works.sh")
    assert done.error is None
    assert (folder / "here").read_text().strip() == str(folder)
    assert leaks(app) == []


def test_a_folder_that_cannot_be_named_here_is_not_made_under_another_name(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"of-{SECRET}"
    folder.mkdir()
    id = app.start("one.yaml", "A task.", cwd=str(folder)).thread
    monkeypatch.delenv("DB_PASSWORD")
    with (
        App.open(app.home) as other,
        pytest.raises(Refused, match="not have the secret") as refused,
    ):
        list(other.exec(id, agent="true"))
    assert refused.value.hint is None


def test_a_text_that_is_changed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(ONE.replace("Does the task.", f"Uses {SECRET}."))
    told: list[str] = []
    with App.open(str(tmp_path / "home"), warn=told.append) as app:
        id = app.start("one.yaml", f"Use {SECRET}.", labels={"pw": SECRET}).thread
        list(app.exec(id, agent="false", supplement=f"or {SECRET}"))
        app.workflows.add("one.yaml")
        app.start("one.yaml", "Nothing.")
        app.mark(id, labels={"pw": SECRET}, title="A title")
        text = app.objects.put(f"it is {SECRET}".encode())
        app.objects.set_ref("@x/y", text.id, {"why": SECRET})
        assert leaks(app) == []
        shown = app.workflows.show("one.yaml")
        assert app.objects.get(shown.id).payload == shown.payload
    changed = [text.partition(" holds a secret")[0] for text in told]
    assert changed == [
        *("workflow one", "the task", "a label", "what you add", "workflow one", "workflow one"),
        *("a label or the title", "the object", "a tag"),
    ]
    assert all(MARK in text for text in told)


def test_a_config_that_says_what_is_secret_has_to_be_read_first(app: App, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("secrets = 5")
    with pytest.raises(ConfigInvalid):
        app.objects.put(b"a text")


def test_names_are_no_texts() -> None:
    """What others look up by is left alone, also when it happens to hold what is a secret elsewhere."""
    name, link = "reviewer", Link("ab" * 32)
    gate = SecretsGate(lambda: Redactor([("A_KEY", name), ("B_KEY", "abababab")]))
    step = {
        "prev": link,
        "role": name,
        "status": name,
        "cwd": f"/home/{name}",
        "visits": {name: 1},
        "sessions": {name: f"at {name}"},
        "body": f"said {name}",
        "output": {"$status": "ok", name: name},
    }
    assert gate.payload("step", step) == {
        **step,
        "sessions": {name: "at [redacted:A_KEY]"},
        "cwd": "/home/[redacted:A_KEY]",
        "body": "said [redacted:A_KEY]",
        "output": {"$status": "ok", "[redacted:A_KEY]": "[redacted:A_KEY]"},
    }
    assert gate.payload("step", step)["prev"] is link
    attempt = {"plan": {"role": name, "cwd": name, "instruction": name}, "mark": "abababab"}
    cleaned = gate.payload("attempt", attempt)
    hidden = "[redacted:A_KEY]"
    assert cleaned["plan"] == {"role": name, "cwd": hidden, "instruction": hidden}
    assert cleaned["mark"] == "abababab"
    assert gate.tags({"workflow": name, "status": "idle", "label.who": name}) == {
        "workflow": name,
        "status": "idle",
        "label.who": "[redacted:A_KEY]",
    }
    assert gate.value({f"no {name}": 2}) == {"no [redacted:A_KEY]": 2}
    assert gate.value({"agent": name, "why": name}) == {"agent": name, "why": "[redacted:A_KEY]"}


def test_words_of_a_workflow_are_none() -> None:
    """What its threads are made of: roles, statuses, fields and their values. Its prose is cleaned of all else."""
    redactor = Redactor(
        [("A_KEY", "postgres"), ("B_KEY", "created_at"), ("C_KEY", "tok_second_99")]
    )
    gate = SecretsGate(lambda: redactor)
    workflow = {
        "name": "choose",
        "description": "Use tok_second_99.",
        "roles": {
            "chooser": {
                "goal": "postgres or not",
                "capabilities": ["say tok_second_99"],
                "frontmatter": {
                    "properties": {
                        "$status": {"enum": ["postgres", "sqlite"]},
                        "created_at": {"description": "not tok_second_99"},
                        "description": {"const": "C"},
                        "name": {"$comment": "tok_second_99", "default": ["tok_second_99"]},
                    }
                },
            }
        },
        "graph": {"chooser": {"postgres": {"role": "$END", "prompt": "at {{ created_at }}"}}},
    }
    cleaned = gate.payload("workflow", workflow)
    assert cleaned == json.loads(json.dumps(workflow).replace("tok_second_99", "[redacted:C_KEY]"))
    assert gate.payload("text", "postgres, created_at, tok_second_99") == (
        "postgres, created_at, [redacted:C_KEY]"
    )


def test_what_was_cleaned_stays_as_it_is() -> None:
    redactor = Redactor([("A_KEY", "redacted"), ("B_KEY", "[redacted")])
    once = redactor.text("all is redacted, [redacted by us]")
    assert redactor.text(once) == once


def test_secrets_are_asked_for_only_when_there_is_something_to_clean() -> None:
    def ask() -> Redactor:
        raise AssertionError

    gate = SecretsGate(ask)
    assert gate.value({"name": "drain", "sinceMs": 1, "untilMs": None, "why": ""})
    assert gate.tags({"status": "idle", "priority": "3"})
