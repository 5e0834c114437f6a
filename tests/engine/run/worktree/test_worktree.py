"""A thread in its worktree: there before a step, kept before and after, put back, forked, made again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.fake_agent import Said, crash
from tests.helpers.in_tree import TreeRig, writes
from tests.helpers.repository import commit, copied, typed
from tests.helpers.rig import CHANGES, WROTE
from uwf.agent.protocol import AgentRequest
from uwf.engine.chain.tags import ATTEMPTS
from uwf.engine.progress import FilesLeftOut, FilesNotKept, WorktreeMade
from uwf.engine.run import publish
from uwf.errors import InputError, PersonNeeded, ReplyKept, StateError, StoreError
from uwf.workspace import snapshot


@pytest.fixture
def rig(tmp_path: Path) -> TreeRig:
    return TreeRig(tmp_path / "home", copied(tmp_path / "repo"))


def show(rig: TreeRig, commit: str | None, file: str) -> str:
    return typed(rig.repo, "show", f"{commit}:{file}")


def files_of(rig: TreeRig, id: str, number: int) -> dict[str, str | None]:
    found = rig.steps(id)[number - 1].worktree
    assert found is not None
    return dict(found)


def test_agents_work_in_the_worktree_and_know_it(rig: TreeRig) -> None:
    id = rig.begin(within="deep")
    rig.exec(id, writes(WROTE, new="new\n"))
    asked = rig.agent.asks[-1]
    assert asked.cwd == str(rig.path(id) / "deep")
    env = {name: asked.env.get(name) for name in ("UWF_WORKTREE", "UWF_BRANCH", "UWF_PORTS")}
    branch = f"uwf/pair-{id[-8:].lower()}"
    assert env == {"UWF_WORKTREE": str(rig.path(id)), "UWF_BRANCH": branch, "UWF_PORTS": "10"}
    assert int(asked.env["UWF_PORT"]) >= 20_000
    assert not (rig.repo / "deep" / "new").exists()
    assert rig.row(id)["cwd"] == asked.cwd


def test_a_thread_without_one_knows_nothing_of_that_of_another(rig: TreeRig) -> None:
    rig.engine.environ["UWF_WORKTREE"] = "/elsewhere"  # as in an agent that runs uwf
    id = rig.start()
    rig.exec(id, WROTE)
    assert "UWF_WORKTREE" not in rig.agent.asks[-1].env
    assert "worktree" not in rig.store.get(rig.head(id)).payload
    assert "worktree" not in rig.step(rig.head(id))


def test_each_step_is_kept_before_and_after(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, a="one\n"), writes(CHANGES, a="two\n"))
    first, second = files_of(rig, id, 1), files_of(rig, id, 2)
    assert [show(rig, first[when], "a")[:3] for when in ("before", "after")] == ["1\n2", "one"]
    assert second["before"] == first["after"]
    assert show(rig, second["after"], "a") == "two"
    assert rig.step(rig.head(id))["worktree"] == second


def test_what_a_person_changes_between_steps_is_seen(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, a="one\n"))
    (rig.path(id) / "a").write_text("by hand\n")
    rig.exec(id, CHANGES)
    assert show(rig, files_of(rig, id, 2)["before"], "a") == "by hand"


def test_what_a_failed_attempt_leaves_is_before_the_next_one(rig: TreeRig) -> None:
    id = rig.begin()

    def fails(request: AgentRequest) -> Said:
        Path(request.cwd, "a").write_text("half\n")
        return crash()

    rig.exec(id, fails)
    attempt = rig.thread(id).attempt
    assert attempt is not None
    assert show(rig, attempt.files, "a").startswith("1")
    rig.resume(id, WROTE)
    assert show(rig, files_of(rig, id, 1)["before"], "a") == "half"


def test_undo_puts_the_files_back_and_keeps_what_it_replaces(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, a="one\n", built="ignored\n"), writes(CHANGES, a="two\n", more="m"))
    rig.undo_with_files(id)
    assert (rig.path(id) / "a").read_text() == "one\n"
    assert (rig.path(id) / "built").exists()
    assert not (rig.path(id) / "more").exists()
    replaced = typed(rig.repo, "for-each-ref", "--format=%(refname)", f"refs/uwf/{id}")
    assert any("more" in typed(rig.repo, "ls-tree", ref) for ref in replaced.split())
    rig.undo_with_files(id)
    assert typed(rig.path(id), "status", "--porcelain") == ""
    rig.exec(id, WROTE)
    assert (rig.path(id) / "a").read_text().startswith("1")


def test_undo_takes_back_commits_of_the_agent_and_no_other_branch(rig: TreeRig) -> None:
    id = rig.begin()

    def commits(request: AgentRequest) -> str:
        typed(Path(request.cwd), "checkout", "-q", "-b", "its-own")
        commit(Path(request.cwd), "mine", a="mine\n")
        return WROTE

    rig.exec(id, commits)
    own = typed(rig.repo, "rev-parse", "its-own")
    assert rig.tree(id).base == typed(rig.repo, "rev-parse", f"{own}~1")
    rig.undo_with_files(id)
    status = typed(rig.path(id), "status", "--porcelain", "--branch")
    assert status == f"## {rig.tree(id).branch}"
    assert typed(rig.repo, "rev-parse", "its-own") == own


def test_files_that_were_not_kept_cannot_go_back(
    rig: TreeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.begin()
    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "_add", full_disk)
        rig.exec(id, writes(WROTE, a="one\n"))
    assert files_of(rig, id, 1)["after"] is None
    assert [event.why for event in rig.events if isinstance(event, FilesNotKept)]
    rig.exec(id, CHANGES)
    before = rig.ref(id)
    with pytest.raises(StateError) as error:
        rig.undo_with_files(id)
    assert error.value.code == "no_snapshot"
    assert rig.ref(id) == before


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device", "index")


def test_a_disk_that_is_full_before_a_step_refuses_it(
    rig: TreeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.begin()
    monkeypatch.setattr(snapshot, "_copy_index", full_disk)
    with pytest.raises(PersonNeeded, match="No space left") as refused:
        rig.exec(id)
    assert refused.value.hint
    assert rig.agent.asks == []


def test_a_fork_has_a_worktree_of_its_own_as_the_files_were_then(rig: TreeRig) -> None:
    id = rig.begin(within="deep")
    rig.exec(id, writes(WROTE, b="one\n"), writes(CHANGES, b="two\n"))
    fork = rig.fork_tree(rig.steps(id)[0].id, id)
    rig.exec(fork, CHANGES)
    assert rig.agent.asks[-1].cwd == str(rig.path(fork) / "deep")
    assert (rig.path(fork) / "deep" / "b").read_text() == "one\n"
    assert (rig.path(id) / "deep" / "b").read_text() == "two\n"
    assert rig.tree(fork).branch != rig.tree(id).branch
    assert rig.tree(fork).onto == "main"
    of_start = rig.fork_tree(rig.thread(id).position.start, id)
    rig.whole(of_start)
    assert (rig.path(of_start) / "deep" / "b").read_text() == "b\n"
    rig.undo_with_files(fork)
    assert (rig.path(fork) / "deep" / "b").read_text() == "one\n"


def test_a_fork_into_a_folder_has_none(rig: TreeRig, tmp_path: Path) -> None:
    id = rig.begin()
    rig.exec(id, WROTE)
    fork = rig.fork_tree(rig.head(id), id, cwd=str(tmp_path))
    rig.exec(fork, CHANGES)
    assert rig.agent.asks[-1].cwd == str(tmp_path)
    assert rig.store.get(rig.head(fork)).payload.get("worktree") is None


def test_a_thread_that_is_sent_elsewhere_leaves_its_worktree(rig: TreeRig, tmp_path: Path) -> None:
    id = rig.begin()
    rig.exec(id, WROTE)
    rig.resume(id, CHANGES, cwd=str(tmp_path))
    assert rig.agent.asks[-1].cwd == str(tmp_path)
    assert "UWF_WORKTREE" not in rig.agent.asks[-1].env
    assert rig.steps(id)[-1].worktree is None
    assert rig.why_not(id) is None
    (rig.path(id) / "new").write_text("new")
    assert rig.why_not(id) == "it has changes that are not committed"
    (rig.path(id) / "new").unlink()
    assert rig.remove(id).removed
    assert rig.thread(id).tags["cwd"] == str(tmp_path)
    assert rig.why_not(id) == "its thread has no worktree any more"


def test_deleted_by_hand_it_is_made_again_as_it_was_kept(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, a="one\n"))
    shutil.rmtree(rig.path(id))
    rig.exec(id, CHANGES)
    assert (rig.path(id) / "a").read_text() == "one\n"
    assert len([event for event in rig.events if isinstance(event, WorktreeMade)]) == 2


def test_a_moved_home_takes_its_worktrees_along(rig: TreeRig, tmp_path: Path) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, a="one\n"))
    os.rename(rig.engine.home, tmp_path / "moved")
    rig.engine = rig.engine.__class__(**{**vars(rig.engine), "home": str(tmp_path / "moved")})
    rig.exec(id, CHANGES)
    assert rig.agent.asks[-1].cwd == str(tmp_path / "moved" / "worktrees" / id)
    assert str(tmp_path / "moved") in typed(rig.repo, "worktree", "list")


def test_a_repository_that_has_gone_refuses_the_step(rig: TreeRig, tmp_path: Path) -> None:
    id = rig.begin()
    rig.exec(id, WROTE)
    os.rename(rig.repo, tmp_path / "elsewhere")
    with pytest.raises(PersonNeeded, match="not there any more") as refused:
        rig.exec(id)
    assert refused.value.reason == "preflight_failed"


def test_a_branch_can_be_named_and_is_taken_from_nobody(rig: TreeRig) -> None:
    typed(rig.repo, "branch", "fix")
    tip = commit(rig.repo, "on", a="on\n")
    id = rig.begin("fix")
    rig.exec(id, WROTE)
    assert (rig.path(id) / "a").read_text().startswith("1")
    assert not rig.tree(id).is_made
    for branch in ("fix", "main"):
        with pytest.raises(InputError) as error:
            rig.begin(branch)
        assert error.value.code == "branch_taken"
    new = rig.begin("other")
    rig.whole(new)
    assert typed(rig.path(new), "rev-parse", "HEAD") == tip


def test_two_that_wait_for_one_branch_do_not_share_it(rig: TreeRig) -> None:
    typed(rig.repo, "branch", "fix")
    first, second = rig.begin("fix"), rig.begin("fix")
    rig.whole(first)
    with pytest.raises(PersonNeeded, match="fix"):
        rig.exec(second)


def test_ports_of_two_do_not_meet(rig: TreeRig) -> None:
    rig.set(ports=3)
    first, second = rig.begin(), rig.begin()
    rig.whole(first)
    rig.whole(second)
    ports = [rig.tree(id).port for id in (first, second)]
    assert None not in ports
    assert abs(ports[0] - ports[1]) >= 3  # type: ignore[operator]
    rig.set(ports=0)
    third = rig.begin()
    rig.exec(third, WROTE)
    assert rig.tree(third).port is None
    assert "UWF_PORT" not in rig.agent.asks[-1].env


SETUP = "import os, sys; open('ready', 'a').write(os.environ['UWF_PORT'] + '\\n')"


def test_setup_runs_once_and_again_where_it_failed(rig: TreeRig, tmp_path: Path) -> None:
    fails = f"import os, sys; sys.exit('not yet' if not os.path.exists('{tmp_path}/may') else 0)"
    rig.set(setup=(sys.executable, "-c", f"{SETUP}; {fails}"))
    id = rig.begin()
    with pytest.raises(PersonNeeded, match="not yet"):
        rig.exec(id)
    (tmp_path / "may").write_text("")
    rig.exec(id, WROTE)
    rig.exec(id, CHANGES)
    assert (rig.path(id) / "ready").read_text() == f"{rig.tree(id).port}\n"


def test_a_setup_of_a_killed_run_keeps_the_next_one_out(rig: TreeRig) -> None:
    id = rig.begin()
    (Path(rig.engine.home) / "worktrees").mkdir()
    lock = Path(rig.engine.home) / "worktrees" / f"{id}.lock"
    code = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print(flush=True); input()"
    words = [sys.executable, "-c", code, str(lock)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, **pipes) as other:  # type: ignore[call-overload]
        other.stdout.readline()
        with pytest.raises(PersonNeeded, match="setup command of a killed run"):
            rig.exec(id)
        other.communicate(b"\n")
    rig.exec(id, WROTE)


def test_a_location_in_it_that_is_not_there_refuses(rig: TreeRig) -> None:
    id = rig.begin(within="deep")
    rig.whole(id)
    shutil.rmtree(rig.path(id) / "deep")
    with pytest.raises(PersonNeeded, match="does not exist"):
        rig.exec(id)


def test_files_that_are_left_out_are_told(rig: TreeRig) -> None:
    rig.set(largest_file_bytes=10)
    id = rig.begin()
    rig.exec(id, writes(WROTE, large="more than ten bytes"))
    assert ("large",) in [event.paths for event in rig.events if isinstance(event, FilesLeftOut)]


@pytest.mark.parametrize("knows_attempt", [True, False])
def test_a_reply_that_is_taken_in_later_has_its_files(
    rig: TreeRig, monkeypatch: pytest.MonkeyPatch, knows_attempt: bool
) -> None:
    id = rig.begin()

    def broken(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(ReplyKept):
        patch.setattr(publish, "publish", broken)
        rig.exec(id, writes(WROTE, a="one\n"))
    if not knows_attempt:  # a backup, or a server that has forgotten it
        with rig.store.transaction("test") as tx:
            tx.delete_ref(ATTEMPTS + id, why="never there")
    rig.run(id, "exec")
    assert show(rig, files_of(rig, id, 1)["after"], "a") == "one"
    assert show(rig, files_of(rig, id, 1)["before"], "a").startswith("1")


def test_what_kept_its_files_may_be_deleted_by_hand(rig: TreeRig) -> None:
    id = rig.begin()
    rig.exec(id, writes(WROTE, a="one\n"))
    typed(rig.path(id), "commit", "-qam", "mine")
    rig.exec(id, writes(CHANGES, a="two\n"))
    for ref in typed(rig.repo, "for-each-ref", "--format=%(refname)", f"refs/uwf/{id}").split():
        typed(rig.repo, "update-ref", "-d", ref)
    typed(rig.repo, "gc", "-q", "--prune=now")
    with pytest.raises(StateError) as error:
        rig.undo_with_files(id)
    assert error.value.code == "no_snapshot"
    shutil.rmtree(rig.path(id))
    rig.exec(id, WROTE)
    assert (rig.path(id) / "a").read_text() == "one\n"
    assert [event.lost for event in rig.events if isinstance(event, WorktreeMade)][-1]
