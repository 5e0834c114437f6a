"""What was claimed is begun once: a thread is made, or threads are woken; what is in the way, and prechecks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.schedules.conftest import HOUR_MS, MINUTE_MS, Planned
from tests.helpers.dying import Killed
from tests.helpers.fake_agent import Said
from tests.helpers.rig import APPROVED, WROTE
from uwf import points
from uwf.engine.actions import lifecycle
from uwf.engine.chain import told, wake
from uwf.errors import StateError, StoreError
from uwf.record import replace

Make = Callable[..., Planned]
PATIENCE_S = 20.0


def an_hour_later(home: Planned) -> None:
    home.tick(home.now.ms + HOUR_MS)


def words(home: Planned, thread: str) -> list[tuple[str, str, str]]:
    return [(word.text, word.who, word.trust) for word in told.waiting(home.rig.store, thread)]


def test_an_occurrence_starts_a_thread_that_is_due_at_once_and_carries_it(planned: Make) -> None:
    home = planned(label={"night": "1"})
    an_hour_later(home)
    one = home.last
    assert (one.state, len(one.threads)) == ("started", 1)
    thread = home.rig.thread(one.threads[0])
    assert thread.tags["occurrence"] == one.key
    assert thread.tags["label.night"] == "1"
    timer = wake.of(thread.tags, thread.id)
    assert timer is not None
    assert timer.at_ms <= home.now.ms
    assert (timer.kind, timer.why) == ("timer", "schedule night")
    assert home.rig.row(thread.id)["prompt"] == "Tidy up."


def test_a_fork_of_such_a_thread_is_of_no_schedule(planned: Make) -> None:
    home = planned()
    an_hour_later(home)
    [thread] = home.last.threads
    fork = home.rig.fork(home.rig.head(thread), thread)
    assert "occurrence" not in home.rig.thread(fork).tags


def test_killed_between_claim_and_start_it_starts_once_at_the_next_look(
    planned: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = planned()
    home.now.ms += HOUR_MS
    home.claim()

    def die(name: str) -> None:
        if name == "occurrence: thread made":
            raise Killed

    monkeypatch.setattr(points, "at", die)
    with pytest.raises(Killed):
        home.tick()
    monkeypatch.undo()
    monkeypatch.setattr("uwf.clock.now_ms", home.now)
    assert home.states == ["claimed"]
    assert home.rig.store.refs("@uwf/thread/") == []
    home.tick()
    home.tick()
    assert home.states == ["started"]
    assert len(home.rig.store.refs("@uwf/thread/")) == 1


def test_what_was_claimed_starts_although_its_schedule_is_gone(planned: Make) -> None:
    home = planned()
    home.now.ms += HOUR_MS
    home.claim()
    home.schedules = ()
    home.tick()
    assert home.states == ["started"]


def test_one_that_cannot_start_has_failed_and_says_why(planned: Make) -> None:
    home = planned(start="pear")
    an_hour_later(home)
    assert (home.last.state, home.last.how) == ("ended", "failed")
    assert "no workflow 'pear'" in home.last.why
    assert home.alarms() == ["not_started"]


def test_one_whose_folder_is_gone_has_failed(planned: Make) -> None:
    home = planned(cwd="/nowhere/at/all")
    an_hour_later(home)
    assert home.states == ["failed"]
    assert "/nowhere/at/all" in home.last.why


def test_one_whose_predecessor_cannot_be_cancelled_has_failed_and_says_why(planned: Make) -> None:
    home = planned(overlap="cancel")
    an_hour_later(home)

    def cannot(thread: str, why: str) -> bool:
        raise StateError(f"thread {thread} is run by a process of another user")

    home._cancel = cannot  # type: ignore[method-assign]
    an_hour_later(home)
    assert home.states == ["started", "failed"]
    assert "another user" in home.last.why


def test_a_full_disk_is_no_failure_of_a_schedule(
    planned: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = planned()

    def full(*_: object) -> None:
        raise StoreError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "make", full)
        with pytest.raises(StoreError):
            an_hour_later(home)
    assert home.states == ["claimed"]
    home.tick()
    assert home.states == ["started"]


def test_while_the_last_one_is_active_the_next_is_skipped_by_default(planned: Make) -> None:
    home = planned()
    an_hour_later(home)
    an_hour_later(home)
    assert home.states == ["started", "skipped"]
    assert home.all[0].threads[0] in home.last.why
    assert home.alarms() == ["silent"]


def test_one_in_the_queue_begins_once_the_last_has_ended(planned: Make) -> None:
    home = planned(overlap="queue")
    an_hour_later(home)
    an_hour_later(home)
    assert home.states == ["started", "claimed"]
    home.rig.exec(home.all[0].threads[0], WROTE, APPROVED)
    home.tick()
    assert home.states == ["completed", "started"]


def test_with_cancel_the_last_one_is_ended_for_the_next(planned: Make) -> None:
    home = planned(overlap="cancel")
    an_hour_later(home)
    an_hour_later(home)
    assert home.states == ["cancelled", "started"]
    assert home.cancelled == [home.all[0].threads[0]]


def test_one_that_failed_is_in_nobodys_way(planned: Make) -> None:
    home = planned()
    an_hour_later(home)
    home.rig.exec(home.last.threads[0], Said("oh no", ended="exit", exit_code=1))
    an_hour_later(home)
    assert home.states == ["failed", "started"]


def test_threads_with_the_label_are_woken_and_told(planned: Make) -> None:
    home = planned(wake={"pr": "42"}, text="Look again.")
    mine = home.rig.start(labels={"pr": "42"})
    other = home.rig.start(labels={"pr": "43"})
    an_hour_later(home)
    assert home.last.threads == (mine,)
    assert words(home, mine) == [("Look again.", "schedule night", "owner")]
    assert words(home, other) == []
    timer = wake.of(home.rig.thread(mine).tags, mine)
    assert timer is not None
    assert timer.for_words


def test_a_cancelled_thread_is_not_woken(planned: Make) -> None:
    home = planned(wake={"pr": "42"}, text="Look again.")
    home.rig.cancel(home.rig.start(labels={"pr": "42"}))
    an_hour_later(home)
    assert home.states == ["skipped"]
    assert home.last.why == "there is no thread to wake with the label pr=42"


def test_a_wake_without_words_has_none_to_tell(planned: Make) -> None:
    home = planned(wake={"pr": "42"})
    mine = home.rig.start(labels={"pr": "42"})
    an_hour_later(home)
    assert words(home, mine) == []
    timer = wake.of(home.rig.thread(mine).tags, mine)
    assert timer is not None
    assert not timer.for_words


def answered(home: Planned) -> None:
    """Look until every precheck has answered."""
    until = time.monotonic() + PATIENCE_S
    while home.prechecks.are_asked and time.monotonic() < until:
        time.sleep(0.01)
        home.tick()


def script(tmp_path: Path, text: str) -> tuple[str, ...]:
    file = tmp_path / "check.sh"
    file.write_text(text)
    return ("/bin/sh", str(file))


def test_a_yes_of_the_precheck_is_told(planned: Make, tmp_path: Path) -> None:
    home = planned(precheck=script(tmp_path, "echo $UWF_SCHEDULE: 3 new; echo noise >&2"))
    an_hour_later(home)
    assert home.states == ["claimed"]
    answered(home)
    assert home.states == ["started"]
    assert words(home, home.last.threads[0]) == [
        ("night: 3 new", "precheck of schedule night", "bot")
    ]


def test_a_no_of_the_precheck_is_kept_with_its_last_line(planned: Make, tmp_path: Path) -> None:
    home = planned(precheck=script(tmp_path, "echo looked; echo nothing new; exit 1"))
    an_hour_later(home)
    answered(home)
    assert home.states == ["skipped"]
    assert home.last.why == "nothing new"
    assert home.rig.store.refs("@uwf/thread/") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo bad >&2; exit 3", "ended with exit code 3: bad (this counts as a yes)"),
        ("kill -9 $$", "ended with signal 9 (this counts as a yes)"),
    ],
)
def test_a_precheck_that_breaks_counts_as_a_yes_and_that_is_said(
    planned: Make, tmp_path: Path, text: str, why: str
) -> None:
    home = planned(precheck=script(tmp_path, text))
    an_hour_later(home)
    answered(home)
    assert home.states == ["started"]
    assert home.last.why == f"the precheck {why}"
    [(said, _, _)] = words(home, home.last.threads[0])
    assert said == f"(the precheck {why})"


def test_a_precheck_that_cannot_be_run_counts_as_a_yes(planned: Make) -> None:
    home = planned(precheck=("no-such-program",))
    an_hour_later(home)
    answered(home)
    assert home.states == ["started"]
    assert "not found on PATH" in home.last.why


def test_a_precheck_that_takes_too_long_counts_as_a_yes(
    planned: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uwf.engine.schedules.precheck.PATIENCE_S", 1.0)
    pids = tmp_path / "pids"
    home = planned(precheck=script(tmp_path, f"sleep 60 & echo $! > {pids}; wait"))
    an_hour_later(home)
    answered(home)
    assert home.states == ["started"]
    assert "did not end within 1 s, and was ended (this counts as a yes)" in home.last.why
    left = int(pids.read_text())
    until = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{left}").exists() and time.monotonic() < until:
        if "Z" in Path(f"/proc/{left}/stat").read_text().split(")")[-1]:
            break
        time.sleep(0.01)
    else:
        assert not Path(f"/proc/{left}").exists()


def test_a_precheck_that_was_asked_by_a_process_that_died_counts_as_a_yes_in_the_end(
    planned: Make, tmp_path: Path
) -> None:
    home = planned(precheck=script(tmp_path, "echo news"))
    an_hour_later(home)
    home.prechecks = type(home.prechecks)({"PATH": "/bin"})
    home.tick()
    assert home.states == ["claimed"]
    home.tick(home.now.ms + 3 * MINUTE_MS)
    assert home.states == ["started"]
    assert "lost" in home.last.why


def test_words_go_without_asking(planned: Make, tmp_path: Path) -> None:
    never = script(tmp_path, "exit 1")
    home = planned(wake={"pr": "42"}, text="Look again.", precheck=never)
    home.rig.start(labels={"pr": "42"})
    an_hour_later(home)
    assert home.states == ["started"]


def test_words_that_wait_already_are_reason_enough(planned: Make, tmp_path: Path) -> None:
    home = planned(wake={"pr": "42"}, precheck=script(tmp_path, "exit 1"))
    mine = home.rig.start(labels={"pr": "42"})
    with home.rig.store.transaction("test") as tx:
        told.tell(tx, mine, told.Word("A review came.", "bob", "collaborator", 1))
    an_hour_later(home)
    assert home.states == ["started"]


def test_many_prechecks_are_asked_a_few_at_a_time(planned: Make, tmp_path: Path) -> None:
    check = script(tmp_path, f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done")
    first = planned(precheck=check)
    more = tuple(replace(first.schedules[0], name=f"n{at}") for at in range(12))
    first.schedules = more
    first.claim()
    an_hour_later(first)
    asked = [one for one in first.all if one.checked_ms is not None]
    assert len(asked) == 8
    (tmp_path / "go").touch()
    answered(first)
    first.tick()
    answered(first)
    assert first.states == ["started"] * 12
