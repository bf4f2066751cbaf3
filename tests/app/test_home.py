"""A home: written before anybody is let in, done before it is written where somebody is taken out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import cast

import pytest

from sfu import clock
from sfu.admission.records import Action
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.app import home, ledger
from sfu.errors import Refused, StoreUnavailable
from sfu.ids import ParticipantId, TrackId
from sfu.rooms.commands import Reason
from sfu.rooms.events import MediaConnected, VisitClosed
from sfu.rooms.requests import Admit, Hold, Leave, Lock, Mute, Remove, SendSection, Silence, Source
from sfu.signaling.messages import OfferMessage, ReceiveBinding
from tests.app.house import House, Line

OFFER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-ufrag:abcdefgh
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:1
a={direction}
a=rtcp-mux
a=rtpmap:111 opus/48000/2
""".replace("\n", "\r\n")


def offer(track: str = "") -> OfferMessage:
    """A microphone, and where a track is named a section that receives it."""
    sdp = OFFER.format(fingerprint=":".join(["AB"] * 32), direction="recvonly" if track else "inactive")
    receive = (ReceiveBinding("1", TrackId(track)),) if track else ()
    return OfferMessage(sdp, (SendSection("0", Source.MICROPHONE),), receive)


Furnished = tuple[House, tuple[ParticipantId, Line], tuple[ParticipantId, Line]]


@pytest.fixture
async def furnished() -> AsyncIterator[Furnished]:
    house = House()
    eva = await house.join("eva", Role.CLINICIAN)
    per = await house.join("per", Role.PATIENT)
    house.story.lines.clear()
    yield house, eva, per
    house.home.close()


async def test_an_admission_is_written_before_it_is_answered_or_told(furnished: Furnished) -> None:
    house, eva, per = furnished
    house.story.gate = asyncio.Event()
    asking = asyncio.get_running_loop().create_task(house.ask(eva, Admit(per[0])))
    await asyncio.sleep(0)
    assert per[1].state() is None
    house.story.gate.set()
    await asking
    assert house.story.lines == ["written admitted", "answered"]
    assert per[1].state() == "admitted"


async def test_an_admission_that_cannot_be_written_has_not_happened(furnished: Furnished) -> None:
    house, eva, per = furnished
    house.story.works = False
    before = house.home.room
    with pytest.raises(StoreUnavailable):
        await house.ask(eva, Admit(per[0]))
    assert house.home.room is before
    assert per[1].state() is None
    house.story.works = True
    await house.ask(eva, Admit(per[0]))
    assert per[1].state() == "admitted"


@pytest.mark.parametrize(
    ("take_out", "action", "state"),
    [(Hold, Action.HELD, "waiting"), (Remove, Action.REMOVED, "removed")],
)
async def test_taking_out_is_done_before_it_is_written_and_answered_after(
    furnished: Furnished,
    take_out: Callable[[ParticipantId], Hold | Remove],
    action: Action,
    state: str,
) -> None:
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    house.story.lines.clear()
    house.story.gate = asyncio.Event()
    asking = asyncio.get_running_loop().create_task(house.ask(eva, take_out(per[0])))
    await asyncio.sleep(0)
    assert per[1].state() == state, "a slow disk keeps nobody in"
    assert "answered" not in house.story.lines
    house.story.gate.set()
    await asking
    assert house.story.lines.index(f"written {action}") < house.story.lines.index("answered")


async def test_what_could_not_be_written_is_written_later_in_order(
    furnished: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "RETRY_SECONDS", 0.01)
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    house.story.works = False
    await house.ask(eva, Hold(per[0]))
    assert per[1].state() == "waiting"
    with pytest.raises(StoreUnavailable):
        await house.ask(eva, Admit(per[0]))
    await house.ask(eva, Remove(per[0]))
    assert per[1].state() == "removed"
    house.story.works = True
    house.story.written.clear()
    await asyncio.wait_for(house.story.written.wait(), 60)
    assert house.story.actions == ["admitted", "held", "removed"]


async def test_nobody_gets_in_before_what_was_left_unwritten_is_there(furnished: Furnished) -> None:
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    house.story.works = False
    await house.ask(eva, Hold(per[0]))
    house.story.works = True
    await house.ask(eva, Admit(per[0]))
    assert house.story.actions == ["admitted", "held", "admitted"]


