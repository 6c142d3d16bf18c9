"""Instants are read as RFC 3339 writes them, and cut to milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import AFTER_LAST_EVENT_MS, EARLIEST_EVENT_MS, format_instant, parse_instant

NINE_MS = 1_767_603_600_000
"""2026-01-05T09:00:00Z."""


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        pytest.param("2026-01-05T09:00:00.000Z", NINE_MS, id="as we write it"),
        pytest.param("2026-01-05T09:00:00Z", NINE_MS, id="no fraction"),
        pytest.param("2026-01-05T09:00:00.1Z", NINE_MS + 100, id="one digit is tenths"),
        pytest.param("2026-01-05T09:00:00.999999999Z", NINE_MS + 999, id="nine digits are cut, not rounded"),
        pytest.param("2026-01-05T10:30:00.000+01:30", NINE_MS, id="east of Greenwich"),
        pytest.param("2026-01-05T04:00:00-05:00", NINE_MS, id="west of Greenwich"),
        pytest.param("2026-01-06T08:59:00+23:59", NINE_MS, id="the largest offset"),
        pytest.param("2026-01-05T09:00:00-00:00", NINE_MS, id="an unknown local offset is UTC"),
        pytest.param("2026-01-05t09:00:00.000z", NINE_MS, id="small letters"),
        pytest.param("1969-12-31T23:59:59.999Z", -1, id="before 1970"),
        pytest.param("2024-02-29T00:00:00Z", 1_709_164_800_000, id="a leap day"),
        pytest.param("2009-01-01T00:00:00Z", EARLIEST_EVENT_MS, id="the first instant of an event"),
        pytest.param("2101-01-01T00:00:00Z", AFTER_LAST_EVENT_MS, id="the first instant too late"),
        pytest.param("0000-03-01T00:00:00Z", -62_135_596_800_000 - 306 * 86_400_000, id="year 0, which RFC 3339 has"),
        pytest.param("9999-12-31T23:59:59.999Z", 253_402_300_799_999, id="the last year"),
    ],
)
def test_an_instant_is_read(text: str, ms: int) -> None:
    assert parse_instant(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2016-12-31T23:59:60Z", id="a real leap second"),
        pytest.param("2026-01-05T09:00:60.000Z", id="a leap second that never was"),
        pytest.param("2026-01-05 09:00:00Z", id="a space for the T"),
        pytest.param("2026-01-05T09:00:00", id="no offset"),
        pytest.param("2026-01-05T09:00:00+0100", id="an offset without colon"),
        pytest.param("2026-01-05T09:00:00+24:00", id="an offset of a day"),
        pytest.param("2026-01-05T09:00:00+01:60", id="sixty minutes of offset"),
        pytest.param("2026-01-05T24:00:00Z", id="hour 24"),
        pytest.param("2026-01-05T09:60:00Z", id="minute 60"),
        pytest.param("2026-01-05T09:00Z", id="no seconds"),
        pytest.param("2026-02-29T00:00:00Z", id="29 February of a common year"),
        pytest.param("2026-13-01T00:00:00Z", id="month 13"),
        pytest.param("2026-00-01T00:00:00Z", id="month 0"),
        pytest.param("2026-01-05T09:00:00.Z", id="a point without digits"),
        pytest.param("2026-01-05T09:00:00.0000000000Z", id="ten digits"),
        pytest.param("2026-01-05T09:00:00,000Z", id="a comma"),
        pytest.param("2026-01-05T09:00:00.000Z\n", id="a line end behind it"),
        pytest.param(" 2026-01-05T09:00:00.000Z", id="a blank before it"),
        pytest.param("2026-01-05T09:00:0٠.000Z", id="an Arabic digit in the seconds"),
        pytest.param("٢٠٢٦-01-05T09:00:00.000Z", id="Arabic digits in the year"),
        pytest.param("2026-01-05T09:00:+1.000Z", id="a sign for a digit"),
        pytest.param("+2026-01-05T09:00:00Z", id="a signed year"),
        pytest.param("2026-W02-1T09:00:00Z", id="a week date"),
        pytest.param("20260105T090000Z", id="the basic form"),
        pytest.param("1767603600", id="Unix seconds"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_instant_is_none(text: str) -> None:
    assert parse_instant(text) is None


@given(ms=st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_what_is_written_is_read_back(ms: int) -> None:
    text = format_instant(ms)
    assert len(text) == len("2026-01-05T09:00:00.000Z")
    assert parse_instant(text) == ms


@given(
    at=st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),  # noqa: DTZ001 - the offset comes next
    offset_minutes=st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_any_offset_means_what_the_standard_library_means(at: datetime, offset_minutes: int) -> None:
    zoned = at.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    assert parse_instant(zoned.isoformat()) == (zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@pytest.mark.parametrize("ms", [-62_135_596_800_001, 253_402_300_800_000, 10**20], ids=["before year 1", "after year 9999", "far away"])
def test_an_instant_that_has_no_text_is_an_error(ms: int) -> None:
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        format_instant(ms)


def test_many_days_are_as_exact_as_one() -> None:
    days_ms = [day * 86_400_000 for day in range(0, 40_000, 7)]
    assert [parse_instant(format_instant(ms)) for ms in days_ms] == days_ms
