"""Of the moments that a message about a limit names, the one at which the limit that was reached resets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from uwf.agent.rate_limit_reset import resets_ms

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)  # a Sunday


@pytest.fixture(autouse=True)
def local_time_is_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(message: str) -> str | None:
    """The day and the time that `message` names, as text."""
    at_ms = resets_ms(message, round(NOW.timestamp() * 1000))
    return None if at_ms is None else f"{datetime.fromtimestamp(at_ms // 1000, UTC):%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("message", "moment"),
    [
        (
            '429 usage limit reached {"five_hour":{"utilization":100,"resets_at":"2026-11-29T21:00:00Z"},'
            '"seven_day":{"utilization":41,"resets_at":"2026-12-02T10:00:00Z"}}',
            "29 21:00:00",
        ),
        (
            'rate limit {"week":{"resets_at":"2026-12-02T10:00:00Z","of":{"plan":"x"},"utilization":0.3},'
            '"day":{"utilization":1.0,"resets_at":"2026-11-29T18:00:00Z"}}',
            "29 18:00:00",
        ),
        (
            '{"a":{"used_percent":100,"reset_after_seconds":3600},'
            '"b":{"used_percent":12,"reset_after_seconds":360000}} limit reached',
            "29 13:00:00",
        ),
        (
            "HTTP 429 Too Many Requests\na-requests-reset: 2026-11-29T15:00:00Z\n"
            "a-tokens-remaining: 40000\na-tokens-reset: 2026-11-29T22:00:00Z",
            "29 15:00:00",
        ),
        (
            "429\nx-remaining-requests: 0\nx-reset-requests: 4m2s\n"
            "x-remaining-tokens: 149984\nx-reset-tokens: 6h0s",
            "29 12:04:02",
        ),
        (
            "5-hour limit: resets at 9pm (41% used). Weekly limit reached, resets Dec 3 at 9am.",
            "03 09:00:00",
        ),
        (
            "Weekly limit reached, resets Dec 3 at 9am. 5-hour limit: 41% used, resets 9pm.",
            "03 09:00:00",
        ),
        ("Session 100% used, resets 9pm; weekly 38% used, resets Dec 3 at 9am", "29 21:00:00"),
        ("Session resets 9pm, 100% used; weekly resets Dec 3 at 9am, 38% used", "29 21:00:00"),
        ("Session resets 9pm, 0% left; weekly resets Dec 3 at 9am, 62% left", "29 21:00:00"),
        ("You have 0 messages left, resets at 9pm", "29 21:00:00"),
        (
            "429\nr-unified-status: rejected\nr-unified-5h-status: rejected\n"
            "r-unified-5h-reset: 1795986000\nr-unified-7d-status: allowed_warning\n"
            "r-unified-7d-reset: 1796200000\nr-unified-reset: 1795986000",
            "29 21:00:00",
        ),
        ("5h window 100% (resets 9pm), 7d window 41% (resets Dec 3 9am)", "29 21:00:00"),
        ("7d: 41% · resets Dec 3 9am | 5h: 100% · resets 9pm", "29 21:00:00"),
    ],
)
def test_a_window_that_is_not_used_up_is_passed_over(message: str, moment: str) -> None:
    assert told(message) == moment


@pytest.mark.parametrize(
    "own",
    [
        "attempt 3/10, next retry in 38 seconds",
        "next retry in 38s",
        "retry in 38 seconds",
        "retry #3 in 38 s",
        "will retry in 38s",
        "will try again in 38s",
        "Retry attempt 2 in 20 seconds",
        "trying again in 38 seconds",
        "next attempt at 2026-11-29 12:00:38",
        "Reconnecting in 5 s",
        "waiting, try 2 of 5 in 1m",
    ],
)
def test_the_next_try_of_the_client_is_no_reset(own: str) -> None:
    for message in (
        f"Error: usage limit reached, resets at 9pm; {own}",
        f"Error: usage limit reached, resets at 9pm ({own})",
        f"Error: usage limit reached. Resets at 9pm.\n{own}",
        f"Error: usage limit reached. {own}. The limit resets at 9pm",
        f"Error: usage limit reached, {own}, resets at 9pm",
    ):
        assert told(message) == "29 21:00:00", message


@pytest.mark.parametrize(
    ("message", "moment"),
    [
        ("Quota exceeded. Please retry in 34s.", "29 12:00:34"),
        ("rate limit reached, retry in 38 seconds", "29 12:00:38"),
        ("rate limit reached. Retrying in 38 seconds", None),
        ("rate limited; trying again in 38s", None),
        ("limit reached. Next attempt at 2026-11-29 12:00:40", None),
        ("2026/11/29 12:10:00 rate limit", None),
    ],
)
def test_a_wait_that_is_asked_for_counts_when_nothing_else_is_named(
    message: str, moment: str | None
) -> None:
    assert told(message) == moment


@pytest.mark.parametrize(
    ("message", "moment"),
    [
        ("Retry-After: Sun, 29 Nov 2026 13:30:07 GMT", "29 13:30:07"),
        ("retry-after: Tue, 01 Dec 2026 01:30:00 GMT", "01 01:30:00"),
        ("retry-after-ms: 90000", "29 12:01:30"),
        ('"retryAfterMs": 5000', "29 12:00:05"),
        ("retry_after_seconds=90", "29 12:01:30"),
        ("ratelimit-remaining: 0\nratelimit-reset: 90", "29 12:01:30"),
        ("x-ratelimit-reset: 1795989600", "29 22:00:00"),
        ("x-ratelimit-reset-after: 90.5", "29 12:01:30"),
        ('"quotaResetDelay": "4h53m8.5s"', "29 16:53:08"),
        ('"quotaResetTimeStamp": "2026-11-29T21:00:00Z"', "29 21:00:00"),
        ('"reset_time": 1795989600123', "29 22:00:00"),
        ('"resetAfter": 90', "29 12:01:30"),
        ("x-ratelimit-reset-requests: 4m2s", "29 12:04:02"),
        ('"x-reset-tokens": "1h5m"', "29 13:05:00"),
        ("Limit erreicht bis 29.11.2026 um 21:00", "29 21:00:00"),
        ("Limit erreicht. Weiter am 3.12.2026, 9:00 Uhr", "03 09:00:00"),
        ("limit: 2026/11/29 21:00", "29 21:00:00"),
        ("resets at 2026-11-29T21:00:25.5Z", "29 21:00:25"),
        ("limit reached, resets 9:00:25 PM", "29 21:00:25"),
        ("limite atteinte, 2026-11-29 à 21:00", "29 21:00:00"),
        ("limite atteinte jusqu'au 2026-11-29 à 21h30", "29 21:30:00"),
        ("limit reached, resets at midnight", "30 00:00:00"),
        ("limit reached, resets at midnight tonight", "30 00:00:00"),
        ("limit reached, resets Dec 3 at noon", "03 12:00:00"),
        ("Come back tomorrow at 3pm", "30 15:00:00"),
        ("The next window opens tomorrow at 15:20", "30 15:20:00"),
        ("resets Thursday, Dec 3 at 9am", "03 09:00:00"),
        ("resets on 3 December at 9:00", "03 09:00:00"),
        ("resets every day at 9pm", "29 21:00:00"),
    ],
)
def test_the_forms_of_other_clients(message: str, moment: str) -> None:
    assert told(message) == moment


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("1:30 PM PST", "29 21:30:00"),
        ("9am PT", "29 17:00:00"),
        ("9am (EST)", "29 14:00:00"),
        ("23:30 UTC+2", "29 21:30:00"),
        ("23:30 GMT-03:30", "30 03:00:00"),
        ("23:30 +0200", "29 21:30:00"),
        ("23:30+05:45", "29 17:45:00"),
        ("9pm IST", "29 15:30:00"),
        ("2026-11-29 23:30 CET", "29 22:30:00"),
        ("29.11.2026 23:30 (MEZ)", "29 22:30:00"),
        ("2026-11-29T23:30:00.123-0500", "30 04:30:00"),
        ("Nov 30, 9am (Asia/Seoul)", "30 00:00:00"),
        ("9pm AND the next day", "29 21:00:00"),
    ],
)
def test_a_time_is_that_of_its_zone(time: str, moment: str) -> None:
    assert told(f"usage limit reached, resets {time}") == moment


@pytest.mark.parametrize(
    ("message", "moment"),
    [
        ("Your quota will reset after 12h11m2s.", "30 00:11:02"),
        ("reset after 5h30m", "29 17:30:00"),
        ("quota resets after 10h20m5s", "29 22:20:05"),
        ("reset after 18h31m10s.", "30 06:31:10"),
        ("reset after 23h59m59s", "30 11:59:59"),
        ("reset after 2h05m", "29 14:05:00"),
        ("available after 3h10m", "29 15:10:00"),
        ("try again after 5h45m", "29 17:45:00"),
        ("try again after 5h30", "29 17:30:00"),
        ("resets in 01:30:00", "29 13:30:00"),
        ("try again in about 3 hours", "29 15:00:00"),
        ("resets in less than 2 hours", "29 14:00:00"),
        ("try again in another 20 minutes", "29 12:20:00"),
        ("resets in an hour", "29 13:00:00"),
        ("try again in one hour", "29 13:00:00"),
        ("resets in half an hour.", "29 12:30:00"),
        ("try again in the next hour", "29 13:00:00"),
        ("try again in the next 2 hours", "29 14:00:00"),
        ("try again in a couple of hours", "29 14:00:00"),
        ("resets within 2 hours", "29 14:00:00"),
        ("resets in 1 week", "06 12:00:00"),
    ],
)
def test_a_length_is_no_time_of_day(message: str, moment: str) -> None:
    assert told(f"Rate limit reached: {message}") == moment


@pytest.mark.parametrize(
    ("message", "moment"),
    [
        ("limit resets at 5pm on Nov 30", "30 17:00:00"),
        ("resets at 5 pm (UTC) on Nov 30, 2026", "30 17:00:00"),
        ("resets at 5pm on Monday", "30 17:00:00"),
        ("resets at 3pm. Nov 28 is over", "29 15:00:00"),
        ("Resets 12/01/2026, 9:00:00 AM", "01 09:00:00"),
        ("resets 30/11/2026 9:00", "30 09:00:00"),
        ("resets Nov 30", "30 00:00:00"),
        ("resets Nov 30, 2am", "30 02:00:00"),
        ("resets on 1 December 2026", "01 00:00:00"),
        ("resets Dec 1 (Europe/Berlin)", "30 23:00:00"),
        ("resets tomorrow", "30 00:00:00"),
        ("Try again Monday.", "30 00:00:00"),
        ("resets tomorrow at 3pm", "30 15:00:00"),
        ("resets at 17h", "29 17:00:00"),
        ("resets at 17h30", "29 17:30:00"),
        ("Limit wieder frei um 17:30 Uhr", "29 17:30:00"),
        ("resets um 17 Uhr", "29 17:00:00"),
        ("de nouveau à 17h30", "29 17:30:00"),
        ("resets at 5h30m", None),
        ("limit of 5 requests in an hour reached", None),
        ("try again later, limit of 5 requests within an hour", None),
    ],
)
def test_days_and_times_in_the_words_of_several_countries(message: str, moment: str | None) -> None:
    assert told(f"Usage limit reached: {message}") == moment


def test_hostile_text_is_read_quickly() -> None:
    began_s = time.perf_counter()
    for piece in (
        "{",
        "resets ",
        "resets at 9pm ",
        '{"reset":"4m2s",',
        "2026-11-29 ",
        "a-reset: 1s\n",
        "tomorrow ",
        "1.",
    ):
        told((piece * 4000)[:4000])
    assert time.perf_counter() - began_s < 4
