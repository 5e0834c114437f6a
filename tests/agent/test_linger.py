"""An agent that has replied and does not end: its reply is taken after a while, and its whole family is ended."""

from __future__ import annotations

from tests.agent.supervised import Supervised, eventually, lives

SAYS_AND_HANGS = "echo all of it; sleep 50 & echo $! >pids; echo note >&2; wait"


def is_whole(stdout: bytes) -> bool:
    return b"all of it" in stdout


def test_whole_reply_of_one_that_hangs_is_taken_and_its_family_ended(
    supervised: Supervised,
) -> None:
    outcome = supervised("sh", "-c", SAYS_AND_HANGS, linger_s=0.3, is_whole=is_whole)
    assert (outcome.ended, outcome.stdout) == ("lingered", b"all of it\n")
    assert outcome.survivors == ()
    (child,) = map(int, supervised.pid_file.read_text().split())
    eventually(lambda: not lives(child))


def test_what_it_says_while_it_is_ended_is_no_part_of_the_reply(supervised: Supervised) -> None:
    script = "trap 'echo Terminated; exit 3' TERM; echo all of it; while :; do sleep 0.05; done"
    outcome = supervised("sh", "-c", script, linger_s=0.3, is_whole=is_whole)
    assert (outcome.ended, outcome.stdout) == ("lingered", b"all of it\n")
    assert b"".join(supervised.output) == outcome.stdout


def test_whoever_has_said_only_half_is_waited_for(supervised: Supervised) -> None:
    script = "echo half; sleep 0.6; echo all of it; sleep 50"
    asked: list[bytes] = []

    def is_whole_now(stdout: bytes) -> bool:
        asked.append(stdout)
        return is_whole(stdout)

    outcome = supervised("sh", "-c", script, linger_s=0.1, is_whole=is_whole_now)
    assert (outcome.ended, outcome.stdout) == ("lingered", b"half\nall of it\n")
    assert asked == [b"half\n", b"half\nall of it\n"], "once for each silence"


def test_whoever_says_no_reply_reaches_its_timeout(supervised: Supervised) -> None:
    words = ("sh", "-c", "echo half; sleep 50")
    assert supervised(*words, linger_s=0.1, is_whole=is_whole, timeout_s=0.5).ended == "timeout"


def test_chatter_on_stderr_is_no_reply_and_does_not_prolong_it(supervised: Supervised) -> None:
    script = "echo all of it; while :; do echo busy >&2; sleep 0.05; done"
    assert supervised("sh", "-c", script, linger_s=0.4, is_whole=is_whole).ended == "lingered"


def test_whoever_may_linger_and_ends_has_ended(supervised: Supervised) -> None:
    outcome = supervised("sh", "-c", "echo all of it", linger_s=5.0, is_whole=is_whole)
    assert (outcome.ended, outcome.exit_code) == ("exit", 0)
    assert outcome.duration_ms < 4000


def test_without_a_time_to_linger_nobody_asks(supervised: Supervised) -> None:
    outcome = supervised("sh", "-c", SAYS_AND_HANGS, is_whole=is_whole, timeout_s=0.5)
    assert outcome.ended == "timeout"
