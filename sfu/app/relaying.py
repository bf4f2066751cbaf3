"""Hands relay credentials to those who are in, anew before those they have end, so that a reconnect finds good ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from sfu import clock
from sfu.admission.relays import Relays
from sfu.ids import new_token
from sfu.web.channel import Channel

EVENT = "ice_servers"


def with_relays(relays: Relays, answer: Mapping[str, object]) -> dict[str, object]:
    """The answer to a join, with relays for whoever it says is admitted."""
    fields = dict(answer)
    if relays and fields.get("state") == "admitted":
        fields[EVENT] = relays.ice_servers(clock.wall(), new_token())
    return fields


def tell_relays(relays: Relays, channel: Channel) -> None:
    """Hand credentials to somebody who is in."""
    if relays:
        channel.notify({"type": EVENT, EVENT: relays.ice_servers(clock.wall(), new_token())}, EVENT)


class Live(Protocol):
    """A visit that is live."""

    def hand_out_relays(self) -> None:
        """Give everybody who is in a new credential."""
        ...


class Renewal:
    """Every half of a credential's lifetime, everybody who is in gets another."""

    def __init__(self, relays: Relays, visits: Callable[[], Iterable[Live]]) -> None:
        self._relays = relays
        self._visits = visits
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Without relays: nothing."""
        if self._relays:
            delay = self._relays.lifetime.total_seconds() / 2
            self._timer = asyncio.get_running_loop().call_later(delay, self._renew)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _renew(self) -> None:
        for visit in self._visits():
            visit.hand_out_relays()
        self.start()
