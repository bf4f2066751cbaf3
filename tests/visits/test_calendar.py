"""The calendar entry: a time and a link, and nobody's name."""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import Calendar

from sfu.visits.calendar import entry

START, END = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LINK = "https://evisit.example/join#visit=v_1&key=" + "k" * 43
TEXT = entry("v_1@region.example", at=START, starts_at=START, ends_at=END, summary="Inbjudan; åäö, \\n", link=LINK)


def test_it_reads_back_as_it_was_meant() -> None:
    calendar = Calendar.from_ical(TEXT)
    (event,) = calendar.walk("VEVENT")
    assert [event.decoded(name) for name in ("DTSTART", "DTEND", "DTSTAMP")] == [START, END, START]
    assert (event["UID"], event["SUMMARY"], event["URL"]) == ("v_1@region.example", "Inbjudan; åäö, \\n", LINK)
    assert event["DESCRIPTION"] == LINK


def test_there_is_nobody_in_it_and_nothing_to_answer() -> None:
    for word in ("ATTENDEE", "ORGANIZER", "METHOD", "mailto", "VALARM"):
        assert word not in TEXT


def test_its_lines_are_as_rfc_5545_has_them() -> None:
    assert TEXT.endswith("\r\n")
    for line in TEXT.split("\r\n"):
        assert "\n" not in line
        assert len(line.encode()) <= 75