async def test_who_leaves_is_answered_before_the_channel_closes(furnished: Furnished) -> None:
    house, _, per = furnished
    await house.ask(per, Leave())
    assert house.story.lines[-2:] == ["answered", "closed left"]


async def test_a_channel_that_was_replaced_can_ask_for_nothing(furnished: Furnished) -> None:
    house, eva, per = furnished
    house.lose(eva)
    await house.until_away(eva)
    eva_again = await house.join("eva", Role.CLINICIAN)
    assert eva_again[0] == eva[0], "a new ticket takes the place of one who lost the channel"
    with pytest.raises(Refused, match="join_required"):
        await house.ask(eva, Admit(per[0]))
    await house.ask(eva_again, Admit(per[0]))


async def test_a_request_that_waited_while_its_channel_was_replaced_is_refused(furnished: Furnished) -> None:
    house, eva, per = furnished
    loop = asyncio.get_running_loop()
    house.story.gate = asyncio.Event()
    admitting = loop.create_task(house.ask(eva, Admit(per[0])))
    await asyncio.sleep(0)
    waiting = loop.create_task(house.ask(per, Leave()))
    await asyncio.sleep(0)
    house.lose(per)
    await asyncio.sleep(0)
    house.story.gate.set()
    await admitting
    with pytest.raises(Refused, match="join_required"):
        await waiting


async def talking(furnished: Furnished) -> None:
    """Both are in, and hear each other's microphone."""
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    for who in (eva, per):
        await house.ask(who, offer())
        await house.home.tell(MediaConnected(who[0]))
    tracks = {each.participant: each.tracks[0].track for each in house.home.room.participants}
    await house.ask(eva, offer(tracks[per[0]]))
    await house.ask(per, offer(tracks[eva[0]]))
    assert house.story.lines.count("route added") == 2
    house.story.lines.clear()


async def test_an_offer_of_who_waits_is_refused_unread(furnished: Furnished, monkeypatch: pytest.MonkeyPatch) -> None:
    house, _, per = furnished

    def read(sdp: str) -> None:
        raise AssertionError("it is read")

    monkeypatch.setattr(home, "parse_offer", read)
    with pytest.raises(Refused, match="not_admitted"):
        await house.ask(per, OfferMessage("nonsense", (), ()))
    with pytest.raises(Refused, match="not_admitted"):
        await house.ask(per, offer())


