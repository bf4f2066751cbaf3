"""When a channel counts as lost: from the first word on that it may not take, before its goodbye."""

from __future__ import annotations

import asyncio

from sfu.rooms.commands import Reason
from tests.web.test_channel import Served, Socket, client, limits, served, socket

FIXTURES = (client, limits, served, socket)


async def test_a_channel_is_lost_at_the_first_word_that_it_does_not_take(served: Served, socket: Socket) -> None:
    await socket.join()
    (channel,) = served.script.joined
    words = 0
    while not served.script.lost_channels:
        assert words < 1_000, "somewhere it is full"
        channel.notify({"type": "notice", "text": f"{words}"})
        words += 1
    assert served.script.lost_channels == [channel], "told at once: the client has not been given a turn to read"
    assert await socket.closed_with() == 4408
    assert served.script.lost_channels == [channel]


async def test_a_channel_is_lost_before_the_goodbye(served: Served, socket: Socket) -> None:
    await socket.join()
    (channel,) = served.script.joined
    channel.close(Reason.TURNED_AWAY)
    assert served.script.lost_channels == [channel]
    assert await socket.closed_with() == 4403
    assert served.script.lost_channels == [channel]


async def test_a_channel_that_closes_while_its_join_waits_is_lost_as_soon_as_it_has_joined(
    served: Served, socket: Socket
) -> None:
    served.script.door = asyncio.Event()
    await socket.send(type="join", id=1, ticket="good")
    await asyncio.wait_for(served.script.waited.wait(), 60)
    served.signalling.go_away()
    assert served.script.lost_channels == [], "it has not joined"
    served.script.door.set()
    await asyncio.wait_for(served.script.gone.wait(), 60)
    assert served.script.lost_channels == served.script.joined
