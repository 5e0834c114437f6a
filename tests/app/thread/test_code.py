"""The code of threads in worktrees: compared, and carried to another home by two files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.flows import PAIR
from tests.helpers.repository import commit, copied, typed
from uwf.app import App
from uwf.app.thread.steps import StepPage
from uwf.engine.actions import lifecycle
from uwf.engine.chain import worktree as chained
from uwf.engine.chain.tags import THREADS, WORKTREE_REPO
from uwf.engine.run.worktree import worktree as trees
from uwf.errors import InputError, NotFound, StateError
from uwf.page import thread

ENVIRON = {"PATH": "/usr/bin:/bin"}
AGENT = """\
#!/bin/sh
cat >/dev/null
echo "$UWF_STEP_INDEX by $UWF_THREAD" >>work
printf -- '---\\n$status: done\\nfile: x\\n---\\nDone.\\n'
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    return home(tmp_path, "home")


def home(folder: Path, name: str) -> App:
    agent = folder / "agent.sh"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    (folder / name).mkdir()
    config = (
        f'default_agent = "a"\n[agents.a]\ncommand = "{agent}"\n[limits]\nmin_memory = "1MiB"\n'
    )
    (folder / name / "config.toml").write_text(config)
    return App.open(str(folder / name))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return copied(tmp_path / "repo")


def start(app: App, repo: Path, branch: str | None = None) -> str:
    asked = trees.asked_for(ENVIRON, app.home, str(repo), branch)
    begin = lifecycle.Begin(PAIR, "Work.", str(repo), {}, worktree=asked)
    return lifecycle.start(app.store(create=True), begin).id


def step(app: App, id: str) -> None:
    assert [line.step_status for line in app.exec(id)] == ["done"]


def text(app: App, *threads: str) -> str:
    found = app.code_diff(*threads)
    assert found is not None
    return found.text


def test_what_one_has_changed(app: App, repo: Path) -> None:
    id = start(app, repo)
    assert text(app, id) == ""
    step(app, id)
    assert f"+1 by {id}" in text(app, id)


def test_two_are_compared_by_their_files(app: App, repo: Path, tmp_path: Path) -> None:
    id = start(app, repo)
    step(app, id)
    fork = app.fork(id).thread.thread
    assert text(app, id, fork) == ""
    other = start(app, repo)
    step(app, other)
    assert f"-1 by {id}" in text(app, id, other)
    elsewhere = start(app, copied(tmp_path / "elsewhere"))
    assert app.code_diff(id, elsewhere) is None
    plain = app.store().ref(THREADS + id)
    assert plain is not None
    with app.store().transaction("test") as tx:
        tx.set_ref(plain.name, plain.id, tags={**plain.tags, WORKTREE_REPO: ""}, why="test")
    assert app.code_diff(id, fork) is None


def cloned(repo: Path, folder: Path) -> Path:
    typed(repo.parent, "clone", "-q", str(repo), str(folder))
    return folder


def taken_in(app: App, file: Path, repo: Path) -> str:
    with open(file, "rb") as stream:
        found = app.import_threads(stream, str(file), cwd=str(repo), code=f"{file}.git")
    return found.threads[0]


def test_a_thread_goes_on_in_another_home_with_its_code(
    app: App, repo: Path, tmp_path: Path
) -> None:
    source = cloned(repo, tmp_path / "source")
    mine = commit_as(source, "not pushed")
    id = start(app, source)
    step(app, id)
    commit(repo, "meanwhile", other="x")
    work = Path(app.home) / "worktrees" / id
    (work / "work").write_text("changed by hand\n")
    file = tmp_path / "thread.uwf"
    app.export_to(id, str(file), code=f"{file}.git")
    assert Path(f"{file}.git").stat().st_size < 10_000  # what a remote has is not in it

    there, clone = home(tmp_path, "there"), cloned(repo, tmp_path / "clone")
    assert taken_in(there, file, clone) == id
    shown = there.show(id)
    assert shown.cwd == str(Path(there.home) / "worktrees" / id)
    assert (Path(shown.cwd) / "work").read_text() == "changed by hand\n"
    assert (
        typed(clone, "rev-parse", "refs/heads/" + str(shown.worktree and shown.worktree.branch))
        == mine
    )
    assert typed(Path(shown.cwd), "status", "--porcelain") == "?? work"
    with pytest.raises(StateError):
        there.undo(id, files=True)  # its log is not carried
    assert there.code_diff(id) is not None
    assert text(there, id) == text(app, id)


