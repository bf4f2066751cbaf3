"""A calendar entry (RFC 5545) for an invitation: a time and a link. No attendees, no organizer, no title of the visit."""

from __future__ import annotations

from datetime import datetime

from icalendar import Calendar, Event


def entry(uid: str, *, at: datetime, starts_at: datetime, ends_at: datetime, summary: str, link: str) -> str:
    """The entry as text, lines ending in CRLF. `at`: when it is made.

    There is no METHOD: it is an entry to keep, not a meeting to answer, so no calendar program writes to anybody.
    """
    event = Event()
    event.add("UID", uid)
    event.add("DTSTAMP", at)
    event.add("DTSTART", starts_at)
    event.add("DTEND", ends_at)
    event.add("SUMMARY", summary)
    event.add("DESCRIPTION", link)
    event.add("URL", link)
    event.add("CLASS", "PRIVATE")
    calendar = Calendar()
    calendar.add("PRODID", "-//evisit//invitation//")
    calendar.add("VERSION", "2.0")
    calendar.add_component(event)
    encoded: bytes = calendar.to_ical()
    return encoded.decode()
