"""Failure classes from what agents are known to print, and the moments when their limits reset."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import clock
from uwf.agent import failure, rate_limit_reset
from uwf.agent.failure import Diagnosis, classify
from uwf.agent.process import platform
from uwf.agent.protocol import MOST_AHEAD_MS, AgentFailure, ProcessFacts

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=BERLIN)
NOW_MS = round(NOW.timestamp() * 1000)


@pytest.fixture(autouse=True)
def noon_in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(clock, "now_ms", lambda: NOW_MS)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def exited(stderr: str = "", stdout: str = "", code: int = 1) -> Diagnosis:
    return classify("exit_code", code, None, stderr, stdout, "")


@pytest.mark.parametrize(
    ("message", "known"),
    [
        ("Claude AI usage limit reached|1769900000", "quota"),
        ("You've hit your limit · resets 11pm (Europe/Warsaw)", "quota"),
        ("You've hit your weekly limit · resets Feb 3, 2am (UTC)", "quota"),
        ("Weekly limit reached · resets 10am (Asia/Seoul) · /upgrade to Max", "quota"),
        ("■ You've hit your usage limit. Upgrade to Pro or try again in 5 days 22 hours.", "quota"),
        ('{"error":{"type":"usage_limit_reached","resets_at":1769900000}}', "quota"),
        ('Error: 429 {"type":"error","error":{"type":"rate_limit_error"}}', "quota"),
        ("HTTP/1.1 429 Too Many Requests", "quota"),
        ("Resource has been exhausted (e.g. check quota).", "quota"),
        ("You exceeded your current quota, please check your plan", "quota"),
        ("Your credit balance is too low to access the API", "quota"),
        ('API Error: 401 {"type":"authentication_error"} · Please run /login', "authentication"),
        ("Invalid API key · Please run /login", "authentication"),
        ("Error: Incorrect API key provided: sk-***", "authentication"),
        ("OAuth token has expired. Please obtain a new token.", "authentication"),
        ("OPENAI_API_KEY: api key is missing", "authentication"),
        ("fatal: unauthorized", "authentication"),
        ("You are not logged in. Please run `codex login`", "authentication"),
        ("curl: (7) Failed to connect: Connection refused", "network"),
        ("curl: (6) Could not resolve host: api.example.com", "network"),
        ("Error: read ECONNRESET", "network"),
        ("Error: getaddrinfo EAI_AGAIN api.example.com", "network"),
        ("ssh: connect to host x: Connection timed out", "network"),
        ("TypeError: fetch failed", "network"),
        ("API Error: 529 overloaded_error", "network"),
        ("HTTP 503 Service Unavailable", "network"),
        ("FATAL ERROR: Reached heap limit - JavaScript heap out of memory", "out_of_memory"),
        ("fork: Cannot allocate memory", "out_of_memory"),
        ("Traceback (most recent call last):\n  ...\nMemoryError", "out_of_memory"),
        ("error: 'main.c' line 429: syntax", "exit_code"),
        ("cp: write error: Disk quota exceeded", "exit_code"),
        ("AssertionError: 401 != 200 in line 503", "exit_code"),
        ("turn limit reached", "exit_code"),
        ("segmentation fault", "exit_code"),
        ("", "exit_code"),
    ],
)
def test_known_messages_have_their_class(message: str, known: str) -> None:
    assert exited(stderr=message).failure_class == known
    assert exited(stdout=f"Working on it.\n\n{message}\n").failure_class == known


def test_a_limit_is_known_behind_the_connections_it_closed() -> None:
    said = "Connection reset by peer, retrying\nrate limit exceeded\nConnection closed\n"
    assert exited(stderr=said).failure_class == "quota"


def test_what_an_agent_wrote_about_is_not_what_it_died_of() -> None:
    work = "The client must handle a rate limit: HTTP 429.\n" + "It also logs.\n" * 100
    assert exited(stdout=work).failure_class == "exit_code"
    assert exited(stderr="rate limit\n" + "and then\n" * 1000).failure_class == "exit_code"


@pytest.mark.parametrize("code", ["timeout", "stall", "output_limit", "internal"])
def test_what_the_process_did_is_not_reread(code: str) -> None:
    assert classify(code, None, None, "usage limit reached", "", "term") == Diagnosis(code)


def test_an_unknown_end_is_our_own_fault() -> None:
    assert classify("surprise", None, None, "", "", "") == Diagnosis("internal")


def test_a_reply_that_is_only_a_message_speaks_about_the_agent() -> None:
    said = "Claude AI usage limit reached|1769900000"
    assert classify("bad_reply", 0, None, "", said, "") == Diagnosis("quota", 1_769_900_000_000)
    story = f"I looked at the code.\n{'It is long. ' * 100}\n{said}"
    assert classify("bad_reply", 0, None, said, story, "") == Diagnosis("bad_reply")
    assert classify("bad_reply", 0, None, "", "", "") == Diagnosis("bad_reply")


def test_a_program_that_cannot_be_started_says_why() -> None:
    missing = classify("spawn_failed", None, None, "cannot run 'x': not found on PATH", "", "")
    assert missing == Diagnosis("spawn_failed")
    full = classify("spawn_failed", None, None, "cannot run 'x': Cannot allocate memory", "", "")
    assert full == Diagnosis("out_of_memory")


@pytest.mark.parametrize(
    ("facts", "failed"),
    [
        (
            ProcessFacts("exit", exit_code=3),
            AgentFailure("exit_code", "exit_code", "agent a exited with code 3", "HTTP 4"),
        ),
        (
            ProcessFacts("signal", signal=9),
            AgentFailure("signal", "signal", "agent a was killed by signal 9", "HTTP 4"),
        ),
        (
            ProcessFacts("exit"),
            AgentFailure("exit_code", "exit_code", "agent a ended, and nobody knows how: lost"),
        ),
        (
            ProcessFacts("stall", signal=15, escalation="term"),
            AgentFailure("stall", "stall", "agent a said nothing for too long"),
        ),
        (
            ProcessFacts("stopped", signal=15, escalation="term"),
            AgentFailure("stopped", "stopped", "agent a was stopped"),
        ),
        (
            ProcessFacts("spawn_failed"),
            AgentFailure("spawn_failed", "spawn_failed", "agent a could not be started: lost"),
        ),
    ],
)
def test_how_a_process_ended_is_told_in_words(facts: ProcessFacts, failed: AgentFailure) -> None:
    told = failure.of_process("a", facts, stdout="", stderr="warning\nHTTP 4\n", error="lost")
    assert told == failed


def test_process_that_ends_well_is_no_failure() -> None:
    facts = ProcessFacts("exit", exit_code=0)
    said = "usage limit reached"
    assert failure.of_process("a", facts, stdout=said, stderr=said, error="") is None


def test_class_and_reset_are_those_of_what_a_process_said() -> None:
    told = failure.of_process(
        "a",
        ProcessFacts("exit", exit_code=1),
        stdout="usage limit reached|1769900000",
        stderr="",
        error="",
        is_hopeless=True,
    )
    assert told == AgentFailure(
        "exit_code",
        "quota",
        "agent a exited with code 1",
        "usage limit reached|1769900000",
        resets_ms=1_769_900_000_000,
        is_hopeless=True,
    )


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (
            "ERROR: You've hit your usage limit.\n\ntokens used\n1,234\n",
            "ERROR: You've hit your usage limit.",
        ),
        (
            "Error: 401 Unauthorized\n    at foo (x.js:1:2)\n    at bar (y.js:3:4)\n",
            "Error: 401 Unauthorized",
        ),
        (
            "Error: usage limit reached, resets 3pm\nFor details see /tmp/log\n",
            "Error: usage limit reached, resets 3pm",
        ),
        ("starting\nno such model\n", "no such model"),
    ],
)
def test_words_of_a_failure_are_its_last_error_line(stderr: str, said: str) -> None:
    facts = ProcessFacts("exit", exit_code=1)
    told = failure.of_process("a", facts, stdout="Working.", stderr=stderr, error="")
    assert told is not None
    assert told.said == said


def test_reply_that_is_only_a_message_has_its_class_and_its_words() -> None:
    said = "Invalid API key · Please run /login"
    told = failure.of_reply("a", f"\n{said}\n", "Do it.")
    assert told == AgentFailure("bad_reply", "authentication", "agent a gave no reply", said)


@pytest.mark.parametrize(
    ("kills", "peak", "escalation", "known"),
    [
        (1, 900, "", "out_of_memory"),
        (None, 900, "", "out_of_memory"),
        (0, 900, "", "signal"),
        (1, 100, "", "signal"),
        (1, None, "", "signal"),
        (1, 900, "kill", "signal"),
    ],
)
def test_a_kill_is_blamed_on_memory_only_where_that_is_plausible(
    monkeypatch: pytest.MonkeyPatch,
    kills: int | None,
    peak: int | None,
    escalation: str,
    known: str,
) -> None:
    monkeypatch.setattr(platform, "oom_kills", lambda: kills)
    monkeypatch.setattr(platform, "memory_bytes", lambda: 1000)
    found = classify("signal", None, 9, "", "", escalation, peak_memory_bytes=peak)
    assert found.failure_class == known
    through_a_shell = classify("exit_code", 137, None, "", "", escalation, peak_memory_bytes=peak)
    assert through_a_shell.failure_class == known.replace("signal", "exit_code")
    other = classify("signal", None, 11, "", "", "", peak_memory_bytes=peak)
    assert other.failure_class == "signal"


def test_an_abort_for_lack_of_memory_is_known() -> None:
    found = classify("signal", None, 6, "JavaScript heap out of memory", "", "")
    assert found.failure_class == "out_of_memory"
    assert classify("signal", None, 6, "connection reset", "", "").failure_class == "signal"


def test_what_the_machine_says_about_memory_can_be_read() -> None:
    total, kills = platform.memory_bytes(), platform.oom_kills()
    assert total is None or total > 1 << 20
    assert kills is None or kills >= 0


def at(*fields: int, zone: str = "Europe/Berlin") -> datetime:
    return datetime(*fields, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("message", "moment"),
    [
        ("usage limit reached|1769900000", datetime.fromtimestamp(1_769_900_000, BERLIN)),
        ("usage limit reached|1769900000123", datetime.fromtimestamp(1_769_900_000.123, BERLIN)),
        ('"resets_at":1769900000,"x":1', datetime.fromtimestamp(1_769_900_000, BERLIN)),
        ('{"resets_in_seconds":13872}', NOW + timedelta(seconds=13872)),
        ("Retry-After: 60\nX-Request: a", NOW + timedelta(seconds=60)),
        ("retry after 60 seconds", NOW + timedelta(seconds=60)),
        ("Please retry in 34.07s.", NOW + timedelta(seconds=34.07)),
        ("Please try again in 171ms.", NOW + timedelta(milliseconds=171)),
        ("Please try again in 6m0s", NOW + timedelta(minutes=6)),
        ("resets in 2h 5m", NOW + timedelta(hours=2, minutes=5)),
        ("try again in 2 hours and 5 minutes", NOW + timedelta(hours=2, minutes=5)),
        (
            "try again in 5 days 22 hours 11\nminutes.",
            NOW + timedelta(days=5, hours=22, minutes=11),
        ),
        ("Your quota will reset after 3h5m2s.", NOW + timedelta(hours=3, minutes=5, seconds=2)),
        ("resets at 2026-02-01T09:15:00Z", at(2026, 2, 1, 9, 15, zone="UTC")),
        ("until 2026-02-01 09:15 +0100", at(2026, 2, 1, 9, 15)),
        ("try again at 2026-02-01 09:15", at(2026, 2, 1, 9, 15)),
        ("resets at 3pm", at(2026, 1, 31, 15)),
        ("Your limit will reset \n     at 3pm.", at(2026, 1, 31, 15)),
        ("resets 3:45 p.m.", at(2026, 1, 31, 15, 45)),
        ("Limits will reset at 9:30 AM. View", at(2026, 2, 1, 9, 30)),
        ("resets at 15:30", at(2026, 1, 31, 15, 30)),
        ("resets 12am", at(2026, 2, 1, 0)),
        ("resets 11pm (Europe/Warsaw)", at(2026, 1, 31, 23)),
        ("resets 10am (Asia/Seoul)", at(2026, 2, 1, 10, zone="Asia/Seoul")),
        ("resets 4pm UTC", at(2026, 1, 31, 16, zone="UTC")),
        ("resets 4pm (Not/AZone)", at(2026, 1, 31, 16)),
        ("resets Feb 3, 2am (UTC)", at(2026, 2, 3, 2, zone="UTC")),
        ("resets Feb 5 at 9pm (America/New_York)", at(2026, 2, 5, 21, zone="America/New_York")),
        ("try again at Feb 5th, 2026 8:19 PM.", at(2026, 2, 5, 20, 19)),
        ("resets Monday at 9am", at(2026, 2, 2, 9)),
        ("resets Sat 9am", at(2026, 2, 7, 9)),
        ("retry after 5 s\nrate limited\nretry after 20 s", NOW + timedelta(seconds=20)),
    ],
)
def test_the_forms_in_which_resets_are_told(message: str, moment: datetime) -> None:
    assert rate_limit_reset.resets_ms(message, NOW_MS) == round(moment.timestamp() * 1000)


SOON, LATE = 1_769_900_000, 1_770_300_000
SOON_MS = SOON * 1000


@pytest.mark.parametrize(
    ("message", "moment"),
    [
        # the window that is used up, not another one of the same answer
        (
            f'429 {{"error":{{"type":"usage_limit_reached","resets_at":{SOON}}},"headers":{{'
            f'"X-A-Used-Percent":"100","X-A-Reset-At":"{SOON}",'
            f'"X-B-Used-Percent":"42","X-B-Reset-At":"{LATE}"}}}}',
            SOON_MS,
        ),
        (
            f'{{"primary":{{"used_percent":7.5,"resets_at":{LATE}}},'
            f'"secondary":{{"used_percent":100.0,"resets_at":{SOON}}}}} rate limit',
            SOON_MS,
        ),
        (
            f"rate-limit-5h-status: rejected\nrate-limit-5h-reset: {SOON}\n"
            f"rate-limit-7d-status: allowed\nrate-limit-7d-reset: {LATE}\n",
            SOON_MS,
        ),
        (
            f'{{"limits":[{{"remaining":0,"reset_at":{SOON}}},{{"remaining":9,"reset_at":{LATE}}}]}}',
            SOON_MS,
        ),
        (
            "5-hour limit reached ∙ resets 3pm\nWeekly limit: 63% used, resets Monday 9am",
            at(2026, 1, 31, 15),
        ),
        (
            "You've hit your weekly limit (resets Feb 3, 2am); the session limit resets 3pm",
            at(2026, 2, 3, 2),
        ),
        # a length is no wait, and the client's own next try is no reset
        ("Usage limit reached for 3 hours. It resets at 2026-01-31 13:10", at(2026, 1, 31, 13, 10)),
        ("limit of 40 messages in 2 hours exceeded, resets 3pm", at(2026, 1, 31, 15)),
        ("rate limit reached, resets 3pm\nRetrying in 38 seconds", at(2026, 1, 31, 15)),
        ("limit reached, resets 3pm. Reconnecting in 5 s", at(2026, 1, 31, 15)),
        # the last word
        ("usage limit reached, resets 3pm\nusage limit reached, resets 5pm", at(2026, 1, 31, 17)),
        # words of any language, and other ways to say it
        ("Das Limit ist erreicht und gilt bis 2026-02-01 09:15:00", at(2026, 2, 1, 9, 15)),
        ("使用上限已达到,将在 2026-02-01T09:15:00Z 重置", at(2026, 2, 1, 9, 15, zone="UTC")),
        ('"retryDelay": "47s"', NOW + timedelta(seconds=47)),
        ("retry_delay {\n  seconds: 47\n}", NOW + timedelta(seconds=47)),
        ("try again tomorrow at 3pm", at(2026, 2, 1, 15)),
        ("resets today at 3pm", at(2026, 1, 31, 15)),
        ("resets at 3pm tomorrow", at(2026, 2, 1, 15)),
    ],
)
def test_of_several_moments_that_of_the_limit_that_was_reached(
    message: str, moment: datetime | int
) -> None:
    wanted = moment if isinstance(moment, int) else round(moment.timestamp() * 1000)
    assert rate_limit_reset.resets_ms(message, NOW_MS) == wanted


@pytest.mark.parametrize(
    "message",
    [
        "usage limit reached",
        "usage limit reached for 5 hours",
        "rate limit\nRetrying in 38 seconds",
        "2026-01-31 12:00:05 rate limit",
        "weekly limit: 30% used, resets Monday 9am",
        "usage limit reached|1700000000",
        '{"error": "429", "timestamp":"2026-02-11T16:40:06.075Z"}',
        "wait for limits to reset (every 5h and every week.)",
        "resets 11:30",  # half an hour ago: an old message, not tomorrow
        "resets at 2026-01-31T09:15:00Z",
        "try again in 90 days",
        "resets 25:99",
        "resets Feb 31, 2am",
        "resets at 99pm",
        "retry 3",
        "try again in 0 seconds",
        "",
    ],
)
def test_what_names_no_moment_to_come_is_none(message: str) -> None:
    assert rate_limit_reset.resets_ms(message, NOW_MS) is None


def test_the_end_of_a_year_is_passed() -> None:
    now_ms = round(at(2026, 12, 30, 12).timestamp() * 1000)
    found = rate_limit_reset.resets_ms("resets Jan 2, 2am", now_ms)
    assert found == round(at(2027, 1, 2, 2).timestamp() * 1000)


@given(
    st.text(max_size=400), st.sampled_from(["resets at ", "try again in ", "|", "retry-after: "])
)
def test_any_text_gives_a_moment_ahead_or_none(text: str, before: str) -> None:
    found = rate_limit_reset.resets_ms(before + text, NOW_MS)
    assert found is None or NOW_MS < found <= NOW_MS + MOST_AHEAD_MS


@given(
    st.sampled_from(failure.CLASSES),
    st.text(max_size=300),
    st.text(max_size=300),
    st.none() | st.integers(0, 255),
)
def test_every_failure_has_a_class(code: str, stderr: str, stdout: str, number: int | None) -> None:
    found = classify(code, number, None, stderr, stdout, "")
    assert found.failure_class in failure.CLASSES
    assert found.resets_ms is None or found.failure_class == "quota"


def test_long_output_is_read_quickly() -> None:
    began_s = time.perf_counter()
    for text in ("a" * 100_000, "1 " * 50_000, "reset " * 20_000, "in 1h " * 20_000, "|" * 99_999):
        exited(stderr=text, stdout=text)
        rate_limit_reset.resets_ms(text[-4000:], NOW_MS)
    assert time.perf_counter() - began_s < 2