def commit_as(folder: Path, message: str) -> str:
    for key, value in (("user.name", "Ann"), ("user.email", "ann@x")):
        typed(folder, "config", key, value)
    return commit(folder, message, mine="x")


def test_without_the_code_nothing_of_a_worktree_comes_in(
    app: App, repo: Path, tmp_path: Path
) -> None:
    id = start(app, repo)
    step(app, id)
    for code in (None, str(tmp_path / "with.uwf.git")):
        file = tmp_path / ("with.uwf" if code else "alone.uwf")
        app.export_to(id, str(file), code=code)
        there = home(tmp_path, f"for-{file.name}")
        with open(file, "rb") as stream:
            there.import_threads(stream, str(file))
        ref = there.ref_of(id)
        assert [key for key in ref.tags if key.startswith("worktree.")] == []


def refused(act: Callable[[], object]) -> str:
    with pytest.raises((InputError, StateError, NotFound)) as error:
        act()
    assert error.value.hint or error.value.code == "bad_bundle"
    return error.value.code


def test_what_cannot_be_carried_is_refused_and_leaves_nothing(
    app: App, repo: Path, tmp_path: Path
) -> None:
    id, file = start(app, repo), tmp_path / "t.uwf"
    code = f"{file}.git"
    step(app, id)
    Path(code).write_text("there already")
    assert refused(lambda: app.export_to(id, str(file), code=code)) == "bad_input"
    assert not file.exists()
    Path(code).unlink()
    file.write_text("there already")
    assert refused(lambda: app.export_to(id, str(file), code=code)) == "bad_input"
    assert not Path(code).exists()
    file.unlink()
    app.export_to(id, str(file), code=code)

    there = home(tmp_path, "there")
    stranger = copied(tmp_path / "stranger")
    typed(stranger, "checkout", "-q", "--orphan", "new")
    commit(stranger, "of its own", own="x")
    typed(stranger, "branch", "-D", "main")
    typed(stranger, "reflog", "expire", "--expire=now", "--all")
    typed(stranger, "gc", "-q", "--prune=now")
    typed(repo, "remote", "add", "origin", str(tmp_path / "bare"))
    typed(tmp_path, "init", "-q", "--bare", "bare")
    typed(repo, "push", "-q", "origin", "main")
    thin = tmp_path / "thin.uwf"
    app.export_to(id, str(thin), code=f"{thin}.git")
    assert refused(lambda: taken_in(there, thin, stranger)) == "bad_bundle"
    Path(code).write_text("no bundle")
    assert refused(lambda: taken_in(there, file, copied(tmp_path / "other"))) == "bad_bundle"
    Path(code).unlink()
    assert refused(lambda: taken_in(there, file, tmp_path / "other")) == "bad_input"
    assert not there.has_store()


@pytest.mark.parametrize(
    "tags",
    [
        {chained.BASE: "--upload-pack=touch x"},
        {chained.KEPT: "HEAD"},
        {chained.WITHIN: "../../etc"},
        {chained.WITHIN: "/etc"},
    ],
)
def test_what_a_stranger_wrote_is_no_word_for_git(tags: dict[str, str]) -> None:
    with pytest.raises(InputError) as error:
        chained.check_carried({chained.BASE: "0" * 40, **tags})
    assert error.value.code == "bad_bundle"


def test_what_a_step_changed_is_told_without_secrets(
    app: App, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = start(app, repo)
    step(app, id)
    shown = app.steps.show(id)
    assert isinstance(shown, StepPage)
    found = app.steps.code(id, shown)
    assert found is not None and f"+1 by {id}" in found.text
    monkeypatch.setenv("SOME_API_KEY", f"by {id}")
    with App.open(app.home) as again:
        found = again.steps.code(id, shown)
        page = thread.page(again, id)
    assert found is not None and "+1 [redacted:SOME_API_KEY]" in found.text
    assert "<ins>+1 [redacted:SOME_API_KEY]</ins>" in page and f"by {id}" not in page


def test_a_page_says_of_a_repository_that_is_gone(app: App, repo: Path) -> None:
    id = start(app, repo)
    step(app, id)
    repo.rename(repo.parent / "elsewhere")
    assert "What it changed cannot be read" in thread.page(app, id)
