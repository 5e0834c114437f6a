"""What triggers and schedules name is there, or that is said: when it is written, when a daemon begins, and later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.project import ONE
from uwf.app import App
from uwf.daemon import serve
from uwf.daemon.deciding import Decisions
from uwf.daemon.loop.now_and_then import LOOK_MS
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.errors import ConfigInvalid

CONFIG = """
[[triggers]]
name = "t"
on = "a.b"
start = "{folder}/one.yaml"

[[schedules]]
name = "s"
every = "1h"
start = "{folder}/one.yaml"
prompt = "Do it."
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "home").mkdir()
    (tmp_path / "one.yaml").write_text(ONE)
    (tmp_path / "home" / "config.toml").write_text(CONFIG.format(folder=tmp_path))
    return App.open(str(tmp_path / "home"))


@pytest.mark.parametrize("key", ["triggers.t.start", "schedules.s.start"])
def test_a_workflow_that_is_not_there_is_refused_when_it_is_set(app: App, key: str) -> None:
    app.workflows.add(str(Path(app.home).parent / "one.yaml"))
    before = Path(app.config_path).read_bytes()
    with pytest.raises(ConfigInvalid, match=r"no workflow 'ona'.*; did you mean one\?") as refused:
        app.settings.set(key, "ona")
    assert refused.value.hint == "uwf workflow list"
    assert Path(app.config_path).read_bytes() == before
    app.settings.set(key, "one")


def test_a_thread_that_is_not_there_is_refused_when_it_is_set(app: App) -> None:
    thread = app.start(str(Path(app.home).parent / "one.yaml"), "Do it.").thread
    app.settings.unset("triggers.t.start")
    for word, meant in (("01ARZ3NDEKTSV4RRFFQ69G5FAV", r"FAV'$"), (thread[-8:], f"mean {thread}")):
        with pytest.raises(ConfigInvalid, match=f"no thread has the id.*{meant}") as refused:
            app.settings.set("triggers.t.thread", word)
        assert refused.value.hint == "uwf thread list --all"
    app.settings.set("triggers.t.thread", thread.lower())
    app.settings.set("triggers.t.thread", "{{ data.thread }}")


@pytest.mark.parametrize("key", ["find", "label"])
def test_an_empty_map_of_labels_is_refused(app: App, key: str) -> None:
    path = Path(app.config_path)
    path.write_text(path.read_text().replace('on = "a.b"\n', f'on = "a.b"\n{key} = {{}}\n'))
    with pytest.raises(ConfigInvalid, match=rf"config.toml:5: triggers.t.{key}: it is empty"):
        app.reload_config()


def test_a_daemon_does_not_begin_with_what_was_never_there(app: App, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").rename(tmp_path / "two.yaml")
    with pytest.raises(ConfigInvalid, match=r"config.toml:5: no workflow '.*one.yaml'") as refused:
        serve.run(app, lambda text, facts: None)
    assert refused.value.hint == f"${{EDITOR:-vi}} {app.config_path}"


def test_a_configuration_that_names_what_was_never_there_is_not_taken_over(app: App) -> None:
    path, before = Path(app.config_path), app.config
    path.write_text(path.read_text().replace("one.yaml", "none.yaml"))
    with pytest.raises(ConfigInvalid, match="no workflow"):
        app.reload_config(app.events.refuse_wrong)
    assert app.config is before
    app.events.refuse_wrong()


def test_what_turns_bad_later_is_set_aside_until_it_is_there_again(
    app: App, tmp_path: Path
) -> None:
    runs: Any = None
    daemon = Daemon(app, runs, Quarantine(), lambda: None, lambda text, facts: None)
    part = Decisions(daemon)
    part.tick(0)
    assert daemon.quarantine.all() == []
    (tmp_path / "one.yaml").rename(tmp_path / "two.yaml")
    part.tick(LOOK_MS - 1)
    assert daemon.quarantine.all() == []
    part.tick(LOOK_MS)
    [aside] = daemon.quarantine.all()
    assert (aside.kind, aside.name) == ("trigger", "t")
    assert "config.toml:5: no workflow" in aside.why
    app.events.refuse_wrong()
    (tmp_path / "two.yaml").rename(tmp_path / "one.yaml")
    part.tick(2 * LOOK_MS)
    assert daemon.quarantine.all() == []


KILLED = """
import sys
from uwf import points
from uwf.app import App
app = App.open(sys.argv[1])
points.arm(sys.argv[2])
app.events.remember_good(app.events.problems())
"""


@pytest.mark.parametrize(
    "at", ["triggers good: begun", "triggers good: written", "triggers good: done"]
)
def test_a_daemon_that_is_killed_has_remembered_it_or_does_so_the_next_time(
    app: App, tmp_path: Path, at: str
) -> None:
    for armed in (at, ""):
        words = [sys.executable, "-c", KILLED, app.home, armed]
        done = subprocess.run(words, cwd=Path(__file__).parents[3])
        assert done.returncode == (-9 if armed else 0)
    (tmp_path / "one.yaml").unlink()
    app.events.refuse_wrong()
    assert app.store().faults() == []


def test_a_thread_of_a_trigger_in_a_workflow_file_is_one_of_that_workflow(
    app: App, tmp_path: Path
) -> None:
    own = app.start(str(tmp_path / "one.yaml"), "Do it.").thread
    (tmp_path / "two.yaml").write_text(ONE.replace("name: one", "name: two"))
    other = app.start(str(tmp_path / "two.yaml"), "Do it.").thread
    file = tmp_path / "one.yaml"

    def problems(thread: str) -> list[str]:
        file.write_text(f"{ONE}on:\n  - on: a.b\n    thread: {thread}\n")
        return [str(one) for one in app.workflows.problems([str(file)])]

    assert problems(own) == problems("'{{ data.thread }}'") == []
    [found] = problems(other)
    assert found.endswith(f":16:13: error: thread: thread {other} is none of workflow one")
    app.cancel(own)
    [found] = problems(own)
    assert found.endswith(f"thread {own} is cancelled")
