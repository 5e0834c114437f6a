"""A disk or a store file that fails: a clear error and exit 1, nothing half-written, nothing replaced."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import APPROVED, ONE, REVIEW, WRITTEN, Project, reply
from uwf.store.sqlite import open_store


def store_of(project: Project) -> Path:
    return project.home / "store.db"


def put_aside_wal(project: Project) -> None:
    """Bring everything into the one file."""
    connection = sqlite3.connect(store_of(project))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def garbage(path: Path) -> None:
    path.write_bytes(b"this was never a database" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def torn_header(path: Path) -> None:
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def of_another_program(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.execute("UPDATE meta SET value = 'uwf 9.9' WHERE key = 'writer'")
    connection.commit()
    connection.close()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def gone_but_for_its_wal(path: Path) -> None:
    shutil.move(path, f"{path}-wal")


@pytest.mark.parametrize(
    "damage",
    [
        garbage,
        empty,
        truncated,
        torn_header,
        of_another_program,
        newer,
        a_folder,
        gone_but_for_its_wal,
    ],
    ids=lambda damage: damage.__name__,
)
def test_a_store_that_cannot_be_read_is_an_error_and_stays_as_it_is(
    project: Project, damage: object
) -> None:
    thread = project.begin()
    project.step(thread, project.agent(reply()))
    put_aside_wal(project)
    assert callable(damage)
    damage(store_of(project))
    file = project.file("one.yaml", ONE)
    before = {
        path.name: path.read_bytes() for path in project.home.glob("store*") if path.is_file()
    }
    for words in (
        ("thread", "show", thread),
        ("thread", "list", "--all"),
        ("thread", "exec", thread, "--agent", "true"),
        ("thread", "start", str(file), "-p", "x"),
        ("step", "list", "@last"),
        ("workflow", "list"),
        ("migrate", "history"),
        ("thread", "cancel", "@last"),
    ):
        done = project(*words, "--json", expect=1)
        assert done.error["code"].startswith(("store_", "object_")), (words, done)
        assert str(store_of(project)) in done.error["message"]
        if damage is newer:
            assert "uwf 9.9" in done.error["message"] and "format 99" in done.error["message"]
    after = {path.name: path.read_bytes() for path in project.home.glob("store*") if path.is_file()}
    assert {name: data for name, data in after.items() if not name.endswith("-shm")} == before


def test_a_damaged_object_is_named_and_only_its_thread_suffers(project: Project) -> None:
    broken, sound = project.begin(REVIEW), project.begin(ONE)
    project.step(broken, project.agent(WRITTEN))
    head = project.show(broken)["head"]
    connection = sqlite3.connect(store_of(project))
    connection.execute(
        "UPDATE object SET data = zeroblob(length(data)) WHERE id = ?", [bytes.fromhex(head)]
    )
    connection.commit()
    connection.close()
    shown = project.show(broken)
    assert (shown["status"], shown["error"]["code"]) == ("corrupt", "object_damaged")
    assert head in shown["error"]["message"]
    assert project("thread", "show", broken).err.endswith("hint: uwf store verify --deep\n")
    rows = {row["thread"]: row["status"] for row in project("thread", "list", "--json").json}
    assert rows == {broken: "corrupt", sound: "idle"}
    done = project("thread", "exec", broken, "--agent", "true", "--json", expect=1)
    assert done.error["code"] == "object_damaged" and head in done.error["message"]
    assert project.step(sound, project.agent(reply()))[0]["status"] == "completed"
    project("thread", "undo", broken, expect=None)
    listed = project("thread", "list", "--status", "corrupt", "-q").out.split()
    assert listed in ([broken], [])


def limited(size_bytes: int) -> object:
    """For Popen: no file may grow beyond that size."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))

    return limit


