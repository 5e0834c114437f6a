"""Cron lines on real clocks, checked against one that tries every minute; `every`; what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from uwf.recurrence import ALIASES, Recurrence, cron_line, zone_named

BERLIN, LORD_HOWE, CAIRO = "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"
NIGHTS = [
    (BERLIN, "2026-03-29"),
    (BERLIN, "2026-10-25"),
    (LORD_HOWE, "2026-04-05"),
    (LORD_HOWE, "2026-10-04"),
    (CAIRO, "2026-04-24"),
    (CAIRO, "2026-10-30"),
    ("America/St_Johns", "2026-11-01"),
    ("UTC", "2026-02-28"),
]
"""Nights on which the clocks are set, and one on which they are not."""


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def cron(line: str, zone: str = "UTC") -> Recurrence:
    return Recurrence(cron_line(line), None, ZoneInfo(zone))


def written(rule: Recurrence, after: str, count: int) -> list[str]:
    return [rule.written(at) for at in islice(rule.times(ms(after)), count)]


def tried(line: str, zone: str, after_ms: int, until_ms: int) -> list[int]:
    """What a rhythm means: every minute whose clock fits."""
    fields = CronSim(line, datetime(2000, 1, 1))
    found = []
    for at_ms in range(after_ms // 60_000 * 60_000 + 60_000, until_ms + 1, 60_000):
        wall = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
        fits = wall.minute in fields.minutes and wall.hour in fields.hours
        if fits and wall.month in fields.months and fields.match_day(wall.date()):
            found.append(at_ms)
    return found


@given(
    st.sampled_from(NIGHTS),
    st.sampled_from(["*", "*/7", "*/20", "0", "30", "15,45"]),
    st.sampled_from(["*", "*/2", "*/3", "2", "0-3", "1,2"]),
    st.integers(-12 * 60, 12 * 60),
)
def test_a_rhythm_is_every_minute_whose_clock_fits(
    night: tuple[str, str], minute: str, hour: str, begin: int
) -> None:
    if not (minute.startswith("*") or hour.startswith("*")):
        minute = "*"
    zone, day = night
    after = ms(f"{day}T00:00+00:00") + begin * 60_000
    until = after + 36 * 3_600_000
    line = f"{minute} {hour} * * *"
    assert list(cron(line, zone).between(after, until)) == tried(line, zone, after, until)


@given(
    st.sampled_from(NIGHTS), st.integers(0, 59), st.integers(0, 23), st.integers(-36 * 60, 36 * 60)
)
def test_a_time_of_day_is_due_once_a_day_whatever_the_clocks_do(
    night: tuple[str, str], minute: int, hour: int, begin: int
) -> None:
    zone, day = night
    rule = cron(f"{minute} {hour} * * *", zone)
    start = ms(f"{day}T00:00+00:00") - 3 * 86_400_000
    found = list(islice(rule.times(start), 6))
    days = [datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date() for at in found]
    assert days == [days[0] + timedelta(days=n) for n in range(6)]
    after = ms(f"{day}T00:00+00:00") + begin * 60_000
    assert rule.next(after) == next(at for at in found if at > after)


@pytest.mark.parametrize(
    ("line", "zone", "after", "due"),
    [
        ("30 2 * * *", BERLIN, "2026-03-28T12:00Z", ["29T03:00:00+02:00", "30T02:30:00+02:00"]),
        ("30 2 * * *", BERLIN, "2026-10-24T12:00Z", ["25T02:30:00+02:00", "26T02:30:00+01:00"]),
        (
            "10,20 2 * * *",
            LORD_HOWE,
            "2026-10-03T12:00Z",
            ["04T02:30:00+11:00", "05T02:10:00+11:00"],
        ),
        ("45 1 * * *", LORD_HOWE, "2026-04-04T12:00Z", ["05T01:45:00+11:00", "06T01:45:00+10:30"]),
        ("30 0 * * *", CAIRO, "2026-04-23T12:00Z", ["24T01:00:00+03:00", "25T00:30:00+03:00"]),
        ("30 23 * * *", CAIRO, "2026-10-29T12:00Z", ["29T23:30:00+03:00", "30T23:30:00+02:00"]),
        ("0 */2 * * *", LORD_HOWE, "2026-04-04T13:30Z", ["05T02:00:00+10:30", "05T04:00:00+10:30"]),
    ],
)
def test_nights_on_which_the_clocks_are_set(
    line: str, zone: str, after: str, due: list[str]
) -> None:
    assert [text[8:] for text in written(cron(line, zone), after, len(due))] == due


def test_in_the_second_pass_of_an_hour_its_first_is_over() -> None:
    second_pass = ms("2026-10-25T02:10:00+01:00")
    assert cron("45 2 * * *", BERLIN).next(second_pass) == ms("2026-10-26T02:45:00+01:00")
    assert cron("*/30 * * * *", BERLIN).next(second_pass) == ms("2026-10-25T02:30:00+01:00")


def test_leap_days_come_every_four_years() -> None:
    assert [text[:10] for text in written(cron("0 0 29 2 *"), "2026-01-01T00:00Z", 2)] == [
        "2028-02-29",
        "2032-02-29",
    ]


def test_times_after_a_moment_are_later_than_it() -> None:
    noon = ms("2026-05-01T12:00Z")
    assert cron("0 12 * * *").next(noon) == ms("2026-05-02T12:00Z")
    assert cron("0 12 * * *").next(noon - 1) == noon
    assert list(cron("0 12 * * *").between(noon - 1, noon)) == [noon]


@given(st.sampled_from(["* * * * *", "0 4 * * *", "0 0 1 1 *", "0 0 29 2 *"]), st.integers(0, 12))
def test_the_newest_is_the_last_of_all(line: str, years: int) -> None:
    rule = cron(line)
    until = ms("2026-05-01T12:00:30Z")
    hours = 50 if line == "* * * * *" else years * 8766
    after = until - hours * 3_600_000
    assert rule.newest(after, until) == max(rule.between(after, until), default=None)


def test_a_rule_is_told_as_a_person_would_write_it() -> None:
    assert Recurrence("", 21600.0, UTC).words == "every 6h"
    assert cron("30 2 * * *", "Europe/Berlin").words == "30 2 * * * in Europe/Berlin"


@given(st.integers(1, 10**7), st.integers(0, 2 * 10**12))
def test_every_is_a_grid_that_does_not_drift(seconds: int, after: int) -> None:
    rule = Recurrence("", float(seconds), UTC)
    first, second = islice(rule.times(after), 2)
    assert after < first <= after + seconds * 1000
    assert second - first == seconds * 1000
    assert first % (seconds * 1000) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0 30 2 *", "never comes true"),
        ("0 0 31 2,4,6 *", "never comes true"),
        ("0 4 * *", "has 4 fields, a cron line has 5: minute, hour"),
        ("0 0 4 * * *", "has 6 fields"),
        ("60 4 * * *", "'60' is no minute"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 4 * * FRY", "'FRY' is no weekday"),
        ("0 4 * 13 *", "'13' is no month"),
        ("*/0 4 * * *", "'*/0' is no minute"),
        ("0 4 L/x * *", "'L/x' is no day"),
        ("@often", "'@often' is not known; there are @hourly"),
        ("", "is not a cron line"),
        (7, "7 is not a cron line"),
    ],
)
def test_a_line_that_is_none_is_refused_with_what_is_wrong(line: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        cron_line(line)
    assert message in str(caught.value)


def test_short_names_stand_for_lines() -> None:
    assert cron_line("@Daily") == "0 0 * * *"
    for line in ALIASES.values():
        assert cron_line(line) == line


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("Lord Howe", "Australia/Lord_Howe"),
        ("america/newyork", "America/New_York"),
    ],
)
def test_an_unknown_zone_is_answered_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean {meant}"):
        zone_named(name)


@pytest.mark.parametrize(
    "name", ["", 3, None, "../../etc/passwd", "/etc/localtime", "Nowhere/Xqzw"]
)
def test_what_is_no_zone_is_refused(name: object) -> None:
    with pytest.raises(ValueError, match="time zone"):
        zone_named(name)


def test_where_there_are_no_zones_it_is_said_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import zoneinfo

    def none(name: str) -> ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", none)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    with pytest.raises(ValueError, match="pip install tzdata"):
        zone_named("Europe/Berlin")
    assert zone_named("UTC").utcoffset(None) == timedelta()
