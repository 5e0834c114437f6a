"""Sources are asked in their time, each for itself, and what they gave is stored with where they go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import fake_forge
from tests.helpers.asking import Home
from tests.helpers.fake_forge import REPO, FakeForge
from uwf import clock
from uwf.daemon.intake.buffer import Wish
from uwf.daemon.sources import part
from uwf.daemon.sources.asking import LEAST_S
from uwf.daemon.sources.part import SourcePolls
from uwf.daemon.sources.polled import Polled, PollTask
from uwf.errors import StoreError


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    yield from fake_forge.running(FakeForge)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path)
    yield home
    home.close()


def test_what_is_said_on_a_carried_pull_request_is_stored_once(
    home: Home, forge: FakeForge
) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    forge.comment(42, "First.")
    home.ask()
    assert home.bodies() == ["First."]
    [row] = home.app.sources.all()
    assert (row.state, row.watching, row.error) == ("ok", 1, None)
    assert row.next is not None and 50_000 < row.next - clock.now_ms() <= 66_000
    forge.comment(42, "Second.")
    home.due()
    home.ask()
    assert home.bodies() == ["First.", "Second."]


def test_a_new_daemon_goes_on_where_the_old_one_was(home: Home, forge: FakeForge) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    forge.comment(42, "First.")
    home.ask()
    asked = len(forge.asked)
    home.configure(home.forge(forge.url))
    home.ask()
    assert len(forge.asked) == asked  # it is not due
    home.due()
    forge.comment(42, "Second.")
    home.ask()
    assert home.bodies() == ["First.", "Second."]


def test_a_new_daemon_leaves_a_forge_alone_as_long_as_that_has_said(
    home: Home, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    forge.fail(f"/repos/{REPO}/pulls/42", 429, {"Retry-After": "3600"})
    home.ask()
    asked = len(forge.asked)
    home.configure(home.forge(forge.url))
    home.sources.tick(clock.now_ms())
    assert home.sources._due_s["shop"] - clock.monotonic_s() > 3500
    assert len(forge.asked) == asked
    home.configure(home.forge(forge.url))
    home.sources.tick(clock.now_ms() - 400 * 86_400_000)
    left_s = home.sources._due_s["shop"] - clock.monotonic_s()
    assert left_s <= 3600, "a clock that was ahead leaves it alone no longer"


def test_what_could_not_be_stored_is_kept_and_nobody_is_asked_meanwhile(
    home: Home, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    forge.comment(42, "First.")

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("uwf.engine.sources.state.deliver", full)
        for _ in range(3):
            with pytest.raises(StoreError):
                home.ask()
    assert home.bodies() == []
    asked = len(forge.asked)
    home.ask()
    assert home.bodies() == ["First."]
    assert len(forge.asked) == asked


def test_without_a_pull_request_nobody_is_asked(home: Home, forge: FakeForge) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="not a number")
    home.thread(pr="7", repo="octo/other")
    home.ask()
    assert forge.asked == []
    assert home.app.sources.all()[0].state == "ok"


def test_a_cancelled_thread_is_let_go_and_a_completed_one_once_its_pull_request_is_closed(
    home: Home, forge: FakeForge
) -> None:
    home.configure(home.forge(forge.url))
    stays, goes = home.thread(pr="42"), home.thread(pr="43")
    forge.open_pull(42)
    forge.open_pull(43)
    home.ask()
    assert set(home.app.sources.pulls("shop")) == {42, 43}
    home.app.cancel(goes)
    list(home.app.exec(stays, agent="printf -- '---\\n$status: done\\nnote: x\\n---\\n'"))
    assert home.app.show(stays).status == "completed"
    forge.asked.clear()
    forge.comment(42, "More.")
    home.due()
    home.ask()
    assert not any("/43" in path for path in forge.asked)
    assert set(home.app.sources.pulls("shop")) == {42}
    forge.close_pull(42, merged=True)
    home.due()
    home.ask()
    assert home.bodies() == ["More.", "merged"]
    forge.asked.clear()
    home.due()
    home.ask()
    assert forge.asked == []
    home.wishes.append(Wish("shop", (42,)))
    home.due()
    home.ask()
    assert forge.asked  # a webhook spoke of it


def test_a_webhook_has_its_pull_request_asked_about_soon_and_no_other(
    home: Home, forge: FakeForge
) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    home.thread(pr="43")
    forge.open_pull(42)
    forge.open_pull(43)
    home.ask()
    due_s = dict(home.sources._due_s)
    forge.asked.clear()
    home.wishes.append(Wish("shop", (42,)))
    wait_s = home.ask()
    assert forge.asked == []  # it was asked a moment ago
    assert wait_s is not None and wait_s <= LEAST_S
    home.sources._peace_s["shop"] = 0.0
    home.ask()
    assert forge.asked and not any("/43" in path for path in forge.asked)
    assert home.sources._due_s == due_s  # and the others wait no longer for that


def test_a_source_that_fails_is_asked_later_and_later_and_named(
    home: Home, forge: FakeForge
) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.fail("/", 500)
    waits = []
    for _ in range(3):
        home.due()
        home.ask()
        [row] = home.app.sources.all()
        waits.append((row.next or 0) - clock.now_ms())
    assert (row.state, row.failures) == ("failing", 3)
    assert "says 500" in str(row.error)
    assert waits[0] <= 60_000 < waits[2] <= 240_000
    assert home.daemon.quarantine.holds("source", "shop")
    assert sum("says 500" in said for said in home.daemon.said) == 1
    forge.fail("/", 0)
    forge.open_pull(42)
    home.due()
    home.ask()
    assert home.app.sources.all()[0].state == "ok"
    assert not home.daemon.quarantine.holds("source", "shop")


def test_when_the_forge_says_until_when_nobody_asks_before(home: Home, forge: FakeForge) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    forge.fail("/", 429, {"Retry-After": "3600"})
    home.ask()
    [row] = home.app.sources.all()
    assert 3_500_000 < (row.next or 0) - clock.now_ms() <= 3_600_000
    asked = len(forge.asked)
    home.wishes += [Wish("shop", (42,)), Wish("shop", None)]
    home.ask()
    assert len(forge.asked) == asked


def test_one_that_hangs_starves_no_other(
    home: Home, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = (
        '[[sources]]\nname = "ci"\nkind = "command"\ncommand = \'echo "{\\"name\\": \\"a\\"}"\'\n'
    )
    home.configure(home.forge(forge.url) + other)
    home.thread(pr="42")
    forge.hangs.clear()
    home.sources.tick(clock.now_ms())
    quick = home.sources._polls["ci"]
    fake_forge.eventually(lambda: quick.is_done)
    home.sources.tick(clock.now_ms())
    assert home.bodies() == ["a"]
    assert "shop" in home.sources._polls
    monkeypatch.setattr(part, "GIVEN_UP_S", -5.0)
    home.sources.tick(clock.now_ms())
    [shop, _] = home.app.sources.all()
    assert shop.error == "a poll does not come back after 5 s"
    assert "shop" in home.sources._polls  # and no second one is begun
    forge.hangs.set()


def test_a_fault_of_ours_in_one_source_is_told_and_stops_no_other(home: Home) -> None:
    command = '[[sources]]\nname = "{}"\nkind = "command"\ncommand = "true"\n'
    home.configure(command.format("a") + command.format("b"))

    def poll(task: PollTask) -> Polled:
        if task.source.name == "a":
            raise KeyError("oh")
        return Polled()

    home.sources = SourcePolls(home.daemon, poll=poll)
    home.ask()
    [a, b] = home.app.sources.all()
    assert a.error == "internal fault: KeyError: 'oh'"
    assert (b.state, b.error) == ("ok", None)


def test_a_token_that_is_not_there_is_told_and_nobody_is_asked(
    home: Home, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.configure(home.forge(forge.url, token="SHOP_TOKEN"))
    home.thread(pr="42")
    forge.open_pull(42)
    forge.token = "t0ken"
    home.ask()
    assert home.app.sources.all()[0].error == "the environment variable SHOP_TOKEN is not set"
    assert forge.asked == []
    monkeypatch.setenv("SHOP_TOKEN", "wrong")
    home.due()
    home.ask()
    assert "the token is not accepted" in str(home.app.sources.all()[0].error)
    monkeypatch.setenv("SHOP_TOKEN", "t0ken")
    home.due()
    home.ask()
    assert home.app.sources.all()[0].error is None


def test_a_paused_source_is_not_asked(home: Home, forge: FakeForge) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    assert home.app.sources.pause("shop").state == "paused"
    home.ask()
    assert forge.asked == []
    assert home.app.sources.resume("shop")
    assert not home.app.sources.resume("shop")
    home.ask()
    assert forge.asked


def test_a_draining_daemon_asks_nobody(home: Home, forge: FakeForge) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    home.daemon.is_draining = True
    home.ask()
    assert forge.asked == []


def test_what_drops_out_for_its_age_is_told_once(
    home: Home, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    home.ask()
    later_ms = clock.now_ms() + 15 * 86_400_000
    monkeypatch.setattr(clock, "now_ms", lambda: later_ms)
    for _ in range(2):
        home.due()
        home.ask()
    [row] = home.app.sources.all()
    assert row.aged == ("octo/shop#42",)
    assert sum("octo/shop#42 no more" in said for said in home.daemon.said) == 1


def test_an_event_that_is_none_keeps_no_other_from_being_stored(home: Home) -> None:
    home.configure(
        '[[sources]]\nname = "ci"\nkind = "command"\n'
        'command = [\'printf\', \'{"name": "no name"}\\n{"name": "good"}\\n\']\n'
    )
    home.ask()
    assert home.bodies() == ["good"]
    [row] = home.app.sources.all()
    assert row.error is not None and row.error.startswith("line 1: 'no name' is not the name of an")


def test_what_a_forge_gives_that_is_no_event_keeps_no_other_from_being_stored(
    home: Home, forge: FakeForge
) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    forge.comment(42, "Odd.", who="a\nb")
    forge.comment(42, "Good.")
    home.ask()
    assert home.bodies() == ["Good."]
    assert any("gave what is no event: github.comment: " in said for said in home.daemon.said)


def test_at_its_end_the_daemon_ends_a_command(home: Home) -> None:
    home.configure('[[sources]]\nname = "ci"\nkind = "command"\ncommand = "sleep 100"\n')
    home.sources.tick(clock.now_ms())
    poll = home.sources._polls["ci"]
    home.daemon.end_programs()
    home.sources.close()
    fake_forge.eventually(lambda: poll.is_done)
    assert not any(each.name == "poll ci" for each in threading.enumerate() if each.is_alive())


def test_one_pass_waits_for_what_it_began(home: Home, forge: FakeForge) -> None:
    home.configure(home.forge(forge.url))
    home.thread(pr="42")
    forge.open_pull(42)
    forge.comment(42, "First.")
    home.sources.tick(clock.now_ms())
    home.sources.finish(10)
    assert home.bodies() == ["First."]


@pytest.mark.parametrize(
    "answer", [(200, {}, b'{"head": 3}'), (200, {}, b"<html>"), (302, {"Location": "/x"}, b"")]
)
def test_a_pull_request_that_cannot_be_read_starves_no_other(
    home: Home, forge: FakeForge, answer: tuple[int, dict[str, str], bytes]
) -> None:
    home.configure(home.forge(forge.url))
    forge.answers["/x"] = (302, {"Location": "/x"}, b"")
    for number in (41, 42, 43):
        home.thread(pr=str(number))
        forge.open_pull(number)
        forge.comment(number, f"On {number}.")
        forge.answers[f"/repos/{REPO}/pulls/{number}"] = answer
    del forge.answers[f"/repos/{REPO}/pulls/43"]
    home.ask()
    assert home.bodies() == ["On 43."]
    [row] = home.app.sources.all()
    assert row.state == "ok" and row.error is not None and row.error.count(";") == 1


def test_one_that_takes_all_the_time_is_asked_about_last_the_next_time(
    home: Home, forge: FakeForge
) -> None:
    home.configure(home.forge(forge.url))
    for number in (42, 43):
        home.thread(pr=str(number))
        forge.open_pull(number)
        forge.comment(number, f"On {number}.")
    forge.answers[f"/repos/{REPO}/pulls/43"] = (200, {"Content-Length": "9"}, b"{")
    home.ask()
    home.due()
    home.ask()
    assert home.bodies() == ["On 42."]


@pytest.mark.parametrize("token", ["two\nlines-of-it", "caf\u00e9-and-more"])
def test_a_token_that_is_none_is_named_and_not_shown(
    home: Home, forge: FakeForge, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("ODD", token)
    home.configure(home.forge(forge.url, token="ODD"))
    home.thread(pr="42")
    home.ask()
    [row] = home.app.sources.all()
    assert row.error == "what ODD holds is no token: it has odd characters in it"
    assert not any(token in said for said in home.daemon.said)


def test_a_secret_that_a_command_says_is_hidden_and_the_same_fault_is_said_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_TOKEN", "hush-hush-99")
    command = 'sh -c "echo no $CI_TOKEN >&2; exit 3"'
    home.configure(f'[[sources]]\nname = "ci"\nkind = "command"\ncommand = \'{command}\'\n')
    for _ in range(2):
        home.due()
        home.ask()
    assert home.daemon.said == ["source ci: it ended with exit code 3: no [redacted:CI_TOKEN]"]
