"""A thread that goes on on another machine: with its code, or with a refusal that leaves it where it was.

Two rigs with one store, and a home and a clone of their own each, stand for two machines.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.fake_agent import Said, crash
from tests.helpers.in_tree import TreeRig, writes
from tests.helpers.repository import commit, copied, typed
from tests.helpers.rig import APPROVED, CHANGES, WROTE
from uwf import clock, points
from uwf.agent.protocol import AgentRequest, Session, SessionFile
from uwf.engine.chain import carried, shape, wake
from uwf.engine.chain import thread as threads
from uwf.engine.chain.redact import Redactor
from uwf.engine.chain.tags import THREADS
from uwf.engine.chain.wake import Wake
from uwf.engine.progress import CodeNotPushed, CodeStays, WorktreeReplaced
from uwf.errors import Interrupted, NotHere, PersonNeeded
from uwf.record import replace


class Machines:
    """Machine `a`, where threads begin, and `b`; `origin` is what both clones come from."""

    def __init__(self, folder: Path) -> None:
        self.origin = copied(folder / "origin")
        typed(self.origin, "config", "receive.denyCurrentBranch", "ignore")
        for name in ("a", "b"):
            typed(folder, "clone", "-q", str(self.origin), name)
            for key, value in (("user.name", "Ann"), ("user.email", "ann@x")):
                typed(folder / name, "config", key, value)
        self.a = TreeRig(folder / "home-a", folder / "a")
        self.b = TreeRig(folder / "home-b", folder / "b", self.a.store)
        for rig, host, other in ((self.a, "a", self.b), (self.b, "b", self.a)):
            rig.engine = replace(rig.engine, host=host)
            rig.set(folders={str(other.repo): str(rig.repo)})

    def both(self, **workspace: Any) -> None:
        self.a.set(**workspace)
        self.b.set(**workspace)


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def talks(answer: str, session: str, said: bytes, folder: Path) -> Callable[[AgentRequest], Said]:
    """An agent whose client keeps its session in a file, to which it adds what is `said`."""

    def act(request: AgentRequest) -> Said:
        folder.mkdir(exist_ok=True)
        path = folder / f"{session}.jsonl"
        if request.conversation is not None:
            path.write_bytes(request.conversation.read())
        with path.open("ab") as file:
            file.write(said)
        return Said(answer, events=(Session(session), SessionFile(path.name, str(path))))

    return act


def codes(rig: TreeRig, id: str) -> list[carried.Code]:
    return list(carried.codes_back(rig.engine.cache, rig.head(id)))


@pytest.mark.parametrize("travel", [None, "bundle", "remote"])
def test_it_goes_on_with_its_code_and_comes_back(machines: Machines, travel: str | None) -> None:
    machines.both(travel=travel)
    a, b = machines.a, machines.b
    id = a.begin(within="deep")

    def commits(request: AgentRequest) -> str:
        commit(Path(request.cwd), "mine", b="committed\n")
        (Path(request.cwd) / "new").write_text("not committed\n")
        return WROTE

    a.exec(id, commits)
    b.exec(id, writes(CHANGES, b="by b\n"))
    assert b.agent.asks[-1].cwd == str(b.path(id) / "deep")
    assert (b.path(id) / "deep" / "new").read_text() == "not committed\n"
    assert typed(b.path(id), "log", "--format=%s", "-1") == "mine"
    assert typed(b.path(id), "status", "--porcelain") == " M deep/b\n?? deep/new"
    assert b.thread(id).tags["host"] == "b"
    a.exec(id, WROTE)
    assert (a.path(id) / "deep" / "b").read_text() == "by b\n"
    assert a.thread(id).tags["host"] == "a"
    assert [code.is_pushed for code in codes(a, id)] == [travel == "remote"] * 3


def test_a_bundle_has_what_is_new_in_its_step_alone(machines: Machines) -> None:
    a = machines.a
    commit(a.repo, "not pushed", large="".join(f"{n} {n * n}\n" for n in range(20_000)))
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"), writes(CHANGES, a="two\n"))
    second, first = (len(carried.bytes_of(a.engine.cache, code.id)) for code in codes(a, id))
    assert first > 40_000
    assert second < 2_000
    a.exec(id, WROTE)
    assert codes(a, id)[0] == codes(a, id)[1], "nothing was new in the third"
    machines.b.exec(id, CHANGES)
    assert (machines.b.path(id) / "a").read_text() == "two\n"
    assert (machines.b.path(id) / "large").exists()


def test_a_machine_that_was_away_for_long_takes_all_that_came_since(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.exec(id, CHANGES)
    said = enumerate((WROTE, CHANGES, WROTE))
    a.exec(id, *(writes(answer, a=f"{n}\n", **{f"n{n}": "n"}) for n, answer in said))
    b.exec(id, CHANGES)
    assert (b.path(id) / "a").read_text() == "2\n"
    assert {path.name for path in b.path(id).iterdir()} >= {"n0", "n1", "n2"}


def test_what_came_to_the_project_meanwhile_is_fetched(machines: Machines) -> None:
    a, b = machines.a, machines.b
    pushed = commit(a.repo, "pushed", a="pushed\n")
    typed(a.repo, "push", "-q", "origin", "main")
    id = a.begin()
    a.exec(id, writes(WROTE, new="n"))
    b.exec(id, CHANGES)
    assert typed(b.path(id), "rev-parse", "HEAD") == pushed


def test_a_base_on_a_remote_that_the_other_clone_lacks_goes_along(machines: Machines) -> None:
    a, b = machines.a, machines.b
    typed(a.repo.parent, "init", "-q", "--bare", "fork")
    typed(a.repo, "remote", "add", "fork", str(a.repo.parent / "fork"))
    base = commit(a.repo, "on the fork", a="forked\n")
    typed(a.repo, "push", "-q", "-u", "fork", "main")
    id = a.begin()
    a.exec(id, writes(WROTE, new="n"))
    b.exec(id, CHANGES)
    assert typed(b.path(id), "rev-parse", "HEAD") == base


def test_a_base_on_a_branch_that_is_gone_from_its_remote_goes_along(machines: Machines) -> None:
    a, b = machines.a, machines.b
    typed(a.repo, "switch", "-q", "-c", "feature")
    base = commit(a.repo, "a feature", a="feature\n")
    typed(a.repo, "push", "-q", "-u", "origin", "feature")
    typed(machines.origin, "update-ref", "-d", "refs/heads/feature")
    id = a.begin()
    a.exec(id, writes(WROTE, new="n"))
    b.exec(id, CHANGES)
    assert typed(b.path(id), "rev-parse", "HEAD") == base


def test_where_that_is_too_much_a_pushed_base_is_left_to_the_remote(machines: Machines) -> None:
    a, b = machines.a, machines.b
    a.set(largest_bundle_bytes=10_000)
    typed(a.repo, "switch", "-q", "-c", "feature")
    base = commit(a.repo, "large", large="".join(f"{n} {n * n}\n" for n in range(20_000)))
    typed(a.repo, "push", "-q", "origin", "feature")
    id = a.begin()
    a.exec(id, writes(WROTE, new="n"))
    assert len(carried.bytes_of(a.engine.cache, codes(a, id)[0].id)) < 10_000
    b.exec(id, CHANGES)
    assert typed(b.path(id), "rev-parse", "HEAD") == base


def test_what_does_not_fit_says_which_commits_are_lacking_and_how_it_goes_on(
    machines: Machines,
) -> None:
    a, b = machines.a, machines.b
    a.set(largest_bundle_bytes=10_000)
    typed(a.repo, "switch", "-q", "-c", "feature")
    base = commit(a.repo, "large", large="".join(f"{n} {n * n}\n" for n in range(20_000)))
    typed(a.repo, "push", "-q", "origin", "feature")
    typed(machines.origin, "update-ref", "-d", "refs/heads/feature")
    id = a.begin()
    a.exec(id, writes(WROTE, new="n"))
    with pytest.raises(PersonNeeded, match=f"does not fit the repository .*{base}") as error:
        b.exec(id)
    assert error.value.hint == f"uwf thread set {id} --place host:a"


def test_a_thread_without_a_step_begins_elsewhere_too(machines: Machines) -> None:
    id = machines.a.begin()
    machines.a.whole(id)
    machines.b.exec(id, WROTE)
    assert machines.b.thread(id).tags["host"] == "b"


def test_what_a_person_left_in_the_old_worktree_is_kept(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.exec(id, writes(CHANGES, a="two\n"))
    (a.path(id) / "a").write_text("by hand\n")
    a.exec(id, WROTE)
    assert (a.path(id) / "a").read_text() == "two\n"
    refs = typed(a.repo, "for-each-ref", "--format=%(refname)", f"refs/uwf/{id}/replaced*")
    assert [typed(a.repo, "show", f"{ref}:a") for ref in refs.split()] == ["by hand"]
    [said] = [event for event in a.events if isinstance(event, WorktreeReplaced)]
    assert (said.host, said.ref) == ("b", refs)
    [why] = [move.why for move in a.store.moves(THREADS + id) if "is on a, after" in move.why]
    assert why == f"is on a, after b; what was changed here is kept as {refs}"


def test_a_worktree_that_nobody_has_touched_is_brought_up_to_date_without_a_word(
    machines: Machines,
) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.exec(id, writes(CHANGES, a="two\n"))
    a.exec(id, WROTE)
    b.exec(id, CHANGES)
    assert not [e for each in (a, b) for e in each.events if isinstance(e, WorktreeReplaced)]


def test_an_undo_elsewhere_brings_files_that_were_never_there(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"), writes(CHANGES, a="two\n"))
    b.undo_with_files(id)
    assert (b.path(id) / "a").read_text() == "one\n"
    b.undo_with_files(id)
    assert (b.path(id) / "a").read_text().startswith("1\n2")


def test_an_undo_that_was_not_done_yet_is_done_where_it_goes_on(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.exec(id, CHANGES)
    a.exec(id, writes(WROTE, a="two\n"))
    a.undo_with_files(id)
    b.exec(id, WROTE)
    assert (b.path(id) / "a").read_text() == "one\n"


def test_a_fork_elsewhere_has_the_code_of_its_step(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"), writes(CHANGES, a="two\n"))
    fork = b.fork_tree(a.steps(id)[0].id, id)
    b.exec(fork, CHANGES)
    assert (b.path(fork) / "a").read_text() == "one\n"


def test_two_homes_on_one_repository_hand_the_branch_on(machines: Machines) -> None:
    a, b = machines.a, machines.b
    b.set(folders={})
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.exec(id, writes(CHANGES, a="two\n"))
    assert (a.path(id) / "a").read_text() == "one\n"
    a.exec(id, WROTE)
    assert (a.path(id) / "a").read_text() == "two\n"
    b.exec(id, CHANGES)


def test_without_a_repository_it_says_where_it_was_and_stays_there(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.set(folders={str(a.repo): "/nowhere"})
    before = b.ref(id)
    with pytest.raises(
        PersonNeeded, match="is on a, and there is no repository at /nowhere"
    ) as error:
        b.exec(id)
    assert error.value.reason == "not_here"
    assert error.value.hint == f"""uwf config set 'workspace.folders."{a.repo}"' FOLDER"""
    assert b.ref(id) == before
    a.exec(id, CHANGES)


def test_code_that_did_not_go_along_leaves_it_where_it_was(machines: Machines) -> None:
    a, b = machines.a, machines.b
    a.set(largest_bundle_bytes=100)
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    [event] = [event for event in a.events if isinstance(event, CodeStays)]
    assert "workspace.largest_bundle" in event.why
    with pytest.raises(PersonNeeded, match="is on a and did not get into") as error:
        b.exec(id)
    assert error.value.reason == "not_here"
    a.set(largest_bundle_bytes=1 << 20)
    a.exec(id, writes(CHANGES, a="two\n"))
    b.exec(id, WROTE)
    assert (b.path(id) / "a").read_text() == "two\n"


def test_a_remote_that_takes_nothing_leaves_the_bundle(machines: Machines) -> None:
    machines.both(travel="remote")
    a, b = machines.a, machines.b
    typed(a.repo, "remote", "set-url", "--push", "origin", "/nowhere")
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    assert [event.thread for event in a.events if isinstance(event, CodeNotPushed)] == [id]
    b.exec(id, CHANGES)
    assert (b.path(id) / "a").read_text() == "one\n"


def test_what_is_off_does_not_travel(machines: Machines) -> None:
    machines.both(travel="off")
    id = machines.a.begin()
    machines.a.exec(id, writes(WROTE, a="one\n"))
    assert codes(machines.a, id) == []
    with pytest.raises(PersonNeeded, match="is on a and did not get into"):
        machines.b.exec(id)
    machines.a.exec(id, CHANGES)


def test_in_a_store_of_one_machine_a_step_is_as_it_was(machines: Machines) -> None:
    a = machines.a
    a.engine = replace(a.engine, host=None)
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    assert not {"host", "code"} & a.store.get(a.head(id)).payload.keys()
    assert "host" not in a.thread(id).tags


def test_a_branch_of_a_person_is_never_moved_to_what_it_lacks(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin("fix")
    a.exec(id, writes(WROTE, a="one\n"))
    typed(b.repo, "checkout", "-q", "-b", "fix")
    tip = commit(b.repo, "of a person", a="person\n")
    with pytest.raises(PersonNeeded, match="is checked out in"):
        b.exec(id)
    typed(b.repo, "checkout", "-q", "main")
    with pytest.raises(PersonNeeded, match="has commits here which it does not have there"):
        b.exec(id)
    assert typed(b.repo, "rev-parse", "fix") == tip
    typed(b.repo, "branch", "-m", "fix", "fix-here")
    b.exec(id, CHANGES)


def test_a_branch_that_it_was_on_here_before_goes_along(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin("fix")
    a.exec(id, WROTE)
    b.exec(id, CHANGES)
    typed(b.repo, "worktree", "remove", "--force", str(b.path(id)))

    def commits(request: AgentRequest) -> str:
        commit(Path(request.cwd), "mine", a="committed\n")
        return WROTE

    a.exec(id, commits)
    b.exec(id, CHANGES)
    assert typed(b.path(id), "log", "--format=%s", "-1") == "mine"


def test_a_worktree_that_its_thread_has_left_goes_where_it_is_clean(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.exec(id, CHANGES)
    before = b.ref(id)
    assert a.why_not(id) == "it has changes that are not committed"
    typed(a.path(id), "checkout", "-q", "--", "a")
    assert a.remove(id).removed
    assert b.ref(id) == before
    b.exec(id, WROTE)
    a.exec(id, CHANGES)
    assert (a.path(id) / "a").read_text() == "one\n"


def fails(said: Said, **files: str) -> Callable[[AgentRequest], Said]:
    """An agent that writes files, and comes to no reply."""

    def act(request: AgentRequest) -> Said:
        for name, text in files.items():
            Path(request.cwd, name).write_text(text)
        return said

    return act


def test_what_a_failed_attempt_has_done_is_gone_on_with_elsewhere(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.exec(id, fails(crash(), a="half\n"))
    a.resume(id, CHANGES)
    assert (a.path(id) / "a").read_text() == "half\n"
    b.exec(id, WROTE)
    assert (b.path(id) / "a").read_text() == "half\n"


def test_what_was_stopped_goes_on_elsewhere_with_its_files_and_its_session(
    machines: Machines, tmp_path: Path
) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    file = tmp_path / "s1.jsonl"
    file.write_text("said so far\n")
    events = (Session("s1"), SessionFile(file.name, str(file)))
    with pytest.raises(Interrupted):
        a.run(id, "exec", fails(Said(ended="stopped", events=events), a="half\n"))
    a.stop.signum = None
    b.exec(id, talks(WROTE, "s1", b"more\n", tmp_path / "sessions-b"))
    assert b.agent.asks[-1].session == "s1"
    assert (b.path(id) / "a").read_text() == "half\n"
    assert (tmp_path / "sessions-b" / "s1.jsonl").read_text() == "said so far\nmore\n"


def test_of_several_attempts_the_last_whose_files_were_kept_counts(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, fails(crash(), a="half\n"))
    b.set(travel="off")
    b.resume(id, fails(crash(), a="on b alone\n"))
    a.resume(id, WROTE)
    assert (a.path(id) / "a").read_text() == "half\n"


def test_a_setup_that_fails_on_arrival_leaves_it_where_it_was(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.set(setup=("/bin/false",))
    with pytest.raises(PersonNeeded, match=r"workspace\.setup has failed"):
        b.exec(id)
    assert b.thread(id).tags["host"] == "a"
    a.exec(id, writes(CHANGES, a="two\n"))
    b.set(setup=("/bin/true",))
    b.exec(id, WROTE)
    assert (b.path(id) / "a").read_text() == "two\n"


def test_the_timer_of_a_thread_that_cannot_run_here_goes_on(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.set(folders={str(a.repo): "/nowhere"})
    with a.store.transaction("wake") as tx:
        threads.wake_by(tx, id, Wake(clock.now_ms(), wake.PERSON, "a word"))
    with pytest.raises(PersonNeeded):
        b.run(id, "woken")
    assert b.thread(id).status == "idle"
    assert "put off: thread" in b.thread(id).tags["wakeWhy"]


def test_a_repository_that_is_not_here_leaves_a_thread_without_a_step_to_another_machine(
    machines: Machines,
) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    b.set(folders={str(a.repo): "/nowhere"})
    with a.store.transaction("wake") as tx:
        threads.wake_by(tx, id, Wake(clock.now_ms(), wake.PERSON, "a word"))
    with pytest.raises(NotHere):
        b.run(id, "woken")
    tags = b.thread(id).tags
    assert (tags["status"], tags["notOn"]) == ("idle", "b")
    a.run(id, "woken", writes(WROTE, a="one\n"), count=1)
    assert a.thread(id).tags["host"] == "a"


def test_since_when_no_machine_could_run_it_is_on_record_until_one_does(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    b.set(folders={str(a.repo): "/nowhere"})

    def wakes() -> None:
        with a.store.transaction("wake") as tx:
            threads.wake_by(tx, id, Wake(clock.now_ms(), wake.PERSON, "a word"))

    since: list[str] = []
    for _ in range(2):
        wakes()
        with pytest.raises(PersonNeeded):
            b.run(id, "woken")
        since.append(b.thread(id).tags["unservedSince"])
    assert since[0] == since[1] and clock.now_ms() - int(since[0]) < 60_000
    wakes()
    a.run(id, "woken", APPROVED)
    assert "unservedSince" not in a.thread(id).tags


def test_a_thread_of_a_store_that_was_not_shared_stays_where_its_code_is(
    machines: Machines,
) -> None:
    a, b = machines.a, machines.b
    a.engine = replace(a.engine, host=None)
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    a.engine = replace(a.engine, host="a")
    with a.store.transaction("wake") as tx:
        threads.wake_by(tx, id, Wake(clock.now_ms(), wake.PERSON, "a word"))
    with pytest.raises(PersonNeeded, match="is on another machine and did not get into"):
        b.run(id, "woken")
    assert b.thread(id).status == "idle"
    a.exec(id, CHANGES)
    b.exec(id, WROTE)
    assert (b.path(id) / "a").read_text() == "one\n"


def test_a_stranger_may_know_the_new_fields(machines: Machines) -> None:
    id = machines.a.begin()
    machines.a.exec(id, writes(WROTE, a="one\n"))
    store = machines.a.store
    step = store.get(machines.a.head(id))
    links = {store.get(to).kind for to, _ in shape.leads(step)}
    assert "code" in links
    assert [to for to, _ in shape.leads(store.get(step.payload["code"]))]


def test_a_session_goes_along_with_what_was_said_in_it(machines: Machines, tmp_path: Path) -> None:
    a, b = machines.a, machines.b
    at_a, at_b = tmp_path / "sessions-a", tmp_path / "sessions-b"
    id = a.begin()
    a.exec(id, talks(WROTE, "s1", b"one\n", at_a), CHANGES)
    b.exec(id, talks(WROTE, "s1", b"two\n", at_b))
    asked = b.agent.asks[-1]
    assert (asked.session, asked.forks_session) == ("s1", False)
    assert (at_b / "s1.jsonl").read_bytes() == b"one\ntwo\n"
    b.exec(id, CHANGES)
    b.exec(id, talks(WROTE, "s1", b"three\n", at_b), CHANGES)
    assert b.agent.asks[-2].conversation is None, "it has it already"
    a.exec(id, talks(WROTE, "s1", b"four\n", at_a))
    assert (at_a / "s1.jsonl").read_bytes() == b"one\ntwo\nthree\nfour\n"


def test_a_refused_reply_is_asked_again_where_its_conversation_is_by_then(
    machines: Machines, tmp_path: Path
) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, talks(WROTE, "s1", b"one\n", tmp_path / "sessions-a"), CHANGES)
    at_b = tmp_path / "sessions-b"
    answers = talks("no reply", "s1", b"two\n", at_b), talks(WROTE, "s1", b"three\n", at_b)
    b.exec(id, *answers, count=1)
    assert (at_b / "s1.jsonl").read_bytes() == b"one\ntwo\nthree\n"


def test_a_failed_attempt_goes_on_in_its_session_on_its_own_machine_alone(
    machines: Machines, tmp_path: Path
) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, talks(WROTE, "s1", b"one\n", tmp_path / "sessions-a"), CHANGES)
    b.exec(id, crash(events=(Session("s2"),)))
    b.resume(id, crash(events=(Session("s2"),)))
    assert b.agent.asks[-1].session == "s2"
    a.resume(id, WROTE)
    assert a.agent.asks[-1].session == "s1"


def test_a_session_whose_client_keeps_no_file_is_begun_anew_elsewhere(machines: Machines) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, Said(WROTE, session="s1"), CHANGES)
    b.exec(id, WROTE)
    assert b.agent.asks[-1].session is None
    assert "Step 1: writer" in b.agent.asks[-1].prompt


def test_a_secret_does_not_go_along_with_a_session(machines: Machines, tmp_path: Path) -> None:
    a, b = machines.a, machines.b
    redactor = Redactor([("API_KEY", "hunter2-hunter2")])
    a.engine = replace(a.engine, redactor=redactor)
    id = a.begin()
    said = b'{"said": "' + b"x" * (carried.LINES_BYTES - 17) + b'hunter2-hunter2"}\n'
    a.exec(id, talks(WROTE, "s1", said, tmp_path / "sessions-a"), CHANGES)
    at_b = tmp_path / "sessions-b"
    b.exec(id, talks(WROTE, "s1", b"", at_b))
    kept = (at_b / "s1.jsonl").read_bytes()
    assert b"hunter2" not in kept
    assert json.loads(kept)["said"].endswith("x[redacted:API_KEY]")


def test_of_a_session_that_grows_only_the_end_is_stored_again(
    machines: Machines, tmp_path: Path
) -> None:
    a, at_a = machines.a, tmp_path / "sessions-a"
    id = a.begin()
    long = b"".join(b"%d\n" % n for n in range(40_000))
    a.exec(id, talks(WROTE, "s1", long, at_a), CHANGES, talks(WROTE, "s1", b"more\n", at_a))
    first, second = (
        a.store.get(step.id).payload["conversation"] for step in (a.steps(id)[0], a.steps(id)[2])
    )
    parts = [a.store.get(each).payload["parts"] for each in (first, second)]
    assert parts[0][:-1] == parts[1][:-1]
    assert len(parts[0]) == len(parts[1]) == 4


class Killed(Exception):
    """As if the process had ended there."""


@pytest.mark.parametrize("point", ["worktree: added", "worktree: filled", "snapshot: put back"])
def test_killed_on_its_way_it_arrives_once_more_or_goes_on_where_it_was(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    a, b = machines.a, machines.b
    id = a.begin()
    a.exec(id, writes(WROTE, a="one\n"))
    if point == "snapshot: put back":
        b.exec(id, CHANGES)
        a.exec(id, writes(WROTE, a="two\n"))
    before, files = a.head(id), (a.path(id) / "a").read_text()

    def at(name: str) -> None:
        if name == point:
            raise Killed

    for rig in (b, a, b):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(points, "at", at)
            b.whole(id)
        assert b.thread(id).head == before
        assert b.thread(id).tags["host"] == "a"
        if rig is a:
            a.whole(id)
            assert (a.path(id) / "a").read_text() == files
    b.exec(id, writes(CHANGES, more="m"))
    assert (b.path(id) / "a").read_text() == files
    assert b.thread(id).tags["host"] == "b"