def test_a_file_system_that_takes_no_more_is_exit_1_and_the_thread_goes_on_later(
    project: Project,
) -> None:
    thread = project.begin(REVIEW)
    project.step(thread, project.agent(WRITTEN))
    before = project.show(thread)
    large = project.agent(reply("approved", os.urandom(2 << 20).hex()), APPROVED)
    process = project.start(
        *(
            "thread",
            "exec",
            thread,
            "--agent",
            large.command,
            "--supplement",
            "mind this",
            "--json",
        ),
        preexec_fn=limited(512 << 10),
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, (out, err)
    assert out == b"" and err.startswith(b'{"error":') and b"Traceback" not in err
    after = project.show(thread)
    assert (after["head"], after["status"], after["running"]) == (before["head"], "idle", None)
    assert project("store", "verify").code == 0
    [line] = project.step(thread, large)
    assert line["status"] == "completed" and "mind this" in large.prompt(2)


def test_a_refusal_that_cannot_be_counted_is_told_all_the_same(project: Project) -> None:
    thread = project.begin(ONE)
    project("guard", "drain", "on")
    words = ("thread", "exec", thread, "--agent", "true", "--json")
    store = open_store(str(project.home / "store.db"), create=False)  # keeps the WAL where it is
    store.refs()
    project(*words, expect=75)
    process = project.start(*words, preexec_fn=limited(4 << 10))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert json.loads(err)["error"]["reason"] == "draining"
    [row] = project("guard", "stats", "--json").json
    assert row["refused"] == {"draining": 1}  # that was before
    store.close()
    assert project("store", "verify").code == 0


def in_namespace(project: Project, script: str) -> subprocess.CompletedProcess[str]:
    """A shell script run where it may mount file systems that nobody else sees."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare to mount a file system with")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"set -e\n{script}"],
        capture_output=True,
        text=True,
        cwd=project.cwd,
        env={**project.environ, "UWF": PROGRAM},
        timeout=60,
    )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
    return done


def test_a_full_disk_is_exit_1_and_nothing_is_half_written(project: Project) -> None:
    project.file("one.yaml", ONE)
    agent = project.agent(reply("done", os.urandom(1 << 20).hex()), reply())
    project.home.mkdir()
    done = in_namespace(
        project,
        f"""
        mount -t tmpfs -o size=8m none {project.home}
        $UWF config set limits.disk_floor 1B >/dev/null
        $UWF thread start one.yaml -p x -q >thread
        dd if=/dev/zero of={project.home}/ballast bs=1M count=7 2>/dev/null
        set +e
        $UWF thread exec @last --agent {agent.command} >out 2>err; echo exec $?
        $UWF thread show @last --json >show; echo show $?
        dd if=/dev/zero of={project.home}/filler bs=4k 2>/dev/null
        $UWF thread start one.yaml -p y -q >>out 2>>err; echo start $?
        $UWF thread list --all -q; $UWF store verify -q >/dev/null; echo verify $?
        rm {project.home}/filler {project.home}/ballast
        $UWF thread exec $(cat thread) --agent {agent.command} >/dev/null 2>>err; echo again $?
        """,
    )
    thread = (project.cwd / "thread").read_text().strip()
    exec_, show, start, *listed, verify, again = done.stdout.splitlines()
    seen = (done, (project.cwd / "err").read_text())
    assert (exec_, show, verify, again) == ("exec 1", "show 0", "verify 0", "again 0"), seen
    # What the exec had got of the disk before it was full may still hold a small thread.
    begun = (project.cwd / "out").read_text().split()[-1:] if start == "start 0" else []
    assert start in ("start 0", "start 1"), seen
    assert sorted(listed) == sorted([thread, *begun]), seen
    assert '"status":"idle"' in (project.cwd / "show").read_text()
    words = (project.cwd / "err").read_text()
    assert "Traceback" not in words
    assert all(
        line.startswith(("error: ", "hint: ", "an earlier run ")) for line in words.splitlines()
    )
    assert "No space left" in words or "full" in words


def test_a_read_only_home_is_read_and_writing_is_exit_1_in_words(project: Project) -> None:
    project.file("one.yaml", ONE)
    thread = project.begin()
    project.step(thread, project.agent(reply()))
    done = in_namespace(
        project,
        f"""
        mount --bind {project.home} {project.home}
        mount -o remount,bind,ro {project.home}
        set +e
        $UWF thread start one.yaml -p x 2>err; echo start $?
        $UWF thread resume {thread} --agent true 2>>err; echo resume $?
        $UWF config set limits.max_steps 3 2>>err; echo config $?
        $UWF thread show {thread} --json >show 2>>err; echo show $?
        $UWF thread list --all -q 2>>err; echo list $?
        $UWF store verify >/dev/null 2>>err; echo verify $?
        """,
    )
    err = (project.cwd / "err").read_text()
    assert done.stdout.splitlines() == [
        *("start 1", "resume 1", "config 1", "show 0", thread, "list 0", "verify 0"),
    ], (done, err)
    assert all(
        line.startswith(("error: ", "hint: ls -la ")) and str(project.home) in line
        for line in err.splitlines()
    )
    assert json.loads((project.cwd / "show").read_text()) == project.show(thread)