async def test_an_offer_of_who_is_put_out_while_it_waits_is_refused_when_its_turn_comes(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    house.story.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    locking = loop.create_task(house.ask(eva, Lock(locked=True)))
    await asyncio.sleep(0)
    holding = loop.create_task(house.ask(eva, Hold(per[0])))
    await asyncio.sleep(0)
    offering = loop.create_task(house.ask(per, offer()))
    await asyncio.sleep(0)
    house.story.gate.set()
    await asyncio.gather(holding, locking)
    with pytest.raises(Refused, match="not_admitted"):
        await offering
    assert "media opened" not in house.story.lines


async def heard_after_their_admission(house: House, whom: ParticipantId, newcomer: tuple[ParticipantId, Line]) -> bool:
    """Whether somebody who was let in, and offers and connects now, is forwarded to or from somebody who was there before."""
    house.story.lines.clear()
    tracks = {each.participant: each.tracks[0].track for each in house.home.room.participants if each.tracks}
    await house.ask(newcomer, offer(tracks[whom]))
    await house.home.tell(MediaConnected(newcomer[0]))
    return "route added" in house.story.lines


def names_of(roster: Mapping[str, object]) -> set[str]:
    return {entry["participant"] for entry in cast(list[dict[str, str]], roster["participants"])}


async def test_who_is_let_in_while_a_loss_waits_for_its_turn_is_not_heard_by_who_was_not_told(
    furnished: Furnished,
) -> None:
    house, eva, per = furnished
    await talking(furnished)
    xen = await house.join("xen", Role.INTERPRETER)
    house.story.gate = asyncio.Event()
    admitting = asyncio.get_running_loop().create_task(house.ask(eva, Admit(xen[0], agreed=True)))
    await asyncio.sleep(0)
    house.lose(per)
    await asyncio.sleep(0)
    house.story.gate.set()
    await admitting
    await house.until_away(per)
    assert xen[0] not in names_of([event for event in per[1].events if event["type"] == "roster"][-1])
    assert not await heard_after_their_admission(house, per[0], xen)
    per_again = await house.resume(per)
    assert xen[0] in names_of([event for event in per_again[1].events if event["type"] == "roster"][-1])
    assert "route added" in house.story.lines


async def test_a_roster_that_a_channel_was_too_slow_for_has_told_it_nothing(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    xen = await house.join("xen", Role.INTERPRETER)
    per[1].full = lambda: house.lose(per)
    await house.ask(eva, Admit(xen[0], agreed=True))
    await house.until_away(per)
    assert not await heard_after_their_admission(house, per[0], xen)


@pytest.mark.parametrize("hush", ["nobody", "staff", "owner"])
async def test_who_is_heard_by_nobody_is_not_the_speaker(furnished: Furnished, hush: str) -> None:
    house, eva, per = furnished
    await talking(furnished)
    track = next(each.tracks[0].track for each in house.home.room.participants if each.participant == per[0])
    if hush == "staff":
        await house.ask(eva, Silence(track))
    if hush == "owner":
        await house.ask(per, Mute(track, muted=True))
    now = clock.monotonic()
    for tenth in range(10):
        house.home.heard([(track, 20), (TrackId("t_gone"), 5)], now + tenth / 10)
    await asyncio.sleep(0)
    speakers = [event["participant"] for event in eva[1].events if event["type"] == "speaker"]
    assert speakers == ([per[0]] if hush == "nobody" else [])


async def test_a_hold_does_not_wait_for_what_others_write(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    house.story.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    writing = loop.create_task(house.ask(eva, Lock(locked=True)))
    await asyncio.sleep(0)
    holding = loop.create_task(house.ask(eva, Hold(per[0])))
    await asyncio.sleep(0)
    assert "media closed" in house.story.lines
    assert "answered" not in house.story.lines
    house.story.gate.set()
    await asyncio.gather(writing, holding)
    assert per[1].state() == "waiting"


async def test_what_is_refused_closes_nothing_ahead(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    house.story.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    writing = loop.create_task(house.ask(eva, Lock(locked=True)))
    await asyncio.sleep(0)
    holding = loop.create_task(house.ask(per, Hold(eva[0])))
    await asyncio.sleep(0)
    assert "media closed" not in house.story.lines
    house.story.gate.set()
    await writing
    with pytest.raises(Refused, match="not_allowed"):
        await holding


async def test_a_fault_while_closing_leaves_nothing_open(furnished: Furnished) -> None:
    house, eva, per = furnished
    await talking(furnished)
    house.story.broken = "drop_route"
    with pytest.raises(Refused, match="internal"):
        await house.ask(eva, Remove(per[0]))
    assert per[0] not in house.story.open_for
    assert per[1].state() == "removed"
    assert per[1].closed is Reason.TURNED_AWAY
    assert "written removed" in house.story.lines
    assert house.counters.bugs == 1


async def test_an_offer_that_cannot_be_carried_out_leaves_no_transport(furnished: Furnished) -> None:
    house, eva, _ = furnished
    house.story.broken = "open"
    with pytest.raises(Refused, match="internal"):
        await house.ask(eva, offer())
    assert house.story.open_for == set()
    house.story.broken = ""
    await house.ask(eva, offer())
    assert eva[0] in house.story.open_for


async def test_what_is_over_when_its_turn_comes_is_passed_by(furnished: Furnished) -> None:
    house, eva, _ = furnished
    before = house.home.room
    await house.home.tell(MediaConnected(eva[0]), still=lambda: False)
    assert house.home.room is before


async def test_the_last_steps_are_written_at_the_end(furnished: Furnished) -> None:
    house, eva, per = furnished
    await house.ask(eva, Admit(per[0]))
    house.story.works = False
    await house.ask(eva, Remove(per[0]))
    house.story.works = True
    house.home.close()
    await house.home.flush()
    assert house.story.actions == ["admitted", "removed"]


async def test_an_ended_visit_closes_every_channel(furnished: Furnished) -> None:
    house, eva, per = furnished
    await house.home.change(VisitClosed(VisitState.ENDED, "portal:demo"))
    assert {eva[1].closed, per[1].closed} == {Reason.VISIT_ENDED}
    assert {eva[1].state(), per[1].state()} == {"ended"}
