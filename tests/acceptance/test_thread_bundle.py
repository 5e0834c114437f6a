"""`uwf thread export` and `import`: a thread, whole, from one home to another."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest

from tests.helpers.project import ASKS, ONE, REVIEW, WRITTEN, Project, reply, until
from uwf.store.sqlite import open_in_memory
from uwf.store.whole.bundle import export_bundle


@pytest.fixture
def other(project: Project, tmp_path: Path) -> Project:
    """The same project folder with another home."""
    return Project(tmp_path / "other-home", project.cwd)


def test_a_thread_goes_to_another_home_and_goes_on_there(project: Project, other: Project) -> None:
    thread = project.begin(REVIEW, "--label", "team=red", task="x" * 100_000)
    project.step(thread, project.agent(WRITTEN, ASKS), "--until-done", expect=3)
    done = project("thread", "export", thread, "-o", "thread.uwf", "--json").json
    assert (done["thread"], done["file"]) == (thread, "thread.uwf")
    assert stat.S_IMODE((project.cwd / "thread.uwf").stat().st_mode) == 0o600
    answer = other("thread", "import", "thread.uwf", "--json").json
    assert answer["threads"] == [thread]
    expected = project.show(thread)
    shown = other.show(thread)
    assert shown.pop("updatedAt") >= expected.pop("updatedAt")
    assert shown == expected
    assert other("step", "turns", thread).out == project("step", "turns", thread).out
    agent = other.agent(reply("approved"))
    other.step(thread, agent, "--supplement", "Blue.", verb="resume")
    assert other.show(thread)["status"] == "completed"
    assert project.show(thread)["status"] == "suspended"
    assert other("store", "verify").code == 0


def test_a_failed_attempt_and_its_supplement_travel_along(project: Project, other: Project) -> None:
    thread = project.begin(ONE)
    project.step(thread, "false", "--supplement", "mind this", expect=6)
    project("thread", "export", thread, "-o", "thread.uwf")
    other("thread", "import", "thread.uwf")
    agent = other.agent(reply())
    other.step(thread, agent, verb="resume")
    assert "mind this" in agent.prompt(1)


def test_through_stdout_and_stdin(project: Project, other: Project) -> None:
    thread = project.begin()
    process = project.start("thread", "export", thread)
    data, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")
    assert other("thread", "import", "-", "-q", input=data).out == f"{thread}\n"
    assert other("thread", "import", "-", "-q", input=data).out == f"{thread}\n"
    assert (
        project("thread", "export", thread, "--json", expect=2)
        .error["hint"]
        .endswith("-o thread.uwf")
    )


def test_an_existing_file_is_not_written_over(project: Project) -> None:
    thread = project.begin()
    file = project.file("thread.uwf", "precious")
    done = project("thread", "export", thread, "-o", "thread.uwf", expect=2)
    assert "thread.uwf is there already" in done.err
    assert file.read_text() == "precious"
    project("thread", "export", thread, "-o", "no/such/folder.uwf", expect=2)
    project("thread", "export", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "-o", "x", expect=4)
    assert {path.name for path in project.cwd.iterdir()} == {"thread.uwf", "one.yaml"}


def test_a_thread_that_went_on_here_is_not_set_back(project: Project) -> None:
    thread = project.begin(REVIEW)
    project("thread", "export", thread, "-o", "thread.uwf")
    project.step(thread, project.agent(WRITTEN))
    done = project("thread", "import", "thread.uwf", "--json", expect=5)
    assert done.error["code"] == "conflict"
    assert project.show(thread)["steps"] == 1


def test_a_damaged_file_changes_nothing(project: Project, other: Project) -> None:
    thread = project.begin(REVIEW)
    project.step(thread, project.agent(WRITTEN))
    project("thread", "export", thread, "-o", "good.uwf")
    data = (project.cwd / "good.uwf").read_bytes()
    middle = len(data) // 2
    for bad in (
        b"",
        b"uwf-bundle 2\n",
        b"\0" * 100,
        data[:-1],
        data[:middle],
        data + b"x",
        data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
    ):
        project.file("bad.uwf", bad)
        assert (
            other("thread", "import", "bad.uwf", "--json", expect=2).error["code"] == "bad_bundle"
        )
        assert other("thread", "list", "--all", "--json").json == []
    assert "No such file" in other("thread", "import", "gone.uwf", expect=2).err
    assert "Is a directory" in other("thread", "import", ".", expect=2).err


ID = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
IDLE = {"status": "idle"}


@pytest.mark.parametrize(
    ("name", "tags", "why"),
    [
        ("@uwf/registry/review", {}, "which is no thread"),
        ("@uwf/history/" + ID, {}, "which is no thread"),
        ("@uwf/thread/mine", IDLE, "whose id no thread can have"),
        ("@uwf/attempt/mine", {}, "whose id no thread can have"),
        ("@uwf/attempt/01K00000000000000000000000", {}, "but not its thread"),
        ("@uwf/thread/01K00000000000000000000000", {"status": "running"}, "the status 'running'"),
        ("@uwf/thread/01K00000000000000000000000", {}, "the status ''"),
    ],
)
def test_a_file_that_brings_more_than_threads_is_refused(
    project: Project, name: str, tags: dict[str, str], why: str
) -> None:
    source = open_in_memory()
    with source.transaction("test") as tx:
        id = tx.put("workflow", {"name": "of a stranger"})
        tx.set_ref("@uwf/thread/" + ID, id, tags=IDLE, why="x")
        tx.set_ref(name, id, tags=tags, why="x")
    page = io.BytesIO()
    export_bundle(source, ["@uwf/thread/" + ID, name], page)
    project.file("strange.uwf", page.getvalue())
    done = project("thread", "import", "strange.uwf", "--json", expect=2)
    assert done.error["code"] == "bad_bundle"
    assert done.error["message"].startswith(f"cannot import strange.uwf: it brings {name}, ")
    assert why in done.error["message"]
    assert project("ref", "list", "--json").json == []
    project("cas", "get", id, expect=4)


def test_what_is_no_export_is_named(project: Project) -> None:
    name = project.file("notes.txt", "buy milk").name
    done = project("thread", "import", name, expect=2)
    error, hint = done.err.splitlines()
    assert error.startswith("error: cannot import notes.txt: this is no sound bundle: it does not")
    assert hint == "hint: uwf thread export THREAD -o FILE"


def test_a_thread_that_is_here_already_is_not_imported_again(
    project: Project, other: Project
) -> None:
    thread = project.begin()
    project("thread", "export", thread, "-o", "thread.uwf")
    assert other("thread", "import", "thread.uwf").out == f"{thread}  imported\n"
    assert other("thread", "import", "thread.uwf").out == f"{thread}  was here already\n"


def test_no_file_says_which_agent_is_run_here(project: Project, other: Project) -> None:
    def named(home: Project) -> str | None:
        tags = home("ref", "get", f"@uwf/thread/{thread}", "--json").json["tags"]
        return tags.get("agent") or None

    thread = project.begin(REVIEW)
    project.step(thread, project.agent(WRITTEN))
    assert named(project) is not None
    project("thread", "export", thread, "-o", "thread.uwf")
    other("thread", "import", "thread.uwf")
    assert named(other) is None
    assert project("thread", "import", "thread.uwf").out == f"{thread}  was here already\n"
    assert named(project) is not None


def test_imported_thread_works_in_a_folder_of_this_machine(
    project: Project, other: Project
) -> None:
    there, here = project.cwd / "there", project.cwd / "here"
    there.mkdir()
    here.mkdir()
    thread = project.begin(REVIEW, "--cwd", str(there))
    project.step(thread, project.agent(WRITTEN))
    project.step(thread, project.agent(ASKS), expect=3)
    project("thread", "export", thread, "-o", "thread.uwf")
    there.rmdir()
    words = ("thread", "import", "thread.uwf", "--cwd", "here")
    missing = other("thread", "import", "thread.uwf", "--cwd", "gone", "--json", expect=2)
    assert missing.error["hint"].startswith("mkdir -p ")
    for news in ("imported", "was here already"):
        assert news in other(*words).out
    assert other("thread", "import", "thread.uwf", expect=5).code, "it differs from the one here"
    assert other.show(thread)["cwd"] == str(here)
    agent = other.agent(reply("approved"))
    other.step(thread, agent, "--supplement", "Blue.", verb="resume")
    assert agent.folder(1) == str(here)


def test_thread_with_a_relative_folder_is_not_imported(project: Project, other: Project) -> None:
    thread = project.begin()
    head = project.show(thread)["head"]
    tags = ("--tag", "status=idle", "--tag", "workflow=one", "--tag", "cwd=../elsewhere")
    project("ref", "set", f"@uwf/thread/{thread}", head, *tags)
    project("thread", "export", thread, "-o", "thread.uwf")
    done = other("thread", "import", "thread.uwf", "--json", expect=2)
    assert "its tag cwd is no absolute path" in done.error["message"]


def test_export_after_a_kill_has_the_attempt_that_was_cut_off(
    project: Project, other: Project
) -> None:
    thread = project.begin()
    speaking = project.program("speaking", "cat >/dev/null; echo 'I have begun.'; sleep 100")
    process = project.start("thread", "exec", thread, "--agent", speaking)
    until(lambda: project.turns(thread))
    project("thread", "export", thread, "-o", "running.uwf")
    process.kill()
    process.communicate(timeout=20)
    project("thread", "export", thread, "-o", "killed.uwf")
    other("thread", "import", "killed.uwf")
    [turn] = other.turns(thread)
    assert (turn["text"], turn["outcome"]) == ("I have begun.\n", "interrupted")
    assert project.show(thread)["status"] == "idle"
