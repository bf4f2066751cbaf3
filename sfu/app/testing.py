"""Trying one's equipment (protocol.md): for 20 seconds, a transport that gives its owner's own media back to them.

It belongs to no visit and no room: nobody else is named by it, hears of it, or gets a packet of it. The one transport
there is without an admission, so it is kept apart from homes, and its routes have their owner at both ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sfu import clock
from sfu.admission.limits import Knocks
from sfu.app.media import Media
from sfu.errors import Code, Refused
from sfu.ids import ChannelId, ParticipantId, TrackId, new_token
from sfu.rooms.commands import OpenMedia, Reason, SendBinding
from sfu.rooms.requests import Offer, ReceiveSection, Source
from sfu.signaling.messages import Asking, OfferMessage
from sfu.signaling.sdp.offer import parse_offer
from sfu.signaling.sdp.plan import bind
from sfu.transport.parameters import Connected, Failed, Report
from sfu.web.channel import Channel

TEST_SECONDS: Final = 20.0
TESTS_PER_HOUR: Final = 3
"""Tests with one ticket or one link, an hour."""
ECHOES: Final = {f"echo:{source}": source for source in (Source.MICROPHONE, Source.CAMERA)}
"""What a test may receive, and what it is an echo of. Each once: what goes out is never more than what comes in."""

Answer = Callable[[Mapping[str, object]], None]


@dataclass(slots=True, kw_only=True)
class EchoTest:
    """One test, from its acceptance to its end."""

    channel: Channel
    owner: ParticipantId
    """Names its transport; nobody's participant, and on no roster."""
    timer: asyncio.TimerHandle
    routes: tuple[tuple[TrackId, str], ...] | None = None
    """(track, receiving section), to be opened when the handshake is done; None before the offer."""


class EchoTests:
    """Every test that is under way, and the count of those that were."""

    def __init__(self, media: Media, capacity: int) -> None:
        """`capacity` is tests at a time."""
        self._media = media
        self._capacity = capacity
        self._by_channel: dict[ChannelId, EchoTest] = {}
        self._by_owner: dict[ParticipantId, EchoTest] = {}
        self._counts: dict[str, Knocks] = {}

    def __contains__(self, channel: ChannelId) -> bool:
        return channel in self._by_channel

    def is_owner(self, owner: ParticipantId) -> bool:
        """Whether a transport of this owner is that of a test under way."""
        return owner in self._by_owner

    def begin(self, channel: Channel, way: str, answer: Answer) -> None:
        """Begin a test for whoever holds the ticket or link that `way` names. Raises Refused where there are too many."""
        now = clock.monotonic()
        self._counts = {each: count for each, count in self._counts.items() if count.within(now)}
        count = self._counts.get(way, Knocks())
        if count.within(now) >= TESTS_PER_HOUR:
            raise Refused(Code.RATE_LIMITED, "This link has been tested with often enough. Try again in an hour.")
        if len(self._by_channel) >= self._capacity:
            raise Refused(Code.RATE_LIMITED, "Too many are testing now. Try again in a minute.")
        self._counts[way] = count.with_one(now)
        timer = asyncio.get_running_loop().call_later(TEST_SECONDS, self._end, channel.id)
        test = EchoTest(channel=channel, owner=ParticipantId(f"test_{new_token()}"), timer=timer)
        self._by_channel[channel.id] = self._by_owner[test.owner] = test
        answer({"seconds": int(TEST_SECONDS), "ice_servers": []})

    def ask(self, channel: Channel, request: Asking, answer: Answer) -> None:
        """Take what a test may ask: its one offer, and to leave."""
        test = self._by_channel[channel.id]
        if not isinstance(request, OfferMessage):
            answer({})
            self._end(channel.id)
            return
        if test.routes is not None:
            raise Refused(Code.BAD_MESSAGE, "A test has one offer.")
        offer = parse_offer(request.sdp)
        send, receive = bind(request, offer)
        tracks = {section.source: TrackId(f"{test.owner}:{section.source}") for section in send}
        if len(tracks) != len(send) or not tracks.keys() <= set(ECHOES.values()):
            raise Refused(Code.BAD_MESSAGE, "send: a test sends one microphone, one camera, or both.")
        echoed = tuple(_echo(section, tracks) for section in receive)
        if len({section.track for section in echoed}) != len(echoed):
            raise Refused(Code.BAD_MESSAGE, "receive: each echo is received once.")
        command = OpenMedia(
            test.owner,
            Offer(send, echoed, fresh=True),
            tuple(SendBinding(section.mid, tracks[section.source], section.source.kind) for section in send),
        )
        try:
            sdp = self._media.open(None, command, offer, clock.monotonic())
        except Exception:
            self._media.close(test.owner)
            raise
        test.routes = tuple((section.track, section.mid) for section in echoed)
        answer({"sdp": sdp, "send": [{"mid": section.mid, "track": f"echo:{section.source}"} for section in send]})

    def report(self, owner: ParticipantId, report: Report) -> None:
        """Take what the endpoint reports of a test's transport."""
        test = self._by_owner.get(owner)
        if test is None:
            return
        if isinstance(report, Connected):
            for track, mid in test.routes or ():
                self._media.add_route(track, owner, mid)
        elif isinstance(report, Failed):
            self._end(test.channel.id)

    def lost(self, channel: Channel) -> None:
        """A channel has closed; where it tested, that is over."""
        self._forget(channel.id)

    def stop(self) -> None:
        """End them all, without a word."""
        for channel in list(self._by_channel):
            self._forget(channel)

    def _end(self, channel: ChannelId) -> None:
        test = self._forget(channel)
        if test is not None:
            test.channel.close(Reason.LEFT)

    def _forget(self, channel: ChannelId) -> EchoTest | None:
        test = self._by_channel.pop(channel, None)
        if test is not None:
            del self._by_owner[test.owner]
            test.timer.cancel()
            self._media.close(test.owner)
        return test


def _echo(section: ReceiveSection, tracks: Mapping[Source, TrackId]) -> ReceiveSection:
    """The section, bound to the test's own track. Raises Refused for anything that is not an echo of what is sent."""
    source = ECHOES.get(section.track)
    if source is None or source not in tracks:
        raise Refused(Code.TRACK_UNKNOWN, "A test receives echo:microphone and echo:camera, of what it sends.")
    if source.kind != section.kind:
        raise Refused(Code.BAD_MESSAGE, f"receive: the section for echo:{source} is of kind {source.kind}.")
    return ReceiveSection(mid=section.mid, kind=section.kind, track=tracks[source])
